"""Runs a compiled file on this machine, as Vertex AI or Kubeflow Pipelines would.

Nothing is taken from the pipeline's Python objects: tasks, their order, commands, parameters and
types come from the file. What the platforms add (URIs, names, metadata, the launcher's copies) is
added here as they do; storage buckets are folders.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tests.deploy.commands import Commands, run_alone

# What the REST message has beyond the one that kfp publishes.
_VERTEX_ONLY = ("serviceAccount", "network")

# A task that has written nothing yet is struck after this time [s].
_LONGEST = 2.0


class TaskFailedError(Exception):
    """A task failed and has no tries left."""


@dataclass
class Drill:
    """Which tasks are killed, and how often.

    Attributes:
      kills: task -> how many of its tries are killed.
      at_once: whether before they have begun, and not half-way.
      tries: task -> how many tries it took.
      struck: tasks that were killed while they were at work.
    """

    kills: Mapping[str, int] = field(default_factory=dict)
    at_once: bool = False
    tries: dict[str, int] = field(default_factory=dict)
    struck: set[str] = field(default_factory=set)


@dataclass
class Compiled:
    """A compiled file that its schemas accept."""

    spec: pb.PipelineSpec
    executors: dict[str, pb.PipelineDeploymentConfig.PipelineContainerSpec]

    @property
    def tasks(self) -> Mapping[str, pb.PipelineTaskSpec]:
        """Tasks by name."""
        return self.spec.root.dag.tasks

    def order(self) -> list[str]:
        """Names of the tasks, each after those that it depends on."""
        return [
            *TopologicalSorter(
                {name: list(task.dependent_tasks) for name, task in sorted(self.tasks.items())}
            ).static_order()
        ]

    def component(self, task: str) -> pb.ComponentSpec:
        """What a task runs."""
        return self.spec.components[self.tasks[task].component_ref.name]

    def container(self, task: str) -> pb.PipelineDeploymentConfig.PipelineContainerSpec:
        """The container that a task runs in."""
        return self.executors[self.component(task).executor_label]


def load(file: Path, buckets: Mapping[str, str] | None = None) -> Compiled:
    """The compiled `file`; raises ParseError where a published schema does not know a field.

    Args:
      file: a PipelineJob as JSON, or a PipelineSpec and its PlatformSpec as YAML.
      buckets: prefixes of URIs in the file -> the folders that stand for them.
    """
    text = file.read_text()
    for prefix, folder in (buckets or {}).items():
        text = text.replace(prefix, folder)
    if file.suffix == ".json":
        job = {key: value for key, value in json.loads(text).items() if key not in _VERTEX_ONLY}
        tree = json_format.ParseDict(job, pb.PipelineJob()).pipeline_spec
        spec = json_format.ParseDict(json_format.MessageToDict(tree), pb.PipelineSpec())
    else:
        tree, platform = yaml.safe_load_all(text)
        spec = json_format.ParseDict(tree, pb.PipelineSpec())
        _check_platform(json_format.ParseDict(platform, pb.PlatformSpec()), spec)
    config = json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec), pb.PipelineDeploymentConfig()
    )
    executors = {label: executor.container for label, executor in config.executors.items()}
    return Compiled(spec, executors)


def _check_platform(platform: pb.PlatformSpec, spec: pb.PipelineSpec) -> None:
    known = {component.executor_label for component in spec.components.values()}
    for label, config in platform.platforms["kubernetes"].deployment_spec.executors.items():
        assert label in known
        message = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
        json_format.ParseDict(json_format.MessageToDict(config), message)


class Harness:
    """One run of a compiled file; `storage` holds what outlives a container."""

    def __init__(
        self,
        compiled: Compiled,
        folder: Path,
        commands: Commands,
        alone: str = "",
        env: Mapping[str, str] | None = None,
    ):
        """Args:
        compiled: what is run.
        folder: for all that the run leaves.
        commands: starts commands.
        alone: a task that gets a process of its own, started as the platform starts it.
        env: more variables for all containers, such as the address of an API.
        """
        self._env = dict(env or {})
        self.compiled, self.folder, self._commands, self._alone = compiled, folder, commands, alone
        self.storage = folder / "storage"
        self.artifacts: dict[tuple[str, str], pb.RuntimeArtifact] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, drill: Drill | None = None, until: str | None = None) -> None:
        """Runs all tasks that have not been run, `until` the last; raises TaskFailedError."""
        for task in self.compiled.order():
            if task not in {producer for producer, _ in self.artifacts}:
                self._run_task(task, drill or Drill())
            if task == until:
                return

    def fork(
        self, compiled: Compiled, folder: Path, after: str, env: Mapping[str, str] | None = None
    ) -> Harness:
        """Another run that has the results of this one up to the task `after`."""
        other = type(self)(compiled, folder, self._commands, env=env)
        other.storage = self.storage
        order = self.compiled.order()
        done = order[: order.index(after) + 1]
        other.artifacts = {key: a for key, a in self.artifacts.items() if key[0] in done}
        return other

    def _run_task(self, task: str, drill: Drill) -> None:
        tries = 1 + self.compiled.tasks[task].retry_policy.max_retry_count
        place = self._prepare(task)
        for attempt in range(tries):
            drill.tries[task] = attempt + 1
            if self._try(task, place, attempt, drill):
                return
        raise TaskFailedError(f"{task}: {tries} tries:\n{self.log(task)[-6000:]}")

    def log(self, task: str) -> str:
        """What all tries of `task` printed."""
        return self._log_file(task).read_text(errors="replace")

    def _log_file(self, task: str) -> Path:
        return self.folder / f"{task}.log"

    def parameters(self, task: str) -> dict[str, Any]:
        """The parameters that `task` is given, by its component's types; constants, as TFX has it."""
        spec = self.compiled.component(task).input_definitions
        given = {
            name: json_format.MessageToDict(value.runtime_value.constant)
            for name, value in self.compiled.tasks[task].inputs.parameters.items()
        }
        assert set(given) == {
            name for name, one in spec.parameters.items() if not one.is_optional or name in given
        }
        return given

    def inputs(self, task: str) -> dict[str, pb.RuntimeArtifact]:
        """The artifacts that `task` is given: what its producers made."""
        found = {}
        for name, value in self.compiled.tasks[task].inputs.artifacts.items():
            output = value.task_output_artifact
            assert output.producer_task in self.compiled.tasks[task].dependent_tasks
            found[name] = self.artifacts[output.producer_task, output.output_artifact_key]
        return found

    def _execute(
        self,
        task: str,
        container: pb.PipelineDeploymentConfig.PipelineContainerSpec | Any,
        executor_input: pb.ExecutorInput,
        env: Mapping[str, str],
        strike: Drill | None,
        outputs: list[Path],
    ) -> bool:
        """Runs the command of `container`; whether it went well. `strike`: kill it half-way."""
        env = {**self._env, **env}
        filled = json_format.MessageToJson(executor_input, indent=None)
        argv = [part.replace("{{$}}", filled) for part in (*container.command, *container.args)]
        assert not any("{{" in part for part in container.command)
        log = self._log_file(task)
        if task == self._alone:
            return run_alone(argv, log, env) == 0
        log.touch()
        begun = log.stat().st_size
        process = self._commands.start(argv, log, env)
        if strike is None:
            return process.wait() == 0
        at_work_since = None
        while process.is_running():
            if at_work_since is None and b"Starting executor" in log.read_bytes()[begun:]:
                at_work_since = time.monotonic()
            half_way = at_work_since is not None and (
                time.monotonic() - at_work_since > _LONGEST or any(map(_holds_files, outputs))
            )
            if strike.at_once or half_way:
                os.kill(process.pid, signal.SIGKILL)
                strike.struck.add(task)
                break
            time.sleep(0.002)
        # One that was faster is taken for one that died before it could report.
        process.wait()
        return False

    def _prepare(self, task: str) -> Any:
        raise NotImplementedError

    def _try(self, task: str, place: Any, attempt: int, drill: Drill) -> bool:
        raise NotImplementedError

    def _publish(
        self, task: str, executor_input: pb.ExecutorInput, output_file: Path
    ) -> dict[str, pb.RuntimeArtifact]:
        """What the task says of its outputs, over what it was told of them."""
        output = json_format.Parse(output_file.read_text(), pb.ExecutorOutput())
        made = {}
        for name, listed in executor_input.outputs.artifacts.items():
            [artifact] = listed.artifacts
            for said in output.artifacts[name].artifacts:
                artifact.uri = said.uri or artifact.uri
                artifact.metadata.MergeFrom(said.metadata)
            made[name] = artifact
        return made


class Vertex(Harness):
    """As Vertex AI Pipelines: typed and named artifacts, drivers, one folder for each task."""

    def _prepare(self, task: str) -> pb.ExecutorInput:
        folder = self.storage / "123456" / self.folder.name / f"{task}_{_number(task)}"
        given = pb.ExecutorInput()
        for name, value in self.parameters(task).items():
            json_format.ParseDict(value, given.inputs.parameter_values[name])
        for name, artifact in self.inputs(task).items():
            given.inputs.artifacts[name].artifacts.add().CopyFrom(artifact)
        for name, spec in self.compiled.component(task).output_definitions.artifacts.items():
            artifact = given.outputs.artifacts[name].artifacts.add(uri=str(folder / name))
            artifact.type.CopyFrom(spec.artifact_type)
            artifact.metadata.CopyFrom(spec.metadata)
            artifact.name = (
                "projects/123456/locations/europe-west4/metadataStores/default/artifacts/"
                f"{_number(f'{self.folder}/{task}/{name}')}"
            )
        given.outputs.output_file = str(folder / "executor_output.json")
        return given

    def _try(self, task: str, place: pb.ExecutorInput, attempt: int, drill: Drill) -> bool:
        given = pb.ExecutorInput()
        given.CopyFrom(place)
        container = self.compiled.container(task)
        driver = container.lifecycle.pre_cache_check
        if driver.command and not self._execute(task, driver, given, {}, None, []):
            return False
        strike = drill if attempt < drill.kills.get(task, 0) else None
        outputs = [Path(a.artifacts[0].uri) for a in given.outputs.artifacts.values()]
        if not self._execute(task, container, given, {}, strike, outputs):
            return False
        made = self._publish(task, given, Path(given.outputs.output_file))
        self.artifacts |= {(task, name): artifact for name, artifact in made.items()}
        return True


class Kubeflow(Harness):
    """As open-source Kubeflow Pipelines: the launcher copies artifacts in and out of a bare pod."""

    def _prepare(self, task: str) -> None:
        """A try knows nothing of the one before: it is a new pod."""

    def _try(self, task: str, place: None, attempt: int, drill: Drill) -> bool:
        pod = self.folder / "pods" / f"{task}-{attempt}"
        spec = self.compiled.spec
        run = f"{spec.default_pipeline_root}/{spec.pipeline_info.name}/{self.folder.name}"
        given = pb.ExecutorInput()
        for name, value in self.parameters(task).items():
            json_format.ParseDict(value, given.inputs.parameter_values[name])
        for name, artifact in self.inputs(task).items():
            told = given.inputs.artifacts[name].artifacts.add(uri=artifact.uri)
            told.metadata.CopyFrom(artifact.metadata)
            told.metadata["display_name"] = name
            told.metadata["store_session_info"] = "{}"
            told.type.instance_schema = ""
            _copy(self._stored(artifact.uri), self._in_pod(pod, artifact.uri))
        for name, declared in self.compiled.component(task).output_definitions.artifacts.items():
            uri = f"{run}/{task}/{attempt}/{name}"
            made = given.outputs.artifacts[name].artifacts.add(uri=uri)
            made.type.CopyFrom(declared.artifact_type)
            made.metadata.CopyFrom(declared.metadata)
        logs = given.outputs.artifacts["executor-logs"].artifacts.add()
        logs.uri = f"{run}/{task}/{attempt}/executor-logs"
        logs.type.schema_title = "system.Artifact"
        copies = {
            listed.artifacts[0].uri: self._in_pod(pod, listed.artifacts[0].uri)
            for listed in given.outputs.artifacts.values()
        }
        for copy in copies.values():
            copy.parent.mkdir(parents=True, exist_ok=True)
        output_file = pod / "tmp" / "kfp_outputs" / "output_metadata.json"
        given.outputs.output_file = str(output_file)
        strike = drill if attempt < drill.kills.get(task, 0) else None
        env = {"FAIRGATE_LAUNCHER_COPIES": str(pod)}
        container = self.compiled.container(task)
        if not self._execute(task, container, given, env, strike, [*copies.values()]):
            return False
        made = self._publish(task, given, output_file)
        for name, artifact in made.items():
            assert self._in_pod(pod, artifact.uri) == copies[artifact.uri], "not its own URI"
            _copy(copies[artifact.uri], self._stored(artifact.uri))
            if name in self.compiled.component(task).output_definitions.artifacts:
                self.artifacts[task, name] = artifact
        shutil.rmtree(pod)
        return True

    def _in_pod(self, pod: Path, uri: str) -> Path:
        """Where the launcher has its copy."""
        scheme, _, path = uri.partition("://")
        return pod / {"gs": "gcs"}.get(scheme, scheme) / path

    def _stored(self, uri: str) -> Path:
        """The object store."""
        return self.storage / uri.partition("://")[2]


def _number(text: str) -> int:
    return zlib.crc32(text.encode())


def _copy(source: Path, target: Path) -> None:
    """Of a folder that is not there nothing arrives, as in an object store."""
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _holds_files(folder: Path) -> bool:
    return folder.is_file() or any(files for _, _, files in os.walk(folder))
