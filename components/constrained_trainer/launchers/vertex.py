"""Executor of ConstrainedTrainer that trains in a Vertex AI CustomJob."""

from __future__ import annotations

from typing import Any

from absl import logging
from google.api_core import exceptions
from google.cloud import aiplatform_v1
from google.protobuf import duration_pb2
from tfx import types
from tfx.dsl.components.base import base_executor

from components import vertex
from components.constrained_trainer.launchers import waiting
from components.constrained_trainer.launchers.command import WORKERS, worker_command
from components.constrained_trainer.launchers.config import VertexJob

_SUCCEEDED = aiplatform_v1.JobState.JOB_STATE_SUCCEEDED
_ENDED = {
    aiplatform_v1.JobState.JOB_STATE_FAILED: "failed",
    aiplatform_v1.JobState.JOB_STATE_CANCELLED: "was cancelled",
    aiplatform_v1.JobState.JOB_STATE_EXPIRED: "took too long (deploy.trainer.hours)",
}


class Executor(base_executor.BaseExecutor):
    """Starts the job, waits for it, cancels it when this component is cancelled."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `component.ConstrainedTrainer`.

        Raises:
          RuntimeError: the job did not succeed; names it and what Vertex says.
          interruption.Stopped: SIGTERM arrived; the job has been cancelled.
        """
        job = VertexJob.model_validate_json(exec_properties[WORKERS])
        run(job, custom_job(job, worker_command(input_dict, output_dict, exec_properties)))


def custom_job(job: VertexJob, command: list[str]) -> aiplatform_v1.CustomJob:
    """The message that makes a job of `job.replicas` workers that run `command`.

    Vertex wants one machine in the first pool, the chief; the second pool has the others. A worker
    that is replaced restarts all, and they go on from the last checkpoint.
    """
    pools = [_pool(job, command, 1)]
    if job.replicas > 1:
        pools.append(_pool(job, command, job.replicas - 1))
    strategy = aiplatform_v1.Scheduling.Strategy
    return aiplatform_v1.CustomJob(
        display_name="fairgate-constrained-trainer",
        job_spec=aiplatform_v1.CustomJobSpec(
            worker_pool_specs=pools,
            scheduling=aiplatform_v1.Scheduling(
                timeout=duration_pb2.Duration(seconds=round(job.hours * 3600)),
                restart_job_on_worker_restart=True,
                strategy=strategy.SPOT if job.spot else strategy.STANDARD,
            ),
            service_account=job.service_account or "",
            network=job.network or "",
        ),
        labels={"component": "constrained-trainer", **job.labels},
    )


def run(job: VertexJob, message: aiplatform_v1.CustomJob) -> None:
    """Creates the CustomJob and waits for its end; see `Executor.Do`."""
    client = vertex.client(aiplatform_v1.JobServiceClient, job.region)
    created = client.create_custom_job(
        parent=f"projects/{job.project}/locations/{job.region}", custom_job=message
    )
    number = created.name.rsplit("/", 1)[-1]
    logging.info(
        "CustomJob %s: https://console.cloud.google.com/vertex-ai/locations/%s/training/%s?project=%s",
        *(created.name, job.region, number, job.project),
    )
    seen = []

    def has_ended() -> bool:
        found = client.get_custom_job(name=created.name)
        if found.state.name not in seen[-1:]:
            logging.info("CustomJob %s: %s", number, found.state.name)
            seen.append(found.state.name)
        if found.state in _ENDED:
            said = found.error.message or "its log has the details"
            raise RuntimeError(f"CustomJob {created.name} {_ENDED[found.state]}: {said}")
        return found.state == _SUCCEEDED

    waiting.wait(
        has_ended,
        cancel=lambda: client.cancel_custom_job(name=created.name),
        transient=(exceptions.ServiceUnavailable, exceptions.RetryError, ConnectionError),
    )


def _pool(job: VertexJob, command: list[str], replicas: int) -> aiplatform_v1.WorkerPoolSpec:
    machine = aiplatform_v1.MachineSpec(machine_type=job.machine_type)
    if job.accelerators:
        machine.accelerator_type = aiplatform_v1.AcceleratorType[job.accelerator_type]
        machine.accelerator_count = job.accelerators
    return aiplatform_v1.WorkerPoolSpec(
        machine_spec=machine,
        replica_count=replicas,
        container_spec=aiplatform_v1.ContainerSpec(image_uri=job.image, command=command),
    )
