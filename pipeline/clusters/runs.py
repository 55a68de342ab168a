"""Runs on a cluster: submitted, watched, cancelled.

A run is named as its platform names it: a Vertex PipelineJob by projects/P/locations/R/pipelineJobs/ID,
a run of Kubeflow Pipelines by its UUID.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import tempfile
import time
from collections.abc import Callable
from typing import Any

import yaml

from pipeline.clusters import clients, compiling
from pipeline.settings import Settings

POLL_SECONDS = 15.0
# A platform that is away for this many questions in a row is not coming back soon.
_UNANSWERED = 20


def request(settings: Settings, target: str) -> str:
    """What `submit` would send, as text: a CreatePipelineJobRequest, or the specification for kfp."""
    if target == "vertex":
        return json.dumps(_vertex_request(settings), indent=1, sort_keys=True)
    cluster = settings.deploy.kubeflow
    said = {
        "endpoint": clients.kubeflow_endpoint(settings),
        "namespace": cluster.namespace,
        "experiment": cluster.experiment,
        "run": _run_name(settings),
        "service_account": cluster.service_account,
    }
    return yaml.safe_dump_all([said, *compiling.kubeflow(settings)], sort_keys=False)


def submit(settings: Settings, target: str) -> tuple[str, str]:
    """Compiles and submits; returns (the run's name, a link to it).

    Raises:
      SettingsError: a setting, credentials or the API are missing; says what to do.
    """
    if target == "vertex":
        asked = _vertex_request(settings)
        from google.cloud import aiplatform_v1

        client = clients.vertex(settings, aiplatform_v1.PipelineServiceClient)
        job = aiplatform_v1.PipelineJob.from_json(json.dumps(asked["pipelineJob"]))
        created = clients.answered(
            lambda: client.create_pipeline_job(
                parent=asked["parent"], pipeline_job=job, pipeline_job_id=asked["pipelineJobId"]
            ),
            settings,
            target,
        )
        return created.name, link(settings, target, created.name)
    client = clients.kubeflow(settings)
    cluster = settings.deploy.kubeflow
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "pipeline.yaml")
        file.write_text(yaml.safe_dump_all(compiling.kubeflow(settings)))
        # What may come from the cache is in the file; told here, kfp would say it of every task.
        created = clients.answered(
            lambda: client.create_run_from_pipeline_package(
                str(file),
                run_name=_run_name(settings),
                experiment_name=cluster.experiment,
                namespace=cluster.namespace,
                service_account=cluster.service_account,
            ),
            settings,
            target,
        )
    return created.run_id, link(settings, target, created.run_id)


def link(settings: Settings, target: str, run: str) -> str:
    """The page of a run."""
    if target == "vertex":
        cloud = settings.deploy.vertex
        return (
            f"https://console.cloud.google.com/vertex-ai/pipelines/locations/{cloud.region}/runs/"
            f"{run.rsplit('/', 1)[-1]}?project={cloud.project}"
        )
    return f"{clients.kubeflow_endpoint(settings).rstrip('/')}/#/runs/details/{run}"


def watch(settings: Settings, target: str, run: str, say: Callable[[str], None]) -> bool:
    """Says how the run stands whenever that changes; returns whether it succeeded in the end.

    Raises:
      SettingsError: credentials or the API are missing, or it has not answered for a while.
    """
    shown: dict[str, str] = {}
    unanswered = 0
    while True:
        try:
            state, tasks = clients.answered(lambda: _state(settings, target, run), settings, target)
        except clients.NoAnswer:
            unanswered += 1
            if not shown or unanswered == _UNANSWERED:
                raise
            time.sleep(POLL_SECONDS)
            continue
        unanswered = 0
        for name, now in {**tasks, "run": state}.items():
            if shown.get(name) != now:
                say(f"{datetime.datetime.now():%H:%M:%S} {name}: {now}")
                shown[name] = now
        if state in ("SUCCEEDED", "FAILED", "CANCELED", "CANCELLED", "SKIPPED"):
            return state == "SUCCEEDED"
        time.sleep(POLL_SECONDS)


def cancel(settings: Settings, target: str, run: str) -> None:
    """Asks the platform to end the run; its trainer jobs end with it."""
    if target == "vertex":
        client, name = _vertex_job(settings, run)
        clients.answered(lambda: client.cancel_pipeline_job(name=name), settings, target)
    else:
        client = clients.kubeflow(settings)
        clients.answered(lambda: client.terminate_run(run), settings, target)


def _state(settings: Settings, target: str, run: str) -> tuple[str, dict[str, str]]:
    """(state of the run, state of each task)."""
    if target == "vertex":
        client, name = _vertex_job(settings, run)
        job = client.get_pipeline_job(name=name)
        tasks = {task.task_name: task.state.name for task in job.job_detail.task_details}
        return job.state.name.removeprefix("PIPELINE_STATE_"), tasks
    found = clients.kubeflow(settings).get_run(run)
    details = found.run_details.task_details if found.run_details else None
    tasks = {task.display_name: task.state or "PENDING" for task in details or ()}
    return found.state or "PENDING", tasks


def _vertex_request(settings: Settings) -> dict[str, Any]:
    job = compiling.vertex(settings)
    return {
        "parent": clients.vertex_parent(settings),
        "pipelineJobId": _run_name(settings),
        "pipelineJob": job,
    }


def _run_name(settings: Settings) -> str:
    return f"{settings.name}-{datetime.datetime.now():%Y%m%d%H%M%S}"


def _vertex_job(settings: Settings, run: str) -> tuple[Any, str]:
    """A client, and the whole name of a PipelineJob that may be given by its id."""
    from google.cloud import aiplatform_v1

    client = clients.vertex(settings, aiplatform_v1.PipelineServiceClient)
    if not run.startswith("projects/"):
        run = f"{clients.vertex_parent(settings)}/pipelineJobs/{run}"
    return client, run
