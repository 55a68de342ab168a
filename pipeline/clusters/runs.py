"""Runs on a cluster: submitted, watched, cancelled.

A run is named as its platform names it: a Vertex PipelineJob by projects/P/locations/R/pipelineJobs/ID,
a run of Kubeflow Pipelines by its UUID.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import yaml

from components import vertex
from fairgate.errors import SettingsError
from pipeline.clusters import compiling
from pipeline.settings import Settings

POLL_SECONDS = 15.0
# A platform that is away for this many questions in a row is not coming back soon.
_UNANSWERED = 20


class NoAnswer(SettingsError):
    """The platform did not answer, or not now."""


def request(settings: Settings, target: str) -> str:
    """What `submit` would send, as text: a CreatePipelineJobRequest, or the specification for kfp."""
    if target == "vertex":
        return json.dumps(_vertex_request(settings), indent=1, sort_keys=True)
    cluster = settings.deploy.kubeflow
    said = {
        "endpoint": _endpoint(settings),
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
        client, _ = _vertex(settings)
        from google.cloud import aiplatform_v1

        job = aiplatform_v1.PipelineJob.from_json(json.dumps(asked["pipelineJob"]))
        created = _answered(
            lambda: client.create_pipeline_job(
                parent=asked["parent"], pipeline_job=job, pipeline_job_id=asked["pipelineJobId"]
            ),
            settings,
            target,
        )
        return created.name, link(settings, target, created.name)
    client = _kubeflow(settings)
    cluster = settings.deploy.kubeflow
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "pipeline.yaml")
        file.write_text(yaml.safe_dump_all(compiling.kubeflow(settings)))
        # What may come from the cache is in the file; told here, kfp would say it of every task.
        created = _answered(
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
    return f"{_endpoint(settings).rstrip('/')}/#/runs/details/{run}"


def watch(settings: Settings, target: str, run: str, say: Callable[[str], None]) -> bool:
    """Says how the run stands whenever that changes; returns whether it succeeded in the end.

    Raises:
      SettingsError: credentials or the API are missing, or it has not answered for a while.
    """
    shown: dict[str, str] = {}
    unanswered = 0
    while True:
        try:
            state, tasks = _answered(lambda: _state(settings, target, run), settings, target)
        except NoAnswer:
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
        client, jobs = _vertex(settings)
        _answered(lambda: client.cancel_pipeline_job(name=jobs(run)), settings, target)
    else:
        client = _kubeflow(settings)
        _answered(lambda: client.terminate_run(run), settings, target)


def _state(settings: Settings, target: str, run: str) -> tuple[str, dict[str, str]]:
    """(state of the run, state of each task)."""
    if target == "vertex":
        client, jobs = _vertex(settings)
        job = client.get_pipeline_job(name=jobs(run))
        tasks = {task.task_name: task.state.name for task in job.job_detail.task_details}
        return job.state.name.removeprefix("PIPELINE_STATE_"), tasks
    found = _kubeflow(settings).get_run(run)
    details = found.run_details.task_details if found.run_details else None
    tasks = {task.display_name: task.state or "PENDING" for task in details or ()}
    return found.state or "PENDING", tasks


def _vertex_request(settings: Settings) -> dict[str, Any]:
    job = compiling.vertex(settings)
    cloud = settings.deploy.vertex
    for field in ("project", "region"):
        if getattr(cloud, field) is None:
            raise SettingsError(
                f"deploy.vertex.{field} is not set: give --set deploy.vertex.{field}=..., or write it "
                "into a settings file"
            )
    return {
        "parent": f"projects/{cloud.project}/locations/{cloud.region}",
        "pipelineJobId": _run_name(settings),
        "pipelineJob": job,
    }


def _run_name(settings: Settings) -> str:
    return f"{settings.name}-{datetime.datetime.now():%Y%m%d%H%M%S}"


def _vertex(settings: Settings) -> tuple[Any, Callable[[str], str]]:
    """A client, and what makes a PipelineJob's whole name of its id."""
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import aiplatform_v1

    cloud = settings.deploy.vertex
    parent = f"projects/{cloud.project}/locations/{cloud.region}"

    def whole(run: str) -> str:
        return run if run.startswith("projects/") else f"{parent}/pipelineJobs/{run}"

    try:
        return vertex.client(aiplatform_v1.PipelineServiceClient, str(cloud.region)), whole
    except DefaultCredentialsError:
        raise SettingsError(
            "no Google Cloud credentials: run `gcloud auth application-default login`, or let "
            "GOOGLE_APPLICATION_CREDENTIALS name a service account's key file"
        ) from None


def _endpoint(settings: Settings) -> str:
    endpoint = settings.deploy.kubeflow.endpoint
    if endpoint is None:
        raise SettingsError(
            "deploy.kubeflow.endpoint is not set: give the address of the Kubeflow Pipelines API, such "
            "as http://localhost:8080 after "
            "`kubectl -n kubeflow port-forward svc/ml-pipeline-ui 8080:80`"
        )
    return endpoint


def _kubeflow(settings: Settings) -> Any:
    import kfp

    cluster = settings.deploy.kubeflow
    token = None
    if cluster.token_variable is not None:
        token = os.environ.get(cluster.token_variable)
        if not token:
            raise SettingsError(
                f"deploy.kubeflow.token_variable names {cluster.token_variable}, which is not set: "
                f"export {cluster.token_variable}=<bearer token>"
            )
    endpoint = _endpoint(settings)
    with warnings.catch_warnings():
        # kfp warns at every start that it is not for version 1.
        warnings.simplefilter("ignore", FutureWarning)
        return _answered(
            lambda: kfp.Client(host=endpoint, existing_token=token, namespace=cluster.namespace),
            settings,
            "kubeflow",
        )


def _answered(ask: Callable[[], Any], settings: Settings, target: str) -> Any:
    """What `ask` returns; a SettingsError in words where the platform did not answer or refused."""
    import kfp_server_api
    import urllib3
    from google.api_core import exceptions

    try:
        return ask()
    except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise NoAnswer(
            f"deploy.kubeflow.endpoint = {settings.deploy.kubeflow.endpoint!r} does not answer: {error}"
        ) from None
    except kfp_server_api.ApiException as error:
        if error.status >= 500:
            raise NoAnswer(
                f"Kubeflow Pipelines does not answer now ({error.status} {error.reason})"
            ) from None
        advice = {
            401: "; deploy.kubeflow.token_variable names the variable that holds a token",
            403: "; deploy.kubeflow.namespace may be another's",
            404: "; is this the address of Kubeflow Pipelines, and the run one of its?",
        }.get(error.status, "")
        raise SettingsError(
            f"Kubeflow Pipelines refused ({error.status} {error.reason}){advice}"
        ) from None
    except (exceptions.ServerError, exceptions.RetryError) as error:
        raise NoAnswer(
            f"Vertex AI in {settings.deploy.vertex.region} does not answer ({type(error).__name__}): "
            f"{error.message}"
        ) from None
    except exceptions.GoogleAPICallError as error:
        raise SettingsError(
            f"Vertex AI refused ({type(error).__name__}): {error.message}. Is the API on (gcloud "
            f"services enable aiplatform.googleapis.com --project {settings.deploy.vertex.project}), and "
            "may this account use it (roles/aiplatform.user)?"
        ) from None
