"""Ends a series of attempts and shows what was sealed: from the artifacts, in every run of the series."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import asdict, replace

from tfx.utils import path_utils

from components.evaluator.files import FILES
from components.report import executor, gathering
from components.report.data import TEST
from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import End
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from pipeline import compared
from pipeline.dag import BASELINE as BASELINE_NODE
from pipeline.dag import CONSTRAINED as CONSTRAINED_NODE
from pipeline.inspect.metadata import Metadata
from pipeline.results import evaluation, report, runs
from pipeline.results.runs import Run
from pipeline.results.verdict import VERDICT_FILE, Verdict
from pipeline.settings import Settings, load


def unseal(run: Run) -> tuple[End, list[Run]]:
    """Ends the series of a sealed run; returns the end, and the runs whose figures are shown now.

    Raises:
      DataError: the run has no sealed verdict, or its artifacts are gone.
    """
    verdict = run.verdict
    if verdict is None or verdict.attempt is None or not verdict.sealed:
        raise DataError(f"{run.name}: nothing is sealed in this run, whose state is '{run.state}'")
    home = run.folder.parent.parent
    root = str(home / "ledger")
    end = ledger.unseal(root, verdict.attempt.test_digest, run.id, FILES)
    return end, list(_opened(home, root))


def _opened(home: pathlib.Path, root: str) -> Iterator[Run]:
    """Every run whose figures may be shown since, once they are."""
    for run in runs.every(home):
        try:
            verdict = run.verdict
        except DataError:
            continue  # not one of the series that anybody could read before
        if verdict is None or verdict.attempt is None or not verdict.sealed:
            continue
        if ledger.is_open(root, verdict.attempt, FILES):
            show(run, verdict)
            yield Run(run.folder)


def _beside(settings: Settings) -> str:
    """The node whose model the candidate was held against."""
    own = settings.gate.compare_with == compared.BASELINE
    return BASELINE_NODE if own else "ComparedModel"


def show(run: Run, verdict: Verdict) -> None:
    """Writes verdict and pages of a run anew, with the figures of its test split.

    Args:
      run: whose series has ended.
      verdict: its sealed one.

    Raises:
      DataError: its artifacts are gone.
    """
    assert verdict.attempt is not None
    try:
        known = Metadata(run.folder.parent / "metadata.sqlite", verdict.pipeline, verdict.run_id)
    except FileNotFoundError as error:
        raise DataError(
            f"{error}, so that the figures of {run.name} cannot be shown. Run it again with "
            f"--settings {run.settings_file}"
        ) from None
    settings = load([str(run.settings_file)])
    evaluated = known.uri("Evaluator", "evaluation")
    opened = evaluation.read_verdict(
        settings,
        verdict.run_id,
        evaluated,
        blessed=False,
        pushed_model=None,
        attempt=replace(verdict.attempt, sealed=False),
        warnings=verdict.warnings,
    )
    if verdict.validation is not None:
        opened = replace(opened, validation=replace(verdict.validation, judgement=None))
    component = known.uri("Report", "report")
    made = report.read(component)
    examples = known.uri("ImportExampleGen", "examples")
    shown, indicators, scores = gathering.figures(
        asdict(opened),
        made.settings,
        evaluated,
        {TEST: f"{examples}/Split-{TEST}"},
        {
            BASELINE: path_utils.serving_model_path(known.uri(_beside(settings), "model")),
            CONSTRAINED: path_utils.serving_model_path(known.uri(CONSTRAINED_NODE, "model")),
        },
        settings.data.features,
    )
    # The component's own, too: a run that re-uses it shows the same.
    made = replace(made, verdict=shown, indicators=indicators, scores=scores)
    executor.write(component, made)
    opened.write(run.folder / VERDICT_FILE)
    report.publish(made, run.folder, opened, run.steps)
