"""Executor of ConstrainedTrainer: artifacts in, `training.train`, artifacts out."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components import progress
from components.constrained_trainer import serving
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.data import Split, load_split
from components.constrained_trainer.training import Snapshot, TrainingResult, train
from components.features import Features

HISTORY_FILE = "history.json"


class Executor(base_executor.BaseExecutor):
    """Thin: reads the splits, trains, logs, exports."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `component.ConstrainedTrainer`."""
        config = TrainingConfig.model_validate_json(exec_properties["config"])
        features = Features.model_validate_json(exec_properties["features"])
        run_directory = artifact_utils.get_single_uri(output_dict["model_run"])
        progress.report(0, config.steps, "reading examples")
        with tf.summary.create_file_writer(run_directory).as_default():
            result = train(
                _split(input_dict["examples"], "train", features),
                _split(input_dict["examples"], "validation", features),
                config,
                on_snapshot=lambda snapshot: _log(snapshot, config.steps),
            )
        _write_history(result, os.path.join(run_directory, HISTORY_FILE))
        transform = tft.TFTransformOutput(
            artifact_utils.get_single_uri(input_dict["transform_graph"])
        )
        model = artifact_utils.get_single_instance(output_dict["model"])
        serving.export(result.model, transform, features, path_utils.serving_model_dir(model.uri))


def _split(examples: list[types.Artifact], name: str, features: Features) -> Split:
    [uri] = artifact_utils.get_split_uris(examples, name)
    return load_split(tf.io.gfile.glob(io_utils.all_files_pattern(uri)), features)


def _log(snapshot: Snapshot, steps: int) -> None:
    """Scalars for TensorBoard, and a line for whoever watches."""
    tf.summary.scalar("objective", snapshot.objective, snapshot.step)
    tf.summary.scalar("validation/error_rate", snapshot.error_rate, snapshot.step)
    for index, violation in enumerate(snapshot.violations):
        tf.summary.scalar(f"violation/{index}", violation, snapshot.step)
    for index, multiplier in enumerate(snapshot.multipliers):
        tf.summary.scalar(f"multiplier/{index}", multiplier, snapshot.step)
    message = f"validation accuracy {1 - snapshot.error_rate:.3f}"
    if len(snapshot.violations):
        message += f", worst violation {max(snapshot.violations):+.3f}"
    progress.report(snapshot.step, steps, message)


def _write_history(result: TrainingResult, file: str) -> None:
    history = {
        "constraints": result.constraints,
        "best": result.best,
        "snapshots": [
            {
                "step": snapshot.step,
                "objective": snapshot.objective,
                "error_rate": snapshot.error_rate,
                "violations": snapshot.violations.tolist(),
                "multipliers": snapshot.multipliers.tolist(),
            }
            for snapshot in result.snapshots
        ],
    }
    io_utils.write_string_file(file, json.dumps(history, indent=1))
