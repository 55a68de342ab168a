"""What every library is asked: arrays and a rule of fairness, and how an answer is measured.

Peers read this file in their own environments: NumPy only, Python 3.8.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

TRAIN, VALIDATION, TEST = 0, 1, 2

# Rates of `Gaps`, as the constraint language calls them -> the rows that each is taken over.
RATES = {
    "FPR": lambda y: y <= 0,
    "TPR": lambda y: y > 0,
    "PPR": lambda y: np.ones(len(y), bool),
    "ERR": lambda y: np.ones(len(y), bool),
}


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
class Gaps:
    """Rates of the groups of each feature against each other:  rate_g - rate_h - limit <= 0.

    Attributes:
        rates: keys of RATES, each of which is limited alike.
        features: (g,) feature of the group in each column of the memberships.
        names: (g,) name of that group; those of one feature share everybody among them.
        limit: of the difference between any two groups of a feature.
    """

    rates: tuple[str, ...]
    features: tuple[str, ...]
    names: tuple[str, ...]
    limit: float

    def __post_init__(self) -> None:
        # JSON knows lists only.
        for field in ("rates", "features", "names"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        unknown = [rate for rate in self.rates if rate not in RATES]
        if unknown or not self.rates:
            raise ValueError(f"rates {self.rates}: expected some of {', '.join(RATES)}")
        if len(self.features) != len(self.names):
            raise ValueError("features and names must be equally many: one for each group")

    @property
    def columns(self) -> dict[str, list[int]]:
        """Feature -> the columns of its groups."""
        found: dict[str, list[int]] = {}
        for column, feature in enumerate(self.features):
            found.setdefault(feature, []).append(column)
        return found

    def lines(self, limit: float | None = None) -> list[str]:
        """The rule in the constraint language, with this limit or another."""
        limit = self.limit if limit is None else limit
        return [
            f"max_gap({rate}, [{feature}]) <= {limit:g}"
            for feature in self.columns
            for rate in self.rates
        ]

    def codes(self, groups: np.ndarray) -> np.ndarray:
        """(n,) one number for each combination of groups, from (n, g) memberships."""
        return np.unique(groups, axis=0, return_inverse=True)[1].ravel()

    def violations(self, p: np.ndarray, y: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """(m,) constraint values, kept where <= 0; arguments and errors as of `Rule`.

        Returns:
            For each feature and rate, the difference of every ordered pair of groups.
        """
        found = []
        for columns in self.columns.values():
            for rate in self.rates:
                rows, costs = rated(rate, p, y)
                sizes = groups[rows][:, columns].sum(axis=0)
                if not sizes.all():
                    raise ValueError(f"a group without rows: the {rate} does not exist")
                each = costs[rows] @ groups[rows][:, columns] / sizes
                apart = each[:, None] - each[None, :]
                found.append(apart[~np.eye(len(each), dtype=bool)] - self.limit)
        return np.concatenate(found)


def rated(rate: str, p: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,) the rows that a rate is taken over, (n,) what each adds) of probabilities of deciding 1."""
    return RATES[rate](y), np.where(y > 0, 1 - p, p) if rate == "ERR" else p


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
    rule: Rule | Gaps
    passes: int
    seed: int

    def save(self, path: Path) -> None:
        arrays = {"x": self.x, "y": self.y, "groups": self.groups, "part": self.part}
        kind = type(self.rule).__name__
        text = json.dumps([kind, asdict(self.rule), self.passes, self.seed])
        np.savez_compressed(path, text=text, **arrays)

    @staticmethod
    def load(path: Path, inputs: bool = True) -> Task:
        """The task of a file; without inputs, which are most of it, `x` has no columns."""
        with np.load(path) as file:
            arrays = [file[name] for name in ("y", "groups", "part")]
            x = file["x"] if inputs else np.empty((len(arrays[0]), 0), np.float32)
            kind, rule, passes, seed = json.loads(str(file["text"]))
            return Task(x, *arrays, {"Rule": Rule, "Gaps": Gaps}[kind](**rule), passes, seed)

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
        refusal: why there is no answer, in a sentence: the library cannot say what is asked. Then
            nothing was tried.
        each: (c,) seconds of each setting, where the settings are contenders of their own.
    """

    names: list[str]
    p: np.ndarray
    seconds: float
    refusal: str = ""
    each: np.ndarray | None = None

    @staticmethod
    def refused(why: str) -> Answer:
        return Answer([], np.zeros((0, 0)), 0.0, why)

    def save(self, path: Path) -> None:
        arrays = {"names": self.names, "p": np.asarray(self.p, np.float32)}
        arrays.update(seconds=self.seconds, refusal=self.refusal)
        if self.each is not None:
            arrays["each"] = self.each
        np.savez_compressed(path, **arrays)

    @staticmethod
    def load(path: Path) -> Answer:
        with np.load(path) as file:
            refusal = str(file["refusal"]) if "refusal" in file else ""
            each = file.get("each")
            return Answer(file["names"].tolist(), file["p"], float(file["seconds"]), refusal, each)

    def chosen(self, task: Task, parts: tuple[int, ...] = (VALIDATION,)) -> int:
        """The setting of least error among those that keep the rule, on these parts.

        If none does, the one that breaks it least.
        """
        table = [task.measured(p, *parts) for p in self.p]
        return min(range(len(table)), key=lambda i: (max(0.0, table[i][1]), table[i][0]))
