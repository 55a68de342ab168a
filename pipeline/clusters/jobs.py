"""ConstrainedTrainer in a job of its own: what `deploy.trainer` asks for, as launchers take it."""

from __future__ import annotations

from tfx.orchestration import pipeline

from components.constrained_trainer.component import ConstrainedTrainer
from components.constrained_trainer.launchers.config import KubeflowJob, SharedVolume, VertexJob
from fairgate.errors import SettingsError
from pipeline.settings import Settings


def train_in_jobs(built: pipeline.Pipeline, settings: Settings, target: str) -> None:
    """Makes every ConstrainedTrainer of `built` start a job, where `deploy.trainer.job` says so.

    Raises:
      SettingsError: the minibatch cannot be shared by the job's devices, or something is not named.
    """
    if not settings.deploy.trainer.job:
        return
    _require_equal_parts(settings)
    for node in built.components:
        if isinstance(node, ConstrainedTrainer):
            if target == "vertex":
                from components.constrained_trainer.launchers import vertex

                node.in_job(vertex.Executor, vertex_job(settings))
            else:
                from components.constrained_trainer.launchers import kubeflow

                node.in_job(kubeflow.Executor, kubeflow_job(settings))


def vertex_job(settings: Settings) -> VertexJob:
    """The CustomJob that `settings` ask for."""
    trainer, vertex = settings.deploy.trainer, settings.deploy.vertex
    return VertexJob(
        image=_image(settings),
        replicas=trainer.replicas,
        accelerators=trainer.accelerators,
        hours=trainer.hours,
        project=_given(vertex.project, "vertex.project"),
        region=_given(vertex.region, "vertex.region"),
        machine_type=vertex.machine_type,
        accelerator_type=vertex.accelerator_type,
        spot=vertex.spot,
        service_account=vertex.service_account,
        network=vertex.network,
        labels=vertex.labels,
    )


def kubeflow_job(settings: Settings) -> KubeflowJob:
    """The TFJob that `settings` ask for."""
    trainer, cluster = settings.deploy.trainer, settings.deploy.kubeflow
    if not cluster.volumes:
        raise SettingsError(
            "deploy.kubeflow.volumes is empty, but deploy.trainer.job is true: the workers of a job get "
            "their examples through a volume; name one that many pods can write (ReadWriteMany)"
        )
    nodes = cluster.trainer_nodes or cluster.nodes
    return KubeflowJob(
        image=_image(settings),
        replicas=trainer.replicas,
        accelerators=trainer.accelerators,
        hours=trainer.hours,
        namespace=cluster.namespace,
        cpu=trainer.cpu,
        memory_gb=trainer.memory_gb,
        accelerator_resource=cluster.accelerator_resource,
        service_account=cluster.service_account,
        image_pull_secrets=cluster.image_pull_secrets,
        node_selector=nodes.node_selector,
        tolerations=tuple(
            {
                name: value
                for name, value in toleration.model_dump(exclude={"seconds"}).items()
                if value is not None
            }
            | ({} if toleration.seconds is None else {"tolerationSeconds": toleration.seconds})
            for toleration in nodes.tolerations
        ),
        volumes=tuple(
            SharedVolume(claim=volume.claim, path=volume.path) for volume in cluster.volumes
        ),
    )


def _image(settings: Settings) -> str:
    return _given(settings.deploy.trainer.image or settings.deploy.image, "image")


def _given(value: str | None, field: str) -> str:
    if value is None:
        raise SettingsError(f"deploy.{field} is not set; a trainer job needs it")
    return value


def _require_equal_parts(settings: Settings) -> None:
    trainer, batch = settings.deploy.trainer, settings.trainer.batch_size
    devices = trainer.replicas * max(1, trainer.accelerators)
    if batch != "auto" and batch % devices:
        raise SettingsError(
            f"trainer.batch_size = {batch} cannot be shared equally by the job's {devices} devices "
            f"({trainer.replicas} replicas): give a multiple of {devices}"
        )
