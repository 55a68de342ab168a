"""What a job is made of; `pipeline.workers` fills it in from the settings `deploy`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from fairgate.strict import Strict


class Job(Strict):
    """What a job is on every platform."""

    image: str = Field(description="container image of the workers")
    replicas: int = Field(ge=1, description="workers that train together")
    accelerators: int = Field(ge=0, description="accelerators of each worker")
    hours: float = Field(gt=0, description="the job is ended after this time [h]")


class VertexJob(Job):
    """A Vertex AI CustomJob."""

    project: str = Field(description="Google Cloud project")
    region: str = Field(description="region that the job runs in")
    machine_type: str = Field(description="machine of each worker")
    accelerator_type: str = Field(description="Vertex's name of the accelerator")
    spot: bool = Field(description="on spare machines, which are cheaper and may be taken away")
    service_account: str | None = Field(None, description="account that the workers run as")
    network: str | None = Field(None, description="VPC network to peer with")
    labels: dict[str, str] = Field(default_factory=dict, description="labels of the job")


class SharedVolume(Strict):
    """A volume that the component and all workers see at the same path."""

    claim: str = Field(description="name of the PersistentVolumeClaim (ReadWriteMany)")
    path: str = Field(description="where it is mounted")


class KubeflowJob(Job):
    """A TFJob of Kubeflow's training operator."""

    namespace: str = Field(description="namespace that the job runs in")
    cpu: float = Field(gt=0, description="processors of each worker")
    memory_gb: float = Field(gt=0, description="memory of each worker [GB]")
    accelerator_resource: str = Field(description="the accelerator's Kubernetes resource name")
    service_account: str | None = Field(None, description="account that the workers run as")
    image_pull_secrets: tuple[str, ...] = Field((), description="secrets of the image registry")
    node_selector: dict[str, str] = Field(
        default_factory=dict, description="labels that a node must have"
    )
    tolerations: tuple[dict[str, Any], ...] = Field(
        (), description="taints that are put up with, as Kubernetes writes them"
    )
    volumes: tuple[SharedVolume, ...] = Field((), description="volumes of every worker")
