"""Executor of Pusher that puts a whole model into place, or none."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.pusher import executor as standard
from tfx.components.util import model_utils
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils, proto_utils

from components.evaluator import digests, stamp


class Executor(standard.Executor):
    """The standard push into a folder beside the destination, renamed when it is complete.

    The standard executor copies file by file into the folder that a model server watches: killed
    half-way it leaves half a model there. Renaming a folder is one operation.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes if blessed; `pushed_destination` names the final folder.

        Raises StaleBlessing where the blessing was given to something else.
        """
        _require_fresh_blessing(input_dict, exec_properties)
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        serving = destination.filesystem.base_directory
        # Hidden, so that a model server, which looks for numbered folders, never sees it.
        staging = os.path.join(os.path.dirname(serving), f".{os.path.basename(serving)}.staging")
        _remove(staging)
        destination.filesystem.base_directory = staging
        super().Do(
            input_dict,
            output_dict,
            exec_properties
            | {
                standard_component_specs.PUSH_DESTINATION_KEY: proto_utils.proto_to_json(
                    destination
                )
            },
        )
        [pushed] = output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        if pushed.get_int_custom_property("pushed"):
            staged = pushed.get_string_custom_property("pushed_destination")
            version = _next_version(
                serving, int(pushed.get_string_custom_property("pushed_version"))
            )
            final = os.path.join(serving, str(version))
            tf.io.gfile.makedirs(serving)
            tf.io.gfile.rename(staged, final)
            pushed.set_string_custom_property("pushed_destination", final)
            pushed.set_string_custom_property("pushed_version", str(version))
        _remove(staging)


def _require_fresh_blessing(
    input_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any]
) -> None:
    blessing = artifact_utils.get_single_instance(
        input_dict[standard_component_specs.MODEL_BLESSING_KEY]
    )
    if not model_utils.is_model_blessed(blessing):
        return  # the standard executor pushes nothing then, and that is no error
    model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
    examples = artifact_utils.get_single_instance(input_dict["examples"])
    stamp.require_fresh(
        blessing,
        files=digests.files_digest(path_utils.serving_model_path(model.uri)),
        test_digest=stamp.test_digest(examples),
        gate=exec_properties["gate"],
    )


def _next_version(serving: str, version: int) -> int:
    """`version`, or one more than the newest there: two pushes in one second stay in order."""
    if not tf.io.gfile.isdir(serving):
        return version
    present = [
        int(name.rstrip("/")) for name in tf.io.gfile.listdir(serving) if name.rstrip("/").isdigit()
    ]
    return max([version, *(newest + 1 for newest in present)])


def _remove(folder: str) -> None:
    if tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)
