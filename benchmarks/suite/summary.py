"""From results to numbers: each contender over seeds and over tasks, and next to ours in pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from benchmarks.suite.answers import Key
from benchmarks.suite.contenders import BASELINE, CONTENDERS, OURS
from benchmarks.suite.measuring import Result, worse_than

CONFIDENCE = 0.95

Results = Mapping[Key, Result]


@dataclass(frozen=True)
class Mean:
    """A mean with Student's interval.

    Attributes:
        value: the mean; NaN of nothing.
        half: half the interval's width; NaN of fewer than two numbers.
        count: of numbers.
    """

    value: float
    half: float
    count: int

    @staticmethod
    def of(values: Iterable[float]) -> Mean:
        found = np.array(list(values), dtype=float)
        n = len(found)
        if not n:
            return Mean(math.nan, math.nan, 0)
        half = math.nan
        if n > 1:
            wide = student.ppf((1 + CONFIDENCE) / 2, n - 1)
            half = float(wide * found.std(ddof=1) / math.sqrt(n))
        return Mean(float(found.mean()), half, n)

    @property
    def error(self) -> float:
        """The standard error of the mean; 0 of fewer than two numbers."""
        if self.count < 2:
            return 0.0
        return self.half / float(student.ppf((1 + CONFIDENCE) / 2, self.count - 1))


@dataclass(frozen=True)
class Row:
    """A contender on some tasks.

    Attributes:
        contender: its name.
        error: on test, over seeds; over all tasks, less the baseline's of the same task and seed.
        violation: the largest constraint value beyond its limit on test, 0 where all are kept.
        passed, judged: how many models passed the gate, of how many.
        passed_error: as `error`, of the models that passed.
        seconds: of all settings.
        against: (error, violation) of the subject (ours, if nothing is said) less its own, paired; None
            of the subject itself.
        subject_passed: of the subject's models of the same tasks, how many passed.
        refusal: why there is nothing.
    """

    contender: str
    error: Mean
    violation: Mean
    passed: int
    judged: int
    passed_error: Mean
    seconds: float
    against: tuple[Mean, Mean] | None = None
    subject_passed: int | None = None
    refusal: str = ""


def of_task(
    results: Results, task: str, contenders: Sequence[str], seeds: int, subject: str = OURS
) -> list[Row]:
    """A row for each contender that has a result."""
    rows = []
    for name in contenders:
        found = {s: results[name, task, s] for s in range(seeds) if (name, task, s) in results}
        done = {s: result for s, result in found.items() if not result.refusal}
        ours = {s: results.get((subject, task, s)) for s in done}
        if not found:
            continue
        paired, passed = None, None
        if name != subject and done and all(ours.values()):
            passed = sum(r.passed for r in ours.values())
            paired = (
                Mean.of(ours[s].error - r.error for s, r in done.items()),
                Mean.of(beyond(ours[s]) - beyond(r) for s, r in done.items()),
            )
        rows.append(
            Row(
                name,
                Mean.of(r.error for r in done.values()),
                Mean.of(map(beyond, done.values())),
                sum(r.passed for r in done.values()),
                len(done),
                Mean.of(r.error for r in done.values() if r.passed),
                float(np.mean([r.seconds for r in done.values()])) if done else math.nan,
                paired,
                passed,
                next((r.refusal for r in found.values() if r.refusal), ""),
            )
        )
    return rows


def over_all(
    results: Results, names: Sequence[str], contenders: Sequence[str], seeds: int
) -> list[Row]:
    """A row for each contender, over the tasks that it answered for every seed.

    Errors are less the baseline's: those of several tasks have no common scale. The seeds are what is
    paired: for each, the mean over tasks.
    """
    rows = []
    for name in contenders:
        tasks = [task for task in names if _whole(results, task, seeds, name, BASELINE)]
        if not tasks:
            continue
        mine = [[results[name, task, seed] for task in tasks] for seed in range(seeds)]
        base = [[results[BASELINE, task, seed] for task in tasks] for seed in range(seeds)]
        cost = np.array([_errors(a) - _errors(b) for a, b in zip(mine, base, strict=True)])
        violation = np.array([list(map(beyond, each)) for each in mine])
        passed = np.array([[r.passed for r in each] for each in mine])
        paired, ours_passed = None, None
        if name != OURS and all(_whole(results, task, seeds, OURS) for task in tasks):
            ours = [[results[OURS, task, seed] for task in tasks] for seed in range(seeds)]
            errors = [(_errors(a) - _errors(b)).mean() for a, b in zip(ours, mine, strict=True)]
            gaps = np.array([list(map(beyond, each)) for each in ours]) - violation
            paired = Mean.of(errors), Mean.of(gaps.mean(axis=1))
            ours_passed = sum(r.passed for each in ours for r in each)
        rows.append(
            Row(
                name,
                Mean.of(cost.mean(axis=1)),
                Mean.of(violation.mean(axis=1)),
                int(passed.sum()),
                passed.size,
                Mean.of(cost[passed]),
                float(np.mean([[r.seconds for r in each] for each in mine])),
                paired,
                ours_passed,
            )
        )
    return rows


@dataclass(frozen=True)
class Rival:
    """A contender of ours next to the best peer of a task that may know as much as it.

    Attributes:
        task: its name.
        peer: of least mean error among those that break the rule no more than the subject, within a
            standard error of the difference; "" if none is as fair.
        difference: error of the subject less the peer's, paired.
        violation: of the subject less the peer's, paired.
    """

    task: str
    peer: str
    difference: Mean | None = None
    violation: Mean | None = None

    @property
    def verdict(self) -> str:
        if self.difference is None:
            return "ahead"
        if abs(self.difference.value) <= self.difference.error:
            return "level"
        return "ahead" if self.difference.value < 0 else "behind"


def rivals(
    results: Results,
    names: Sequence[str],
    contenders: Sequence[str],
    seeds: int,
    subject: str = OURS,
    sees_group: bool = False,
) -> list[Rival]:
    """The best peers, which do or do not see the group, of the tasks that subject and peer answered.

    The best is picked by what is measured on test, which favours the peers.
    """
    found = []
    for task in names:
        rows = of_task(results, task, contenders, seeds, subject)
        peers = [
            row
            for row in rows
            if CONTENDERS[row.contender].is_peer
            and CONTENDERS[row.contender].sees_group == sees_group
            and row.against is not None
        ]
        if not peers:
            continue
        fair = [row for row in peers if row.against[1].value >= -row.against[1].error]
        if not fair:
            found.append(Rival(task, ""))
            continue
        best = min(fair, key=lambda row: row.error.value)
        found.append(Rival(task, best.contender, *best.against))
    return found


def useless(results: Results) -> list[Key]:
    """Models that say next to nothing."""
    return [key for key, result in results.items() if result.useless]


def worse_than_baseline(results: Results) -> list[Key]:
    """Models with more error and more violation on test than the baseline of the same task and seed."""
    return [
        (name, task, seed)
        for (name, task, seed), result in results.items()
        if name != BASELINE
        and not result.refusal
        and (BASELINE, task, seed) in results
        and worse_than(result, results[BASELINE, task, seed])
    ]


def beyond(result: Result) -> float:
    """The violation on test, 0 where every limit is kept."""
    return max(0.0, result.worst)


def _errors(results: Sequence[Result]) -> np.ndarray:
    return np.array([result.error for result in results])


def _whole(results: Results, task: str, seeds: int, *names: str) -> bool:
    keys = [(name, task, seed) for name in names for seed in range(seeds)]
    return all(key in results and not results[key].refusal for key in keys)
