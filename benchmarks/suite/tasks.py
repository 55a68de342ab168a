"""The tasks: a data set, which rates of whom may differ by how much, and a split for each seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.peers.tasks import TEST, TRAIN, VALIDATION, Gaps, Task
from benchmarks.suite.sources import Source, source

# Of the rows, or so many rows at the most; the test split has what is left, up to a number, too.
SHARES = {TRAIN: 0.5, VALIDATION: 0.2}
MOST = {TRAIN: 10_000, VALIDATION: 4_000, TEST: 16_000}
COMPONENTS = 64
# Of a library that trains by minibatches, for each setting it tries.
PASSES = 20
# That a library may try, and choose from on validation.
SETTINGS = 4
# What the gate asks is this many times what is trained for: a gap that is only just kept passes no bound.
SPARE = 2.0


@dataclass(frozen=True)
class Asked:
    """What is asked of a data set.

    Attributes:
        source: a key of `sources.SOURCES`.
        rates: keys of `benchmarks.peers.tasks.RATES`.
        features: whose groups are compared.
        limit: of each gap in training; the gate's is SPARE times that.
    """

    source: str
    rates: tuple[str, ...]
    features: tuple[str, ...]
    limit: float

    @property
    def name(self) -> str:
        kind = "odds" if len(self.rates) > 1 else self.rates[0].lower()
        return "-".join([self.source, kind, *map(str.lower, self.features)])


ODDS = ("TPR", "FPR")
_ALL = (
    Asked("adult", ("FPR",), ("Sex",), 0.03),
    Asked("adult", ("TPR",), ("Sex",), 0.05),
    Asked("adult", ODDS, ("Sex",), 0.05),
    Asked("adult", ("PPR",), ("Sex",), 0.05),
    Asked("adult", ("ERR",), ("Sex",), 0.05),
    Asked("adult", ("PPR",), ("Race",), 0.05),
    Asked("adult", ("PPR",), ("Sex", "Race"), 0.05),
    Asked("compas", ("FPR",), ("Race",), 0.1),
    Asked("compas", ODDS, ("Race",), 0.1),
    Asked("compas", ("TPR",), ("Race", "Sex"), 0.1),
    Asked("law", ("FPR",), ("Race",), 0.1),
    Asked("law", ODDS, ("Race",), 0.1),
    Asked("law", ("TPR",), ("Race",), 0.02),
    Asked("law", ("PPR",), ("Race", "Sex"), 0.05),
    Asked("credit", ("FPR",), ("Age",), 0.02),
    Asked("credit", ("TPR",), ("Education",), 0.05),
    Asked("credit", ("ERR",), ("Sex",), 0.01),
    Asked("dutch", ("PPR",), ("Sex",), 0.05),
    Asked("dutch", ODDS, ("Sex",), 0.05),
    Asked("dutch", ("TPR",), ("Age",), 0.05),
    Asked("smiles", ("FPR",), ("Dark",), 0.02),
    Asked("stand-in", ("FPR",), ("Young",), 0.03),
    Asked("stand-in", ODDS, ("Young",), 0.05),
    Asked("stand-in", ("ERR",), ("Young", "Male"), 0.03),
)
TASKS = {asked.name: asked for asked in _ALL}


def described(asked: Asked) -> dict[str, object]:
    """All that a task is made by, apart from the data."""
    sizes = {"shares": SHARES, "most": MOST, "components": COMPONENTS, "passes": PASSES}
    return asdict(asked) | sizes


def make(asked: Asked, folder: Path, cached: Path, seed: int) -> Task:
    """A split of a data set.

    What is scaled, or turned into principal components, is so by the training rows alone.

    Args:
        asked: one of TASKS.
        folder: as for `sources.source`.
        cached: as for `sources.source`.
        seed: >= 0; of the rows in each part.

    Raises:
        ValueError: if a file is missing.
    """
    return drawn(asked, source(asked.source, folder, cached), seed)


def drawn(asked: Asked, known: Source, seed: int) -> Task:
    """As `make`, of a data set that is there."""
    n = len(known.y)
    sizes = {part: min(int(share * n), MOST[part]) for part, share in SHARES.items()}
    sizes[TEST] = min(n - sum(sizes.values()), MOST[TEST])
    rows = np.random.default_rng(seed).permutation(n)[: sum(sizes.values())]
    part = np.repeat(list(sizes), list(sizes.values()))
    columns = [
        (feature, name) for feature in asked.features for name in np.unique(known.groups[feature])
    ]
    members = [known.groups[feature][rows] == name for feature, name in columns]
    features, names = zip(*columns, strict=True)
    return Task(
        _inputs(known, rows, part == TRAIN),
        known.y[rows],
        np.stack(members, axis=1).astype("float32"),
        part,
        Gaps(asked.rates, features, names, asked.limit),
        PASSES,
        seed,
    )


def _inputs(known: Source, rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    """(n, d) float32: numbers with mean 0 and variance 1 on the training rows, then categories."""
    numbers = known.numeric[rows].astype("float64")
    if known.pictures:
        numbers = _components(numbers, training)
    center = numbers[training].mean(axis=0)
    scale = numbers[training].std(axis=0)
    scaled = (numbers - center) / np.where(scale > 0, scale, 1)
    return np.hstack([scaled, known.coded[rows]]).astype("float32")


def _components(pixels: np.ndarray, training: np.ndarray) -> np.ndarray:
    """(n, COMPONENTS) principal components, found on the training rows."""
    pixels = pixels.astype("float32")
    centered = pixels - pixels[training].mean(axis=0)
    _, vectors = np.linalg.eigh(centered[training].T @ centered[training])
    return centered @ vectors[:, : -COMPONENTS - 1 : -1]
