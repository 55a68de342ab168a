"""What ML Metadata knows of a run: which step made which artifacts, of which."""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as proto

from pipeline import places
from pipeline.inspect.shown import Table
from pipeline.running.metadata_file import require_usable

_STATES = {"COMPLETE": "done", "CACHED": "reused"}
# TFX's own, on every artifact; what a component says of it is among the others.
_TFX_PROPERTIES = (
    *("is_external", "name", "pipeline_name", "producer_component", "state", "tfx_version"),
    *("payload_format", "baseline_model_id", "current_model_id"),
)
_DIGEST = re.compile(r"[0-9a-f]{16,}")
_LONGEST = 64  # characters of a property that a table shows


@dataclass(frozen=True)
class Link:
    """An artifact at one end of a step: `key` is what the step calls it."""

    key: str
    artifact: proto.Artifact


@dataclass(frozen=True)
class Execution:
    """One step of a run.

    Attributes:
      node: its name.
      state: done, reused, or what ML Metadata calls it.
      fingerprint: of its parameters, settings and code among them; equal where these were equal.
      inputs: what it read.
      outputs: what it made, or re-used.
    """

    node: str
    state: str
    fingerprint: str
    inputs: tuple[Link, ...]
    outputs: tuple[Link, ...]


class Metadata:
    """The part of a metadata.sqlite that belongs to one run.

    Args:
      file: written by TFX; only read here.
      pipeline: its name.
      run_id: the run's.

    Raises:
      FileNotFoundError: there is no such file, or it knows of no such run.
      DataError: it is damaged, or held by another process.
    """

    def __init__(self, file: pathlib.Path, pipeline: str, run_id: str):
        if not file.is_file():
            raise FileNotFoundError(f"{file}: no metadata of pipeline {pipeline!r}")
        require_usable(file, writes=False)
        config = proto.ConnectionConfig()
        config.sqlite.filename_uri = str(file)
        config.sqlite.connection_mode = proto.SqliteMetadataSourceConfig.READONLY
        self._store = mlmd.MetadataStore(config)
        context = self._store.get_context_by_type_and_name("pipeline_run", run_id)
        if context is None:
            raise FileNotFoundError(f"{file}: no run {run_id!r} of pipeline {pipeline!r}")
        self._run = context.id
        self._home = file.parent
        self._pipeline = pipeline
        self.executions = list(self._read())

    def uri(self, node: str, key: str) -> str:
        """Where `node` left its output `key`: in the pipeline's folder, wherever that is by now.

        Metadata keeps what the settings said: a path from the folder that the run was started in.
        """
        said = self._link(node, key).artifact.uri
        _, _, below = said.rpartition("/artifacts/")
        home = os.path.join(places.plain(str(self._home.parent.resolve())), self._home.name)
        here = os.path.join(home, "artifacts", below)
        return here if below and os.path.exists(here) else said

    def _link(self, node: str, key: str) -> Link:
        for execution in self.executions:
            for link in execution.outputs:
                if (execution.node, link.key) == (node, key):
                    return link
        raise KeyError(f"{node} left no {key!r} in this run")

    def steps(self) -> Table:
        """A row for each step: which artifacts it read and made, with which parameters."""
        rows = [
            {
                "step": execution.node,
                "result": execution.state,
                "parameters": execution.fingerprint,
                "read": _names(execution.inputs),
                "made": _names(execution.outputs),
            }
            for execution in self.executions
        ]
        caption = "What each step read and made: # is an artifact's id, parameters are hashed"
        return Table(rows).captioned(caption)

    def artifacts(self) -> Table:
        """A row for each artifact of the run: its type, what its step says of it, its place."""
        rows = {}
        for execution in self.executions:
            for link in execution.outputs:
                artifact = link.artifact
                rows[artifact.id] = {
                    "id": artifact.id,
                    "artifact": link.key,
                    "type": artifact.type,
                    "made by": execution.node,
                    "says": ", ".join(_properties(artifact)),
                    "uri": _below(artifact.uri, self._pipeline),
                }
        return Table([rows[key] for key in sorted(rows)]).captioned(f"Artifacts, in {self._home}")

    def ancestors(self, node: str, key: str) -> Table:
        """The artifacts that an output was made of, and what those were made of, back to the data."""
        made_by = {
            link.artifact.id: (execution, link)
            for execution in self.executions
            for link in execution.outputs
        }
        rows: list[dict[str, Any]] = []
        waiting, seen = [(self._link(node, key).artifact.id, 0)], set()
        while waiting:
            artifact, depth = waiting.pop(0)
            if artifact in seen or artifact not in made_by:
                continue
            seen.add(artifact)
            execution, link = made_by[artifact]
            rows.append(
                {
                    "steps back": depth,
                    "artifact": f"{link.key} #{artifact}",
                    "made by": execution.node,
                    "of": _names(execution.inputs),
                }
            )
            waiting += [(each.artifact.id, depth + 1) for each in execution.inputs]
        return Table(rows).captioned(f"What {key} was made of")

    def _read(self) -> Iterator[Execution]:
        node_type = self._store.get_context_type("node").id
        found = sorted(self._store.get_executions_by_context(self._run), key=lambda e: e.id)
        for execution in found:
            nodes = self._store.get_contexts_by_execution(execution.id)
            [node] = [context.name for context in nodes if context.type_id == node_type]
            state = proto.Execution.State.Name(execution.last_known_state)
            yield Execution(
                node.removeprefix(f"{self._pipeline}."),
                _STATES.get(state, state.lower()),
                _fingerprint(execution),
                *self._links(execution.id),
            )

    def _links(self, execution: int) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
        events = self._store.get_events_by_execution_ids([execution])
        ids = [event.artifact_id for event in events]
        artifacts = {artifact.id: artifact for artifact in self._store.get_artifacts_by_id(ids)}
        inputs, outputs = [], []
        for event in events:
            side = outputs if event.type == proto.Event.OUTPUT else inputs
            side.append(Link(event.path.steps[0].key, artifacts[event.artifact_id]))
        return tuple(inputs), tuple(outputs)


def _below(uri: str, pipeline: str) -> str:
    """A place without the folders that the pipeline's own folder is in."""
    _, _, below = uri.rpartition(f"/{pipeline}/artifacts/")
    return f"artifacts/{below}" if below else uri


def _names(links: tuple[Link, ...]) -> str:
    return ", ".join(f"{link.key} #{link.artifact.id}" for link in links)


def _fingerprint(execution: proto.Execution) -> str:
    """Eight digits of a hash over the parameters; they hold settings and the code's own fingerprint."""
    digest = hashlib.sha256()
    for name in sorted(execution.custom_properties):
        # The names and values of what TFX adds to each execution change from run to run.
        if not name.startswith("__"):
            digest.update(f"{name}\0{execution.custom_properties[name]}\0".encode())
    return digest.hexdigest()[:8]


def _properties(artifact: proto.Artifact) -> Iterator[str]:
    for properties in (artifact.properties, artifact.custom_properties):
        for name, value in sorted(properties.items()):
            shown = getattr(value, value.WhichOneof("value") or "string_value")
            if name in _TFX_PROPERTIES or shown in ("", 0) or len(str(shown)) > _LONGEST:
                continue
            yield f"{name} {str(shown)[:8] if _DIGEST.fullmatch(str(shown)) else shown}"
