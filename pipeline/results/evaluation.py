"""Reads the verdict of a run out of the Evaluator's results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.fairness_metrics import class_counts, gate
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.gate import advice, checks, costs, judging, requirements
from fairgate.gate.attempts import Attempt
from fairgate.gate.judgement import BASELINE, CONSTRAINED, Outcome, outcome_of
from fairgate.gate.judging import Measurement
from pipeline import compared
from pipeline.results.verdict import Validation, Verdict, Yardstick
from pipeline.settings import Settings

Slice = Mapping[str, float]
_Key = tuple[tuple[str, str], ...]
# Of violations, which sums of floats leave a little over 0.
_ROUNDING = 1e-9
_SPARED = "The test split was not asked and no attempt was spent: it can judge another model."


@dataclass(frozen=True)
class _Found:
    """What one slice holds: numbers, and outcomes by unit, or of classes, where there are any."""

    numbers: Slice
    units: NDArray[np.float64] | None = None
    classes: NDArray[np.float64] | None = None


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
    groups, named = settings.data.features.group_names, settings.data.features.vocabulary
    asked = checks.checks(settings.gate, named)
    slices = {model: _load_slices(evaluation, model) for model in (CONSTRAINED, BASELINE)}
    overall = {model: slices[model].get((), _Found({})).numbers for model in slices}
    counts = {model: _measured(slices[model], settings) for model in slices}
    measured = {
        model: [
            Measurement(
                _number(found, check.value_metric),
                _number(found, check.bound_metric),
                judging.opposite(check, counts[model], attempt.confidence),
                judging.independent(check, counts[model], attempt.confidence),
            )
            for check in asked
        ]
        for model, found in overall.items()
    }
    rows = judging.gate_rows(asked, attempt.confidence, measured[CONSTRAINED], measured[BASELINE])
    besides = requirements.rows(
        settings.gate,
        [check.constraint for check in asked],
        groups,
        counts[CONSTRAINED],
        attempt.confidence,
    )
    models = {model: judging.model_result(counts[model], named) for model in slices}
    reasons: list[str] = []
    helping: list[str] = []
    if not blessed:
        reasons = judging.reasons_against(rows, besides)
        if _number(overall[CONSTRAINED], checks.ACCURACY) is None:
            reasons.insert(
                0, "the accuracy could not be measured: some predictions are not numbers"
            )
        reasons = reasons or [
            "the Evaluator gave no blessing; its validation is among the run's artifacts"
        ]
        helping = advice.when_blocked(
            settings.gate,
            attempt.confidence,
            named,
            counts[CONSTRAINED],
        )
    return Verdict(
        blessed=blessed,
        pushed=pushed_model is not None,
        pushed_model=pushed_model,
        gate=rows,
        models=models,
        reasons=reasons,
        # Once, though a verdict that is read again has them already.
        warnings=list(dict.fromkeys([*compared.sentences(settings), *warnings])),
        attempt=attempt,
        run_id=run_id,
        pipeline=settings.name,
        data=_data(settings),
        outcome=_outcome(blessed, pushed_model, outcome_of([*rows, *besides])),
        advice=[*helping, *said],
        features=groups,
        checks=besides,
        cost=costs.sentences(named, counts[CONSTRAINED], counts[BASELINE]),
        sampling=judging.sampling_of(counts[CONSTRAINED]),
        validation=validation(history or {}),
    )


def _outcome(
    blessed: bool, pushed_model: str | None, found: Outcome
) -> Outcome | Literal["pushed"]:
    if blessed:
        return "passed" if pushed_model is None else "pushed"
    # Without a blessing, though the counts know of no reason: some answers were no numbers.
    return "undecided" if found == "passed" else found


def without_solution(
    settings: Settings,
    run_id: str,
    history: Mapping[str, Any],
    warnings: Sequence[str] = (),
    said: Sequence[str] = (),
    why: str = "",
) -> Verdict:
    """The verdict of a run whose training found no model that is worth judging.

    Args:
      settings: of the run.
      run_id: names the run.
      history: of the training, as history.json has it.
      warnings: what should be known besides.
      said: advice that the run gave before.
      why: the model that was chosen cannot pass, or no model could; empty: it is of no use.
    """
    groups, named = settings.data.features.group_names, settings.data.features.vocabulary
    return Verdict(
        blessed=False,
        pushed=False,
        pushed_model=None,
        gate=[],
        # The test split was not asked: nothing was counted there.
        models={CONSTRAINED: judging.model_result({}, named)},
        reasons=[
            f"no solution was found, and the test split was not asked. {why}"
            if why
            else "no solution was found: on the validation split every model that training came to gives "
            "almost everybody one answer, says Yes to a group's negatives as often as to its positives, "
            "or tells positives from negatives no better than chance"
        ],
        warnings=list(warnings),
        advice=[
            *history.get("helping", []),
            *([] if why else [_SPARED]),
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


def _load_slices(evaluation: str, model: str) -> dict[_Key, _Found]:
    import tensorflow_model_analysis as tfma

    result = tfma.load_eval_result(evaluation, model_name=model)
    return {tuple(key): _found(outputs[""][""]) for key, outputs in result.slicing_metrics}


def _found(metrics: Mapping[str, Mapping[str, Any]]) -> _Found:
    numbers = {
        name: float(value["doubleValue"])
        for name, value in metrics.items()
        if "doubleValue" in value
    }
    arrays = (
        metrics.get(name, {}).get("arrayValue")
        for name in (checks.UNIT_OUTCOMES, checks.CLASS_OUTCOMES)
    )
    return _Found(numbers, *(None if array is None else _array(array) for array in arrays))


def _array(value: Mapping[str, Any]) -> NDArray[np.float64]:
    cells = np.array(value.get("float64Values", []), np.float64)
    return cells.reshape([int(size) for size in value["shape"]])


def _measured(slices: Mapping[_Key, _Found], settings: Settings) -> Measured:
    """What the bounds were taken of."""
    features = settings.data.features
    named = [
        Group(feature, name) for feature, names in features.group_names.items() for name in names
    ]
    everyone = slices.get((), _Found({}))
    if classes := list(features.label.classes):
        if everyone.classes is None:
            return {None: Counts(0, 0, 0, 0)}
        return class_counts.outcomes(everyone.classes, [None, *named], classes)
    over = gate.units_of(features, settings.gate)
    if everyone.units is not None and over is not None:
        return over.outcomes(everyone.units, [None, *named])
    counted: dict[Group | None, Counts] = {None: _counts(everyone.numbers)}
    return counted | {
        group: _counts(slices.get(((group.feature, group.name),), _Found({})).numbers)
        for group in named
    }


def _counts(metrics: Slice) -> Counts:
    return Counts(
        tp=_number(metrics, "true_positives") or 0,
        fp=_number(metrics, "false_positives") or 0,
        tn=_number(metrics, "true_negatives") or 0,
        fn=_number(metrics, "false_negatives") or 0,
        against=_changes(metrics),
    )


def _changes(metrics: Slice) -> Changes | None:
    """None where the evaluation is older, or knows no baseline."""
    found = [_number(metrics, f"{checks.CHANGED}{field.name}") for field in fields(Changes)]
    known = [int(each) for each in found if each is not None]
    return Changes(*known) if len(known) == len(found) else None


def _number(metrics: Slice, name: str) -> float | None:
    return metrics[name] if math.isfinite(metrics.get(name, math.nan)) else None
