"""Executor of Pusher that puts a whole model into place, or none."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.pusher import executor as standard
from tfx.proto import pusher_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils


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
        """Pushes if blessed; `pushed_destination` names the final folder."""
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
