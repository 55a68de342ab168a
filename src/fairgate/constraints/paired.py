"""Examples that two models decide differently: numbers, or sums of weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Changes:
    """How many examples only one of two models tells Yes, by label. ValueError if one is negative.

    Attributes:
        gained_tp: positives that this model tells Yes and the other No.
        lost_tp: positives that this model tells No and the other Yes.
        gained_fp: negatives that this model tells Yes and the other No.
        lost_fp: negatives that this model tells No and the other Yes.
    """

    gained_tp: float
    lost_tp: float
    gained_fp: float
    lost_fp: float

    def __post_init__(self) -> None:
        if min(self.gained_tp, self.lost_tp, self.gained_fp, self.lost_fp) < 0:
            raise ValueError(f"a number of examples cannot be negative: {self}")

    def __add__(self, other: Changes) -> Changes:
        """Of the union of two disjoint sets of examples."""
        return Changes(
            self.gained_tp + other.gained_tp,
            self.lost_tp + other.lost_tp,
            self.gained_fp + other.gained_fp,
            self.lost_fp + other.lost_fp,
        )
