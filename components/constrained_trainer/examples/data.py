"""A split of the transformed examples: its labels and groups in memory, its inputs on disk."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from components.features import (
    TRANSFORMED_LABEL,
    TRANSFORMED_UNIT,
    TRANSFORMED_WEIGHT,
    Features,
    transformed_group,
)
from components.transform.inputs import ModelInput, transformed_feature_spec, unpack_inputs
from fairgate.constraints.classes import CLASSES, changes, confusion, outcomes
from fairgate.constraints.curves import Scored, scored_groups
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group, Measured, count_outcomes
from fairgate.constraints.units import UnitCounts, UnitMethod, UnitTable, order, order_of_rows
from fairgate.errors import DataError

_BATCH = 1024


@dataclass(frozen=True)
class Units:
    """How the examples of a split fall to units.

    Attributes:
      places: int64 (n,), 0 to `count` - 1: each example's unit, by an order that depends on names alone.
      count: how many there are.
      most: the largest sum of weights (1 each, where there are none) that a unit of the population has.
    """

    places: np.ndarray
    count: int
    most: float


@dataclass(frozen=True)
class Split:
    """The examples of one split.

    Attributes:
      inputs: what the network sees, (n, ...) each: `image` uint8 (n, height, width, channels),
        `numeric` float32 (n, k), `categorical` int32 (n, c). May be memory-mapped files.
      labels: (n,) bool, or numbers of which 1 is the positive class; or places of classes.
      memberships: (n, len(groups)) bool, or numbers of which those over 0 are members.
      groups: the groups, in the order of the columns of `memberships`.
      weights: float32 (n,), at least 0 and 1 on average: what each example counts; None: one.
      units: whose examples they are, where units or weights are what bounds are taken over; None: not.
      classes: the label's, where it has more than two: `labels` are then their places, and the scores
        of an example are one for each, the largest of which decides.
    """

    inputs: Mapping[str, np.ndarray]
    labels: np.ndarray
    memberships: np.ndarray
    groups: tuple[Group, ...]
    weights: np.ndarray | None = None
    units: Units | None = None
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.labels)
        sizes = {name: column.shape for name, column in self.inputs.items()}
        fits = all(shape[0] == n for shape in sizes.values())
        if not fits or self.memberships.shape != (n, len(self.groups)):
            raise ValueError(
                f"inputs {sizes}, labels {self.labels.shape} and memberships "
                f"{self.memberships.shape} for {len(self.groups)} groups do not belong together"
            )

    @property
    def counted(self) -> np.ndarray | None:
        """(n,) float64 what each example counts in outcomes; None: one.

        Weights that together are as much as the examples that would tell as much, sum^2 / sum of squares
        (Kish, Survey Sampling, 1965, section 11.7), so that whatever looks at the size of outcomes to see
        how sure they are sees about the right one.
        """
        if self.weights is None:
            return None
        weights = self.weights.astype(np.float64)
        return weights * (weights.sum() / np.square(weights).sum())

    @property
    def effective(self) -> float:
        """The share of the examples that, with weights of one, would tell as much."""
        counted = self.counted
        return 1.0 if counted is None else float(counted.sum()) / len(self)

    @property
    def nbytes(self) -> int:
        """Bytes of the inputs."""
        return sum(column.nbytes for column in self.inputs.values())

    @property
    def group_names(self) -> dict[str, list[str]]:
        """Group feature -> the names of its groups, as the constraint language wants them."""
        names: dict[str, list[str]] = {}
        for group in self.groups:
            names.setdefault(group.feature, []).append(group.name)
        return names

    @property
    def vocabulary(self) -> dict[str, list[str]]:
        """The same and the classes: what constraints may name."""
        return self.group_names | ({CLASSES: list(self.classes)} if self.classes else {})

    @property
    def no_scores(self) -> np.ndarray:
        """Zeros, as many as there are scores: for what depends on labels and groups alone."""
        return np.zeros((len(self), len(self.classes)) if self.classes else len(self))

    def fits_in(self, gigabytes: float) -> bool:
        """Whether the inputs take no more than this."""
        return self.nbytes <= gigabytes * 1e9

    def model_inputs(self) -> dict[str, ModelInput]:
        """Shape and type of each input; sizes of vocabularies are not known here."""
        return {
            name: ModelInput(column.shape[1:], str(column.dtype))
            for name, column in self.inputs.items()
        }

    def take(self, rows: np.ndarray) -> Split:
        """The examples at `rows`, in that order, in memory."""
        return replace(
            self,
            inputs={name: taken(column, rows) for name, column in self.inputs.items()},
            labels=self.labels[rows],
            memberships=self.memberships[rows],
            weights=None if self.weights is None else relative(self.weights[rows]),
            units=None,  # which are of all rows
        )

    def __len__(self) -> int:
        return len(self.labels)

    def counts(
        self, scores: np.ndarray, beside: np.ndarray | None = None
    ) -> dict[Group | None, Counts]:
        """Confusion counts at the decision score > 0, of all examples (None) and of each group.

        Of several classes, at the largest score, as `classes.outcomes` has them.

        Args:
          scores: (n,), one for each example; of several classes (n, classes).
          beside: (n,) of another model; without weights the counts then know which examples the two
            decide differently.

        Returns:
          Whole numbers; with weights, sums of what examples count (`counted`).
        """
        if self.classes:
            said = scores.argmax(axis=1)
            return self.outcomes(said, None if beside is None else beside.argmax(axis=1))
        yes, weights = scores > 0, self.counted
        counts: dict[Group | None, Counts] = {
            None: count_outcomes(yes, self.labels, weights=weights)
        }
        for column, group in enumerate(self.groups):
            members = self.memberships[:, column]
            counts[group] = count_outcomes(yes, self.labels, members, weights)
        if beside is None or weights is not None:
            return counts
        return {g: replace(c, against=self._changes(yes, beside > 0, g)) for g, c in counts.items()}

    def by_unit(self, yes: np.ndarray, method: UnitMethod) -> UnitCounts | None:
        """The outcomes by unit; None where examples are independent, and count one each.

        Args:
          yes: (n,) bool, what a model says.
          method: how units are bounded.
        """
        if (units := self.units) is None:
            return None
        positive = self.labels > 0
        cell = np.where(positive, np.where(yes, 0, 3), np.where(yes, 1, 2))
        members = {None: np.ones(len(self), bool)}
        members |= dict(zip(self.groups, self.memberships.T > 0, strict=True))

        def tables(counted: np.ndarray) -> dict[Group | None, UnitTable]:
            place = units.places * 4 + cell
            sums = {
                group: np.bincount(place[inside], counted[inside], 4 * units.count)
                for group, inside in members.items()
            }
            return {group: UnitTable.of(each.reshape(-1, 4)) for group, each in sums.items()}

        numbers = tables(np.ones(len(self)))
        if self.weights is None:
            return UnitCounts(units.count, numbers, units.most, method)
        weighed = tables(self.weights.astype(np.float64))
        return UnitCounts(units.count, weighed, units.most, method, numbers)

    def outcomes(
        self, said: np.ndarray, beside: np.ndarray | None = None
    ) -> dict[Group | None, Counts]:
        """The same of what several classes are told to be.

        Args:
          said: (n,) places of classes, or (n, classes) shares of draws.
          beside: (n,) what another model says.
        """
        size, labels, counted = len(self.classes), self.labels.astype(np.int64), self.counted
        members = {None: np.ones(len(self), bool)} | {
            group: column > 0 for group, column in zip(self.groups, self.memberships.T, strict=True)
        }
        tables, against = {}, {}
        for group, rows in members.items():
            weights = None if counted is None else counted[rows]
            tables[group] = confusion(labels[rows], said[rows], size, weights)
            if beside is not None:
                against[group] = changes(labels[rows], said[rows], beside[rows], size)
        return outcomes(tables, self.classes, against if beside is not None else None)

    def _changes(self, yes: np.ndarray, other: np.ndarray, group: Group | None) -> Changes:
        inside = np.ones(len(self), bool)
        if group is not None:
            inside = self.memberships[:, self.groups.index(group)] > 0
        positive = self.labels > 0
        return Changes(
            *(
                int(np.sum(inside & (positive == label) & (yes == now) & (other != now)))
                for label in (True, False)
                for now in (True, False)
            )
        )

    def scored(self, scores: np.ndarray) -> dict[Group | None, Scored]:
        """As `counts`, with the scores, for measures over all thresholds.

        Args:
          scores: (n,), one for each example.
        """
        members = dict(zip(self.groups, self.memberships.T, strict=True))
        return scored_groups(scores, self.labels, members, self.counted)


def taken(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`column[rows]`, in memory; of a mapped file these rows are read and no others.

    A look at a mapped row would bring 64 kB around it into this process's memory.
    """
    if not isinstance(column, np.memmap) or not isinstance(column.base, mmap.mmap):
        return column[rows]
    size = column.strides[0]
    with open(column.filename, "rb") as file:
        places = (column.offset + size * rows.astype(np.int64)).tolist()
        read = b"".join([os.pread(file.fileno(), size, place) for place in places])
    return np.frombuffer(read, column.dtype).reshape(len(rows), *column.shape[1:])


def forget(*columns: np.ndarray) -> None:
    """Takes the pages of mapped files out of this process's memory; what is needed again is read again.

    The system keeps them as long as memory is free, and counts them to nobody.
    """
    for column in columns:
        if isinstance(column.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            column.base.madvise(mmap.MADV_DONTNEED)


def whole(counts: Measured) -> dict[Group | None, Counts]:
    """The nearest whole numbers, which the bounds of rates need."""
    return {
        group: Counts(*(round(value) for value in (each.tp, each.fp, each.tn, each.fn)))
        for group, each in counts.items()
    }


def load_split(files: Sequence[str], features: Features, scratch: str) -> Split:
    """Reads the transformed examples in `files` (TFRecords, gzip by their ending).

    Inputs are written to files in the folder `scratch` and mapped into memory from there, so that a
    split may be larger than memory; they must stay while the split is used. Memory otherwise:
    1 + number of groups bytes per example (4 for a label of several classes), and no more while it is
    read.

    Raises:
      DataError: the weights are all 0.
    """
    columns = transformed_feature_spec(features)

    def parse(records: tf.Tensor) -> Mapping[str, Any]:
        parsed = tf.io.parse_example(records, columns)
        kept = {TRANSFORMED_LABEL, *map(transformed_group, features.group_names)}
        kept |= set() if features.weight is None else {TRANSFORMED_WEIGHT}
        kept |= set() if features.unit is None else {TRANSFORMED_UNIT}
        return {"inputs": unpack_inputs(parsed, features)} | {key: parsed[key] for key in kept}

    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    records = tf.data.TFRecordDataset(sorted(files), compression, buffer_size=4 << 20)
    batches = records.batch(_BATCH).map(parse, num_parallel_calls=2).prefetch(2)
    shapes = {name: spec.shape[1:] for name, spec in batches.element_spec["inputs"].items()}
    types = {name: spec.dtype for name, spec in batches.element_spec["inputs"].items()}
    kept = _Small(features)
    with contextlib.ExitStack() as stack:
        opened = {
            name: stack.enter_context(open(os.path.join(scratch, f"{name}.bin"), "wb"))
            for name in shapes
        }
        for batch in batches.as_numpy_iterator():
            for name, rows in batch.pop("inputs").items():
                opened[name].write(rows.tobytes())
            kept.add(batch)
    joined = kept.columns()
    labels = joined[TRANSFORMED_LABEL]
    inputs = {
        name: np.memmap(
            os.path.join(scratch, f"{name}.bin"),
            types[name].as_numpy_dtype,
            mode="r",
            shape=(len(labels), *shapes[name]),
        )
        for name in shapes
    }
    found = joined.get(TRANSFORMED_WEIGHT)
    weights = None if found is None else relative(found)
    units = _units(joined, features, weights)
    classes = tuple(features.label.classes)
    return Split(inputs, labels, *memberships(joined, features), weights, units, classes)


class _Small:
    """The columns that stay in memory, each in one piece that grows: no copy of it is made in the end."""

    def __init__(self, features: Features):
        # Types that TensorFlow gathers on a GPU, also outside of XLA: no int8, no uint8.
        self._types = {TRANSFORMED_LABEL: np.dtype(np.int32 if features.label.classes else bool)}
        self._types |= {transformed_group(name): np.dtype(bool) for name in features.group_names}
        self._bytes: dict[str, bytearray] = {}
        self._names: dict[str, list[np.ndarray]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def add(self, batch: Mapping[str, np.ndarray]) -> None:
        """Args: the next rows, as TensorFlow parses them."""
        for name, column in batch.items():
            if column.dtype == object:
                self._names.setdefault(name, []).append(column)
                continue
            kept = column.astype(self._types.setdefault(name, column.dtype))
            self._shapes[name] = kept.shape[1:]
            self._bytes.setdefault(name, bytearray()).extend(kept.tobytes())

    def columns(self) -> dict[str, np.ndarray]:
        """All rows of each."""
        numbers = {
            name: np.frombuffer(content, self._types[name]).reshape(-1, *self._shapes[name])
            for name, content in self._bytes.items()
        }
        return numbers | {name: np.concatenate(parts) for name, parts in self._names.items()}


def _units(
    columns: Mapping[str, np.ndarray], features: Features, weights: np.ndarray | None
) -> Units | None:
    """Args: the transformed columns, and the weights as `relative` makes them."""
    if features.unit is None and weights is None:
        return None
    if features.unit is None:
        places, largest = order_of_rows(len(columns[TRANSFORMED_LABEL])), 1.0
        count = len(places)
    else:
        names, unit = np.unique(columns[TRANSFORMED_UNIT], return_inverse=True)
        places, count = order([name.decode() for name in names.tolist()])[unit], len(names)
        largest = features.largest_unit or float(np.bincount(unit).max(initial=1))
    if weights is None:
        return Units(places, count, largest)
    assert features.largest_weight is not None
    raw = columns[TRANSFORMED_WEIGHT]
    heaviest = features.largest_weight * len(raw) / raw.sum(dtype=np.float64)
    # float32 may round a weight beyond what it was.
    return Units(places, count, largest * max(heaviest, float(weights.max())))


def relative(weights: np.ndarray) -> np.ndarray:
    """(n,) float32 weights that are 1 on average, from (n,) any of at least 0.

    Raises:
      DataError: none is over 0.
    """
    total = weights.sum(dtype=np.float64)
    if not total > 0:
        raise DataError(
            "data.features.weight: the weights of a split are all 0, so that nothing in it counts; give "
            "some record a weight over 0"
        )
    return (weights * (len(weights) / total)).astype(np.float32)


def memberships(
    columns: Mapping[str, np.ndarray], features: Features
) -> tuple[np.ndarray, tuple[Group, ...]]:
    """(n, g) bool, True for members, and the g groups, from the transformed columns of groups."""
    groups = tuple(Group(feature, name) for feature, name in features.membership_columns())
    found = [columns[transformed_group(feature)] for feature in features.group_names]
    return (found[0] if len(found) == 1 else np.concatenate(found, axis=1)).astype(
        bool, copy=False
    ), groups
