"""What MAPIE, fairlearn and statsmodels say of the ten tables. Runs in the peers' environment.

python -m benchmarks.gate.peer_methods ANSWER [--seed 0] [--resamples 1000]

Writes ANSWER, a JSON file, and to standard output the number of steps, and an empty line for each
that is done.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
from fairlearn.metrics import MetricFrame, false_positive_rate
from mapie.risk_control import BinaryClassificationController
from scipy.optimize import brentq
from scipy.stats import binom
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

from benchmarks.gate.counts import DELTA, TABLES, Table
from benchmarks.gate.passing import Within, decided, probability, worst

# The names by which statsmodels knows its intervals of a difference.
INTERVALS = ("newcomb", "agresti-caffo", "wald", "score")
# Of Newcombe's Table II (Statistics in Medicine 17, 1998): (a), (b) and (d).
PUBLISHED = ((56, 70, 48, 80), (9, 10, 3, 10), (5, 56, 0, 29))

Answer = dict[str, dict]


def statsmodels_of(table: Table) -> Answer:
    """Bounds and passes by each of statsmodels' intervals; the upper end of a 90% interval is the
    one-sided 95% bound. Of several groups the largest bound of an ordered pair counts.
    """
    found: Answer = {}
    for method in INTERVALS:
        within = _within(method, table.limit)
        row = {
            **_bound(table, method),
            "at_limit": probability(table.rates, table.sizes, within),
            "level": probability(table.level, table.sizes, within),
        }
        if len(table.sizes) == 2:
            row["worst"] = worst(table.limit, table.sizes, within)
        found[method] = row
    return found


def interval(
    i: int, n: int, j: int, m: int, method: str, alpha: float
) -> tuple[float, float] | None:
    """statsmodels' interval of p - q; None where it ends with an error in place of one."""
    try:
        low, high = confint_proportions_2indep(i, n, j, m, method=method, alpha=alpha)
    except ValueError:
        return None  # brentq: the Wald interval, from which it starts, does not enclose the ends
    return float(low), float(high)


def _bound(table: Table, method: str) -> dict[str, object]:
    """The largest bound of an ordered pair, and whether any had to be sought through the test."""
    bounds, sought = [], False
    for one, other in permutations(zip(table.counts, table.sizes, strict=True), 2):
        found = interval(*one, *other, method, 2 * DELTA)
        if found is None:
            sought = True
            bounds.append(_through_the_test(*one, *other))
        else:
            bounds.append(found[1])
    return {"bound": max(bounds), "sought": sought}


def _through_the_test(i: int, n: int, j: int, m: int) -> float:
    """The largest difference, in steps of 0.0001, that statsmodels' score test does not reject."""
    measured = i / n - j / m
    tried = np.arange(math.floor(measured * 1e4) + 1, 10_000) / 1e4
    kept = [gap for gap in tried if not _p_value(i, n, j, m, float(gap)) <= DELTA]
    return float(max(kept, default=measured))


def _p_value(i, n: int, j, m: int, gap: float):
    with np.errstate(all="ignore"):  # of ratios that the test of a difference does not use
        _, found = test_proportions_2indep(
            np.asarray(i), n, np.asarray(j), m, value=gap, method="score",
            alternative="smaller", return_results=False,
        )  # fmt: skip
    return found


def _within(method: str, limit: float) -> Within:
    if method == "score":  # the interval's own search is neither for arrays nor always successful
        return lambda i, n, j, m: _p_value(i[:, None], n, j[None, :], m, limit) <= DELTA

    def upper(i: np.ndarray, n: int, j: np.ndarray, m: int) -> np.ndarray:
        return confint_proportions_2indep(i, n, j, m, method=method, alpha=2 * DELTA)[1]

    return decided(upper, limit)


def fairlearn_of(table: Table, resamples: int, seed: int) -> float:
    """The 95% quantile of MetricFrame's bootstrap of the difference, on the negatives."""
    groups = np.repeat(np.arange(len(table.sizes)), table.sizes)
    said = np.concatenate(
        [np.arange(n) < hit for hit, n in zip(table.counts, table.sizes, strict=True)]
    )
    frame = MetricFrame(
        metrics=false_positive_rate,
        y_true=np.zeros(len(said), int),
        y_pred=said.astype(int),
        sensitive_features=groups,
        n_boot=resamples,
        ci_quantiles=[1 - DELTA],
        random_state=seed,
    )
    return float(frame.difference_ci()[0])


def mapie_of(table: Table) -> dict[str, float]:
    """The FPR of the smallest group: the least target that MAPIE says is controlled, and passes.

    `raised` is how many of the n + 1 counts have a p-value over the binomial tail, which it is meant
    to be: MAPIE takes ceil(n (k / n)), and that is k + 1 for some k in floating point. It is looked
    for at a target near k / n, where a count more shows.
    """
    count, n = table.counts[table.smallest], table.sizes[table.smallest]
    rate, every = table.rates[table.smallest], np.arange(n + 1)
    passed = np.array([_p_of_control(k, n, rate) for k in every]) <= DELTA
    near = (every + 1) / (n + 2)
    p_values = np.array([_p_of_control(k, n, each) for k, each in zip(every, near, strict=True)])
    return {
        "bound": float(brentq(lambda t: _p_of_control(count, n, t) - DELTA, 1e-9, 1 - 1e-9)),
        "at_limit": float(binom.pmf(every, n, rate) @ passed),
        "half": float(binom.pmf(every, n, rate / 2) @ passed),
        "raised": int(np.sum(p_values > binom.cdf(every, n, near) + 1e-9)),
    }


def _p_of_control(count: int, n: int, target: float) -> float:
    """The p-value of MAPIE for the FPR of n negatives, `count` of them scored over the threshold."""
    scores = np.where(np.arange(n) < count, 0.9, 0.1)
    controller = BinaryClassificationController(
        lambda x: np.stack([1 - x, x], axis=1),
        risk="fpr",
        target_level=float(target),
        confidence_level=1 - DELTA,
        list_predict_params=np.array([0.5]),
    )
    controller.calibrate(scores, np.zeros(n, int))
    return float(controller.p_values.item())


def steps(resamples: int, seed: int) -> Iterator[Callable[[Answer], None]]:
    """What is done, one after another; each puts its part into the answer."""

    def published(answer: Answer) -> None:
        answer["published"] = {
            f"{i}/{n} - {j}/{m}": {each: interval(i, n, j, m, each, 0.05) for each in INTERVALS}
            for i, n, j, m in PUBLISHED
        }

    def of(table: Table, name: str, ask: Callable[[Table], object]) -> Callable[[Answer], None]:
        def step(answer: Answer) -> None:
            answer.setdefault(name, {})[table.name] = ask(table)

        return step

    yield published
    for table in TABLES:
        yield of(table, "statsmodels", statsmodels_of)
        yield of(table, "MAPIE", mapie_of)
        yield of(table, "fairlearn", lambda each: fairlearn_of(each, resamples, seed))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate.peer_methods")
    parser.add_argument("answer", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # MAPIE says of every table whether it found a threshold
    answer: Answer = {}
    everything = list(steps(options.resamples, options.seed))
    print(len(everything), flush=True)
    for step in everything:
        step(answer)
        print(flush=True)
    options.answer.write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
