"""A simulated stand-in for UCI Communities and Crime, which three of the original's notebooks use."""

from __future__ import annotations

import numpy as np

from benchmarks.examples import common

FEATURES = 122
RACES = 4
_FACTORS = 8  # poverty, age, density, ...: what so many columns have in common


def simulated(seed: int, rows: int, positives: float, protected: float = 0.5) -> common.Data:
    """Columns in [0, 1] of few common causes, the first four being shares of races.

    Args:
        rows: how many communities.
        positives: share of the communities with much crime.
        protected: share of the communities that are high in a race.

    Returns:
        x (rows, 122); y (rows,), which depends on the causes, and on the first race directly; groups
        (rows, 4), 1 where a race's share is high.
    """
    world, random = np.random.default_rng(0), np.random.default_rng(seed)
    loadings = world.normal(size=(_FACTORS, FEATURES))
    importance = np.abs(world.normal(size=_FACTORS))
    loadings[:, 0] += 0.7 * importance
    causes = random.normal(size=(rows, _FACTORS))
    columns = causes @ loadings + 1.5 * random.normal(size=(rows, FEATURES))
    crime = causes @ importance + 0.15 * columns[:, 0] + 1.3 * random.normal(size=rows)
    y = crime > np.quantile(crime, 1 - positives)
    groups = columns[:, :RACES] > np.quantile(columns[:, :RACES], 1 - protected, axis=0)
    arrays = {"x": 1 / (1 + np.exp(-columns / 2)), "y": y, "groups": groups}
    return {name: values.astype("float32") for name, values in arrays.items()}


def split(data: common.Data, train: int) -> dict[str, common.Data]:
    """The first rows to train on, the others to test on."""
    return {
        "train": {name: values[:train] for name, values in data.items()},
        "test": {name: values[train:] for name, values in data.items()},
    }
