"""Executor of Pusher that makes a blessed model the newest version that is served, or says why not."""

from __future__ import annotations

import shlex
from typing import Any

from absl import logging
from tfx import types
from tfx.components.pusher import executor as standard
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils, proto_utils

from components.evaluator import digests, stamp
from components.pusher import versions
from components.pusher.versions import Record, Version

# Custom properties of the PushedModel artifact, besides the standard ones.
TOLD = "told"
"""What became of a blessed model, in a sentence."""
WAS_THERE = "was_there"
"""1 where it was the newest version already."""


class Executor(standard.Executor):
    """Looks at what is served before it pushes: run again, it repairs, goes back, or leaves all as it is.

    The standard executor copies file by file into the folder that a model server watches: killed
    half-way it leaves half a model there. Nor does it look whether the model is there already.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes if blessed; `pushed_destination` names the version, the newest one, that has the model.

        Nothing is pushed (`pushed` is 0) without a blessing, or where a person went back from this model.

        Raises:
          StaleBlessing: the blessing was given to something else.
          DataError: what was copied is not the model; no version was made of it.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        [pushed] = output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        [model] = input_dict[standard_component_specs.MODEL_KEY]
        [blessing] = input_dict[standard_component_specs.MODEL_BLESSING_KEY]
        source = path_utils.serving_model_path(model.uri)
        record = Record(
            files=digests.files_digest(source),
            model=stamp.read_model(blessing) or digests.model_digest(source),
            run=self._context.pipeline_run_id or "" if self._context else "",
        )
        stamp.require_fresh(
            blessing,
            files=record.files,
            test_digest=stamp.test_digest(
                artifact_utils.get_single_instance(input_dict["examples"])
            ),
            gate=exec_properties["gate"],
        )
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        serving = destination.filesystem.base_directory
        with versions.alone(serving):
            there = versions.every(serving)
            newest = there[-1] if there else None
            is_there = newest is not None and newest.files() == record.files
            instead = versions.taken_back(there).get(record.model)
            if not is_there and instead is not None:
                self._MarkNotPushed(pushed)
                told = _not_again(instead, serving)
            else:
                served = newest if is_there else versions.add(serving, source, record)
                self._MarkPushed(pushed, served.folder, str(served.number))
                pushed.set_int_custom_property(WAS_THERE, int(is_there))
                told = "" if is_there else _why_again(there, record)
        pushed.set_string_custom_property(TOLD, told)
        if told:
            logging.warning("%s", told)


def _not_again(instead: Version, serving: str) -> str:
    record = instead.record
    assert record is not None
    return (
        f"The model passed and is not served: it is version {record.instead_of}, from which somebody "
        f"went back to version {record.copy_of} (as version {instead.number}, {record.when}). To serve "
        f"it all the same: fairgate serving roll-back {record.instead_of} --folder {shlex.quote(serving)}"
    )


def _why_again(there: list[Version], record: Record) -> str:
    """Why a model is pushed that was pushed before; empty where it is new."""
    same = [each for each in there if each.record is not None and each.record.files == record.files]
    if not same:
        return ""
    before = same[-1]
    if before.number < there[-1].number:
        return (
            f"The model is version {before.number}, but version {there[-1].number} is newer: it is "
            "pushed again, so that it is served"
        )
    return (
        f"Version {before.number} is not as it was pushed: files in it were changed or are gone. The "
        "model is pushed again, as a version of its own"
    )
