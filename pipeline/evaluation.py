"""Reads the verdict of a run out of the Evaluator's results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fairgate.constraints.rates import Counts, Group
from fairgate.gate import advice, checks, judging
from fairgate.gate.attempts import Attempt
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from fairgate.gate.judging import Measurement
from pipeline.settings import Settings
from pipeline.verdict import Validation, Verdict, Yardstick

Slice = Mapping[str, float]
# Of violations, which sums of floats leave a little over 0.
_ROUNDING = 1e-9


def read_verdict(
    settings: Settings,
    run_id: str,
    evaluation: str,
    blessed: bool,
    pushed_model: str | None,
    attempt: Attempt,
    warnings: list[str],
    said: Sequence[str] = (),
    history: Mapping[str, Any] | None = None,
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
      history: of the training, as history.json has it.
    """
    groups = settings.data.features.group_names
    asked = checks.checks(settings.gate, groups)
    slices = {model: _load_slices(evaluation, model) for model in (CONSTRAINED, BASELINE)}
    overall = {model: slices[model].get((), {}) for model in slices}
    measured = {
        model: [
            Measurement(_number(found, check.value_metric), _number(found, check.bound_metric))
            for check in asked
        ]
        for model, found in overall.items()
    }
    rows = judging.gate_rows(asked, attempt.confidence, measured[CONSTRAINED], measured[BASELINE])
    counts = {model: _counts_by_group(slices[model], groups) for model in slices}
    models = {model: judging.model_result(counts[model], groups) for model in slices}
    reasons: list[str] = []
    helping: list[str] = []
    if not blessed:
        answers = _number(overall[CONSTRAINED], checks.DISTINCT_DECISIONS)
        reasons = judging.reasons_against(
            settings.gate,
            rows,
            models[CONSTRAINED],
            _number(overall[CONSTRAINED], checks.ACCURACY),
            None if answers is None else int(answers),
        ) or ["the Evaluator gave no blessing; its validation is among the run's artifacts"]
        helping = advice.when_blocked(
            settings.gate, attempt.confidence, groups, counts[CONSTRAINED]
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
        data=_data(settings),
        outcome="no solution found" if pushed_model is None else "pushed",
        advice=[*helping, *said],
        features=groups,
        validation=validation(history or {}),
    )


def without_solution(
    settings: Settings,
    run_id: str,
    history: Mapping[str, Any],
    warnings: Sequence[str] = (),
    said: Sequence[str] = (),
) -> Verdict:
    """The verdict of a run whose training found no model that is worth judging.

    Args:
      settings: of the run.
      run_id: names the run.
      history: of the training, as history.json has it.
      warnings: what should be known besides.
      said: advice that the run gave before.
    """
    groups = settings.data.features.group_names
    return Verdict(
        blessed=False,
        pushed=False,
        pushed_model=None,
        gate=[],
        # The test split was not asked: nothing was counted there.
        models={CONSTRAINED: judging.model_result({}, groups)},
        reasons=[
            "no solution was found: on the validation split every model that training came to gives "
            "almost everybody one answer, says Yes to a group's negatives as often as to its positives, "
            "or tells positives from negatives no better than chance"
        ],
        warnings=list(warnings),
        advice=[
            *history.get("helping", []),
            "The test split was not asked and no attempt was spent: it can judge another model.",
            *said,
        ],
        validation=validation(history),
        run_id=run_id,
        pipeline=settings.name,
        data=_data(settings),
        outcome="no solution found",
        features=groups,
    )


def validation(history: Mapping[str, Any]) -> Validation | None:
    """What a training told of the validation split; None where nothing is kept of it."""
    if "told" not in history:
        return None
    rows = history.get("yardsticks") or []
    keeping = [
        row["error_rate"] for row in rows if row["worst"] is None or row["worst"] <= _ROUNDING
    ]
    least = min(keeping, default=None)
    return Validation(
        told=list(history["told"]),
        yardsticks=[
            Yardstick(**row, beyond_least=None if least is None else row["error_rate"] - least)
            for row in rows
        ],
    )


def _data(settings: Settings) -> str:
    return settings.data.folder + ("" if settings.data.path else " (synthetic)")


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


def _number(metrics: Slice, name: str) -> float | None:
    return metrics[name] if math.isfinite(metrics.get(name, math.nan)) else None
