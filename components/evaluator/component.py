"""Evaluator that lets several models share one test split without breaking the gate's promise."""

from __future__ import annotations

from typing import ClassVar

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import json_utils

from components.evaluator import executor
from components.evaluator.questions import Meaning
from components.features import Features
from components.fingerprint import code_fingerprint


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """The standard interface, and what the ledger needs to know."""

    PARAMETERS: ClassVar = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "ledger": ExecutionParameter(type=str),
        "confidence": ExecutionParameter(type=float),
        "attempts": ExecutionParameter(type=int),
        "meaning": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """The standard Evaluator; each model is judged at its share of delta (see `attempts`).

    Outputs: `evaluation` and `blessing`, both with the attempt, its confidence and the digests of model,
    test split and gate as custom properties (see `stamp.Stamp`).
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        example_splits: list[str],
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        eval_config: config_pb2.EvalConfig,
        ledger: str,
        confidence: float,
        attempts: int,
        features: Features,
    ):
        """Args:
        examples: raw examples of ImportExampleGen.
        example_splits: the splits to judge on.
        model: the candidate.
        baseline_model: shown beside it.
        eval_config: the gate, see `fairness_metrics.gate`.
        ledger: folder that outlives runs, where attempts are counted.
        confidence: of the promise over all attempts on one test split.
        attempts: how many there may be.
        features: what label and groups mean.
        """
        meaning = Meaning(
            label=features.label,
            groups=features.groups,
            unit=features.unit,
            weight=features.weight,
            crossings=tuple(features.crossings_named),
        )
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                example_splits=json_utils.dumps(example_splits),
                model=model,
                baseline_model=baseline_model,
                eval_config=eval_config,
                fairness_indicator_thresholds=json_utils.dumps(None),
                ledger=ledger,
                confidence=confidence,
                attempts=attempts,
                meaning=meaning.model_dump_json(),
                code=code_fingerprint(
                    "components.evaluator",
                    "fairgate.gate.attempts",
                    "fairgate.gate.files",
                    "fairgate.gate.journal",
                    "fairgate.gate.ledger",
                    "fairgate.records",
                ),
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
