"""The report of a run on this machine: the component's, with what is known when the run has ended."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import tensorflow as tf
import yaml
from tfx.types import artifact_utils

from components.evaluator.stamp import read_attempt
from components.example_gen.splits import WARNINGS
from components.report import card_formats, gathering, inputs, page
from components.report.data import ReportData
from components.report.drift import drift, nothing_of
from fairgate.documents import to_json, write_bytes, write_text
from fairgate.errors import DataError
from fairgate.gate import words
from pipeline.results import evaluation as evaluations
from pipeline.results import evidence
from pipeline.results.outcomes import Unsolved
from pipeline.results.runs import FRONTIER_FILE, INPUTS_FILE, REPORT_FILE, VERSIONS_FILE, Run
from pipeline.results.verdict import VERDICT_FILE, Verdict
from pipeline.settings import Settings

DATA_FILE = "report.json"
READ_VERDICT = "pipeline.results.report:read_verdict"


def shown_settings(settings: Settings) -> str:
    """The settings that decide what a run trains and how it is judged, as YAML; not where it runs."""
    shown = settings.model_dump(
        mode="json", include={"name", "model_name", "data", "trainer", "gate", "about"}
    )
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100)


def dataset_card(settings: Settings) -> str:
    """What people wrote about the dataset: card.md beside its schema; empty where there is none."""
    file = pathlib.Path(settings.data.contract).with_name("card.md")
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def read_verdict(
    settings: str, run_id: str, artifacts: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """The verdict as the component Report has it, before anything is pushed.

    Args:
      settings: of the run, as YAML.
      run_id: names the run.
      artifacts: the component's inputs.
    """
    [evaluation], [blessing] = artifacts["evaluation"], artifacts["blessing"]
    [examples] = artifacts["examples"]
    blessed = blessing.get_int_custom_property("blessed") == 1
    tree = Settings.model_validate(yaml.safe_load(settings))
    warnings = examples.get_string_custom_property(WARNINGS).splitlines()
    [training] = artifacts["model_run"]
    verdict = evaluations.read_verdict(
        tree,
        run_id,
        evaluation.uri,
        blessed,
        None,
        read_attempt(blessing),
        warnings,
        history=gathering.history(training.uri),
    )
    return verdict.as_document() | ({"pushed": None} if blessed else {})


def with_validation(verdict: Verdict, made: ReportData) -> Verdict:
    """A sealed verdict with what the component Report measured on the validation split; else itself."""
    if not verdict.sealed:
        return verdict
    return replace(verdict, validation=Verdict.of(made.verdict).validation)


def read(component_output: str) -> ReportData:
    """What the component Report wrote into its folder."""
    with tf.io.gfile.GFile(os.path.join(component_output, DATA_FILE)) as file:
        return ReportData.from_json(file.read())


def without_evaluation(settings: Settings, verdict: Verdict, unsolved: Unsolved) -> ReportData:
    """What a report shows where the gate asked nothing, so that the component Report had no turn.

    Args:
      settings: of the run.
      verdict: that no solution was found.
      unsolved: what the run left.
    """
    splits = artifact_utils.decode_split_names(unsolved.examples.split_names)
    return gathering.trained(
        verdict.as_document(),
        shown_settings(settings),
        settings.data.features,
        dataset_card(settings),
        unsolved.trainings,
        unsolved.statistics,
        {name: artifact_utils.get_split_uri([unsolved.examples], name) for name in splits},
    )


def publish(
    made: ReportData, folder: pathlib.Path, verdict: Verdict, steps: Sequence[Mapping[str, Any]]
) -> pathlib.Path:
    """Writes pages, versions.json and evidence.json of a run that has ended; returns the report's file.

    Args:
      made: what is known of the run's artifacts.
      folder: of the run.
      verdict: of the run, which may re-use a report that an earlier one made.
      steps: as in steps.json.
    """
    data = completed(made, folder, verdict.as_document(), list(steps))
    report = folder / REPORT_FILE
    write_text(report, page.render(data))
    for name, text in card_formats.files(data).items():
        write_text(folder / name, text)
    write_text(folder / VERSIONS_FILE, to_json(data.versions, indent=1) + "\n")
    if verdict.pushed and made.inputs:  # the next model's test data are held against them
        write_bytes(folder / INPUTS_FILE, base64.b64decode(made.inputs))
    evidence.write(Run(folder), verdict)
    return report


def completed(
    made: ReportData, folder: pathlib.Path, verdict: dict[str, Any], steps: list[dict[str, Any]]
) -> ReportData:
    """What the component gathered, with what is known only when the run has ended.

    Args:
      made: by the component Report, perhaps in an earlier run.
      folder: of the run, beside which the frontiers lie.
      verdict: as in verdict.json.
      steps: as in steps.json.
    """
    frontier = _newest_frontier(folder.parent, made.settings)
    drifted = _drift(made, folder, verdict)
    return replace(made, verdict=verdict, steps=steps, frontier=frontier, drift=drifted)


def _drift(
    made: ReportData, folder: pathlib.Path, verdict: dict[str, Any]
) -> dict[str, Any] | None:
    """How the test split differs from that of the last model which this pipeline pushed before."""
    attempt = verdict.get("attempt")
    if words.is_sealed(verdict) or words.has_no_solution(verdict) or attempt is None:
        return None
    for file in sorted(folder.parent.glob(f"*/{VERDICT_FILE}"), reverse=True):
        if file.parent.name >= folder.name:
            continue
        with contextlib.suppress(DataError):  # of a damaged one nothing is known
            before = Verdict.read(file)
            if before.pushed and before.attempt is not None:
                same = before.attempt.test_digest == attempt["test_digest"]
                found = drift(before.as_document(), verdict, same)
                kept = file.with_name(INPUTS_FILE)
                if not same and made.inputs and kept.is_file():
                    moved = inputs.drift_of(kept.read_bytes(), made.inputs, made.apart)
                    found = (found or nothing_of(before.run_id)) | {"inputs": moved}
                return found
    return None


def _newest_frontier(home: pathlib.Path, settings: str) -> dict[str, Any] | None:
    """The last frontier drawn with this run's constraints, whatever their limits were."""
    wanted = _expressions(yaml.safe_load(settings)["trainer"]["constraints"])
    for file in sorted(home.glob(f"*/{FRONTIER_FILE}"), reverse=True):
        frontier = json.loads(file.read_text())
        if _expressions(frontier["constraints"]) == wanted:
            return frontier | {"run_id": file.parent.name}
    return None


def _expressions(constraints: Sequence[str]) -> list[str]:
    return [words.expression_of(constraint) for constraint in constraints]
