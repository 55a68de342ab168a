"""Settings -> what clusters run: a Vertex PipelineJob, a Kubeflow Pipelines specification.

Both come from the one `create_pipeline`; TFX's compiler writes them, and what it has no words for
(limits, retries, nodes) is laid over what it wrote.
"""

from __future__ import annotations

import types
from typing import Any, cast

from google.protobuf import json_format
from kfp import kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components import FileBasedExampleGen
from tfx.orchestration import pipeline
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline.clusters import endpoints, jobs, requirements
from pipeline.clusters.requirements import Target
from pipeline.dag import CONSTRAINED, create_pipeline
from pipeline.deployment import Placement
from pipeline.running import measured
from pipeline.settings import Settings

_TRAINER, _PUSHER = "ConstrainedTrainer", "Pusher"
_COMMANDS = {
    target: ["python", "-m", f"pipeline.clusters.{target}_entrypoint"]
    for target in ("vertex", "kubeflow")
}
_Spec = dict[str, Any]


def vertex(settings: Settings) -> _Spec:
    """The PipelineJob of Vertex AI, as JSON has it.

    Raises:
      SettingsError: Vertex could not run it; names the settings.
    """
    built = _create("vertex", settings)
    job = _compile(built, settings, _COMMANDS["vertex"])
    _set_limits(job["pipelineSpec"], settings, settings.deploy.vertex.accelerator_type)
    if settings.deploy.vertex.service_account is not None:
        job["serviceAccount"] = settings.deploy.vertex.service_account
    job["labels"] = {**job.get("labels", {}), **settings.deploy.vertex.labels}
    if settings.deploy.vertex.network is not None:
        job["network"] = settings.deploy.vertex.network
    return job


def kubeflow(settings: Settings) -> tuple[_Spec, _Spec]:
    """The PipelineSpec (2.1.0) of Kubeflow Pipelines and its Kubernetes PlatformSpec.

    ExampleGen is never taken from the cache there: nothing looks at its files before it runs, so a
    change of data would go unnoticed.

    Raises:
      SettingsError: open-source Kubeflow Pipelines could not run it; names the settings.
    """
    built = _create("kubeflow", settings)
    spec = _compile(built, settings, _COMMANDS["kubeflow"])["pipelineSpec"]
    spec["defaultPipelineRoot"] = settings.deploy.pipeline_root
    _set_limits(spec, settings, settings.deploy.kubeflow.accelerator_resource)
    for node in built.components:
        if isinstance(node, FileBasedExampleGen):
            spec["root"]["dag"]["tasks"][node.id].pop("cachingOptions", None)
            # The driver, which open-source Kubeflow Pipelines does not run.
            del _container(spec, node.id)["lifecycle"]
    executors = {
        label: _kubernetes_config(settings, name) for name, label in _executors(spec).items()
    }
    platform: _Spec = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
    return spec, platform


def _create(target: Target, settings: Settings) -> pipeline.Pipeline:
    requirements.require(settings, target)
    settings = measured.resolved_elsewhere(settings)
    built = create_pipeline(
        settings.model_copy(
            update={
                "runs": requirements.runs_folder(settings),
                "serving": requirements.serving_folder(settings),
            }
        ),
        here=False,
    )
    nodes = built.components
    requirements.require_known_components(settings, [node.id for node in nodes])
    for node in nodes:
        node.with_id(_node_id(node.id))
    jobs.train_in_jobs(built, settings, target)
    if target == "vertex":
        endpoints.push_to_endpoint(built, settings)
    return built


def _compile(built: pipeline.Pipeline, settings: Settings, command: list[str]) -> _Spec:
    deploy = settings.deploy
    images = {"default_image_path": deploy.image}
    if deploy.trainer.image is not None:
        images |= {node.id: deploy.trainer.image for node in built.components if _trains(node.id)}
    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
        default_image=images, default_commands=command, use_pipeline_spec_2_1=True
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(config)
    job = cast(_Spec, runner.run(built, write_out=False))
    job["runtimeConfig"]["gcsOutputDirectory"] = deploy.pipeline_root
    # What is served is known to no cache: Pusher looks, and does nothing where all is well.
    looks = [_PUSHER]
    if settings.trainer.warm_start == "served":
        looks.append(_node_id(CONSTRAINED))
    for name in looks:
        job["pipelineSpec"]["root"]["dag"]["tasks"][name].pop("cachingOptions", None)
    return job


def _set_limits(spec: _Spec, settings: Settings, accelerator: str) -> None:
    """Writes limits and retries into `spec`; the trainer alone gets an `accelerator`."""
    retries = settings.deploy.retries
    policy = pipeline_spec_pb2.PipelineTaskSpec.RetryPolicy(
        max_retry_count=retries.count,
        backoff_duration={"seconds": retries.wait_seconds},
        backoff_factor=retries.factor,
        backoff_max_duration={"seconds": retries.longest_wait_seconds},
    )
    for name in _executors(spec):
        limits = _limits(settings, name, accelerator)
        _container(spec, name)["resources"] = json_format.MessageToDict(limits)
        if retries.count:
            spec["root"]["dag"]["tasks"][name]["retryPolicy"] = json_format.MessageToDict(policy)


def _limits(
    settings: Settings, name: str, accelerator: str
) -> pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec:
    """The limits of one node; of a trainer whose job trains elsewhere, those of any small node."""
    limits = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec()
    trainer = settings.deploy.trainer
    if _trains(name) and not trainer.job:
        limits.cpu_limit, limits.memory_limit = trainer.cpu, trainer.memory_gb
        if trainer.accelerators:
            limits.accelerator.type = accelerator
            limits.accelerator.count = trainer.accelerators
    else:
        given = settings.deploy.resources_of(name)
        limits.cpu_limit, limits.memory_limit = given.cpu, given.memory_gb
    return limits


def _kubernetes_config(settings: Settings, name: str) -> _Spec:
    """What Kubernetes is told of the pods of one node: nodes, volumes, secrets."""
    cluster = settings.deploy.kubeflow
    # All that kfp.kubernetes asks of a task is where to write.
    task: Any = types.SimpleNamespace(platform_config={})
    nodes: Placement = cluster.nodes
    if _trains(name) and not settings.deploy.trainer.job:
        nodes = cluster.trainer_nodes or nodes
    for label, value in nodes.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for toleration in nodes.tolerations:
        kubernetes.add_toleration(
            task,
            key=toleration.key or "",
            operator=toleration.operator,
            value=toleration.value or "",
            effect=toleration.effect or "",
            toleration_seconds=toleration.seconds,
        )
    for volume in cluster.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.path)
    if cluster.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(cluster.image_pull_secrets))
    return cast(_Spec, task.platform_config.get("kubernetes", {}))


def _node_id(name: str) -> str:
    """Argo Workflows refers to tasks by NAME.Succeeded: a dot would end the name."""
    return name.replace(".", "-")


def _trains(name: str) -> bool:
    return name.startswith(_TRAINER)


def _executors(spec: _Spec) -> dict[str, str]:
    """Name of each node that is a container -> label of its executor."""
    executors = spec["deploymentSpec"]["executors"]
    labels = {name: component["executorLabel"] for name, component in spec["components"].items()}
    return {name: label for name, label in labels.items() if "container" in executors[label]}


def _container(spec: _Spec, name: str) -> _Spec:
    label = spec["components"][name]["executorLabel"]
    return cast(_Spec, spec["deploymentSpec"]["executors"][label]["container"])
