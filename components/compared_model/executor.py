"""Executor of ComparedModel: asks a model from outside about a few examples, and copies it."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components import folders, tfrecords
from components.evaluator import digests
from components.features import CLASS, PROBABILITY, SLICES_LABEL, Features
from fairgate.errors import DataError, SettingsError

_ASKED = 64
SIGNATURES = ("serving_default", "slices")


class Executor(base_executor.BaseExecutor):
    """Thin: asks, copies."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises SettingsError where the folder holds no model that can be asked about these examples."""
        folder, features = exec_properties["folder"], exec_properties["features"]
        [examples] = input_dict["examples"]
        # Of the split that models are chosen by: the test split is left to the gate.
        shards = artifact_utils.get_split_uri([examples], "validation")
        require_answers(folder, shards, Features.model_validate_json(features))
        target = path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict["model"]))
        io_utils.copy_dir(folder, target)
        if digests.files_digest(target) != exec_properties["digest"]:
            raise DataError(
                f"{folder}: the model there was replaced while the run went on; run it again to compare "
                "with the new one"
            )


def require_answers(folder: str, shards: str, features: Features) -> None:
    """Raises SettingsError unless a SavedModel answers examples as a model of this pipeline does.

    Args:
      folder: of the SavedModel.
      shards: folder of raw examples, TFRecords.
      features: what label and groups mean.
    """

    def refuse(why: str) -> SettingsError:
        return SettingsError(
            f"gate.compare_with = {folder!r}: {why}. Give the folder of a model that this pipeline has "
            "pushed for the same columns, label and groups (such as serving/NAME/VERSION), or baseline"
        )

    try:
        signatures = tf.saved_model.load(folder).signatures
    except (OSError, ValueError) as error:
        raise refuse(f"no SavedModel can be loaded from it ({_first(error)})") from None
    if missing := [name for name in SIGNATURES if name not in signatures]:
        raise refuse(f"the model there has no signature {missing[0]!r}")
    files = tfrecords.require_lengths(folders.inside(shards))
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    batch = next(iter(tf.data.TFRecordDataset(files, compression).batch(_ASKED)))
    kinds = list(features.label.classes)
    try:
        said = signatures["serving_default"](examples=batch)
        if kinds and CLASS not in said:
            raise refuse("it does not tell which class an example is of")
        [answers] = [said[PROBABILITY]] if kinds else said.values()
        columns = {name: of.numpy() for name, of in signatures["slices"](examples=batch).items()}
    except (tf.errors.OpError, ValueError) as error:
        raise refuse(
            f"the model there cannot be asked about these examples ({_first(error)})"
        ) from None
    if kinds and not {name.decode() for name in said[CLASS].numpy()} <= set(kinds):
        raise refuse("it knows other classes")
    if (
        answers.shape.num_elements() != len(batch) * (len(kinds) or 1)
        or not np.isfinite(answers.numpy()).all()
    ):
        raise refuse(f"its answers are no {len(batch)} numbers for {len(batch)} examples")
    if SLICES_LABEL not in columns:
        raise refuse("it was exported by another version, which called its label otherwise")
    if not np.isfinite(columns[SLICES_LABEL]).all():
        raise refuse("it knows another label")
    for feature, names in features.group_names.items():
        found = {name.decode() for name in columns.get(feature, np.array([b"?"])).reshape(-1)}
        if not found <= set(names):
            raise refuse(f"it knows other groups than those of {feature!r} ({', '.join(names)})")


def _first(error: Exception) -> str:
    """What is wrong: the last line, after the stack of the graph, and before its node."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [
        line
        for line in lines
        if line and not line.endswith(":") and not line.startswith(("Detected at", "File", "[["))
    ]
    return (telling or lines or [""])[-1][:300]
