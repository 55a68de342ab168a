"""A verdict on models with given outcomes, without a run; and folders of runs, with what commands say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fairgate.gate.attempts import Attempt, delta_of
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from pipeline.__main__ import main
from pipeline.results import evaluation as evaluations
from pipeline.results.verdict import Verdict
from pipeline.settings import Settings, load
from tests.pipeline import run_folders
from tests.pipeline.verdicts import Measured, evaluation


@pytest.fixture
def judge(monkeypatch):
    """Reads the verdict on a candidate with given outcomes, the baseline being unfair."""

    def read(
        candidate: Measured,
        settings: Settings | None = None,
        baseline: Measured | None = None,
        blessed: bool = False,
        accuracy: float | None = None,
        attempt: Attempt | None = None,
        warnings: Sequence[str] = (),
    ) -> Verdict:
        settings = settings or load()
        confidence = settings.gate.confidence
        attempt = attempt or Attempt(1, 1, confidence, delta_of(confidence), "t" * 32)
        baseline = candidate if baseline is None else baseline
        of = {
            CONSTRAINED: evaluation(settings, candidate, accuracy),
            BASELINE: evaluation(settings, baseline),
        }
        monkeypatch.setattr(
            "tensorflow_model_analysis.load_eval_result",
            lambda folder, model_name: of[model_name],
        )
        pushed = "serving/smiling/1700000000" if blessed else None
        return evaluations.read_verdict(
            settings, "run-1", "folder", blessed, pushed, attempt, list(warnings)
        )

    return read


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with a run that passed and a newer one that was blocked; also the current folder."""
    monkeypatch.chdir(tmp_path)
    run_folders.write(tmp_path / "runs", run_folders.PASSED, run_folders.verdict())
    run_folders.write(
        tmp_path / "runs", run_folders.BLOCKED, run_folders.blocked(), ("gate.limit=0.02",)
    )
    return tmp_path / "runs"


@pytest.fixture
def said(capsys, monkeypatch):
    """Runs a command; returns its exit status and what it prints, on 80 columns or as many as told."""

    def say(*arguments: str, columns: int = 80) -> tuple[int, str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        status = main(list(arguments))
        captured = capsys.readouterr()
        text = captured.out + captured.err
        assert "\x1b" not in text  # colours are for terminals
        return status, text

    return say
