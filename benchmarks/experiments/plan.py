"""What an experiment is: the constraint that is promised, the sizes, the training."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from components.constrained_trainer.config import TrainingConfig
from fairgate.constraints import language
from fairgate.constraints.expressions import Constraint
from fairgate.errors import SettingsError

FRACTIONS = {
    # 100 to 12,800 of the 80,000 that are drawn by default; 99 to 6,579 of 13,158.
    "stand-in": (0.00125, 0.0025, 0.005, 0.01, 0.04, 0.16),
    "smiles": (0.0075, 0.015, 0.03, 0.06, 0.2, 0.5),
}
_SMALLEST = 8  # examples that can be divided

# A minibatch, how often training goes through its examples, and the least and most steps of it.
BATCH, PASSES, STEPS, SNAPSHOTS = 64, 12, (150, 600), 8
# The multiplier player's: a quarter of a small minibatch, as the trainer's default is, has no rates.
MULTIPLIERS = {"batch_share": 1.0, "learning_rate": 0.1}


@dataclass(frozen=True)
class Plan:
    """What must be the same for two trials to belong to one experiment.

    Attributes:
        data: name of the dataset.
        constraint: what is promised, a line of the constraint language.
        delta: allowed probability of promising too much.
        network: a network of the trainer.
        spare: share of the way from the limit to perfect fairness that training leaves for the safety
            test, in [0, 1): with 0 it would aim at models of which every second one fails.
        truth: most rows of the ground truth.
        seed: of the experiment.
    """

    data: str
    constraint: str
    delta: float = 0.05
    network: str = "mlp"
    spare: float = 0.5
    truth: int = 20_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.delta < 1:
            raise SettingsError(f"--delta {self.delta:g}: expected a number between 0 and 1")
        if not 0 <= self.spare < 1:
            raise SettingsError(f"--spare {self.spare:g}: expected 0 or more, and less than 1")

    @property
    def slug(self) -> str:
        """A name for folders."""
        text = re.sub(r"[^A-Za-z0-9.]+", "-", self.constraint).strip("-").lower()
        return f"{self.data}-{text}-{self.delta:g}"

    def as_json(self) -> dict[str, object]:
        """All of it, and how long its trainings are."""
        lengths = {"batch": BATCH, "passes": PASSES, "steps": list(STEPS), "snapshots": SNAPSHOTS}
        return asdict(self) | {"training": lengths | MULTIPLIERS}


def default_constraint(groups: Mapping[str, Sequence[str]]) -> str:
    """The guide's: accuracy in the worse group at least 0.8 of that in the better one.

    Between the first two groups of the first feature.
    """
    a, b = next(iter(groups.values()))[:2]
    return f"min(ACC|[{a}]/ACC|[{b}], ACC|[{b}]/ACC|[{a}]) >= 0.8"


def default_fractions(data: str, rows: int) -> tuple[float, ...]:
    """Six, from a hundred examples on."""
    steps = [100 * (rows / 200) ** (i / 5) / rows for i in range(6)]
    return FRACTIONS.get(data, tuple(float(f"{step:.3g}") for step in steps))


def sizes(fractions: Sequence[float], rows: int) -> dict[float, int]:
    """Fraction -> examples of a trial.

    Raises:
        SettingsError: a fraction leaves too few to divide, or nothing to tell the truth.
    """
    found = {fraction: round(fraction * rows) for fraction in sorted(set(fractions))}
    for fraction, examples in found.items():
        if not 0 < fraction < 1 or not _SMALLEST <= examples < rows:
            raise SettingsError(
                f"--fractions {fraction:g}: {examples:,} of {rows:,} examples; a trial needs at least "
                f"{_SMALLEST}, and some must be left to tell the truth"
            )
    return found


def spared(constraint: Constraint, spare: float) -> Constraint:
    """The constraint that training is given: the limit moved towards perfect fairness.

    Perfect is 0 for what must be small, and 1 for what must be large.
    """
    perfect = 0.0 if constraint.sense == "<=" else 1.0
    return constraint.with_limit(constraint.limit + spare * (perfect - constraint.limit))


def training(
    base: TrainingConfig, plan: Plan, examples: int, constraints: Sequence[Constraint], seed: int
) -> TrainingConfig:
    """The trainer's settings for so many training examples: `base` in a small format."""
    fewest, most = STEPS
    steps = min(max(math.ceil(PASSES * examples / BATCH), fewest), most)
    selection = base.selection.model_copy(
        update={"choose": "best", "rated_by": "gate", "confidence": 1 - plan.delta}
    )
    return base.model_copy(
        update={
            "network": plan.network,
            "constraints": tuple(map(str, constraints)),
            "batch_size": BATCH,
            "steps": steps,
            "snapshots": SNAPSHOTS,
            "selection": selection,
            "multipliers": base.multipliers.model_copy(update=MULTIPLIERS),
            "warm_start": "none",
            "layers": "all",
            "devices": "cpu",
            "jit": "off",  # compiling would take longer than these trainings do
            "seed": seed,
        }
    )


def parse(plan: Plan, groups: Mapping[str, Sequence[str]]) -> Constraint:
    """The plan's constraint over groups; one that counts of decisions can tell.

    Raises:
        ConstraintError: (a ValueError) with a mark under the character.
    """
    return language.parse(plan.constraint, groups, from_counts=True)
