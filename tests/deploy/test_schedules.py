"""Recurring runs: what is sent to make and to end them, by the genuine clients."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
import yaml
from google.cloud import aiplatform_v1
from google.longrunning import operations_pb2

from components import vertex as vertex_ai
from fairgate.errors import SettingsError
from pipeline.clusters import schedules
from pipeline.settings import load
from tests.deploy.kfp_api import Pipelines, serving
from tests.deploy.vertex_api import listening

MONDAYS = "0 3 * * MON"
COMMON = [
    "data.path=gs://bucket/data",
    "deploy.image=registry.example/fairgate:1",
    "deploy.pipeline_root=gs://bucket/root",
    "deploy.serving=gs://bucket/serving",
]
ON_VERTEX = [*COMMON, "deploy.vertex={project: p, region: europe-west4, service_account: runner@p}"]
SUBMIT = runpy.run_path(str(Path(__file__).parents[2] / "kubeflow" / "submit.py"))["main"]


def kubeflow(endpoint: str):
    return load(
        [],
        [
            *COMMON,
            f"deploy.kubeflow.endpoint={endpoint}",
            "deploy.kubeflow.service_account=runner",
        ],
    )


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))  # kfp keeps its configuration there
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@pytest.mark.parametrize("catch_up", [False, True])
def test_kubeflow_gets_six_fields_the_compiled_pipeline_and_one_run_at_a_time(catch_up):
    service = Pipelines()
    with serving(service) as address:
        name, link = schedules.create(kubeflow(address), "kubeflow", MONDAYS, catch_up)
    assert link == f"{address}/#/recurringrun/details/{name}"
    made = service.recurring[name]
    # Kubeflow's first field is the second: of five it would make minute 3 of every hour, in January.
    assert made["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * 1"
    assert made["no_catchup"] is not catch_up and made["mode"] == "ENABLE"
    assert made["max_concurrency"] == 1 and made["service_account"] == "runner"
    assert made["experiment_id"] == "e" and made["display_name"] == "celeba"
    spec = made["pipeline_spec"]
    assert spec["pipeline_spec"]["defaultPipelineRoot"] == "gs://bucket/root"
    assert "platforms" in spec["platform_spec"]
    tasks = spec["pipeline_spec"]["root"]["dag"]["tasks"]
    assert "enableCache" not in tasks["ImportExampleGen"].get("cachingOptions", {}), "data are read"


def test_on_kubeflow_a_second_one_of_the_name_is_refused_until_the_first_is_ended():
    service = Pipelines()
    with serving(service) as address:
        tree = kubeflow(address)
        name, _ = schedules.create(tree, "kubeflow", MONDAYS, False)
        with pytest.raises(
            SettingsError, match=f"there already: {name} .*unschedule SCHEDULE={name}"
        ):
            schedules.create(tree, "kubeflow", "0 4 * * *", False)
        assert list(service.recurring) == [name]
        schedules.end(tree, "kubeflow", name)
        assert not service.recurring
        schedules.create(tree, "kubeflow", "0 4 * * *", False)
        with pytest.raises(SettingsError, match="refused"):
            schedules.end(tree, "kubeflow", "another")


class _Schedules:
    """ScheduleService on loopback."""

    def __init__(self):
        self.there: dict[str, aiplatform_v1.Schedule] = {}
        self.asked: list[object] = []

    def create(self, request, _):
        self.asked.append(request)
        made = aiplatform_v1.Schedule(request.schedule)
        made.name, made.state = f"{request.parent}/schedules/{len(self.asked)}", "ACTIVE"
        self.there[made.name] = made
        return made

    def list(self, request, _):
        named = request.filter.removeprefix('display_name="').removesuffix('"')
        found = [one for one in self.there.values() if one.display_name == named]
        return aiplatform_v1.ListSchedulesResponse(schedules=found)

    def delete(self, request, _):
        del self.there[request.name]
        return operations_pb2.Operation(name="projects/p/locations/r/operations/1", done=True)


@pytest.fixture
def vertex(monkeypatch):
    service = _Schedules()
    methods = {
        "CreateSchedule": (service.create, aiplatform_v1.CreateScheduleRequest),
        "ListSchedules": (service.list, aiplatform_v1.ListSchedulesRequest),
        "DeleteSchedule": (service.delete, aiplatform_v1.DeleteScheduleRequest),
    }
    with listening({"ScheduleService": methods}) as address:
        monkeypatch.setenv(vertex_ai.ADDRESS, address)
        yield service


@pytest.mark.parametrize("catch_up", [False, True])
def test_vertex_gets_the_request_that_a_dry_run_shows(vertex, catch_up):
    tree = load([], [*ON_VERTEX, "trainer.warm_start=blessed"])
    shown = json.loads(schedules.request(tree, "vertex", MONDAYS, catch_up))
    name, link = schedules.create(tree, "vertex", MONDAYS, catch_up)
    [asked] = vertex.asked
    assert asked.parent == shown["parent"] == "projects/p/locations/europe-west4"
    assert asked.schedule == aiplatform_v1.Schedule.from_json(json.dumps(shown["schedule"]))
    schedule = asked.schedule
    assert schedule.cron == "0 3 * * 1" and schedule.allow_queueing is catch_up
    assert schedule.max_concurrent_run_count == schedule.max_concurrent_active_run_count == 1
    run = schedule.create_pipeline_job_request
    assert run.parent == asked.parent and not run.pipeline_job_id, "each run gets an id of its own"
    assert run.pipeline_job.service_account == "runner@p"
    spec = shown["schedule"]["createPipelineJobRequest"]["pipelineJob"]["pipelineSpec"]
    resolvers = [one for one in spec["deploymentSpec"]["executors"].values() if "resolver" in one]
    assert resolvers, "each run looks up the model that was blessed last"
    assert link.endswith(f"/europe-west4/schedules/{name.rsplit('/', 1)[-1]}?project=p")


def test_on_vertex_a_second_one_is_refused_until_the_first_is_ended_or_completed(vertex):
    tree = load([], ON_VERTEX)
    name, _ = schedules.create(tree, "vertex", MONDAYS, False)
    with pytest.raises(SettingsError, match=f"there already: {name} "):
        schedules.create(tree, "vertex", MONDAYS, False)
    other, _ = schedules.create(load([], [*ON_VERTEX, "name=other"]), "vertex", MONDAYS, False)
    schedules.end(tree, "vertex", name.rsplit("/", 1)[-1])
    assert list(vertex.there) == [other]
    vertex.there[other].state = "COMPLETED"
    schedules.create(load([], [*ON_VERTEX, "name=other"]), "vertex", MONDAYS, False)


def test_the_commands_make_and_end_one(capsys):
    service = Pipelines()
    with serving(service) as address:
        common = ["--target", "kubeflow"]
        for assignment in (*COMMON, f"deploy.kubeflow.endpoint={address}"):
            common += ["--set", assignment]
        assert SUBMIT(["run", *common, "--schedule", MONDAYS, "--catch-up", "--dry-run"]) == 0
        said, *specs = yaml.safe_load_all(capsys.readouterr().out)
        assert said["cron_expression"] == "0 0 3 * * 1" and said["no_catchup"] is False
        assert len(specs) == 2 and not service.recurring
        assert SUBMIT(["run", *common, "--schedule", MONDAYS]) == 0
        assert "scheduled s-1\n" in capsys.readouterr().out
        assert service.recurring["s-1"]["no_catchup"] is True
        assert service.submitted is None, "no run is made at once"
        assert SUBMIT(["unschedule", "s-1", *common]) == 0
    assert not service.recurring


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--schedule", "0 25 * * 1"], "hour = '25'"),
        (["--schedule", MONDAYS, "--watch"], "--watch"),
        (["--catch-up"], "--catch-up is about a recurring run"),
        (["--no-catch-up"], "--no-catch-up is about a recurring run"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_loaded(given, said, capsys, monkeypatch):
    monkeypatch.setattr(schedules, "create", None)
    assert SUBMIT(["run", "--target", "vertex", *given]) == 2
    assert said in capsys.readouterr().err


def test_open_source_kubeflow_cannot_start_from_the_blessed_model():
    tree = load([], [*COMMON, "deploy.kubeflow.endpoint=http://k", "trainer.warm_start=blessed"])
    with pytest.raises(SettingsError, match="resolver"):
        schedules.create(tree, "kubeflow", MONDAYS, False)
