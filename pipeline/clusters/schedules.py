"""Recurring runs: a cron expression with which the platform starts a compiled pipeline again and again.

A recurring run is named as its platform names it: a Vertex Schedule by
projects/P/locations/R/schedules/ID, a recurring run of Kubeflow Pipelines by its UUID. Its runs are made
one after another: two at once would train from the same model, and ask the gate about the same test data.
"""

from __future__ import annotations

import json
import pathlib
import tempfile
from typing import Any

import yaml

from fairgate.errors import SettingsError
from pipeline.clusters import clients, compiling, cron
from pipeline.settings import Settings

_AT_ONCE = 1


def request(settings: Settings, target: str, when: str, catch_up: bool) -> str:
    """What `create` would send, as text: a CreateScheduleRequest, or what kfp is told.

    Raises:
      SettingsError: as for `create`, as far as this machine knows.
    """
    when = cron.checked(when)
    if target == "vertex":
        return json.dumps(_vertex_request(settings, when, catch_up), indent=1, sort_keys=True)
    cluster = settings.deploy.kubeflow
    said = {
        "endpoint": clients.kubeflow_endpoint(settings),
        "namespace": cluster.namespace,
        "experiment": cluster.experiment,
        **_kubeflow_options(settings, when, catch_up),
    }
    return yaml.safe_dump_all([said, *compiling.kubeflow(settings)], sort_keys=False)


def create(settings: Settings, target: str, when: str, catch_up: bool) -> tuple[str, str]:
    """Compiles, and makes a recurring run; returns (its name, a link to it).

    Args:
      settings: of every run.
      target: "vertex" or "kubeflow".
      when: a cron expression, see `cron.checked`.
      catch_up: whether runs that came due while the one before was under way, or while the recurring run
        was paused, are made later, all of them.

    Raises:
      SettingsError: it is no cron expression; there is a recurring run of this name already; or a
        setting, credentials or the API are missing.
    """
    when = cron.checked(when)
    make = _on_vertex if target == "vertex" else _on_kubeflow
    name = make(settings, when, catch_up)
    return name, link(settings, target, name)


def end(settings: Settings, target: str, name: str) -> None:
    """Removes a recurring run; a run of it that is under way goes on."""
    if target == "vertex":
        if not name.startswith("projects/"):
            name = f"{clients.vertex_parent(settings)}/schedules/{name}"
        client = _vertex(settings)
        clients.answered(lambda: client.delete_schedule(name=name), settings, target)
    else:
        asked = clients.kubeflow(settings)
        clients.answered(lambda: asked.delete_recurring_run(name), settings, target)


def link(settings: Settings, target: str, name: str) -> str:
    """The page of a recurring run."""
    if target == "vertex":
        cloud = settings.deploy.vertex
        return (
            f"https://console.cloud.google.com/vertex-ai/pipelines/locations/{cloud.region}/schedules/"
            f"{name.rsplit('/', 1)[-1]}?project={cloud.project}"
        )
    return f"{clients.kubeflow_endpoint(settings).rstrip('/')}/#/recurringrun/details/{name}"


def _on_vertex(settings: Settings, when: str, catch_up: bool) -> str:
    from google.cloud import aiplatform_v1

    asked = _vertex_request(settings, when, catch_up)
    schedule = aiplatform_v1.Schedule.from_json(json.dumps(asked["schedule"]))
    client = _vertex(settings)

    def make() -> Any:
        named = {"parent": asked["parent"], "filter": f'display_name="{settings.name}"'}
        there = client.list_schedules(request=named)
        completed = aiplatform_v1.Schedule.State.COMPLETED
        _require_none(settings, "vertex", [one.name for one in there if one.state != completed])
        return client.create_schedule(parent=asked["parent"], schedule=schedule)

    return str(clients.answered(make, settings, "vertex").name)


def _on_kubeflow(settings: Settings, when: str, catch_up: bool) -> str:
    cluster = settings.deploy.kubeflow
    named = {"operation": "EQUALS", "key": "display_name", "stringValue": settings.name}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "pipeline.yaml")
        file.write_text(yaml.safe_dump_all(compiling.kubeflow(settings)), encoding="utf-8")
        client = clients.kubeflow(settings)

        def make() -> Any:
            experiment = client.create_experiment(cluster.experiment, namespace=cluster.namespace)
            there = client.list_recurring_runs(
                experiment_id=experiment.experiment_id,
                filter=json.dumps({"predicates": [named]}),
            ).recurring_runs
            _require_none(settings, "kubeflow", [one.recurring_run_id for one in there or ()])
            return client.create_recurring_run(
                experiment.experiment_id,
                pipeline_package_path=str(file),
                **_kubeflow_options(settings, when, catch_up),
            )

        return str(clients.answered(make, settings, "kubeflow").recurring_run_id)


def _vertex_request(settings: Settings, when: str, catch_up: bool) -> dict[str, Any]:
    parent = clients.vertex_parent(settings)
    return {
        "parent": parent,
        "schedule": {
            "displayName": settings.name,
            "cron": when,
            # How many may start at once, and how many may be under way.
            "maxConcurrentRunCount": _AT_ONCE,
            "maxConcurrentActiveRunCount": _AT_ONCE,
            "allowQueueing": catch_up,
            "createPipelineJobRequest": {
                "parent": parent,
                "pipelineJob": compiling.vertex(settings),
            },
        },
    }


def _kubeflow_options(settings: Settings, when: str, catch_up: bool) -> dict[str, Any]:
    """What `kfp.Client.create_recurring_run` is told beside the pipeline."""
    return {
        "job_name": settings.name,
        # Kubeflow's expressions begin with the second; of five fields it takes the first for that.
        "cron_expression": f"0 {when}",
        "max_concurrency": _AT_ONCE,
        "no_catchup": not catch_up,
        "service_account": settings.deploy.kubeflow.service_account,
    }


def _require_none(settings: Settings, target: str, there: list[str]) -> None:
    if there:
        name = there[0]
        raise SettingsError(
            f"a recurring run named {settings.name!r} is there already: {name} "
            f"({link(settings, target, name)}). Both would train and push into one folder. End it with "
            f"`make unschedule SCHEDULE={name} ...`, or give this pipeline another name (--set name=...)"
        )


def _vertex(settings: Settings) -> Any:
    from google.cloud import aiplatform_v1

    return clients.vertex(settings, aiplatform_v1.ScheduleServiceClient)
