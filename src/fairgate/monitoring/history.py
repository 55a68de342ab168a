"""How things stood over time: e-values and outcomes at some records, few enough to draw and to store."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.expressions import Constraint
from fairgate.constraints.rates import Counts, Group
from fairgate.monitoring.rounds import Records

_EVERY, _MOST = 100, 200


class History:
    """Looks at every so many records; when there are too many looks, every other one is forgotten.

    Args:
      constraints: whose groups are counted.

    Attributes:
      groups: what is counted: everybody (None) first.
      every: records between looks.
      records: (looks,) numbers of the records that were looked after.
      log_e_values: (looks, constraints) natural logarithms.
      cells: (looks, groups, 4) outcomes up to then: tp, fp, tn, fn.
    """

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        named = dict.fromkeys(group for each in constraints for group in each.groups())
        self.groups: list[Group | None] = [None, *named]
        self.every = _EVERY
        self.records: list[int] = []
        self.log_e_values: list[list[float]] = []
        self.cells: list[list[list[int]]] = []
        self._now: NDArray[np.int64] = np.zeros((len(self.groups), 4), np.int64)

    def until_next(self, records: int) -> int:
        """Records to the next look, after so many."""
        return self.every - records % self.every

    def add(self, block: Records, records: int, log_e_values: Sequence[float]) -> None:
        """Counts a block that ends with record number `records`, which is a look or before the next."""
        right, yes = block.labels, block.decisions
        outcomes = np.stack([right & yes, ~right & yes, ~right & ~yes, right & ~yes])
        for index, group in enumerate(self.groups):
            mine = outcomes if group is None else outcomes[:, block.members[group]]
            self._now[index] += mine.sum(axis=1)
        if records % self.every:
            return
        self.records.append(records)
        self.log_e_values.append(list(log_e_values))
        self.cells.append(self._now.tolist())
        if len(self.records) > _MOST:
            self.every *= 2
            for looks in (self.records, self.log_e_values, self.cells):
                del looks[::2]  # the first is at `every`, so that the second stays

    def counts(self) -> dict[Group | None, Counts]:
        """Outcomes of all records."""
        return self._counts(self._now.tolist())

    def stretches(self, most: int = _MOST) -> list[tuple[int, dict[Group | None, Counts]]]:
        """(last record, outcomes) of stretches of equal length, at most so many; the rest is left out."""
        found = []
        before = np.zeros_like(self._now)
        step = -(-len(self.records) // most) or 1
        last = slice(step - 1, None, step)
        for record, cells in zip(self.records[last], self.cells[last], strict=True):
            now = np.array(cells, np.int64)
            found.append((record, self._counts((now - before).tolist())))
            before = now
        return found

    def _counts(self, cells: Sequence[Sequence[int]]) -> dict[Group | None, Counts]:
        return {group: Counts(*four) for group, four in zip(self.groups, cells, strict=True)}

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "every": self.every,
            "records": self.records,
            "log_e_values": self.log_e_values,
            "cells": self.cells,
            "now": self._now.tolist(),
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Goes on where `as_document` was; ValueError or KeyError where it is none."""
        self.every = int(document["every"])
        self.records = list(document["records"])
        self.log_e_values = [list(each) for each in document["log_e_values"]]
        self.cells = list(document["cells"])
        now = np.array(document["now"], np.int64)
        if now.shape != self._now.shape or not 0 < self.every < sys.maxsize:
            raise ValueError("another number of groups")
        self._now = now
