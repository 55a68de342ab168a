"""Artifacts that workers elsewhere can reach.

Kubeflow's launcher gives a component local copies of its artifacts, which no other pod sees. What is
not on gs:// or on a volume of the workers goes to them and comes back through such a volume.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.utils import io_utils

from components import folders
from components.constrained_trainer.launchers.config import SharedVolume
from fairgate.errors import SettingsError

Artifacts = dict[str, list[types.Artifact]]


@contextlib.contextmanager
def within_reach(
    inputs: Artifacts,
    outputs: Artifacts,
    exec_properties: dict[str, Any],
    volumes: tuple[SharedVolume, ...],
) -> Iterator[tuple[Artifacts, Artifacts]]:
    """Yields inputs and outputs whose URIs workers can reach; afterwards the outputs are in their place.

    The folder on the volume follows from the inputs and properties: a second try finds the first one's
    checkpoints. It is removed when all went well.

    Raises:
      SettingsError: an artifact is out of reach, and there is no volume to bring it within.
    """

    def is_out_of_reach(artifact: types.Artifact) -> bool:
        paths = [volume.path.rstrip("/") + "/" for volume in volumes]
        return not artifact.uri.startswith(("gs://", *paths))

    out_of_reach = [
        artifact
        for artifacts in (*inputs.values(), *outputs.values())
        for artifact in artifacts
        if is_out_of_reach(artifact)
    ]
    if not out_of_reach:
        yield inputs, outputs
        return
    if not volumes:
        raise SettingsError(
            f"deploy.kubeflow.volumes is empty, but the workers of a trainer job cannot see "
            f"{out_of_reach[0].uri}: name a volume that many pods can write, or use a gs:// "
            "deploy.pipeline_root"
        )
    folder = os.path.join(volumes[0].path, ".fairgate-jobs", _digest(inputs, exec_properties))

    def moved(artifacts: Artifacts) -> Artifacts:
        found = copy.deepcopy(artifacts)
        for key, each in found.items():
            for index, artifact in enumerate(each):
                if is_out_of_reach(artifact):
                    artifact.uri = os.path.join(folder, key, str(index))
        return found

    shared_inputs, shared_outputs = moved(inputs), moved(outputs)
    for source, target in _pairs(inputs, shared_inputs):
        io_utils.copy_dir(source, target)
    for _, target in _pairs(outputs, shared_outputs):
        tf.io.gfile.makedirs(target)
    yield shared_inputs, shared_outputs
    for target, source in _pairs(outputs, shared_outputs):
        io_utils.copy_dir(source, target)
    folders.remove(folder)


def _pairs(before: Artifacts, after: Artifacts) -> list[tuple[str, str]]:
    """(old, new) URIs of the artifacts that moved."""
    return [
        (old.uri, new.uri)
        for key in before
        for old, new in zip(before[key], after[key], strict=True)
        if old.uri != new.uri
    ]


def _digest(inputs: Artifacts, exec_properties: dict[str, Any]) -> str:
    work = {"inputs": {key: [a.uri for a in each] for key, each in inputs.items()}}
    return hashlib.sha256(json.dumps(work | exec_properties, sort_keys=True).encode()).hexdigest()[
        :16
    ]
