"""Executor of Evaluator that keeps count of the models judged on one test split."""

from __future__ import annotations

import json
from typing import Any

from absl import logging
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import executor as standard
from tfx.components.util import model_utils
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils, proto_utils

from components.evaluator import batches, digests, known, questions, scores
from components.evaluator.files import FILES
from components.evaluator.questions import Meaning
from components.evaluator.stamp import Stamp, gate_digest
from components.model_properties import NO_SOLUTION
from fairgate.errors import NoSolution
from fairgate.gate import ledger


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
        if why := known.out_of_reach(config, examples, model, exec_properties["confidence"]):
            raise NoSolution(f"{why}. No attempt was spent")
        gate = gate_digest(config)
        root = exec_properties["ledger"]
        records = questions.test_records(examples)
        meaning = Meaning.model_validate_json(exec_properties["meaning"])
        model_digest = digests.model_digest(folder)
        judged = model_digest
        if questions.is_beside_another(config):
            # Beside another baseline it is another bound.
            [baseline] = input_dict[standard_component_specs.BASELINE_MODEL_KEY]
            other = digests.model_digest(path_utils.serving_model_path(baseline.uri))
            judged = f"{model_digest} beside {other}"
        run = self._context.pipeline_run_id or "" if self._context else ""
        questions.adopt_former(root)
        attempt = ledger.admit(
            root,
            records,
            questions.question(config, meaning, judged),
            exec_properties["confidence"],
            exec_properties["attempts"],
            run,
            FILES,
            questions.former_question(config, meaning, judged),
        )
        logging.info("%s on this test split", attempt)
        set_confidence(config, attempt.confidence)
        asked = {
            standard_component_specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(config),
            "custom_extractors": f"{batches.__name__}.{batches.extractors.__name__}",
        }
        evaluation = output_dict[standard_component_specs.EVALUATION_KEY]
        with scores.kept_in(artifact_utils.get_single_uri(evaluation)):
            super().Do(input_dict, output_dict, exec_properties | asked)
        [blessing] = output_dict[standard_component_specs.BLESSING_KEY]
        passed = model_utils.is_model_blessed(blessing)
        settled = ledger.settle(root, records, attempt, passed, run, FILES)
        stamp = Stamp(model_digest, digests.files_digest(folder), gate, settled)
        for key in (standard_component_specs.BLESSING_KEY, standard_component_specs.EVALUATION_KEY):
            stamp.write(artifact_utils.get_single_instance(output_dict[key]))


def set_confidence(config: config_pb2.EvalConfig, confidence: float) -> None:
    """Puts `confidence` into every metric of `config` that has one."""
    for specs in config.metrics_specs:
        for metric in specs.metrics:
            arguments = json.loads(metric.config or "{}")
            if "confidence" in arguments:
                arguments["confidence"] = confidence
                metric.config = json.dumps(arguments, sort_keys=True)
