"""What an answer is worth: chosen on validation, measured on test by the constraint language, judged."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

import fairgate
from benchmarks.experiments.protocol import expected_counts
from benchmarks.peers.tasks import TEST, VALIDATION, Answer, Task
from benchmarks.suite.tasks import SPARE
from components.constrained_trainer.selection.thresholds import uselessness
from fairgate.constraints import language
from fairgate.constraints.expressions import violations
from fairgate.constraints.rates import Counts, Group


@dataclass(frozen=True)
class Part:
    """The examples of one part, as `expected_counts` takes them.

    Attributes:
        labels: (n,) 0 or 1.
        memberships: (n, g) 0 or 1.
        groups: (g,).
    """

    labels: np.ndarray
    memberships: np.ndarray
    groups: tuple[Group, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Result:
    """A contender's model of one task and seed.

    Attributes:
        setting: that was chosen.
        validation_error: of the chosen setting; validation_worst: see `worst`.
        error: on test, expected over the draws of a model that decides by chance.
        worst: the largest constraint value less its limit on test: at most 0 where all are kept.
        passed: whether the gate lets the model pass, by one draw of its decisions.
        useless: whether it says next to nothing, as `thresholds.uselessness` has it.
        seconds: of training all settings that it chose from.
        refusal: why there is no model; then all numbers are None.
    """

    setting: str = ""
    validation_error: float | None = None
    validation_worst: float | None = None
    error: float | None = None
    worst: float | None = None
    passed: bool | None = None
    useless: bool | None = None
    seconds: float | None = None
    refusal: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def measure(task: Task, answer: Answer, setting: str | None = None) -> Result:
    """The result of an answer.

    Args:
        task: with a rule of `Gaps`.
        answer: to it.
        setting: the only one that counts; None: of all settings the one of least error among those
            that keep the rule on validation or, where none does, the one that breaks it least.

    Raises:
        ValueError: the answer has no such setting, or a probability that is none.
    """
    if answer.refusal:
        return Result(refusal=answer.refusal)
    if not (np.isfinite(answer.p).all() and answer.p.min() >= 0 and answer.p.max() <= 1):
        raise ValueError("an answer must hold probabilities")
    rated = [_rate(task, p, VALIDATION) for p in answer.p]
    if setting is None:
        place = min(range(len(rated)), key=lambda i: (max(0.0, rated[i][1]), rated[i][0]))
        seconds = answer.seconds
    else:
        place = answer.names.index(setting)
        seconds = answer.seconds if answer.each is None else float(answer.each[place])
    p = answer.p[place]
    error, worst = _rate(task, p, TEST)
    decided = draw(task, p)
    return Result(
        setting=answer.names[place],
        validation_error=rated[place][0],
        validation_worst=rated[place][1],
        error=error,
        worst=worst,
        passed=gate(task, decided),
        useless=uselessness(_counts(task, decided, TEST)) == 2,
        seconds=seconds,
    )


def draw(task: Task, p: np.ndarray) -> np.ndarray:
    """(n,) decisions 0 or 1 of (n,) probabilities, the same for the same task."""
    return (np.random.default_rng([task.seed, 1]).random(len(p)) < p).astype(float)


def gate(task: Task, decided: np.ndarray) -> bool:
    """Whether `fairgate.judge` lets (n,) decisions pass, on the test rows and at the gate's limit."""
    rows = task.rows(TEST)
    names = np.array(task.rule.names)
    groups = {
        feature: names[columns][task.groups[rows][:, columns].argmax(axis=1)]
        for feature, columns in task.rule.columns.items()
    }
    judgement = fairgate.judge(
        task.y[rows],
        decided[rows].astype(int),
        groups=groups,
        constraints=task.rule.lines(SPARE * task.rule.limit),
    )
    return judgement.blessed


def _rate(task: Task, p: np.ndarray, part: int) -> tuple[float, float]:
    """(error, largest violation) of (n,) probabilities."""
    counts = _counts(task, p, part)
    names = {
        feature: [task.rule.names[c] for c in columns]
        for feature, columns in task.rule.columns.items()
    }
    constraints = language.parse_all(task.rule.lines(), names)
    return counts[None].rate("ERR"), float(violations(constraints, counts).max())


def _counts(task: Task, p: np.ndarray, part: int) -> dict[Group | None, Counts]:
    rows = task.rows(part)
    groups = tuple(map(Group, task.rule.features, task.rule.names))
    return expected_counts(p[rows].astype("float64"), Part(task.y[rows], task.groups[rows], groups))


def worse_than(result: Result, other: Result) -> bool:
    """Whether a model has both more error and more violation on test than another."""
    return result.error > other.error and max(result.worst, 0.0) > max(other.worst, 0.0)
