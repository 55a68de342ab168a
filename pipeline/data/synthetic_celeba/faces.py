"""What an image shows: a person's attributes turned into amounts, colours and positions.

Nothing here knows the label Young or Smiling: the drawing sees only apparent age and expression,
and the attributes that are drawn as such (grey hair, glasses, ...).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from pipeline.data.synthetic_celeba.attributes import AGE_DISTANCE, sample_people
from pipeline.data.synthetic_celeba.draws import Draws

# From light to dark, RGB; spaced by eye after the Monk Skin Tone scale.
_SKIN = np.array(
    [
        (244, 222, 204),
        (236, 204, 178),
        (226, 188, 154),
        (212, 168, 132),
        (188, 140, 104),
        (158, 110, 78),
        (122, 82, 58),
        (92, 62, 48),
    ],
    dtype=float,
)
_HAIR = {
    "Black_Hair": (32, 28, 28),
    "Blond_Hair": (214, 180, 116),
    "Brown_Hair": (94, 62, 40),
    "Gray_Hair": (182, 182, 184),
}
_OTHER_HAIR = np.array([(58, 42, 34), (128, 66, 40), (146, 112, 74)], dtype=float)
_IRIS = np.array([(70, 44, 28), (84, 60, 36), (70, 96, 60), (84, 116, 150)], dtype=float)
_LIPSTICK = np.array([(186, 32, 48), (206, 70, 96), (160, 40, 62), (214, 104, 104)], dtype=float)
_GREY = np.array((172.0, 172.0, 174.0))
# Where the smile of an expression saturates: a broad grin is no broader for a stronger feeling.
_SMILE_SCALE = 1.8

Colour = tuple[float, float, float]


class Face(NamedTuple):
    """One face as it is drawn. Lengths are pixels of a 178 x 218 image, strengths are 0 to 1."""

    attributes: dict[str, bool]
    identity: int
    skin: Colour
    hair: Colour
    brow: Colour
    iris: Colour
    lips: Colour
    clothes: Colour
    backdrop: list[float]  # four corners, RGB
    light: list[float]  # four corners, 1 is neutral
    texture: tuple[float, float]  # where the noise tile is cut, 0 to 1
    width: float  # half the face's width
    jaw: float  # 0 pointed, 1 square
    chin: float  # its y
    hairline: float  # its y in the middle
    temples: float  # how far the hair recedes beside the middle
    volume: float  # of the hair
    length: float  # of the hair, its lower y
    smile: float  # -1 to 1
    opening: float  # of the mouth
    mouth: tuple[float, float, float]  # its x, y and half its width at rest
    lip: float  # thickness, 1 is average
    eye: float  # opening, 1 is average
    brows: tuple[float, float, float]  # y, arch, thickness
    nose: tuple[float, float]  # half its width, y of its tip
    forehead: float  # the strength of each sign of age
    crows_feet: float
    bags: float
    folds: float
    marionette: float
    roughness: float
    turn: float  # how far the head is turned, in pixels of the nose
    roll: float  # degrees
    scale: float
    shift: tuple[float, float]
    blur: float  # Gaussian, its deviation; 0 is sharp
    variant: float  # 0 to 1, a free choice: shape of glasses, kind of hat


def sample(seed: int, split: str, start: int, count: int, pictures: int = 1) -> Iterator[Face]:
    """The faces [start, start + count) of a split; the same whatever range they are asked in.

    A person has so many `pictures` on average, all of them in one split, as in CelebA.
    """
    draws = Draws(seed, split, start, count, pictures)
    people = sample_people(draws)
    has = {name: value.astype(float) for name, value in people.attributes.items()}
    columns = (
        _colours(draws, has, people.age)
        | _build(draws, has)
        | _features(draws, has, people)
        | _age(draws, has, people)
        | _camera(draws, has)
    )
    listed = {name: column.tolist() for name, column in columns.items()}
    labels = [
        dict(zip(people.attributes, row, strict=True))
        for row in zip(*(value.tolist() for value in people.attributes.values()), strict=True)
    ]
    # By split and place of the person's first picture.
    identities = draws.first + 1 + {"train": 0, "validation": 1, "test": 2}[split] * 10_000_000
    for index in range(count):
        own = {name: column[index] for name, column in listed.items()}
        yield Face(attributes=labels[index], identity=int(identities[index]), **own)


def _apparent(age: NDArray[np.float64]) -> NDArray[np.float64]:
    """How old a face looks, 0 to 1; the signs of age come in between the two groups."""
    return expit(1.7 * (age - AGE_DISTANCE / 2))


def _pick(palette: NDArray[np.float64], draw: NDArray[np.float64]) -> NDArray[np.float64]:
    return palette[(draw * len(palette)).astype(int)]


def _mix(one, other, amount) -> NDArray[np.float64]:
    return one + (other - one) * np.reshape(amount, (-1, 1))


def _colours(draws: Draws, has, age) -> dict[str, NDArray]:
    tone = np.clip(draws.uniform(0.0, 7.0, alike=1) ** 1.6 / 7.0**0.6, 0, 7)
    tone = np.where(has["Pale_Skin"] > 0, 0.3 * draws.uniform(alike=1), tone)
    skin = np.stack([np.interp(tone, np.arange(8), _SKIN[:, c]) for c in range(3)], axis=1)
    skin = skin * (1 + 0.03 * np.stack([draws.normal(alike=1) for _ in range(3)], axis=1))
    looks = _apparent(age)
    hair = _pick(_OTHER_HAIR, draws.uniform(alike=1))
    for name, colour in _HAIR.items():
        hair = np.where(has[name][:, None] > 0, np.array(colour, dtype=float), hair)
    greying = looks * draws.uniform(0.1, 0.75, alike=1) * (1 - has["Gray_Hair"])
    hair = _mix(hair * draws.uniform(0.85, 1.15, alike=1)[:, None], _GREY, greying)
    brow = _mix(0.65 * hair, skin, 0.12)
    bare = np.array((0.86, 0.62, 0.62)) * skin
    painted = _pick(_LIPSTICK, draws.uniform())
    lips = np.where(
        has["Wearing_Lipstick"][:, None] > 0,
        _mix(painted, bare, 0.25 * looks),
        _mix(bare, skin, 0.15 + 0.35 * looks),
    )
    grey = draws.uniform(35, 215)
    backdrop = np.stack([grey + draws.normal(18.0) for _ in range(3)], axis=1)
    backdrop = np.concatenate([backdrop + draws.normal(14.0)[:, None] for _ in range(4)], axis=1)
    clothes = np.stack([draws.uniform(15, 215) for _ in range(3)], axis=1)
    clothes = _mix(clothes, clothes.mean(axis=1, keepdims=True), draws.uniform())
    return {
        "skin": np.clip(skin, 20, 250),
        "hair": np.clip(hair, 8, 245),
        "brow": np.clip(brow, 8, 245),
        "lips": np.clip(lips, 10, 250),
        "iris": _pick(_IRIS, draws.uniform(alike=1)),
        "clothes": clothes,
        "backdrop": np.clip(backdrop, 5, 250),
    }


def _build(draws: Draws, has) -> dict[str, NDArray]:
    male, wavy = has["Male"], has["Wavy_Hair"]
    short = 92 + draws.uniform(0, 14, alike=1)
    long = draws.uniform(140, 240, alike=1)
    is_long = draws.uniform(alike=1) < np.where(male > 0, 0.06, 0.85)
    hairline = 80 + draws.normal(2.0, alike=1) - 9 * has["Receding_Hairline"]
    return {
        "width": (
            41.5
            + 1.3 * male
            + 2.8 * has["Chubby"]
            - 1.2 * has["Oval_Face"]
            + draws.normal(1.0, alike=1)
        ),
        "jaw": np.clip(
            0.35
            + 0.3 * male
            + 0.25 * has["Chubby"]
            - 0.25 * has["Oval_Face"]
            + draws.normal(0.12, alike=1),
            0,
            1,
        ),
        "chin": 184 + 2 * male + 1.5 * has["Oval_Face"] + draws.normal(1.6, alike=1),
        "hairline": hairline,
        "volume": np.clip(3 + 4 * wavy + 3 * (1 - male) + draws.normal(2.0, alike=1), 1, 16),
        "length": np.where(is_long, long, short),
    }


def _features(draws: Draws, has, people) -> dict[str, NDArray]:
    smile = np.tanh(people.smile / _SMILE_SCALE)
    looks = _apparent(people.age)
    grin = np.clip(smile, 0, 1)
    opening = has["Mouth_Slightly_Open"] * (2.2 + draws.uniform(0, 3.5) + 5 * grin)
    mouth = np.stack(
        [
            89 + draws.normal(0.6, alike=1),
            152.5 + draws.normal(0.7, alike=1),
            15.2 + draws.normal(0.8, alike=1),
        ],
        axis=1,
    )
    arched, bushy = has["Arched_Eyebrows"], has["Bushy_Eyebrows"]
    brows = np.stack(
        [
            98.0 + draws.normal(1.2, alike=1),
            2.0 + 2.5 * arched + draws.normal(0.5, alike=1),
            2.6 + 1.8 * bushy + 0.5 * has["Male"] + draws.uniform(-0.4, 0.4, alike=1),
        ],
        axis=1,
    )
    nose = np.stack(
        [
            8.5
            + 2 * has["Big_Nose"]
            - 1.2 * has["Pointy_Nose"]
            + 0.8 * has["Male"]
            + draws.normal(0.5, alike=1),
            135 + draws.normal(1.2, alike=1),
        ],
        axis=1,
    )
    return {
        "smile": smile,
        "opening": opening,
        "mouth": mouth,
        "lip": np.clip(
            1 + 0.35 * has["Big_Lips"] - 0.3 * looks + draws.normal(0.08, alike=1), 0.45, 1.6
        ),
        "eye": np.clip(
            1 - 0.3 * has["Narrow_Eyes"] - 0.3 * grin - 0.14 * looks + draws.normal(0.07, alike=1),
            0.4,
            1.25,
        ),
        "brows": brows,
        "nose": nose,
    }


def _age(draws: Draws, has, people) -> dict[str, NDArray]:
    looks = _apparent(people.age)
    recede = has["Receding_Hairline"] + 0.5 * looks * has["Male"] * draws.uniform(alike=1)
    signs = {
        name: np.clip(
            looks * draws.uniform(0.45, 1.0, alike=1) + 0.06 * draws.uniform(alike=1), 0, 1
        )
        for name in ("forehead", "crows_feet", "folds", "marionette", "roughness")
    }
    bags = np.clip(
        0.55 * looks * draws.uniform(0.4, 1, alike=1) + 0.45 * has["Bags_Under_Eyes"], 0, 1
    )
    return signs | {"bags": bags, "temples": 9 * np.clip(recede, 0, 1)}


def _camera(draws: Draws, has) -> dict[str, NDArray]:
    level = 0.9 + draws.normal(0.08)
    light = np.stack([level + draws.normal(0.06) for _ in range(4)], axis=1)
    return {
        "light": np.clip(light, 0.6, 1.4),
        "texture": np.stack([draws.uniform(), draws.uniform()], axis=1),
        "turn": np.clip(draws.normal(1.5), -4, 4),
        "roll": np.clip(draws.normal(1.6), -5, 5),
        "scale": 1 + np.clip(draws.normal(0.015), -0.04, 0.04),
        "shift": np.clip(np.stack([draws.normal(0.8), draws.normal(0.8)], axis=1), -3, 3),
        "blur": has["Blurry"] * (1.3 + draws.uniform(0, 1.2)),
        "variant": draws.uniform(),
    }
