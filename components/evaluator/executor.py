"""Executor of Evaluator that keeps count of the models judged on one test split."""

from __future__ import annotations

import json
from typing import Any

from absl import logging
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import executor as standard
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils, proto_utils

from components.evaluator import digests
from components.evaluator.files import FILES
from components.evaluator.stamp import Stamp, gate_digest, test_digest
from components.model_properties import NO_SOLUTION
from fairgate.constraints import language
from fairgate.errors import NoSolution
from fairgate.gate import ledger
from fairgate.gate.attempts import Question, asked

_BOUND = "ConstraintBound"


class Executor(standard.Executor):
    """The standard evaluation, at the confidence that this attempt's share of delta leaves."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates; raises NoSolution or AttemptsUsedUp before the test split is looked at."""
        examples = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.EXAMPLES_KEY]
        )
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        if why := model.get_string_custom_property(NO_SOLUTION):
            raise NoSolution(
                "no solution was found, so the gate did not ask the test split: no attempt was spent, "
                f"and nothing is pushed. {why}"
            )
        folder = path_utils.serving_model_path(model.uri)
        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.EVAL_CONFIG_KEY], config)
        gate = gate_digest(config)
        question = Question(
            model=digests.model_digest(folder),
            constraints=bounded(config),
            meaning=exec_properties["meaning"],
        )
        attempt = ledger.admit(
            exec_properties["ledger"],
            test_digest(examples),
            question,
            exec_properties["confidence"],
            exec_properties["attempts"],
            self._context.pipeline_run_id or "" if self._context else "",
            FILES,
        )
        logging.info("%s on this test split", attempt)
        set_confidence(config, attempt.confidence)
        super().Do(
            input_dict,
            output_dict,
            exec_properties
            | {standard_component_specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(config)},
        )
        stamp = Stamp(question.model, digests.files_digest(folder), gate, attempt)
        for key in (standard_component_specs.BLESSING_KEY, standard_component_specs.EVALUATION_KEY):
            stamp.write(artifact_utils.get_single_instance(output_dict[key]))


def bounded(config: config_pb2.EvalConfig) -> tuple[str, ...]:
    """What the gate takes bounds of, sorted: the constraints, or one without its limit."""
    constraints = []
    for metric in _bounds(config):
        arguments = json.loads(metric.config)
        constraints.append(language.parse(arguments["constraint"], arguments["groups"]))
    return asked(constraints)


def set_confidence(config: config_pb2.EvalConfig, confidence: float) -> None:
    """Puts `confidence` into every bound of `config`."""
    for metric in _bounds(config):
        arguments = json.loads(metric.config) | {"confidence": confidence}
        metric.config = json.dumps(arguments, sort_keys=True)


def _bounds(config: config_pb2.EvalConfig) -> list[config_pb2.MetricConfig]:
    return [
        metric
        for specs in config.metrics_specs
        for metric in specs.metrics
        if metric.class_name == _BOUND
    ]
