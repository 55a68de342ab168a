"""The rates of a binary classifier, the groups they are conditioned on, and counts of outcomes.

Every rate is a cost per example averaged over a denominator set D:

    rate = sum_{i in D} w_i c(y_i, prediction_i) / sum_{i in D} w_i

so that one table of costs serves evaluation, confidence bounds and training alike.
Source: Cotter et al., JMLR 20 (2019), section 2 and table 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fairgate.constraints.paired import Changes

DenominatorSet = Literal[
    "all", "positives", "negatives", "predicted_positives", "predicted_negatives"
]


@dataclass(frozen=True)
class RateDefinition:
    """One row of the rate table.

    Attributes:
        name: short name, as the constraint language writes it.
        long_name: the name in words, an alias in the language.
        denominator: the examples that the rate is an average over.
        positive_costs: (cost of predicting +, cost of predicting -) of a positive-labelled example.
        negative_costs: the same of a negative-labelled example.
        complement: the rate that is one minus this one (None: no rate of the table is).
    """

    name: str
    long_name: str
    denominator: DenominatorSet
    positive_costs: tuple[float, float]
    negative_costs: tuple[float, float]
    complement: str | None = None


_ROWS = (
    RateDefinition("FPR", "false_positive_rate", "negatives", (0, 0), (1, 0), "TNR"),
    RateDefinition("FNR", "false_negative_rate", "positives", (0, 1), (0, 0), "TPR"),
    RateDefinition("TPR", "true_positive_rate", "positives", (1, 0), (0, 0), "FNR"),
    RateDefinition("TNR", "true_negative_rate", "negatives", (0, 0), (0, 1), "FPR"),
    RateDefinition("PPR", "positive_prediction_rate", "all", (1, 0), (1, 0), "NPR"),
    RateDefinition("NPR", "negative_prediction_rate", "all", (0, 1), (0, 1), "PPR"),
    RateDefinition("ACC", "accuracy_rate", "all", (1, 0), (0, 1), "ERR"),
    RateDefinition("ERR", "error_rate", "all", (0, 1), (1, 0), "ACC"),
    RateDefinition("TPP", "true_positive_proportion", "all", (1, 0), (0, 0)),
    RateDefinition("FNP", "false_negative_proportion", "all", (0, 1), (0, 0)),
    RateDefinition("FPP", "false_positive_proportion", "all", (0, 0), (1, 0)),
    RateDefinition("TNP", "true_negative_proportion", "all", (0, 0), (0, 1)),
    RateDefinition(
        "PPV", "positive_predictive_value", "predicted_positives", (1, 0), (0, 0), "FDR"
    ),
    RateDefinition("FDR", "false_discovery_rate", "predicted_positives", (0, 0), (1, 0), "PPV"),
    RateDefinition(
        "NPV", "negative_predictive_value", "predicted_negatives", (0, 0), (0, 1), "FOR"
    ),
    RateDefinition("FOR", "false_omission_rate", "predicted_negatives", (0, 1), (0, 0), "NPV"),
)

RATES: Mapping[str, RateDefinition] = MappingProxyType({row.name: row for row in _ROWS})

FIXED: Mapping[str, RateDefinition] = MappingProxyType(
    {row.name: row for row in _ROWS if not row.denominator.startswith("predicted")}
)
"""The rates over examples that are the same ones whatever a model says."""

QUOTIENTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"PPV": ("TPP", "PPR"), "FDR": ("FPP", "PPR"), "NPV": ("TNP", "NPR"), "FOR": ("FNP", "NPR")}
)
"""Rates over the examples that are predicted alike -> numerator and denominator, of all examples.

They are no averages of costs over a set that is fixed while a model trains; a trainer clears the
quotient against the limit, or gives it a slack variable."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {row.long_name: row.name for row in _ROWS}
    | {"accuracy": "ACC", "error": "ERR", "recall": "TPR", "sensitivity": "TPR"}
    | {"specificity": "TNR", "selection_rate": "PPR", "precision": "PPV"}
)
"""Other spellings that the language accepts -> the name in `RATES`."""


@dataclass(frozen=True)
class Group:
    """The examples whose feature `feature` has the value `name` (both as people read them).

    Attributes:
        feature: name of the feature; empty for everybody, seen as a class.
        name: name of the group.
        of: where a label has several classes, the one that counts as positive while all others count as
            negative (see `classes`); empty where none does.
    """

    feature: str
    name: str
    of: str = field(default="", repr=False)

    def __str__(self) -> str:
        group = f"{self.feature}={self.name}" if self.feature else ""
        return f"{group} (class {self.of})".strip() if self.of else group

    @property
    def words(self) -> str:
        """For messages: [Young], [Young] (class A), everybody (class A)."""
        group = f"[{self.name}]" if self.feature else "everybody"
        return f"{group} (class {self.of})" if self.of else group


@dataclass(frozen=True)
class Counts:
    """Outcomes of a classifier on a set of examples: numbers, or sums of weights (then floats).

    Attributes:
        against: where the same examples were decided by another model too, the ones that differ.

    Raises:
        ValueError: if a count is negative, infinite or NaN.
    """

    tp: float
    fp: float
    tn: float
    fn: float
    against: Changes | None = field(default=None, repr=False, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("tp", "fp", "tn", "fn"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"Counts.{name} must be a finite number >= 0, got {value!r}")

    @property
    def positives(self) -> float:
        """Positive-labelled examples: tp + fn."""
        return self.tp + self.fn

    @property
    def negatives(self) -> float:
        """Negative-labelled examples: tn + fp."""
        return self.tn + self.fp

    @property
    def examples(self) -> float:
        """All examples."""
        return self.positives + self.negatives

    def __add__(self, other: Counts) -> Counts:
        """Counts of the union of two disjoint sets of examples."""
        both = self.against, other.against
        return Counts(
            self.tp + other.tp,
            self.fp + other.fp,
            self.tn + other.tn,
            self.fn + other.fn,
            against=None if both[0] is None or both[1] is None else both[0] + both[1],
        )

    def trials(self, name: str) -> tuple[float, float]:
        """(successes, trials) of the rate `name`: its numerator and its denominator.

        Raises:
            KeyError: if `name` is not in `RATES`.
        """
        definition = RATES[name]
        successes = (
            self.tp * definition.positive_costs[0]
            + self.fn * definition.positive_costs[1]
            + self.fp * definition.negative_costs[0]
            + self.tn * definition.negative_costs[1]
        )
        denominators = {
            "all": self.examples,
            "positives": self.positives,
            "negatives": self.negatives,
            "predicted_positives": self.tp + self.fp,
            "predicted_negatives": self.tn + self.fn,
        }
        return successes, denominators[definition.denominator]

    def rate(self, name: str) -> float:
        """The rate `name`; NaN when its denominator is 0.

        >>> Counts(tp=40, fp=10, tn=90, fn=10).rate("FPR")  # fp / (fp + tn)
        0.1
        """
        successes, trials = self.trials(name)
        return float(successes) / float(trials) if trials else math.nan

    def changes(self, name: str) -> tuple[float, float, float] | None:
        """(up, down, trials) of the rate `name`: the examples that only this model's rate counts, those
        that only the other's does, and all; None where there is no other model.

        Raises:
            KeyError: if `name` is not in `FIXED`.

        >>> Counts(tp=4, fp=2, tn=8, fn=6, against=Changes(1, 3, 0, 2)).changes("FNR")
        (3, 1, 10)
        """
        if self.against is None:
            return None
        definition, found = FIXED[name], self.against
        up = down = 0.0 if isinstance(found.gained_tp, float) else 0
        for (if_yes, if_no), gained, lost in (
            (definition.positive_costs, found.gained_tp, found.lost_tp),
            (definition.negative_costs, found.gained_fp, found.lost_fp),
        ):
            if if_yes > if_no:
                up, down = up + gained, down + lost
            elif if_yes < if_no:
                up, down = up + lost, down + gained
        return up, down, self.trials(name)[1]

    def change(self, name: str) -> float:
        """The rate `name` minus the other model's; NaN where there is none, or no examples."""
        found = self.changes(name)
        return (found[0] - found[1]) / found[2] if found and found[2] else math.nan

    def curve(self, measure: str, target: float | None = None) -> float:
        """ValueError: decisions at one threshold do not tell it (`curves.Scored` does)."""
        shown = measure if target is None else f"{measure}({target:g})"
        raise ValueError(f"{shown} cannot be told from counts of decisions: it needs the scores")


OUTCOMES = (Counts(1, 0, 0, 0), Counts(0, 1, 0, 0), Counts(0, 0, 1, 0), Counts(0, 0, 0, 1))
"""One example of each outcome: tp, fp, tn and fn."""

Measured = Mapping[Group | None, Counts]
"""Outcomes of each group, and at None those of everybody."""


def count_outcomes(
    predicted_positive: ArrayLike,
    labels: ArrayLike,
    members: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Counts:
    """Counts the outcomes of decisions.

    Args:
        predicted_positive: (n,) decisions; nonzero or True is "+". Threshold scores before.
        labels: (n,) labels; > 0 is positive.
        members: (n,) nonzero where the example belongs to the group counted; None: all do.
        weights: (n,) non-negative example weights; None: every example counts one, and the
            counts are integers, which confidence bounds need.

    Returns:
        `Counts` with int fields (no weights) or float fields (weights).

    Raises:
        ValueError: if the shapes differ or are not rank 1.

    >>> count_outcomes([1, 1, 0, 0, 0], labels=[1, 0, 0, 0, 1])
    Counts(tp=1, fp=1, tn=2, fn=1)
    >>> count_outcomes([1, 1, 0, 0, 0], labels=[1, 0, 0, 0, 1], members=[1, 1, 0, 0, 0])
    Counts(tp=1, fp=1, tn=0, fn=0)
    """
    decisions = np.asarray(predicted_positive).astype(bool)
    positive = np.asarray(labels) > 0
    arrays: list[np.ndarray[Any, Any]] = [decisions, positive]
    chosen = np.ones_like(decisions) if members is None else np.asarray(members).astype(bool)
    arrays.append(chosen)
    if weights is not None:
        arrays.append(np.asarray(weights, dtype=np.float64))
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1 or decisions.ndim != 1:
        raise ValueError(f"decisions, labels, members and weights must all be (n,), got {shapes}")

    def total(mask: np.ndarray[Any, Any]) -> float:
        return int(mask.sum()) if weights is None else float(arrays[-1][mask].sum())

    return Counts(
        tp=total(chosen & decisions & positive),
        fp=total(chosen & decisions & ~positive),
        tn=total(chosen & ~decisions & ~positive),
        fn=total(chosen & ~decisions & positive),
    )
