"""Executor of ConstrainedTrainer: artifacts in, `training.train`, artifacts out."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import folders, group_sizes, progress
from components.constrained_trainer import serving, telling
from components.constrained_trainer.config import GateTarget, TrainingConfig
from components.constrained_trainer.examples.data import Split, load_split
from components.constrained_trainer.history import History
from components.constrained_trainer.models import weight_files
from components.constrained_trainer.resolving import resolve
from components.constrained_trainer.running import devices, paying
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.training import TrainingResult, train
from components.features import Features
from components.model_properties import (
    BROKEN,
    NO_SOLUTION,
    NOT_FROM_BLESSED,
    PREDICTED_TO_PASS,
    VALIDATION,
)
from components.pusher import versions
from components.transform.inputs import model_inputs
from fairgate.errors import DataError, SettingsError

WEIGHTS_FILE = "weights.npz"


class Executor(base_executor.BaseExecutor):
    """Thin: reads the splits, trains, logs, exports."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `component.ConstrainedTrainer`."""
        asked = TrainingConfig.model_validate_json(exec_properties["config"])
        features = Features.model_validate_json(exec_properties["features"])
        # Several workers can only be joined before anything else is done with TensorFlow.
        scope = devices.strategy(asked.devices)
        transform = tft.TFTransformOutput(
            artifact_utils.get_single_uri(input_dict["transform_graph"])
        )
        with tempfile.TemporaryDirectory(prefix="fairgate-") as scratch:
            run = _own(artifact_utils.get_single_uri(output_dict["model_run"]), scratch)
            progress.report(0, 1, "reading examples")
            splits = [
                read_split(input_dict["examples"], name, features, scratch)
                for name in ("train", "validation")
            ]
            inputs = model_inputs(features, transform)
            if not paying.is_worth(scope, asked, *splits, inputs):
                scope = devices.strategy("cpu")
            resolved = resolve(asked, *splits, scope.num_replicas_in_sync)
            config = resolved.config
            progress.report(0, config.steps, _plan(splits, config, scope))
            for reason in resolved.reasons:
                logging.info("settings that fit the data: %s", reason)
            history = History(run, config)
            folder = _checkpoints(input_dict, output_dict, exec_properties)
            result = train(
                *splits,
                resolved,
                history,
                inputs=inputs,
                start=_start(input_dict, config, exec_properties.get("served")),
                baseline=_weights_of(input_dict, "base_model"),
                checkpoints=folder,
                scope=scope,
                outlook=_outlook(input_dict, exec_properties, config, features),
            )
        if gone := _gone(input_dict, config):
            logging.warning("%s", gone)
        if result.stopped:
            logging.warning("training stopped early: %s", result.stopped)
            progress.report(result.snapshots[-1].step, config.steps, f"stopped: {result.stopped}")
        for sentence in telling.sentences(result):
            logging.info("%s", sentence)
        if result.predicted_to_pass is False:
            logging.warning(
                "no snapshot is predicted to pass the gate: %s", exec_properties["gate"]
            )
        if devices.is_chief():
            history.write(result, run)
            model = artifact_utils.get_single_instance(output_dict["model"])
            _export(result, transform, features, model.uri)
            if result.predicted_to_pass is not None:
                model.set_int_custom_property(PREDICTED_TO_PASS, int(result.predicted_to_pass))
            model.set_string_custom_property(
                VALIDATION,
                json.dumps(
                    {
                        "examples": round(len(splits[1]) * splits[1].effective),
                        "error_rate": result.error_rate,
                    }
                ),
            )
            if gone:
                model.set_string_custom_property(NOT_FROM_BLESSED, gone)
            if (sentence := telling.broken(result)) and result.is_useful:
                model.set_string_custom_property(BROKEN, sentence)
            if why := telling.no_solution(result):
                model.set_string_custom_property(NO_SOLUTION, why)
            folders.remove(folder)


def load_weights(model_uri: str) -> list[np.ndarray]:
    """The weights of the network of a Model artifact that this component made."""
    weights, _ = weight_files.read(os.path.join(model_uri, WEIGHTS_FILE))
    return weights


def _export(
    result: TrainingResult, transform: tft.TFTransformOutput, features: Features, uri: str
) -> None:
    directory = path_utils.serving_model_dir(uri)
    rule = result.chosen.rule
    serving.export(result.model, transform, features, directory, result.members(), rule)
    weight_files.write(os.path.join(uri, WEIGHTS_FILE), result.model.get_weights())


def read_split(
    examples: list[types.Artifact], name: str, features: Features, scratch: str
) -> Split:
    """The split `name` of transformed examples, its inputs in files below `scratch`."""
    [uri] = artifact_utils.get_split_uris(examples, name)
    folder = os.path.join(scratch, name)
    os.makedirs(folder)
    return load_split(folders.inside(uri), features, folder)


def _start(
    input_dict: dict[str, list[types.Artifact]], config: TrainingConfig, served: str | None
) -> list[np.ndarray] | None:
    """The weights to start from: another model's, if one is asked for and there, or the baseline's."""
    if config.warm_start == "none":
        return None
    if config.warm_start == "served":
        found = _served_weights(served)
    else:
        found = _weights_of(input_dict, "blessed_model")
    return _weights_of(input_dict, "base_model") if found is None else found


def _served_weights(served: str | None) -> list[np.ndarray] | None:
    """The weights of a version, or of the newest one in a folder of them; None where there is none."""
    if not served:
        raise SettingsError(
            "trainer.warm_start = served: ConstrainedTrainer was not told where models are served; give "
            "it `served`, or choose baseline"
        )
    folder = served
    if not tf.io.gfile.exists(os.path.join(served, "saved_model.pb")):
        there = versions.every(served)
        if not there:
            logging.info("nothing is served in %s yet: training starts from the baseline", served)
            return None
        folder = there[-1].folder
    logging.info("training starts from what is served: %s", folder)
    try:
        return serving.weights(folder)
    except (tf.errors.OpError, ValueError, LookupError) as error:
        raise DataError(
            f"{folder}: trainer.warm_start = served, but this is no whole model of ConstrainedTrainer "
            f"({' '.join(str(error).split())[:200]}). Go back to a version that is (fairgate serving "
            "roll-back), or choose baseline"
        ) from error


def _gone(input_dict: dict[str, list[types.Artifact]], config: TrainingConfig) -> str:
    """That the blessed model to start from has no weights any more; "" where it has, or none is asked."""
    models = input_dict.get("blessed_model", [])
    if config.warm_start != "blessed" or not models or any(map(_has_weights, models)):
        return ""
    return (
        f"trainer.warm_start = blessed, but the model that was blessed last has no {WEIGHTS_FILE} any "
        f"more ({models[0].uri}): training started from the baseline, as with "
        "trainer.warm_start=baseline"
    )


def _weights_of(input_dict: dict[str, list[types.Artifact]], key: str) -> list[np.ndarray] | None:
    """The weights of a model among the inputs; None where there is none."""
    for model in input_dict.get(key, []):
        if _has_weights(model):
            logging.info("%s: %s", key, model.uri)
            return load_weights(model.uri)
    return None


def _has_weights(model: types.Artifact) -> bool:
    return bool(tf.io.gfile.exists(os.path.join(model.uri, WEIGHTS_FILE)))


def _outlook(
    input_dict: dict[str, list[types.Artifact]],
    exec_properties: dict[str, Any],
    config: TrainingConfig,
    features: Features,
) -> Outlook | None:
    """The gate that is to come, if the component was told of one."""
    if not exec_properties.get("gate"):
        return None
    statistics = artifact_utils.get_single_uri(input_dict["statistics"])
    return Outlook(
        GateTarget.model_validate_json(exec_properties["gate"]),
        group_sizes.read(statistics, "test", features),
        config.selection.pass_probability,
    )


def _plan(splits: list[Split], config: TrainingConfig, scope: tf.distribute.Strategy) -> str:
    """One line for the log: what trains on what."""
    described, most = [], devices.resident_gb(config.resident_gb, scope)
    for name, split in zip(("training", "validation"), splits, strict=True):
        place = "on the device" if split.fits_in(most) else "read from disk as needed"
        described.append(f"{len(split):,} {name} examples, {split.nbytes / 1e9:.2f} GB {place}")
    return f"{devices.describe(scope)}; {'; '.join(described)}; compiling"


def _checkpoints(
    input_dict: dict[str, list[types.Artifact]],
    output_dict: dict[str, list[types.Artifact]],
    exec_properties: dict[str, Any],
) -> str:
    """The same folder for the same work: beside the outputs, which have a new folder at every attempt."""
    work = {
        "inputs": {key: [a.uri for a in artifacts] for key, artifacts in input_dict.items()},
        "properties": {
            key: exec_properties.get(key) for key in ("config", "features", "code", "gate")
        },
    }
    digest = hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()[:16]
    run = artifact_utils.get_single_uri(output_dict["model_run"]).rstrip("/")
    return os.path.join(os.path.dirname(os.path.dirname(run)), ".checkpoints", digest)


def _own(directory: str, scratch: str) -> str:
    """Of several workers, those that are not chief write where nobody looks."""
    return directory if devices.is_chief() else os.path.join(scratch, "run")
