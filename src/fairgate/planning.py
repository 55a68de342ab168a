"""What a number of test examples could promise, before there is a model."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fairgate import vocabulary
from fairgate.api import counted_for, gate_config
from fairgate.constraints import language
from fairgate.constraints.rates import Group
from fairgate.constraints.units import UnitCounts
from fairgate.data import columns, files
from fairgate.data.answers import Positive, Yes
from fairgate.data.groups import GroupFeature
from fairgate.data.question import Question
from fairgate.errors import DataError, SettingsError
from fairgate.gate import advice
from fairgate.gate.advice import Promise
from fairgate.gate.config import GateConfig
from fairgate.gate.prediction import Size, sizes_of


def power(
    examples: Mapping[str, Mapping[str, tuple[int, int]]],
    constraints: Sequence[str] | str,
    confidence: float = 0.95,
) -> list[Promise]:
    """What a number of test examples could promise of each constraint.

    Args:
      examples: group feature -> group -> (negatives, positives), each feature over the same examples.
      constraints: lines of the constraint language.
      confidence: of the promise, in (0.5, 1).

    Raises:
      ConstraintError: a constraint cannot be read, or names no group that there is.
      DataError: there are no examples, or the features do not hold equally many.
      SettingsError: the confidence is out of its range.

    >>> examples = {"sex": {"Female": (900, 100), "Male": (900, 100)}}
    >>> [promise] = power(examples, "FPR | [Male] <= 0.1")
    >>> promise.limits[0.05]
    0.07
    """
    with vocabulary.speaking(vocabulary.ARGUMENTS):
        return power_of_sizes(examples, gate_config(constraints, confidence))


def power_of_sizes(
    examples: Mapping[str, Mapping[str, tuple[int, int]]], asked: GateConfig
) -> list[Promise]:
    """As `power`, for a gate, and in the words in force."""
    sizes: dict[Any, Size] = {}
    totals = {}
    for feature, members in examples.items():
        for name, pair in members.items():
            if not _is_pair_of_counts(pair):
                raise DataError(
                    f"[{feature}={name}]: expected (negatives, positives), two whole numbers of at "
                    f"least 0, got {pair!r}"
                )
            sizes[Group(feature, name)] = Size(pair[1], pair[0])
        totals[feature] = tuple(map(sum, zip(*members.values(), strict=True)))
    if len(set(totals.values())) != 1 or not sum(next(iter(totals.values()))):
        told = "; ".join(f"{feature}: {total}" for feature, total in totals.items()) or "none"
        raise DataError(
            f"every group feature divides the same examples, of which there must be some: got {told} "
            "(negatives, positives)"
        )
    negatives, positives = next(iter(totals.values()))
    sizes[None] = Size(positives, negatives)
    return promises(sizes, {f: list(m) for f, m in examples.items()}, asked)


def read_sizes(paths: Sequence[str | os.PathLike[str]]) -> dict[str, dict[str, tuple[int, int]]]:
    """Feature -> group -> (negatives, positives), of tables with these four columns.

    Raises:
      DataError: a file cannot be read, lacks a column, or holds what is no number of examples.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for path in paths:
        for batch in files.batches(
            [pathlib.Path(path)], ("feature", "group"), ("negatives", "positives")
        ):
            rows = zip(*(batch.names[name].codes for name in ("feature", "group")), strict=True)
            for row, codes in enumerate(rows):
                feature, group = (
                    batch.names[name].values[code] if code != columns.MISSING else ""
                    for name, code in zip(("feature", "group"), codes, strict=True)
                )
                counts = [float(batch.numbers[name][row]) for name in ("negatives", "positives")]
                if not feature or not group or not all(c >= 0 and c.is_integer() for c in counts):
                    raise DataError(
                        f"{path}: row {row + 1} is no feature, group and numbers of examples: "
                        f"{feature or 'none'}, {group or 'none'}, {counts[0]:g}, {counts[1]:g}"
                    )
                if group in found.setdefault(feature, {}):
                    raise DataError(f"{path}: row {row + 1} gives [{feature}={group}] again")
                found[feature][group] = (int(counts[0]), int(counts[1]))
    return found


def power_of_files(
    paths: Sequence[str | os.PathLike[str]],
    label: str,
    groups: Sequence[str],
    asked: GateConfig,
    positive: Positive = None,
    progress: Callable[[int], None] | None = None,
    unit: str | None = None,
    largest_unit: float | None = None,
    alike: float = advice.ALIKE,
    weight: str | None = None,
    largest_weight: float | None = None,
    declared: Mapping[str, GroupFeature] | None = None,
) -> list[Promise]:
    """As `power`, of the labels and groups in files; what a model said of them is not looked at.

    With `unit`, the column of whose example a row is, of bounds over units: `largest_unit` is the most
    rows that anybody has, and `alike` the correlation that two outcomes of a unit are supposed to have.
    With `weight`, the column of what a row counts, of bounds for weights of at most `largest_weight`.

    `declared` are the groups that are no plain column of names.

    Raises:
      SettingsError: a correlation that is not in [0, 1), or weights without a largest.
    """
    if not 0 <= alike < 1:
        raise SettingsError(
            f"{vocabulary.now().argument('correlation')}: {alike:g}: expected a number from 0 to under 1"
        )
    # The label stands in for a prediction: only its numbers are used. One of numbers may hold many.
    of_numbers = positive is not None and Yes(positive).is_range
    question = Question(
        label,
        label,
        tuple(dict.fromkeys([*groups, *(declared or {})])),
        threshold=0.0 if of_numbers else None,
        positive=positive,
        unit=unit,
        weight=weight,
        largest_unit=largest_unit,
        largest_weight=largest_weight,
        declared=declared or {},
    )
    read = files.batches(list(map(pathlib.Path, paths)), question.names, question.numbers)
    tally, _ = counted_for(asked, read, question, progress=progress)
    if not question.in_units:
        return promises(sizes_of(tally.outcomes()), tally.groups, asked)
    by_unit = tally.unit_outcomes(asked.units)
    assert isinstance(by_unit, UnitCounts)
    return promises(by_unit, tally.groups, asked, alike)


def promises(
    examples: Mapping[Any, Size] | UnitCounts,
    groups: Mapping[str, Sequence[str]],
    asked: GateConfig,
    alike: float = advice.ALIKE,
) -> list[Promise]:
    """A promise for each constraint that is asked."""
    constraints = [language.parse(line, groups, from_counts=True) for line in asked.constraints]
    return [advice.promise(each, examples, asked.confidence_of_each, alike) for each in constraints]


def _is_pair_of_counts(pair: Any) -> bool:
    return (
        isinstance(pair, tuple | list)
        and len(pair) == 2
        and all(isinstance(count, int | np.integer) and count >= 0 for count in pair)
    )
