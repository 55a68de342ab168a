"""Fairness_adult: equal opportunity over gender and race on UCI Adult

A linear model of one-hot features; the true positive rates of women, men, white and black people each
at least that of everyone less 0.05, as in the original's notebook. The rows "x 0.95" ask for at least
0.95 times that of everyone instead, which is stricter as long as that rate is below 1.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.examples import common
from fairgate import optimization as co

OBJECTIVE = "error rate"
VIOLATION = "TPR - 0.05 - TPR of the worst group (rows x 0.95: 0.95 TPR - TPR of the worst group)"
STORED = {
    "unconstrained": common.Row(0.1421, 0.0187, 0.1440, 0.0396),
    "last": common.Row(0.1428, -0.0154, 0.1437, 0.0266),
    "average": common.Row(0.1420, 0.0004, 0.1434, 0.0217),
    "best": common.Row(0.1413, -0.0042, 0.1435, 0.0156),
    "mixture": common.Row(0.1413, 0.0000, 0.1433, 0.0180),
}
NOTE = "The same rows and the same coding of features as there."

COLUMNS = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "gender", "capital_gain", "capital_loss", "hours_per_week"),
    *("native_country", "income"),
]
EDGES = {
    "capital_gain": [1, 4000, 10000],
    "capital_loss": [1, 1800, 1950],
    "hours_per_week": [39, 41, 50],
    "education_num": [8, 9, 11],
}
GROUPS = (("gender", "Female"), ("gender", "Male"), ("race", "White"), ("race", "Black"))


@cache
def read(folder: Path | None) -> dict[str, common.Data]:
    """x (n, d) of zeros and ones, y (n,), groups (n, 4)."""
    options = {"names": COLUMNS, "skipinitialspace": True}
    train = pd.read_csv(common.needed(folder, "adult", "adult.data"), **options)
    test = pd.read_csv(common.needed(folder, "adult", "adult.test"), skiprows=1, **options)
    edges = {**EDGES, "age": train["age"].quantile([0.25, 0.5, 0.75]).tolist()}
    both = pd.concat([train, test])
    coded = both.drop(columns=["fnlwgt", "income"])
    for column, bounds in edges.items():
        coded[column] = np.digitize(coded[column], bounds, right=True)
    x = pd.get_dummies(coded, columns=list(coded)).to_numpy("float32")
    y = both["income"].str.startswith(">50K").to_numpy("float32")
    groups = np.stack([(both[column] == value) for column, value in GROUPS], axis=1)
    arrays = {"x": x, "y": y, "groups": groups.astype("float32")}
    return {
        "train": {name: values[: len(train)] for name, values in arrays.items()},
        "test": {name: values[len(train) :] for name, values in arrays.items()},
    }


def measure(scores, data, factor, slack):
    positive = data["y"] > 0
    least = factor * common.positive_rate(scores, positive) - slack
    rates = [common.positive_rate(scores, positive & (g > 0)) for g in data["groups"].T]
    return common.error_rate(scores, data["y"]), [least - rate for rate in rates]


def terms(scores, factor, slack):
    context = co.rate_context(scores, labels=lambda b: b["y"])
    subsets = [context.subset(lambda b, i=i: b["groups"][:, i]) for i in range(len(GROUPS))]
    least = factor * co.recall(context) - slack
    return co.error_rate(context), [co.recall(subset) >= least for subset in subsets]


def run(seed: int, folder: Path | None, small: bool) -> common.Rows:
    splits = read(folder)
    plan = common.Plan(rounds=40, steps=5 if small else 100, batch=1000, rate=0.01)
    rows = {}
    for prefix, bound in (
        ("", {"factor": 1, "slack": 0.05}),
        ("x 0.95: ", {"factor": 0.95, "slack": 0}),
    ):
        found = common.compare(
            splits,
            lambda: common.network(splits["train"]["x"].shape[1]),
            partial(terms, **bound),
            partial(measure, **bound),
            plan,
            seed,
        )
        rows |= {prefix + name: row for name, row in found.items()}
    return rows
