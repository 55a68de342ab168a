"""Who is in the set: the 40 attributes of CelebA and how they depend on sex, age and expression.

The frequencies are those published for CelebA's 202,599 images (list_attr_celeba.txt). How
attributes depend on each other is a plausible guess, not a published number, except for Smiling
and Young (see `TRAITS`).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from pipeline.data.synthetic_celeba.draws import Draws

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Trait:
    """An attribute: its overall frequency and how sex and age move its log odds.

    It can only occur where `requires` does, and where none of `excludes` does. `alike` is the chance
    that a picture of somebody has it as their first one has.
    """

    name: str
    frequency: float
    male: float = 0.0
    not_young: float = 0.0
    requires: str | None = None
    excludes: tuple[str, ...] = ()
    alike: float = 1.0


_HAIR = ("Bald", "Gray_Hair", "Blond_Hair", "Brown_Hair")
_TODAY = 0.5  # clothes, make-up and the like change from picture to picture
# Not Young is 0.22638 of CelebA; Smiling is a little commoner there (test split: .5136 v .4960).
TRAITS = (
    Trait("Male", 0.41675, not_young=1.18),
    Trait("Smiling", 0.48208, not_young=0.07, alike=0.0),
    Trait("No_Beard", 0.83494, male=-9.0),
    Trait("5_o_Clock_Shadow", 0.11114, not_young=-0.5, excludes=("No_Beard",), alike=_TODAY),
    Trait("Goatee", 0.06276, not_young=0.2, excludes=("No_Beard",)),
    Trait("Mustache", 0.04155, not_young=0.6, excludes=("No_Beard",)),
    Trait("Sideburns", 0.05651, excludes=("No_Beard",)),
    Trait("Bald", 0.02244, male=4.0, not_young=2.0),
    Trait("Gray_Hair", 0.04194, male=1.0, not_young=3.8, excludes=_HAIR[:1]),
    Trait("Blond_Hair", 0.14799, male=-2.4, not_young=0.2, excludes=_HAIR[:2]),
    Trait("Brown_Hair", 0.20519, male=-0.6, not_young=-0.4, excludes=_HAIR[:3]),
    Trait("Black_Hair", 0.23925, male=0.5, not_young=-0.7, excludes=_HAIR),
    Trait("Wavy_Hair", 0.31957, male=-1.8, not_young=-0.3, excludes=("Bald",), alike=_TODAY),
    Trait("Straight_Hair", 0.20840, male=0.2, excludes=("Bald", "Wavy_Hair"), alike=_TODAY),
    Trait("Bangs", 0.15158, male=-1.2, not_young=-0.5, excludes=("Bald",), alike=_TODAY),
    Trait("Receding_Hairline", 0.07978, male=0.8, not_young=2.0, excludes=("Bald", "Bangs")),
    Trait("Wearing_Lipstick", 0.47244, male=-6.0, not_young=-0.5, alike=_TODAY),
    Trait("Heavy_Makeup", 0.38692, not_young=-0.8, requires="Wearing_Lipstick", alike=_TODAY),
    Trait("Wearing_Earrings", 0.18893, male=-3.0, not_young=0.2, alike=_TODAY),
    Trait("Wearing_Necklace", 0.12297, male=-2.5, alike=_TODAY),
    Trait("Wearing_Necktie", 0.07271, male=5.0, not_young=1.5, alike=_TODAY),
    Trait("Wearing_Hat", 0.04846, male=1.2, not_young=0.2, alike=_TODAY),
    Trait("Eyeglasses", 0.06512, male=1.3, not_young=1.5, alike=_TODAY),
    Trait("Attractive", 0.51250, male=-1.2, not_young=-2.2, alike=_TODAY),
    Trait("Arched_Eyebrows", 0.26698, male=-2.2),
    Trait("Bushy_Eyebrows", 0.14217, male=1.8, not_young=-0.2),
    Trait("Bags_Under_Eyes", 0.20457, male=1.1, not_young=1.3),
    Trait("Narrow_Eyes", 0.11515),
    Trait("Big_Lips", 0.24080, male=-0.9, not_young=-0.5),
    Trait("Big_Nose", 0.23453, male=1.5, not_young=1.2),
    Trait("Pointy_Nose", 0.27744, male=-0.8, not_young=-0.3),
    Trait("Oval_Face", 0.28414, male=-0.5, not_young=-0.4),
    Trait("Chubby", 0.05757, male=1.2, not_young=1.6),
    Trait("Double_Chin", 0.04669, male=0.9, not_young=2.2),
    Trait("Pale_Skin", 0.04295, male=-0.8, not_young=-0.5),
    Trait("Rosy_Cheeks", 0.06572, male=-3.0, not_young=-0.3, alike=_TODAY),
    Trait("Blurry", 0.05090, alike=0.0),
)
YOUNG = 0.77362
MOUTH_SLIGHTLY_OPEN = 0.48343
HIGH_CHEEKBONES = 0.45503
ATTRIBUTES = tuple(
    sorted([trait.name for trait in TRAITS] + ["Young", "Mouth_Slightly_Open", "High_Cheekbones"])
)

# Apparent age: Gaussian with unit variance, this far apart between Young and Not Young.
AGE_DISTANCE = 2.6
# Expression: unit Gaussians around these. A faint smile was labelled Smiling, but hardly shows: where
# it overlaps with a face at rest no one can tell, as with the annotators of the real set.
SMILE_MEAN = 1.9
FAINT_MEAN = -1.1
FAINT_SHARE = 0.18  # of those labelled Smiling
REST_MEAN = -1.7
# An older face at rest looks more like a smile, the more so the older it looks.
REST_DRIFT = 0.30
# How often a picture has the expression that is its person's own: some hardly show a smile, and some
# look as if they smiled when they do not, so that mistakes about one person resemble each other.
FAINT_ALIKE = 0.5
EXPRESSION_ALIKE = 0.3
OPEN_DEVIATION = 0.8
CHEEK_DEVIATION = 1.2


@dataclass(frozen=True)
class People:
    """Attributes by name, and the two amounts behind Young and Smiling; arrays of one length."""

    attributes: dict[str, Bools]
    age: NDArray[np.float64]
    smile: NDArray[np.float64]


def sample_people(draws: Draws) -> People:
    """Draws the people of the images of `draws`."""
    found = {"Young": draws.uniform(alike=1) < YOUNG}
    not_young = ~found["Young"]
    probabilities = _conditionals()
    for trait in TRAITS:
        sex = found.get("Male", np.zeros_like(not_young))
        drawn = draws.uniform(alike=trait.alike)
        present = drawn < probabilities[trait.name][not_young * 1, sex * 1]
        if trait.requires:
            present &= found[trait.requires]
        for other in trait.excludes:
            present &= ~found[other]
        found[trait.name] = present
    age = AGE_DISTANCE * not_young + draws.normal(alike=1)
    smiling = found["Smiling"]
    faint = draws.uniform(alike=FAINT_ALIKE) < FAINT_SHARE
    smile = np.where(
        smiling, np.where(faint, FAINT_MEAN, SMILE_MEAN), REST_MEAN + REST_DRIFT * age
    ) + draws.normal(alike=EXPRESSION_ALIKE)
    cut = _expression_cut(MOUTH_SLIGHTLY_OPEN, OPEN_DEVIATION)
    found["Mouth_Slightly_Open"] = smile + draws.normal(OPEN_DEVIATION) > cut
    cut = _expression_cut(HIGH_CHEEKBONES, CHEEK_DEVIATION)
    found["High_Cheekbones"] = smile + draws.normal(CHEEK_DEVIATION) > cut
    return People({name: found[name] for name in ATTRIBUTES}, age, smile)


@cache
def _conditionals() -> dict[str, NDArray[np.float64]]:
    """P(trait | not young, male, allowed), shape [2, 2] each, meeting every trait's frequency."""
    people = np.outer([YOUNG, 1 - YOUNG], [1.0, 0.0])  # the share of each cell; sex comes first
    overall: dict[str, NDArray[np.float64]] = {}  # P(trait | not young, male)
    conditionals = {}
    for trait in TRAITS:
        allowed = overall[trait.requires] if trait.requires else np.ones((2, 2))
        for other in trait.excludes:  # those of one trait exclude each other as well
            allowed = allowed - overall[other]
        odds = np.array([[0.0, trait.male], [trait.not_young, trait.not_young + trait.male]])
        share = people * allowed

        def excess(intercept, share=share, odds=odds, trait=trait):
            return np.sum(share * expit(intercept + odds)) - trait.frequency

        conditional = expit(brentq(excess, -30.0, 30.0) + odds)
        conditionals[trait.name], overall[trait.name] = conditional, allowed * conditional
        if trait.name == "Male":
            male = conditional[:, 0]
            people = np.stack([people[:, 0] * (1 - male), people[:, 0] * male], axis=1)
    return conditionals


@cache
def _expression_cut(frequency: float, deviation: float) -> float:
    """The cut that smile plus Gaussian noise exceeds with this frequency."""
    smiling = _conditionals()["Smiling"][:, 0]
    groups = np.array([YOUNG, 1 - YOUNG])
    rest = REST_MEAN + REST_DRIFT * np.array([0.0, AGE_DISTANCE])
    spread = np.hypot(1.0, deviation)

    def excess(cut):
        shown = (1 - FAINT_SHARE) * ndtr((SMILE_MEAN - cut) / spread) + FAINT_SHARE * ndtr(
            (FAINT_MEAN - cut) / spread
        )
        above = smiling * shown + (1 - smiling) * ndtr((rest - cut) / np.hypot(spread, REST_DRIFT))
        return np.sum(groups * above) - frequency

    return brentq(excess, -10.0, 10.0)
