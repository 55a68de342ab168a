"""Digests that tell one model from another."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

RECORD = "assets.extra/fairgate.json"
"""What Pusher writes beside a model about it (`pusher.versions.Record`): no part of the model."""


def model_digest(folder: str) -> str:
    """What a SavedModel computes with: equal for equal weights, however often it was exported.

    Over its variables, its assets (vocabularies) and the numbers in its graph (means, seeds of
    buckets). Not over its bytes: they differ from export to export, and a model trained again to the very
    same weights is the same model. Text in the graph is left out: it holds paths of the export.

    Args:
      folder: of the SavedModel.

    Returns:
      32 hex digits.
    """
    digest = hashlib.sha256()
    reader = tf.train.load_checkpoint(os.path.join(folder, "variables", "variables"))
    for name in sorted(reader.get_variable_to_shape_map()):
        if name != _OBJECT_GRAPH:
            value = np.asarray(reader.get_tensor(name))
            content = value.tobytes() if value.dtype != object else repr(value.tolist()).encode()
            _add(digest, name, f"{value.dtype}{value.shape}", content)
    for name, content in _files(os.path.join(folder, "assets")):
        _add(digest, name, content)
    for content in sorted(_numbers(folder)):
        _add(digest, content)
    return digest.hexdigest()[:32]


def files_digest(folder: str) -> str:
    """The bytes of every file below `folder`, but for `RECORD`; 32 hex digits.

    Equal only for the very same export.
    """
    digest = hashlib.sha256()
    for name, content in _files(folder):
        if name != RECORD:
            _add(digest, name, content)
    return digest.hexdigest()[:32]


def _numbers(folder: str) -> set[bytes]:
    """The numeric constants in the graph and its functions."""
    model = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(os.path.join(folder, "saved_model.pb"), "rb") as file:
        model.ParseFromString(file.read())
    result = set()
    for meta in model.meta_graphs:
        graph = meta.graph_def
        nodes = [graph.node, *(function.node_def for function in graph.library.function)]
        for node in (node for part in nodes for node in part if node.op == "Const"):
            tensor = node.attr["value"].tensor
            if tensor.dtype != tf.string.as_datatype_enum:
                result.add(hashlib.sha256(tensor.SerializeToString(deterministic=True)).digest())
    return result


def _files(folder: str) -> list[tuple[str, bytes]]:
    result = []
    for parent, _, names in tf.io.gfile.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with tf.io.gfile.GFile(path, "rb") as file:
                result.append((path[len(folder) :].strip("/"), file.read()))
    return sorted(result)


def _add(digest, *parts: str | bytes) -> None:
    """Each part with its length before it, so that no two lists of parts look alike."""
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
