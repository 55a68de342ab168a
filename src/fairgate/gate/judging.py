"""From counted outcomes to a judgement: values, bounds, whether they pass, and why not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairgate import vocabulary
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.gate import advice, checks, words
from fairgate.gate.attempts import Attempt
from fairgate.gate.checks import GateCheck, Groups
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import (
    BASELINE,
    GateRow,
    GroupResult,
    Judgement,
    ModelResult,
    shown_name,
)
from fairgate.gate.prediction import bound_of


@dataclass(frozen=True)
class Measurement:
    """A constraint's left side on the test data: its value and its bound; None where there is none."""

    value: float | None
    bound: float | None


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
    return Measurement(value, _finite(bound_of(check.constraint, counts, delta)))


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
      groups: display name of each group feature -> the names of its groups.
      outcomes: the judged model's, and under BASELINE those of a model to compare it with: counts of
        each group, and at None of everybody.
      attempt: which model this is on its test data; its confidence takes the place of the gate's.
      warnings: what should be known besides.

    Raises:
      ConstraintError: a constraint cannot be read, or counts cannot tell it.

    >>> gate = GateConfig(constraints=["FPR <= 0.1"], minimum_negatives=1)
    >>> outcomes = {"mine": {None: Counts(tp=50, fp=0, tn=59, fn=9)}}
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
    answers = checks.distinct_decisions(counts)
    accuracy = models[judged].accuracy
    reasons = reasons_against(gate, rows, models[judged], accuracy, answers)
    return Judgement(
        blessed=not reasons,
        gate=rows,
        models=models,
        reasons=reasons,
        warnings=list(warnings),
        attempt=attempt,
        advice=advice.when_blocked(gate, confidence, groups, counts) if reasons else [],
        features={feature: list(names) for feature, names in groups.items()},
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
            baseline_value=other.value,
            baseline_bound=other.bound,
        )
        for check, own, other in zip(asked, judged, compared, strict=True)
    ]


def model_result(counts: Measured, groups: Groups) -> ModelResult:
    """A model's outcomes: everybody, and each group as it is called in tables."""
    results = {
        shown_name(feature, name, groups): GroupResult(**_rates(counts.get(Group(feature, name))))
        for feature, members in groups.items()
        for name in members
    }
    return ModelResult(**_rates(counts.get(None)), groups=results)


def reasons_against(
    gate: GateConfig,
    rows: Iterable[GateRow],
    model: ModelResult,
    accuracy: float | None,
    answers: int | None,
) -> list[str]:
    """Why a model does not pass, one sentence for each failed check; empty where it passes.

    Args:
      gate: what is asked.
      rows: of its constraints.
      model: outcomes of the judged model.
      accuracy: of the judged model; None where some answers are no numbers.
      answers: how many different answers the model gives; None where that is not known.
    """
    names, reasons = vocabulary.now(), []
    for name, group in model.groups.items():
        if not group.examples:
            reasons.append(
                f"the {names.test_data} {names.has} no examples of group [{name}]: its rates are unknown"
            )
        elif group.negatives < gate.minimum_negatives:
            reasons.append(
                f"group [{name}] has {group.negatives} negative examples in the {names.test_data}, fewer "
                f"than {names.setting('minimum_negatives')} = {gate.minimum_negatives}"
            )
    if answers == 1:
        answer = "Yes" if model.fpr == 1 or model.fnr == 0 else "No"
        reasons.append(
            f"the model answers {answer} to every example: its gap says nothing about fairness"
        )
    if accuracy is None:
        reasons.append("the accuracy could not be measured: some predictions are not numbers")
    elif accuracy < gate.minimum_accuracy:
        reasons.append(
            f"accuracy {accuracy:.4f} is under {names.setting('minimum_accuracy')} = "
            f"{gate.minimum_accuracy}"
        )
    return reasons + [_against(row) for row in rows if not row.passed]


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
    why = (
        "the measured value keeps the limit, but this many test examples cannot promise it: "
        "more examples of the smallest group would narrow the bound"
        if row.value_is_within
        else f"the measured value is {relation} the limit itself"
    )
    return (
        f"{row.constraint}: value {words.number(row.value)}, {side} bound {row.bound:.4f} at "
        f"{words.percent(row.confidence)} confidence is {relation} the limit {row.limit:g}; {why}"
    )


def _rates(counts: Counts | None) -> dict[str, Any]:
    counts = counts or Counts(0, 0, 0, 0)
    return {
        "examples": int(counts.examples),
        "negatives": int(counts.negatives),
        "accuracy": _finite(counts.rate("ACC")),
        "fpr": _finite(counts.rate("FPR")),
        "fnr": _finite(counts.rate("FNR")),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
