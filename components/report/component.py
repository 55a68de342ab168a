"""Report: a TFX component that writes what people read about a run."""

from __future__ import annotations

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.features import Features
from components.fingerprint import code_fingerprint
from components.report import executor, page


class ReportSpec(ComponentSpec):
    """Interface of Report."""

    PARAMETERS: ClassVar = {
        "settings": ExecutionParameter(type=str),
        "features": ExecutionParameter(type=str),
        "card": ExecutionParameter(type=str),
        "verdict": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    # A type of TFX's own: those of others need a name that a cluster can import.
    OUTPUTS: ClassVar = {"report": ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class Report(base_component.BaseComponent):
    """Writes report.html, model_card.md and model_card.html, and report.json, their data.

    Curves, thresholds and examples of mistakes are of what both models said when they were judged, which
    the Evaluator keeps beside its results: the verdict has been spoken before, and none of it is decided
    here. While the test split is sealed it asks them about the validation split in its place.
    """

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        model: types.BaseChannel,
        model_run: types.BaseChannel,
        baseline_model: types.BaseChannel,
        baseline_run: types.BaseChannel,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        features: Features,
        settings: str,
        verdict: str,
        card: str = "",
    ):
        """Args:
        examples: raw examples, with a `test` and a `validation` split.
        statistics: of the examples, sliced by group, and by group and label.
        model: what is judged.
        model_run: of its training.
        baseline_model: what it is compared with.
        baseline_run: of its training.
        evaluation: of both models.
        blessing: the gate's.
        features: what the columns mean.
        settings: of the run, as YAML.
        verdict: `module:function` that reads the verdict: (settings, run id, artifacts by input) -> the
            fields of verdict.json. By name, because the components know nothing of the pipeline.
        card: Markdown about the dataset and the model's use; its headings become the model card's.
        """
        super().__init__(
            ReportSpec(
                examples=examples,
                statistics=statistics,
                model=model,
                model_run=model_run,
                baseline_model=baseline_model,
                baseline_run=baseline_run,
                evaluation=evaluation,
                blessing=blessing,
                settings=settings,
                features=features.model_dump_json(),
                card=card,
                verdict=verdict,
                code=code_fingerprint(
                    "components.evaluator.scores",
                    "components.report",
                    "fairgate.bounds",
                    "fairgate.gate",
                    "fairgate.report",
                )
                + page.templates_digest(),
                report=types.Channel(type=standard_artifacts.ModelEvaluation),
            )
        )
