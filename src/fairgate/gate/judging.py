"""From counted outcomes to a judgement: values, bounds, whether they pass, and why not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairgate import bounds
from fairgate.constraints.classes import classes_of, features_of, seen_as
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitCounts, rows_of
from fairgate.gate import advice, checks, costs, requirements, words
from fairgate.gate.attempts import Attempt
from fairgate.gate.checks import GateCheck, Groups
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import (
    BASELINE,
    CheckRow,
    ClassResult,
    GateRow,
    GroupResult,
    Judgement,
    ModelResult,
    Sampling,
    outcome_of,
    shown_name,
)
from fairgate.gate.prediction import bound_of


@dataclass(frozen=True)
class Measurement:
    """A constraint's left side on the test data: its value and its bounds; None where there is none.

    Attributes:
      value: as it was measured.
      bound: on the side that could break the limit.
      opposite: on the other side, where the limit is not kept.
      independent: the bound that independent examples would have, where they come in units.
    """

    value: float | None
    bound: float | None
    opposite: float | None = None
    independent: float | None = None


def measure(check: GateCheck, counts: Measured, confidence: float) -> Measurement:
    """What one constraint comes to on counted outcomes.

    Args:
      check: the constraint.
      counts: outcomes of each group, and at None of everybody.
      confidence: of the one-sided bound, in (0, 1).

    Raises:
      ValueError: as for `bounds.upper_bound`.
    """
    delta = round(1.0 - confidence, 12)
    value = _finite(check.constraint.value(counts))
    bound = _finite(bound_of(check.constraint, counts, delta))
    sides = opposite(check, counts, confidence), independent(check, counts, confidence)
    return Measurement(value, bound, *sides)


def independent(check: GateCheck, counts: Measured, confidence: float) -> float | None:
    """The bound that independent examples would have, where they come in units; else None.

    Arguments and errors as for `measure`.
    """
    if not isinstance(counts, UnitCounts) or counts.weighted:
        return None
    return _finite(bound_of(check.constraint, dict(counts), round(1.0 - confidence, 12)))


def opposite(check: GateCheck, counts: Measured, confidence: float) -> float | None:
    """The bound on the side that cannot break the limit, where the value itself does; or None.

    Where it is beyond the limit too, that the model breaks the limit is shown at this confidence.
    Arguments and errors as for `measure`.
    """
    constraint, delta = check.constraint, round(1.0 - confidence, 12)
    value = constraint.value(counts)
    if math.isnan(value) or constraint.is_satisfied(value):
        return None
    bound = bounds.lower_bound if constraint.sense == "<=" else bounds.upper_bound
    return _finite(bound(constraint.expression, counts, delta))


def judge(
    gate: GateConfig,
    groups: Groups,
    outcomes: Mapping[str, Measured],
    attempt: Attempt | None = None,
    warnings: Sequence[str] = (),
) -> Judgement:
    """The judgement of a model on counted outcomes.

    Args:
      gate: what is asked.
      groups: display name of each group feature -> the names of its groups; and the label's classes, see
        `language.parse`.
      outcomes: the judged model's, and under BASELINE those of a model to compare it with: counts of
        each group, and at None of everybody.
      attempt: which model this is on its test data; its confidence takes the place of the gate's.
      warnings: what should be known besides.

    Raises:
      ConstraintError: a constraint cannot be read, or counts cannot tell it.

    >>> gate = GateConfig(constraints=["FPR <= 0.1"])
    >>> outcomes = {"mine": {None: Counts(tp=55, fp=0, tn=59, fn=4)}}
    >>> judgement = judge(gate, {}, outcomes)
    >>> judgement.blessed, round(judgement.gate[0].upper_bound, 4)
    (True, 0.0495)
    """
    confidence = gate.confidence if attempt is None else attempt.confidence
    asked = checks.checks(gate, groups)
    measured = {
        name: [measure(check, counts, confidence) for check in asked]
        for name, counts in outcomes.items()
    }
    [judged] = [name for name in outcomes if name != BASELINE]
    counts = outcomes[judged]
    rows = gate_rows(asked, confidence, measured[judged], measured.get(BASELINE))
    models = {name: model_result(of, groups) for name, of in outcomes.items()}
    features = features_of(groups)
    constraints = [check.constraint for check in asked]
    besides = requirements.rows(gate, constraints, features, counts, confidence)
    reasons = reasons_against(rows, besides)
    return Judgement(
        blessed=not reasons,
        gate=rows,
        models=models,
        reasons=reasons,
        warnings=list(warnings),
        attempt=attempt,
        advice=advice.when_blocked(gate, confidence, groups, counts) if reasons else [],
        features={feature: list(names) for feature, names in features.items()},
        outcome=outcome_of([*rows, *besides]),
        checks=besides,
        cost=costs.sentences(groups, counts, outcomes[BASELINE]) if BASELINE in outcomes else [],
        sampling=sampling_of(counts),
    )


def sampling_of(counts: Measured) -> Sampling:
    """What the bounds took for independent draws."""
    if not isinstance(counts, UnitCounts):
        return Sampling()
    return Sampling(
        units=counts.units_of(None),
        most=counts.most,
        weighted=counts.weighted,
        method=counts.method,
    )


def known_before(
    gate: GateConfig, groups: Groups, outcomes: Mapping[str, Measured]
) -> Judgement | None:
    """The judgement, where what is asked fails whatever the labels say of the model's answers; or None.

    Too few examples are known from the test data alone, and that a model says one thing to everybody
    from its answers alone. Neither takes a look at how the two go together, so that it costs no attempt;
    and nothing of that is in the judgement. Arguments as for `judge`.
    """
    [judged] = [name for name in outcomes if name != BASELINE]
    counts = outcomes[judged]
    constraints = [check.constraint for check in checks.checks(gate, groups)]
    features = features_of(groups)
    found = requirements.known_before(gate, constraints, features, counts)
    if not found:
        return None
    return Judgement(
        blessed=False,
        gate=[],
        models={judged: model_result({}, groups)},
        reasons=[f"{row.reason}; no attempt was spent" for row in found],
        features={feature: list(names) for feature, names in features.items()},
        outcome=outcome_of(found),
        checks=found,
    )


def gate_rows(
    asked: Sequence[GateCheck],
    confidence: float,
    judged: Sequence[Measurement],
    baseline: Sequence[Measurement] | None = None,
) -> list[GateRow]:
    """A row for each constraint, from what was measured of the judged model and of the baseline."""
    compared = baseline or [Measurement(None, None)] * len(asked)
    return [
        GateRow(
            constraint=str(check.constraint),
            value=own.value,
            upper_bound=own.bound if check.constraint.sense == "<=" else None,
            lower_bound=own.bound if check.constraint.sense == ">=" else None,
            confidence=confidence,
            limit=check.constraint.limit,
            passed=own.bound is not None and check.constraint.is_satisfied(own.bound),
            opposite_bound=own.opposite,
            baseline_value=other.value,
            baseline_bound=other.bound,
            independent_bound=own.independent,
        )
        for check, own, other in zip(asked, judged, compared, strict=True)
    ]


def model_result(counts: Measured, groups: Groups) -> ModelResult:
    """A model's outcomes: everybody, and each group as it is called in tables.

    Arguments as for `judge`.
    """
    rows, classes = rows_of(counts), classes_of(groups)
    groups = features_of(groups)

    def rates(group: Group | None) -> dict[str, Any]:
        if classes:
            return _rates_of_classes(counts, group, classes)
        return _rates(counts.get(group), rows.get(group))

    results = {
        shown_name(feature, name, groups): GroupResult(**rates(Group(feature, name)))
        for feature, members in groups.items()
        for name in members
    }
    return ModelResult(**rates(None), groups=results)


def reasons_against(rows: Iterable[GateRow], besides: Iterable[CheckRow]) -> list[str]:
    """Why a model does not pass, one sentence for each failed check; empty where it passes.

    Args:
      rows: of the gate's constraints.
      besides: what else was asked.
    """
    found = [row.reason for row in besides if not row.passed]
    return found + [_against(row) for row in rows if not row.passed]


def _against(row: GateRow) -> str:
    if row.bound is None:
        if row.value is not None:
            return (
                f"{row.constraint}: value {row.value:.4f}, but nothing can be promised at "
                f"{words.percent(row.confidence)} confidence: its divisor could be 0 or negative"
            )
        return (
            f"{row.constraint}: could not be measured: a group it needs has no examples for its rate, "
            "or a divisor is 0"
        )
    side, relation = ("upper", "over") if row.upper_bound is not None else ("lower", "under")
    if row.value_is_within:
        why = (
            "the measured value keeps the limit, but this many test examples cannot promise it: "
            "more examples of the smallest group would narrow the bound"
        )
    elif row.outcome == "over the limit" and row.opposite_bound is not None:
        other = "lower" if side == "upper" else "upper"
        why = (
            f"the measured value is {relation} the limit itself, and even the {other} bound "
            f"{row.opposite_bound:.4f} is: the model must change"
        )
    else:
        why = (
            f"the measured value is {relation} the limit itself, but so few examples do not show that "
            "the true one is"
        )
    return (
        f"{row.constraint}: value {words.number(row.value)}, {side} bound {row.bound:.4f} at "
        f"{words.percent(row.confidence)} confidence is {relation} the limit {row.limit:g}; {why}"
    )


def _rates(counts: Counts | None, rows: Counts | None) -> dict[str, Any]:
    counts, rows = (each or Counts(0, 0, 0, 0) for each in (counts, rows))
    return {
        "examples": int(rows.examples),
        "negatives": int(rows.negatives),
        "accuracy": _finite(counts.rate("ACC")),
        "fpr": _finite(counts.rate("FPR")),
        "fnr": _finite(counts.rate("FNR")),
    }


def _rates_of_classes(
    counts: Measured, group: Group | None, classes: Sequence[str]
) -> dict[str, Any]:
    everyone = counts.get(group, Counts(0, 0, 0, 0))
    of = {name: counts.get(seen_as(group, name), Counts(0, 0, 0, 0)) for name in classes}
    return {
        "examples": int(everyone.examples),
        "negatives": 0,
        "accuracy": _finite(everyone.rate("ACC")),
        "classes": {
            name: ClassResult(
                examples=int(each.positives),
                answers=int(each.tp + each.fp),
                tpr=_finite(each.rate("TPR")),
                fpr=_finite(each.rate("FPR")),
            )
            for name, each in of.items()
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
