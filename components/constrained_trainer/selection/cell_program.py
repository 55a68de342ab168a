"""The best thresholds of each group's own under constraints, by a linear program.

They are the least that group-aware post-processing can lose (Hardt, Price and Srebro, NeurIPS 2016).
With x_ct the share of cell c that is decided at its threshold t, rates of any group and the error of
everyone are linear in x, and so are the pieces of a constraint; the best x is that of a linear program:

    min_x  sum_ct err_ct x_ct   subject to   sum_t x_ct = 1,  every piece <= -margin,  x >= 0

At a vertex few cells have more than one threshold: at most as many as there are pieces that bind. Those
leave some of their answers to a draw. The same program over x in {0, 1} leaves nothing to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection import optimism, thresholds
from components.constrained_trainer.selection.cells import Cells, CellThresholds
from fairgate.constraints.linear import LinearConstraint
from fairgate.constraints.rates import RATES, Counts, Group, Measured

_Table = dict[Group | None, NDArray[np.float64]]

MOST = 129
"""Thresholds of each cell that are tried, besides Yes and No to all of it: quantiles of its scores.

Rates at all thresholds of one score err alike (the Dvoretzky-Kiefer-Wolfowitz inequality), so that more
of them would not overfit more; they would be slower."""
# A share that is rounding of the program, and how exact the program is.
_NEGLIGIBLE, _EXACT = 1e-6, 1e-9
# Standard errors of the error rate that draws must save to be worth giving equal people unequal answers:
# less may be mere chance, and the mixtures of a finite sample look better than they are.
_WORTH_DRAWS = 0.5
# Nodes of the branch and bound: a bound that does not depend on the machine's speed.
_NODES = 500


class CellProgram:
    """The linear program of one model's scores.

    Args:
      split: the validation split.
      scores: (n,) of the model.
      pieces: the constraints, all of which are to be kept.
      cells: what has thresholds of its own; everybody in `split` is in one.
      most: thresholds tried in each cell.
      learned: training examples and their scores, where those are to tell something, too: rates are then
        those that are estimated (`optimism`).
      sure: whether the limits are to be kept on the validation split alone as well.
      useful: whether only rules are looked at that say something: see `thresholds.uselessness`. Of what a
        score can tell apart in a group (the largest TPR - FPR), a tenth must be left.

    Raises:
      SettingsError: see `Cells.index`.
    """

    def __init__(
        self,
        split: Split,
        scores: NDArray[np.floating],
        pieces: Sequence[LinearConstraint],
        cells: Cells,
        most: int = MOST,
        useful: bool = True,
        learned: tuple[Split, NDArray[np.floating]] | None = None,
        sure: bool = False,
    ):
        self._cells, self._scores, self._index = cells, scores, cells.index(split)
        self._occupied = np.unique(self._index)
        ends = np.array([-math.inf, math.inf], np.float32)
        self._tried = [
            np.sort(np.append(thresholds.shifts(scores[self._index == cell], most), ends))
            for cell in self._occupied
        ]
        sizes = [len(tried) for tried in self._tried]
        self._sums = np.repeat(np.eye(len(sizes)), sizes, axis=1)
        self._measured = self._outcomes(split, scores)
        self._measured_examples = len(split) * split.effective
        self._learned, self.optimism = None, 0.0
        if learned is not None:
            others, own = learned
            self._learned = self._outcomes(others, own)
            self.optimism = optimism.of(split.counts(scores), others.counts(own))
        self._table = self._estimated()
        self.errors = self._row("ERR", None)
        self._matrix = self._rows(pieces)
        if sure:
            estimated, self._table = self._table, self._measured
            self._matrix = np.vstack([self._matrix, self._rows(pieces)])
            self._table = estimated
        limits = [-piece.constant for piece in pieces]
        self._limits = np.array(limits * 2 if sure else limits)
        self._floors, self._useful = self._usefulness() if useful else ([], [])

    @property
    def is_measured(self) -> bool:
        """Whether every rate of the constraints has examples."""
        return bool(np.isfinite(self._matrix).all())

    def least_excess(self) -> float | None:
        """How far the worst piece is beyond its limit at the least, below 0: within it; None: no rule."""
        one = np.ones((len(self._limits), 1))
        found = self._solved(
            np.append(np.zeros(len(self.errors)), 1.0),
            np.hstack([self._matrix, -one]),
            self._limits,
            bounds=[(0, None)] * len(self.errors) + [(None, None)],
        )
        return None if found is None else float(found[-1])

    def best(self, margin: float = 0.0) -> NDArray[np.float64] | None:
        """(v,) shares of least error with every piece `margin` inside its limit; None: there are none."""
        found = self._solved(self.errors, self._matrix, self._limits - margin)
        if found is None:
            return None
        kept = np.where(found > _NEGLIGIBLE, found, 0.0)
        return kept / (self._sums.T @ (self._sums @ kept))

    def without_draws(
        self, shares: NDArray[np.float64], margin: float = 0.0
    ) -> NDArray[np.float64]:
        """One threshold for each cell, if that costs hardly more; else `shares`, found by `best`."""
        if np.isin(shares, (0.0, 1.0)).all():
            return shares
        inside = optimize.LinearConstraint(
            np.vstack([self._matrix, *self._useful]),
            ub=np.append(self._limits - margin, np.full(len(self._useful), np.inf)),
            lb=np.append(np.full(len(self._limits), -np.inf), self._floors),
        )
        found = optimize.milp(
            self.errors,
            integrality=np.ones(len(self.errors)),
            bounds=optimize.Bounds(0, 1),
            constraints=[inside, optimize.LinearConstraint(self._sums, 1, 1)],
            options={"node_limit": _NODES, "mip_rel_gap": 1e-3},
        )
        if found.x is None:
            return shares
        single = np.round(found.x)
        error = float(self.errors @ shares)
        chance = math.sqrt(error * (1 - error) / self._measured_examples)
        return single if self.errors @ single <= error + _WORTH_DRAWS * chance else shares

    def counts(self, shares: NDArray[np.float64]) -> Measured:
        """Outcomes of everyone (None) and of each group: whole, or expected over draws."""
        return _counts(self._measured, shares)

    def learned_counts(self, shares: NDArray[np.float64]) -> Measured | None:
        """The same of the training examples; None: there are none."""
        return None if self._learned is None else _counts(self._learned, shares)

    def rule(self, shares: NDArray[np.float64]) -> CellThresholds:
        """The thresholds of each cell and the shares of those who meet them; 0 where a cell is empty."""
        own: list[tuple[float, ...]] = [(0.0,)] * len(self._cells)
        parts: list[tuple[float, ...]] = [(1.0,)] * len(self._cells)
        drawn, start = 0, 0
        for cell, tried in zip(self._occupied, self._tried, strict=True):
            among = shares[start : start + len(tried)]
            start += len(tried)
            met = np.flatnonzero(among)
            own[cell] = tuple(float(tried[t]) for t in met)
            parts[cell] = tuple(float(among[t]) for t in met)
            scores = self._scores[self._index == cell]
            drawn += int(((scores > own[cell][0]) & (scores <= own[cell][-1])).sum())
        return CellThresholds(self._cells, tuple(own), tuple(parts), drawn / len(self._index))

    def _outcomes(self, split: Split, scores: NDArray[np.floating]) -> _Table:
        """(4, v) of each group: outcomes in each cell at each of its thresholds."""
        index = self._cells.index(split)
        tables = [
            thresholds.outcomes_at(split, scores, tried, index == cell)
            for cell, tried in zip(self._occupied, self._tried, strict=True)
        ]
        return {
            group: np.concatenate([table[group] for table in tables], axis=1) for group in tables[0]
        }

    def _estimated(self) -> _Table:
        """The outcomes that rates are estimated by: `optimism.estimated`, threshold by threshold."""
        if self._learned is None:
            return self._measured
        found = {}
        for group, table in self._measured.items():
            other, blended = self._learned[group], np.empty_like(table)
            for label in ([0, 3], [1, 2]):  # positives, negatives
                sizes = (self._size(each[label]) for each in (table, other))
                own, theirs = optimism.factors(*sizes, self.optimism)
                blended[label] = own * table[label] + theirs * other[label]
            found[group] = blended
        return found

    def _size(self, table: NDArray[np.float64]) -> float:
        """How many examples a table counts: whatever is decided, at the first threshold of each cell."""
        return float(table[:, self._sums.argmax(axis=1)].sum())

    def _all(self, group: Group | None) -> Counts:
        """The examples of a group, by label."""
        return Counts(*map(float, self._table[group][:, self._sums.argmax(axis=1)].sum(axis=1)))

    def _rows(self, pieces: Sequence[LinearConstraint]) -> NDArray[np.float64]:
        """(k, v) what each threshold adds to each piece."""
        rows = [sum(f * self._row(r.rate, r.group) for r, f in p.coefficients) for p in pieces]
        return np.array(rows).reshape(len(pieces), len(self.errors))

    def _row(self, rate: str, group: Group | None) -> NDArray[np.float64]:
        """(v,) what each threshold adds to a rate, if everybody of its cell met it."""
        tp, fp, tn, fn = self._table[group]
        costs = RATES[rate]
        yes, no = costs.positive_costs, costs.negative_costs
        _, trials = self._all(group).trials(rate)
        hits = yes[0] * tp + yes[1] * fn + no[0] * fp + no[1] * tn
        return hits / trials if trials else np.full(hits.shape, math.nan)

    def _usefulness(self) -> tuple[list[float], list[NDArray[np.float64]]]:
        """What must be at least as large, and the rows of it."""
        everyone = self._all(None)
        rarer = min(everyone.positives, everyone.negatives) / everyone.examples
        # A whisker more than what is called useless.
        least = thresholds.RARE * rarer + _EXACT
        rows, floors = [self._row("PPR", None), self._row("NPR", None)], [least, least]
        for group in self._table:
            counts = self._all(group)
            if counts.positives and counts.negatives:
                apart = self._row("TPR", group) - self._row("FPR", group)
                most = np.where(self._sums > 0, apart, -np.inf).max(axis=1).sum()
                rows.append(apart)
                floors.append(max(thresholds.RARE * float(most), _EXACT))
        return floors, rows

    def _solved(
        self,
        costs: NDArray[np.float64],
        matrix: NDArray[np.float64],
        limits: NDArray[np.float64],
        bounds: Any = (0, None),
    ) -> NDArray[np.float64] | None:
        spare = len(costs) - len(self.errors)
        below = [-np.append(row, np.zeros(spare)) for row in self._useful]
        sums = np.hstack([self._sums, np.zeros((len(self._sums), spare))])
        found = optimize.linprog(
            costs,
            A_ub=np.vstack([matrix, *below]),
            b_ub=np.append(limits, -np.array(self._floors)),
            A_eq=sums,
            b_eq=np.ones(len(sums)),
            bounds=bounds,
            method="highs-ds",  # the dual simplex ends at a vertex
            options={"primal_feasibility_tolerance": 1e-10},
        )
        return found.x


def _counts(table: _Table, shares: NDArray[np.float64]) -> Measured:
    # Sums of weights are none, whatever the shares are.
    whole = bool(np.isin(shares, (0.0, 1.0)).all() and (table[None] % 1 == 0).all())
    found = {group: cells @ shares for group, cells in table.items()}
    return {
        group: Counts(*(round(v) if whole else float(v) for v in values))
        for group, values in found.items()
    }


def frontier(
    programs: Sequence[CellProgram], steps: int, room: float = 0.0
) -> list[tuple[int, NDArray[np.float64]]]:
    """The rules of least error over several models: at the limits, and at more and more room to them.

    Args:
      programs: of each model.
      steps: how many: at the limits alone (1), or up to as far inside them as any model gets. Where none
        keeps the limits, there is one, of the model that is least beyond them.
      room: one more, so far inside the limits, if that can be had.

    Returns:
      (place of the model, shares of its program) of each.
    """
    excesses = [each.least_excess() if each.is_measured else None for each in programs]
    known = {place: excess for place, excess in enumerate(excesses) if excess is not None}
    if not known:
        return []
    nearest = min(known, key=lambda place: known[place])
    if known[nearest] > 0:
        margins, tried = [-known[nearest] - _EXACT], [nearest]
    else:
        margins = [float(m) for m in np.linspace(0.0, -known[nearest], steps)]
        margins += [room] if 0 < room <= -known[nearest] else []
        tried = list(known)
    found = []
    for margin in margins:
        shares = {place: programs[place].best(margin) for place in tried}
        best = min(
            (place for place in tried if shares[place] is not None),
            key=lambda place: programs[place].errors @ shares[place],
            default=None,
        )
        if best is not None:
            found.append((best, programs[best].without_draws(shares[best], margin)))
    return found
