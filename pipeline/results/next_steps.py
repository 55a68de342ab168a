"""What to try after a run, as commands: of a run that passed, and of one that was blocked."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fairgate.gate import explaining, words
from fairgate.gate.explaining import Explanation, Step
from fairgate.gate.judgement import Judgement
from pipeline.results.runs import Run
from pipeline.results.verdict import Verdict


def explain(run: Run, verdict: Verdict, command: str) -> Explanation:
    """The explanation of a run that has a verdict, with what to try next.

    Args:
      run: with its settings.
      verdict: of the run.
      command: how the command line is called.
    """
    settings = run.settings
    features = settings.get("data", {}).get("features", {}).get("groups", {})
    groups = {feature: list(group["values"]) for feature, group in features.items()}
    steps = _served if verdict.blessed else _ways_out
    explanation = explaining.explain(verdict, groups, steps(run, verdict, command))
    if verdict.measured is verdict:
        return explanation
    validation = explaining.explain(verdict.measured, groups)
    return replace(
        explanation,
        constraints=[
            replace(each, sentences=list(map(words.of_validation, each.sentences)))
            for each in validation.constraints
        ],
        kept=[],
        advice=[
            *explanation.advice,
            *(f"If the rates are those of {verdict.split}: {said}" for said in validation.advice),
        ],
    )


def _served(run: Run, verdict: Verdict, command: str) -> list[Step]:
    if verdict.pushed_model is None:
        return []
    if not verdict.model_is_there:
        own = f"--settings {shlex.quote(str(run.settings_file))}"
        return [Step(f"{command} run {own}", "pushes the model again: it is no longer there")]
    model = shlex.quote(verdict.pushed_model)
    table = run.settings.get("data", {}).get("features", {}).get("image") is None
    what, own = ("FILE.csv", "rows") if table else ("FOLDER", "pictures")
    return [
        Step(f"{command} predict {what} --model {model}", f"asks the model about your own {own}")
    ]


def _ways_out(run: Run, verdict: Verdict, command: str) -> list[Step]:
    """From what costs nothing to what takes new data."""
    own = f"--settings {shlex.quote(str(run.settings_file))}"
    again = f"{command} run {own} {_new_data(run.settings, verdict.advice)}"
    if not verdict.was_asked:
        return [Step(again, "more examples, or columns that tell more about the label")]
    steps = []
    gate = verdict.measured.gate
    if any(not row.passed and not row.value_is_within for row in gate) or _is_too_inaccurate(
        verdict.measured
    ):
        steps.append(
            Step(
                f"{command} frontier {own}",
                "shows on the validation split what each limit costs in accuracy; asks the test split "
                "nothing",
            )
        )
    if verdict.sealed:
        steps.append(
            Step(
                f"{command} unseal {run.name}",
                "ends the series of attempts and shows the figures of the test split; no other model can "
                "be judged on it then",
            )
        )
    elif verdict.outcome == "over the limit":
        own += " --set trainer.selection.rated_by=gate"
        steps.append(
            Step(
                f"{command} run {own} {_other_data(run.settings)}",
                "another model, chosen by what the gate will say of it, on a test split that no model "
                "was judged on",
            )
        )
    elif any(not row.passed and row.value is not None for row in gate):
        steps.append(
            Step(
                f"{again} --set trainer.selection.rated_by=gate",
                "more data, with a test split that no model was judged on, and the snapshot chosen by "
                "what the gate will say of it",
            )
        )
    elif not steps:
        steps.append(Step(again, "more data, of every group"))
    return steps


def _is_too_inaccurate(verdict: Judgement) -> bool:
    return any("minimum_accuracy" in reason for reason in verdict.reasons)


def _other_data(settings: Mapping[str, Any]) -> str:
    """Settings that ask for as much data as there is, drawn anew, or for whatever the user has."""
    data = settings.get("data", {})
    if data.get("path") is not None:
        return "--set data.path=FOLDER"
    return f"--set data.stand_in.seed={data.get('stand_in', {}).get('seed', 0) + 1}"


def _new_data(settings: Mapping[str, Any], advice: Sequence[str]) -> str:
    """Settings that ask for as much data as the advice says, or for whatever the user has."""
    data = settings.get("data", {})
    if data.get("path") is not None:
        return "--set data.path=FOLDER"
    factors = [
        float(times) for times in re.findall(r"\((?:about )?([\d.]+) times", " ".join(advice))
    ]
    stand_in = data.get("stand_in", {})
    # Rounded up to thousands: it is an estimate.
    images = math.ceil(max(factors, default=2) * stand_in.get("images", 80_000) / 1000) * 1000
    return f"--set data.stand_in.images={images} --set data.stand_in.seed={stand_in.get('seed', 0) + 1}"
