"""Labels of more than two classes: rates of one class against the rest, and of being right at all.

A model says one of k classes, so that its outcomes are a table of k x k numbers: what examples are, by
what is said of them. All rates of the language are of tables of 2 x 2. Each class has one, in which it
counts as positive and all others as negative: TPR(A) is how often A is said of those who are A, FPR(A)
how often of all others. ACC and ERR are of yet another, in which everybody is positive and Yes means to
be told right. So every bound, and every rule of the game that trains, is that of a binary rate.

Who counts is a group, or everybody; what counts as positive is `Group.of`. Outcomes are mappings like
those of binary models: at a group (and at None, for everybody) those of being right, and at
`seen_as(group, "A")` those of A against the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group

CLASSES = "[classes]"
"""Where the names of groups by feature are handed around, the place of the classes' names, if the label
has more than two. No feature is called so: names hold no brackets."""

GENERAL = ("ACC", "ERR")
"""The rates that are of all classes together."""

Table = NDArray[np.float64] | NDArray[np.int64]


def classes_of(groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The classes of the label; none where it is binary."""
    return tuple(groups.get(CLASSES, ()))


def features_of(groups: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The features and the names of their groups alone."""
    return {feature: names for feature, names in groups.items() if feature != CLASSES}


def seen_as(group: Group | None, name: str) -> Group:
    """A group (None: everybody) in which the class `name` counts as positive, and all others do not.

    >>> print(seen_as(Group("sex", "Male"), "A"), seen_as(None, "A"), sep="; ")
    sex=Male (class A); (class A)
    """
    return Group("", "", name) if group is None else replace(group, of=name)


def regardless(group: Group | None) -> Group | None:
    """The people of a group, whatever counts as positive; None for everybody."""
    if group is None or not group.of:
        return group
    return Group(group.feature, group.name) if group.feature else None


def answers(counts: Mapping[Group | None, Counts]) -> dict[str, float]:
    """How often each class is said in all, where outcomes are of classes; otherwise of Yes and No."""
    found = {
        group.of: of.tp + of.fp
        for group, of in counts.items()
        if group is not None and group.of and not group.feature
    }
    everybody = counts[None]
    yes_no = {"Yes": everybody.tp + everybody.fp, "No": everybody.tn + everybody.fn}
    return found or yes_no


def confusion(
    labels: ArrayLike, said: ArrayLike, size: int, weights: ArrayLike | None = None
) -> Table:
    """(size, size) numbers, or sums of weights: rows are labels, columns answers.

    Args:
        labels: (n,) numbers of classes, from 0.
        said: (n,) the same of the model's answers; or (n, size) of each example the share of draws that
            give each answer, and the table is what is expected over draws.
        size: how many classes there are.
        weights: (n,) of the examples; None: each counts one.
    """
    of, answer = np.asarray(labels, np.int64), np.asarray(said)
    each = None if weights is None else np.asarray(weights, np.float64)
    if answer.ndim == 2:
        is_label = np.eye(size)[of] if each is None else np.eye(size)[of] * each[:, np.newaxis]
        return np.asarray(is_label.T @ answer, np.float64)
    cells = np.bincount(of * size + answer.astype(np.int64), each, size * size)
    return cells.reshape(size, size)


def changes(
    labels: ArrayLike,
    said: ArrayLike,
    other: ArrayLike,
    size: int,
    times: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """(1 + size, 4) examples that two models decide differently, in the order of `Changes`.

    Row 0 is of being right, row 1 + c of the class c. Arguments as for `confusion`; times: (n,) how often
    each row is there; None: once.
    """
    of, now, then = (np.asarray(each, np.int64) for each in (labels, said, other))
    often = np.ones(len(of), np.int64) if times is None else np.asarray(times, np.int64)
    found = np.zeros((1 + size, 4), np.int64)
    for row in range(1 + size):
        positive = np.ones(len(of), bool) if row == 0 else of == row - 1
        yes, before = (each == of if row == 0 else each == row - 1 for each in (now, then))
        found[row] = [
            often[(positive == label) & (yes == says) & (before != says)].sum()
            for label in (True, False)
            for says in (True, False)
        ]
    return found


def outcomes(
    tables: Mapping[Group | None, Table],
    classes: Sequence[str],
    against: Mapping[Group | None, ArrayLike] | None = None,
) -> dict[Group | None, Counts]:
    """What rates are taken of.

    Args:
        tables: of each group, and at None of everybody; see `confusion`.
        classes: their names, in the order of rows and columns.
        against: the examples that another model decides differently, as `changes`; None: there is none.

    >>> found = outcomes({None: np.array([[5, 1, 0], [2, 6, 0], [0, 1, 3]])}, ["A", "B", "C"])
    >>> found[None], found[seen_as(None, "B")]
    (Counts(tp=14, fp=0, tn=0, fn=4), Counts(tp=6, fp=2, tn=8, fn=2))
    """
    found: dict[Group | None, Counts] = {}
    for group, table in tables.items():
        moved = None if against is None else np.asarray(against[group])
        right, total = np.trace(table), table.sum()
        found[group] = _counts([right, 0, 0, total - right], None if moved is None else moved[0])
        for place, name in enumerate(classes):
            tp = table[place, place]
            fn, fp = table[place].sum() - tp, table[:, place].sum() - tp
            cells = [tp, fp, total - tp - fn - fp, fn]
            own = None if moved is None else moved[1 + place]
            found[seen_as(group, name)] = _counts(cells, own)
    return found


def sizes(
    group: Group | None, by_class: Sequence[float], classes: Sequence[str]
) -> Iterator[tuple[Group | None, float, float]]:
    """(group as it is seen, positives, negatives): what a split has of a group, for any model.

    Args:
        group: None for everybody.
        by_class: how many examples of each class it has.
        classes: their names.
    """
    total = sum(by_class)
    yield group, total, 0
    for name, number in zip(classes, by_class, strict=True):
        yield seen_as(group, name), number, total - number


def _counts(cells: Sequence[float], moved: NDArray[np.int64] | None) -> Counts:
    # Sums of weights may leave a little less than nothing.
    tp, fp, tn, fn = (max(each.item() if hasattr(each, "item") else each, 0) for each in cells)
    against = None if moved is None else Changes(*(each.item() for each in moved))
    return Counts(tp, fp, tn, fn, against=against)
