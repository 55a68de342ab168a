"""Submitting, watching, cancelling: what is sent, what is said, and what a missing thing looks like."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from google.cloud import aiplatform_v1
from google.protobuf import empty_pb2

from components import vertex as vertex_ai
from fairgate.errors import SettingsError
from pipeline.clusters import noise, runs
from pipeline.settings import load
from tests.deploy.kfp_api import Pipelines, serving
from tests.deploy.vertex_api import listening

REPOSITORY = Path(__file__).parents[2]
COMMON = [
    "data.path=gs://bucket/data",
    "deploy.image=registry.example/fairgate:1",
    "deploy.pipeline_root=gs://bucket/root",
    "deploy.serving=gs://bucket/serving",
]
VERTEX = load([], [*COMMON, "deploy.vertex={project: p, region: europe-west4}"])


def kubeflow(endpoint: str, *more: str):
    return load([], [*COMMON, f"deploy.kubeflow.endpoint={endpoint}", *more])


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "POLL_SECONDS", 0.01)
    monkeypatch.setenv("HOME", str(tmp_path))  # kfp keeps its configuration there
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


def test_a_run_is_submitted_to_kubeflow_and_watched_to_its_end(monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    service = Pipelines("PENDING", "RUNNING", "RUNNING", "SUCCEEDED")
    with serving(service) as address:
        tree = kubeflow(
            address,
            "deploy.kubeflow.token_variable=TOKEN",
            "deploy.kubeflow.namespace=team",
            "deploy.kubeflow.experiment=faces",
            "deploy.kubeflow.service_account=runner",
        )
        run, link = runs.submit(tree, "kubeflow")
        said: list[str] = []
        assert runs.watch(tree, "kubeflow", run, said.append)
    assert link == f"{address}/#/runs/details/r-1"
    assert service.token == "Bearer secret"
    spec = service.submitted["pipeline_spec"]
    assert "platform_spec" in spec and service.submitted["service_account"] == "runner"
    assert service.experiments == [{"display_name": "faces", "namespace": "team"}]
    assert spec["pipeline_spec"]["defaultPipelineRoot"] == "gs://bucket/root"
    tasks = spec["pipeline_spec"]["root"]["dag"]["tasks"]
    cached = {
        name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")
    }
    assert set(tasks) - cached == {"ImportExampleGen", "Pusher"}, (
        "kfp may not change what was compiled"
    )
    assert [line.split(" ", 1)[1] for line in said if "run:" in line] == [
        "run: PENDING",
        "run: RUNNING",
        "run: SUCCEEDED",
    ]
    assert any("Pusher: RUNNING" in line for line in said)


def test_a_run_that_fails_is_said_to_have_failed_and_a_cancelled_one_is_terminated():
    service = Pipelines("FAILED")
    with serving(service) as address:
        tree = kubeflow(address)
        assert not runs.watch(tree, "kubeflow", "r-1", lambda line: None)
        runs.cancel(tree, "kubeflow", "r-1")
    assert service.asked[-1] == "POST /apis/v2beta1/runs/r-1:terminate"


def test_a_platform_that_is_away_for_a_moment_is_asked_again():
    service = Pipelines("RUNNING", 503, 500, "SUCCEEDED")
    with serving(service) as address:
        assert runs.watch(kubeflow(address), "kubeflow", "r-1", lambda line: None)


@pytest.mark.parametrize("states", [("RUNNING", 503), (503, "RUNNING")], ids=["later", "at once"])
def test_one_that_stays_away_or_was_never_there_is_an_error(states, monkeypatch):
    monkeypatch.setattr(runs, "_UNANSWERED", 3)
    with (
        serving(Pipelines(*states)) as address,
        pytest.raises(SettingsError, match="does not answer now"),
    ):
        runs.watch(kubeflow(address), "kubeflow", "r-1", lambda line: None)


def test_vertex_away_is_told_from_vertex_refusing(monkeypatch):
    monkeypatch.setenv(vertex_ai.ADDRESS, "127.0.0.1:9")
    with pytest.raises(SettingsError, match="Vertex AI in europe-west4 does not answer"):
        runs.watch(VERTEX, "vertex", "x", lambda line: None)


@pytest.mark.parametrize("error", [None, SettingsError("ours"), KeyError("theirs")])
def test_noise_is_kept_back_but_for_an_error_that_nobody_expected(capfd, error):
    with (
        contextlib.suppress(SettingsError, KeyError),
        noise.hidden(),
    ):
        os.write(2, b"I0000 some library\n")
        if error is not None:
            raise error
    os.write(2, b"after\n")
    said = capfd.readouterr().err
    assert said == ("I0000 some library\n" if isinstance(error, KeyError) else "") + "after\n"


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "token"), (403, "namespace"), (404, "address")]
)
def test_a_refusal_says_what_to_look_at(status, advice):
    with (
        serving(Pipelines("RUNNING", refuse=status)) as address,
        pytest.raises(SettingsError, match=rf"refused \({status}.*{advice}"),
    ):
        runs.cancel(kubeflow(address), "kubeflow", "r-1")


def test_an_endpoint_or_a_token_that_is_missing_is_named(monkeypatch):
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(SettingsError, match=r"deploy.kubeflow.endpoint is not set.*port-forward"):
        runs.cancel(load([], COMMON), "kubeflow", "r-1")
    with pytest.raises(SettingsError, match="export TOKEN="):
        tree = kubeflow("http://127.0.0.1:9", "deploy.kubeflow.token_variable=TOKEN")
        runs.cancel(tree, "kubeflow", "r-1")


class _Vertex:
    """PipelineService on loopback."""

    def __init__(self, *states: str):
        self.states, self.created, self.cancelled = list(states), None, None

    def create(self, request, _):
        self.created = request
        name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        return aiplatform_v1.PipelineJob(name=name)

    def get(self, request, _):
        state = self.states[0] if len(self.states) == 1 else self.states.pop(0)
        return aiplatform_v1.PipelineJob(name=request.name, state=f"PIPELINE_STATE_{state}")

    def cancel(self, request, _):
        self.cancelled = request.name
        return empty_pb2.Empty()


@pytest.fixture
def vertex(monkeypatch):
    service = _Vertex("RUNNING", "SUCCEEDED")
    methods = {
        "CreatePipelineJob": (service.create, aiplatform_v1.CreatePipelineJobRequest),
        "GetPipelineJob": (service.get, aiplatform_v1.GetPipelineJobRequest),
        "CancelPipelineJob": (service.cancel, aiplatform_v1.CancelPipelineJobRequest),
    }
    with listening({"PipelineService": methods}) as address:
        monkeypatch.setenv(vertex_ai.ADDRESS, address)
        yield service


def test_a_run_on_vertex_is_the_request_that_a_dry_run_shows(vertex):
    shown = json.loads(runs.request(VERTEX, "vertex"))
    run, link = runs.submit(VERTEX, "vertex")
    assert vertex.created.parent == shown["parent"] == "projects/p/locations/europe-west4"
    assert vertex.created.pipeline_job == aiplatform_v1.PipelineJob.from_json(
        json.dumps(shown["pipelineJob"])
    )
    identity = run.rsplit("/", 1)[-1]
    assert link.endswith(f"/locations/europe-west4/runs/{identity}?project=p")
    assert runs.watch(VERTEX, "vertex", identity, lambda line: None)
    runs.cancel(VERTEX, "vertex", identity)
    assert vertex.cancelled == run


def test_missing_credentials_say_how_to_get_some(monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(SettingsError, match="gcloud auth application-default login"):
        runs.cancel(VERTEX, "vertex", "x")


def test_help_answers_at_once_and_a_mistake_is_an_error_in_words():
    program = [sys.executable, "-X", "importtime", str(REPOSITORY / "kubeflow" / "submit.py")]
    helped = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True)
    assert "cancel" in helped.stdout and "tensorflow" not in helped.stderr
    wrong = subprocess.run(
        [*program[:1], program[-1], "run", "--target", "vertex", "--set", "deploy.imag=x"],
        capture_output=True,
        text=True,
    )
    assert wrong.returncode == 2 and "did you mean 'deploy.image'" in wrong.stderr


def test_a_dry_run_for_kubeflow_shows_where_and_what():
    said, spec, platform = yaml.safe_load_all(
        runs.request(kubeflow("http://k.example"), "kubeflow")
    )
    assert said["endpoint"] == "http://k.example" and said["namespace"] == "kubeflow"
    assert spec["schemaVersion"] == "2.1.0" and "platforms" in platform
