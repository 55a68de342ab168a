"""The settings of a run on a cluster: Vertex AI Pipelines, or open-source Kubeflow Pipelines.

What differs from one project to the next (image, buckets, project names) has no default: it stands in
a settings file of one's own, or as `${NAME}` in it, which the environment fills in.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fairgate.strict import Strict

# What `deploy.resources` calls the components that it does not name.
OTHERS = "default"


class Resources(Strict):
    """What one component may use; the machine or pod is chosen or made to fit."""

    cpu: float = Field(2, gt=0, description="processors")
    memory_gb: float = Field(8, gt=0, description="memory [GB]")


_DEFAULT_RESOURCES = {
    OTHERS: {"cpu": 2, "memory_gb": 8},
    "StatisticsGen": {"cpu": 4, "memory_gb": 16},
    "Transform": {"cpu": 4, "memory_gb": 16},
    "Evaluator": {"cpu": 4, "memory_gb": 16},
}


class RetrySettings(Strict):
    """How often a component that failed is tried again, and how long after."""

    count: int = Field(2, ge=0, description="tries after the first")
    wait_seconds: int = Field(60, ge=0, description="wait before the first of them [s]")
    factor: float = Field(2, ge=1, description="each wait is this many times the one before")
    longest_wait_seconds: int = Field(3600, ge=0, description="no wait is longer [s]")


class TrainerSettings(Strict):
    """Where ConstrainedTrainer trains; it alone gets accelerators."""

    job: bool = Field(
        False,
        description="train in a job of its own (a Vertex CustomJob, a Kubeflow training-operator job) "
        "that the component starts and waits for; without, the component's own container trains",
    )
    image: str | None = Field(
        None, description="container image with CUDA; unset: deploy.image serves here too"
    )
    cpu: float = Field(8, gt=0, description="processors of each worker")
    memory_gb: float = Field(30, gt=0, description="memory of each worker [GB]")
    accelerators: int = Field(1, ge=0, description="accelerators of each worker; 0: none")
    replicas: int = Field(1, ge=1, description="workers that train together (more than one: a job)")
    hours: float = Field(24, gt=0, description="a job is ended after this time [h]")

    @model_validator(mode="after")
    def _several_workers_are_a_job(self) -> Self:
        if self.replicas > 1 and not self.job:
            raise ValueError(
                f"replicas = {self.replicas}, but job is false: one container is one worker; set job to "
                "true, or replicas to 1"
            )
        return self


# What Google Cloud allows in labels.
_LabelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
_LabelValue = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")]


class EndpointSettings(Strict):
    """A Vertex AI endpoint that a pushed model is deployed to."""

    name: str = Field(
        pattern=r"^([a-z]([a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]*)$",
        description="id of the endpoint: small letters, digits and hyphens for one that is made where "
        "there is none, or the number of one that there is",
    )
    image: str = Field(description="serving container, such as Vertex's own for TensorFlow")
    machine_type: str = Field("n1-standard-2", description="machine of each replica")
    replicas: int = Field(1, ge=1, description="replicas that are always there")
    most_replicas: int = Field(1, ge=1, description="replicas at the most, as requests come")
    keep: int = Field(
        1,
        ge=0,
        description="models that stay deployed without requests, to go back to at once; each keeps its "
        "replicas, and costs as they do",
    )

    @model_validator(mode="after")
    def _most_is_not_less(self) -> Self:
        if self.most_replicas < self.replicas:
            raise ValueError(
                f"most_replicas = {self.most_replicas} is less than replicas = {self.replicas}"
            )
        return self


class VertexSettings(Strict):
    """Vertex AI Pipelines."""

    project: str | None = Field(None, description="Google Cloud project")
    region: str | None = Field(None, description="region of runs and jobs, such as europe-west4")
    service_account: str | None = Field(
        None, description="account that components run as; unset: the project's default"
    )
    network: str | None = Field(None, description="VPC network to peer with, if any")
    labels: dict[_LabelName, _LabelValue] = Field(
        default_factory=dict,
        description="labels of runs, trainer jobs, models and endpoints, by which a bill can be divided",
    )
    accelerator_type: str = Field(
        "NVIDIA_TESLA_T4",
        pattern=r"^(NVIDIA_|TPU_)[A-Z0-9_]+$",
        description="accelerator of the trainer, by Vertex's name for it",
    )
    machine_type: str = Field(
        "n1-standard-8", description="machine of each worker of a trainer job (deploy.trainer.job)"
    )
    spot: bool = Field(
        False,
        description="trainer jobs on spare machines: cheaper, and taken away at any time (training goes "
        "on from its last checkpoint)",
    )
    endpoint: EndpointSettings | None = Field(
        None,
        description="deploy what is pushed to this endpoint too (runs on Vertex alone): name and image; "
        "unset: the folder is all",
    )


class Toleration(Strict):
    """A taint of nodes that pods put up with."""

    key: str | None = Field(None, description="key of the taint; unset: every taint")
    operator: Literal["Equal", "Exists"] = Field("Exists", description="how key and value match")
    value: str | None = Field(None, description="value of the taint (Equal)")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="effect of the taint; unset: every effect"
    )
    seconds: int | None = Field(None, description="how long it is put up with (NoExecute) [s]")


class Placement(Strict):
    """Which nodes of the cluster may run a pod."""

    node_selector: dict[str, str] = Field(
        default_factory=dict, description="labels that a node must have"
    )
    tolerations: tuple[Toleration, ...] = Field((), description="taints that are put up with")


class Volume(Strict):
    """A volume that every component can read and write."""

    claim: str = Field(description="name of the PersistentVolumeClaim (ReadWriteMany)")
    path: str = Field(pattern=r"^/[^/].*$", description="where components see it")


class KubeflowSettings(Strict):
    """Open-source Kubeflow Pipelines."""

    endpoint: str | None = Field(None, description="address of the Kubeflow Pipelines API")
    token_variable: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="name of the environment variable that holds a bearer token for the API",
    )
    namespace: str = Field("kubeflow", description="namespace of runs and jobs")
    experiment: str = Field("fairgate", description="experiment that runs are listed under")
    service_account: str | None = Field(
        None, description="Kubernetes service account; unset: the installation's default"
    )
    accelerator_resource: str = Field(
        "nvidia.com/gpu",
        pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$",
        description="accelerator of the trainer, by its Kubernetes resource name",
    )
    volumes: tuple[Volume, ...] = Field((), description="volumes for data and served models")
    image_pull_secrets: tuple[str, ...] = Field((), description="secrets of the image registry")
    nodes: Placement = Field(default_factory=Placement, description="nodes of every component")
    trainer_nodes: Placement | None = Field(
        None, description="nodes of the trainer; unset: those of every component"
    )


class DeploymentSettings(Strict):
    """What the cluster is told beside what every run is told."""

    image: str | None = Field(None, description="container image of every component")
    pipeline_root: str | None = Field(
        None,
        description="where artifacts go: gs:// on Vertex; gs://, s3:// or minio:// on Kubeflow",
    )
    runs: str | None = Field(
        None,
        description="folder for what outlives a run and is no artifact, gs:// or on a volume of "
        "deploy.kubeflow; unset: deploy.pipeline_root where it is gs://, else `runs` on the first volume",
    )
    serving: str | None = Field(
        None,
        description="folder that a model server watches, gs:// or on a volume of deploy.kubeflow; "
        "unset: the setting `serving`",
    )
    resources: dict[str, Resources] = Field(
        default_factory=dict,
        validate_default=True,
        description="limits by component, `default` for those not named; the trainer's are in "
        "deploy.trainer",
    )
    trainer: TrainerSettings = Field(
        default_factory=TrainerSettings, description="where ConstrainedTrainer trains"
    )
    retries: RetrySettings = Field(
        default_factory=RetrySettings, description="what happens to a component that failed"
    )
    vertex: VertexSettings = Field(
        default_factory=VertexSettings, description="Vertex AI Pipelines"
    )
    kubeflow: KubeflowSettings = Field(
        default_factory=KubeflowSettings, description="open-source Kubeflow Pipelines"
    )

    @field_validator("resources", mode="before")
    @classmethod
    def _over_the_defaults(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        names = [*_DEFAULT_RESOURCES, *(name for name in given if name not in _DEFAULT_RESOURCES)]
        return {
            name: _DEFAULT_RESOURCES.get(name, {}) | given.get(name, {})
            if isinstance(given.get(name, {}), dict)
            else given[name]
            for name in names
        }

    @model_validator(mode="after")
    def _trainer_has_its_own(self) -> Self:
        for name in self.resources:
            if name.split(".")[0] == "ConstrainedTrainer":
                raise ValueError(
                    f"resources.{name}: set the trainer's in deploy.trainer (cpu, memory_gb, "
                    "accelerators)"
                )
        return self

    def resources_of(self, component: str) -> Resources:
        """The limits of `component`, by its whole name or what stands before its first dot or hyphen."""
        names = (component, re.split("[.-]", component)[0], OTHERS)
        return next(self.resources[name] for name in names if name in self.resources)
