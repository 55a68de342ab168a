"""A verdict on models with given outcomes, without a run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fairgate.gate.attempts import Attempt, delta_of
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from pipeline import evaluation as evaluations
from pipeline.settings import Settings, load
from pipeline.verdict import Verdict
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
