"""Reads the verdict of a run out of the Evaluator's results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.constrained_optimization.expressions import Constraint
from components.constrained_optimization.rates import Counts, Group
from components.evaluator.attempts import Attempt
from components.fairness_metrics import checks as gate
from components.report import words
from pipeline import advice
from pipeline.settings import Settings
from pipeline.verdict import GateRow, GroupResult, ModelResult, Verdict

Slice = Mapping[str, float]


def read_verdict(
    settings: Settings,
    run_id: str,
    evaluation: str,
    blessed: bool,
    pushed_model: str | None,
    attempt: Attempt,
    warnings: list[str],
    said: Sequence[str] = (),
) -> Verdict:
    """The verdict of one run.

    Args:
      settings: of the run.
      run_id: names the run.
      evaluation: folder of the Evaluator's results.
      blessed: what the Evaluator decided; the numbers here explain it, they do not decide.
      pushed_model: folder of the pushed model, or None.
      attempt: which model this was on its test split, and at which confidence it was judged.
      warnings: what is no reason to block and should be known.
      said: advice that the run gave before.
    """
    groups = settings.data.features.group_names
    slices = {model: _load_slices(evaluation, model) for model in (gate.CANDIDATE, gate.BASELINE)}
    overall = {model: slices[model].get((), {}) for model in slices}
    rows = [
        _gate_row(check, attempt.confidence, overall)
        for check in gate.checks(settings.gate, groups)
    ]
    models = {model: _model_result(slices[model], groups) for model in slices}
    reasons = [] if blessed else _reasons(settings, rows, overall[gate.CANDIDATE], models)
    counts = _counts_by_group(slices[gate.CANDIDATE], groups)
    helping = (
        [] if blessed else advice.when_blocked(settings.gate, attempt.confidence, groups, counts)
    )
    return Verdict(
        blessed=blessed,
        pushed=pushed_model is not None,
        pushed_model=pushed_model,
        gate=rows,
        models=models,
        reasons=reasons,
        warnings=warnings,
        attempt=attempt,
        run_id=run_id,
        pipeline=settings.name,
        data=settings.data.folder + ("" if settings.data.path else " (synthetic)"),
        outcome="no solution found" if pushed_model is None else "pushed",
        advice=[*helping, *said],
    )


def _load_slices(
    evaluation: str, model: str
) -> dict[tuple[tuple[str, str], ...], dict[str, float]]:
    import tensorflow_model_analysis as tfma

    result = tfma.load_eval_result(evaluation, model_name=model)
    return {
        tuple(key): {
            name: float(value["doubleValue"])
            for name, value in outputs[""][""].items()
            if "doubleValue" in value
        }
        for key, outputs in result.slicing_metrics
    }


def _gate_row(check: gate.GateCheck, confidence: float, overall: Mapping[str, Slice]) -> GateRow:
    candidate, baseline = overall[gate.CANDIDATE], overall[gate.BASELINE]
    bound = _number(candidate, check.bound_metric)
    constraint = check.constraint
    return GateRow(
        constraint=str(constraint),
        value=_number(candidate, check.value_metric),
        upper_bound=bound if constraint.sense == "<=" else None,
        lower_bound=bound if constraint.sense == ">=" else None,
        confidence=confidence,
        limit=constraint.limit,
        passed=bound is not None and _within(constraint, bound),
        baseline_value=_number(baseline, check.value_metric),
        baseline_bound=_number(baseline, check.bound_metric),
    )


def _within(constraint: Constraint, bound: float) -> bool:
    return bound <= constraint.limit if constraint.sense == "<=" else bound >= constraint.limit


def _model_result(
    slices: Mapping[tuple[tuple[str, str], ...], Slice], groups: Mapping[str, list[str]]
) -> ModelResult:
    names = [name for members in groups.values() for name in members]
    results = {}
    for feature, members in groups.items():
        for name in members:
            # Two features may call a group the same ("Other"): then the feature goes with it.
            shown = name if names.count(name) == 1 else f"{feature}={name}"
            results[shown] = GroupResult(**_rates(slices.get(((feature, name),), {})))
    return ModelResult(**_rates(slices.get((), {})), groups=results)


def _counts_by_group(
    slices: Mapping[tuple[tuple[str, str], ...], Slice], groups: Mapping[str, list[str]]
) -> dict[Group | None, Counts]:
    named = [Group(feature, name) for feature, members in groups.items() for name in members]
    everyone: dict[Group | None, Counts] = {None: _counts(slices.get((), {}))}
    return everyone | {
        group: _counts(slices.get(((group.feature, group.name),), {})) for group in named
    }


def _counts(metrics: Slice) -> Counts:
    return Counts(
        tp=_number(metrics, "true_positives") or 0,
        fp=_number(metrics, "false_positives") or 0,
        tn=_number(metrics, "true_negatives") or 0,
        fn=_number(metrics, "false_negatives") or 0,
    )


def _rates(metrics: Slice) -> dict[str, Any]:
    counts = _counts(metrics)
    return {
        "examples": int(counts.examples),
        "negatives": int(counts.negatives),
        "accuracy": _finite(counts.rate("ACC")),
        "fpr": _finite(counts.rate("FPR")),
        "fnr": _finite(counts.rate("FNR")),
    }


def _reasons(
    settings: Settings, rows: list[GateRow], overall: Slice, models: Mapping[str, ModelResult]
) -> list[str]:
    """Why the gate blocked, one sentence for each failed check."""
    reasons = []
    candidate = models[gate.CANDIDATE]
    for name, group in candidate.groups.items():
        if not group.examples:
            reasons.append(
                f"the test split has no examples of group [{name}]: its rates are unknown"
            )
        elif group.negatives < settings.gate.minimum_negatives:
            reasons.append(
                f"group [{name}] has {group.negatives} negative examples in the test split, fewer than "
                f"gate.minimum_negatives = {settings.gate.minimum_negatives}"
            )
    decisions = _number(overall, gate.DISTINCT_DECISIONS)
    if decisions == 1:
        answer = "Yes" if candidate.fpr == 1 or candidate.fnr == 0 else "No"
        reasons.append(
            f"the model answers {answer} to every example: its gap says nothing about fairness"
        )
    accuracy = _number(overall, gate.ACCURACY)
    if accuracy is None:
        reasons.append("the accuracy could not be measured: some predictions are not numbers")
    elif accuracy < settings.gate.minimum_accuracy:
        reasons.append(
            f"accuracy {accuracy:.4f} is under gate.minimum_accuracy = {settings.gate.minimum_accuracy}"
        )
    reasons += [_gate_reason(row) for row in rows if not row.passed]
    return reasons or [
        "the Evaluator gave no blessing; its validation is among the run's artifacts"
    ]


def _gate_reason(row: GateRow) -> str:
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
    beyond = row.value is not None and (row.value > row.limit) == (side == "upper")
    why = (
        f"the measured value is {relation} the limit itself"
        if beyond and row.value != row.limit
        else "the measured value keeps the limit, but this many test examples cannot promise it: "
        "more examples of the smallest group would narrow the bound"
    )
    return (
        f"{row.constraint}: value {row.value:.4f}, {side} bound {row.bound:.4f} at "
        f"{words.percent(row.confidence)} confidence is {relation} the limit {row.limit:g}; {why}"
    )


def _number(metrics: Slice, name: str) -> float | None:
    return _finite(metrics[name]) if name in metrics else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
