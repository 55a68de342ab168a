"""What a measured value is worth: one model, measured on many test splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairgate.constraints.expressions import Constraint
from fairgate.gate import words
from fairgate.gate.prediction import bound_of, simulated, sizes_of
from fairgate.report import charts
from fairgate.report.charts import Series
from pipeline.inspect.judged import Judged
from pipeline.inspect.shown import Charts, Table

_TPR = 0.8  # of every group; the rates of interest here are of negatives


@dataclass(frozen=True)
class Measurements:
    """The value and the bound of one model's constraint on each of many drawn test splits.

    Attributes:
      constraint: what was measured.
      truth: its true value.
      values: (n,) as measured.
      bounds: (n,) confidence bounds.
      confidence: of the bounds.
    """

    constraint: Constraint
    truth: float
    values: np.ndarray
    bounds: np.ndarray
    confidence: float

    def table(self) -> Table:
        """How often a gate of values, and a gate of bounds, would let this model pass."""
        rows = [
            {"gate of": name, "passes": float(np.mean([*map(self.constraint.is_satisfied, found)]))}
            for name, found in (("values", self.values), ("bounds", self.bounds))
        ]
        keeps = self.constraint.is_satisfied(self.truth)
        caption = (
            f"A model whose true value is {self.truth:g}, {'within' if keeps else 'beyond'} the limit "
            f"of {self.constraint.limit:g}, on {len(self.values)} test splits"
        )
        return Table(rows).captioned(caption)

    def chart(self) -> Charts:
        """All values and bounds, from the lowest to the highest."""
        shares = (np.arange(len(self.values)) + 0.5) / len(self.values)
        series = [
            Series("value", [*zip(np.sort(self.values), shares, strict=True)], 0),
            Series(
                f"{self.confidence:.0%} bound", [*zip(np.sort(self.bounds), shares, strict=True)], 1
            ),
        ]
        drawn = charts.lines(
            "One model, many test splits",
            series,
            words.expression_of(str(self.constraint)),
            "share of splits at or below",
            f"true value {self.truth:g}, limit {self.constraint.limit:g}",
            vertical=[(self.constraint.limit, 4)],
        )
        note = "The dashed line is the limit: what crosses it below 1 passes that often."
        return Charts([drawn] if drawn else [], note)


def many_test_splits(
    judged: Judged, true_gap: float, draws: int = 200, seed: int = 0
) -> Measurements:
    """Measures a model with a known gap on test splits as large as the one of `judged`.

    The group with the fewest negatives is given the other groups' rate, as measured, and the gap on top.

    Args:
      judged: whose gate's first constraint, a gap of false positive rates, is measured.
      true_gap: of the model.
      draws: how many splits.
      seed: of the draws.
    """
    counts = judged.counts()
    check = judged.checked()[0]
    sizes = {group: size for group, size in sizes_of(counts).items() if group is not None}
    fewest = min(sizes, key=lambda group: sizes[group].negatives)
    others = [group for group in sizes if group != fewest]
    rate = sum(counts[g].fp for g in others) / max(1, sum(counts[g].negatives for g in others))
    fpr = {group: rate + true_gap * (group == fewest) for group in sizes}
    drawn = simulated(fpr, dict.fromkeys(sizes, _TPR), sizes, draws, np.random.default_rng(seed))
    confidence = judged.verdict["attempt"]["confidence"]
    values = np.array([check.value(outcomes) for outcomes in drawn])
    bounds = np.array([bound_of(check, outcomes, 1 - confidence) for outcomes in drawn])
    return Measurements(check, true_gap, values, bounds, confidence)
