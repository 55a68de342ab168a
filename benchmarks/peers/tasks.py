"""What every library is asked: arrays and a rule of fairness, and how an answer is measured.

Peers read this file in their own environments: NumPy only, Python 3.8.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

TRAIN, VALIDATION, TEST = 0, 1, 2


@dataclass(frozen=True)
class Rule:
    """Rates of groups against the rate of everyone.

        one-sided:  bound(all) - rate_g <= 0           two-sided, additive: |rate_g - all| - slack <= 0
        bound(all) = all - slack   or, if relative,   (1 - slack) all

    Attributes:
        rate: "tpr" or "fpr".
        slack: how much may be missing.
        relative: whether slack is a share of everyone's rate.
        two_sided: whether a group may not be above either (never with relative).
    """

    rate: str
    slack: float
    relative: bool = False
    two_sided: bool = False

    def __post_init__(self) -> None:
        if self.rate not in ("tpr", "fpr"):
            raise ValueError(f"rate must be tpr or fpr, got {self.rate!r}")
        if self.relative and self.two_sided:
            raise ValueError("a relative rule has one side")

    def violations(self, p: np.ndarray, y: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """(m,) constraint values, kept where <= 0.

        Args:
            p: (n,) probability of deciding 1 (0 or 1 of a deterministic classifier).
            y: (n,) labels 0 or 1.
            groups: (n, g) memberships 0 or 1.

        Returns:
            m = g, or 2 g if two-sided (too high first, then too low).

        Raises:
            ValueError: if a group has no row that the rate is taken over.
        """
        rows = y == (1 if self.rate == "tpr" else 0)
        sizes = groups[rows].sum(axis=0)
        if not sizes.all():
            raise ValueError(f"a group without rows: the {self.rate} does not exist")
        overall = p[rows].mean()
        each = p[rows] @ groups[rows] / sizes
        low = (overall * (1 - self.slack) if self.relative else overall - self.slack) - each
        if not self.two_sided:
            return low
        return np.concatenate([each - overall - self.slack, low])


@dataclass(frozen=True)
class Task:
    """One split of one dataset.

    Attributes:
        x: (n, d) float32 features, without a constant.
        y: (n,) labels 0 or 1.
        groups: (n, g) memberships 0 or 1; groups may overlap.
        part: (n,) TRAIN, VALIDATION or TEST.
        rule: what is fair.
        passes: over the training rows that a library that trains by minibatches may take, for each
            setting it tries.
        seed: of this split, and for the library's own draws.
    """

    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    part: np.ndarray
    rule: Rule
    passes: int
    seed: int

    def save(self, path: Path) -> None:
        arrays = {"x": self.x, "y": self.y, "groups": self.groups, "part": self.part}
        text = json.dumps([asdict(self.rule), self.passes, self.seed])
        np.savez(path, text=text, **arrays)

    @staticmethod
    def load(path: Path) -> Task:
        with np.load(path) as file:
            arrays = [file[name] for name in ("x", "y", "groups", "part")]
            rule, passes, seed = json.loads(str(file["text"]))
            return Task(*arrays, Rule(**rule), passes, seed)

    def rows(self, part: int) -> np.ndarray:
        """(n,) booleans."""
        return self.part == part

    def measured(self, p: np.ndarray, *parts: int) -> tuple[float, float]:
        """(expected error, largest constraint value) of (n,) probabilities of deciding 1."""
        rows = np.isin(self.part, parts)
        q, y = p[rows], self.y[rows]
        error = np.abs(q - y).mean()
        return float(error), float(self.rule.violations(q, y, self.groups[rows]).max())


@dataclass(frozen=True)
class Answer:
    """What a library found.

    Attributes:
        names: (c,) the settings (or snapshots) that were tried.
        p: (c, n) float32 probability of deciding 1 for each row of the task, all parts.
        seconds: of training and rating all of them.
    """

    names: list[str]
    p: np.ndarray
    seconds: float

    def save(self, path: Path) -> None:
        np.savez(path, names=self.names, p=np.asarray(self.p, np.float32), seconds=self.seconds)

    @staticmethod
    def load(path: Path) -> Answer:
        with np.load(path) as file:
            return Answer(file["names"].tolist(), file["p"], float(file["seconds"]))

    def chosen(self, task: Task, parts: tuple[int, ...] = (VALIDATION,)) -> int:
        """The setting of least error among those that keep the rule, on these parts.

        If none does, the one that breaks it least.
        """
        table = [task.measured(p, *parts) for p in self.p]
        return min(range(len(table)), key=lambda i: (max(0.0, table[i][1]), table[i][0]))
