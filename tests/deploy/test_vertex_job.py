"""The CustomJob: what it says, and how its creation, its end, its failure and its cancelling go."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from google.cloud import aiplatform_v1

from components import vertex as vertex_ai
from components.constrained_trainer.launchers import vertex, waiting
from components.constrained_trainer.running import interruption
from pipeline.clusters import jobs
from pipeline.dag import CONSTRAINED, create_pipeline
from pipeline.settings import load
from tests.deploy.vertex_api import Jobs, listening

SETTINGS = [
    "deploy.image=registry.example/fairgate:1",
    "deploy.trainer={job: true, replicas: 4, accelerators: 2, hours: 2,"
    " image: registry.example/fairgate:1-cuda}",
    "deploy.vertex={project: p, region: europe-west4, service_account: a@p, spot: true,"
    " labels: {team: faces}}",
]
COMMAND = ["python", "-m", "tfx.scripts.run_executor"]


@pytest.fixture(scope="module")
def job():
    return jobs.vertex_job(load([], SETTINGS))


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.02)
    started = []

    def start(*states: str) -> Jobs:
        service = Jobs(*states)
        context = listening(service.services())
        monkeypatch.setenv(vertex_ai.ADDRESS, context.__enter__())
        started.append(context)
        return service

    yield start
    for context in started:
        context.__exit__(None, None, None)


def test_the_message_is_what_the_settings_ask_for(job):
    message = vertex.custom_job(job, COMMAND)
    # As it goes over the wire and as the service's JSON has it.
    for copied in (
        aiplatform_v1.CustomJob.deserialize(aiplatform_v1.CustomJob.serialize(message)),
        aiplatform_v1.CustomJob.from_json(aiplatform_v1.CustomJob.to_json(message)),
    ):
        assert copied == message
    spec = message.job_spec
    chief, others = spec.worker_pool_specs
    assert (chief.replica_count, others.replica_count) == (1, 3)
    for pool in (chief, others):
        assert pool.machine_spec.machine_type == "n1-standard-8"
        assert pool.machine_spec.accelerator_type.name == "NVIDIA_TESLA_T4"
        assert pool.machine_spec.accelerator_count == 2
        assert pool.container_spec.image_uri == "registry.example/fairgate:1-cuda"
        assert list(pool.container_spec.command) == COMMAND
    assert spec.scheduling.timeout.total_seconds() == 7200
    assert spec.scheduling.strategy.name == "SPOT" and spec.scheduling.restart_job_on_worker_restart
    assert spec.service_account == "a@p" and message.labels["team"] == "faces"


def test_one_worker_is_one_pool_and_no_accelerator_is_none(job):
    alone = job.model_copy(update={"replicas": 1, "accelerators": 0})
    [pool] = vertex.custom_job(alone, COMMAND).job_spec.worker_pool_specs
    assert pool.machine_spec.accelerator_count == 0


def test_both_trainers_and_nothing_else_start_jobs():
    tree = load([], SETTINGS)
    built = create_pipeline(tree)
    jobs.train_in_jobs(built, tree, "vertex")
    classes = {
        node.id: getattr(node.executor_spec, "executor_class", None) for node in built.components
    }
    launching = [node for node, executor in classes.items() if executor is vertex.Executor]
    assert launching == ["ConstrainedTrainer.baseline", CONSTRAINED]


def test_without_a_job_the_component_itself_trains():
    tree = load([], ["deploy.image=registry.example/fairgate:1"])
    built = create_pipeline(tree)
    jobs.train_in_jobs(built, tree, "vertex")
    [trainer] = [node for node in built.components if node.id == CONSTRAINED]
    assert trainer.executor_spec.executor_class is not vertex.Executor
    assert "workers" not in trainer.exec_properties


def test_it_creates_the_job_and_waits_for_its_end(job, api):
    service = api("JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED")
    message = vertex.custom_job(job, COMMAND)
    vertex.run(job, message)
    assert service.asked == ["create", "get", "get", "get"]
    assert service.created.parent == "projects/p/locations/europe-west4"
    assert service.created.custom_job == message


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("JOB_STATE_FAILED", "failed: no quota"),
        ("JOB_STATE_CANCELLED", "was cancelled"),
        ("JOB_STATE_EXPIRED", "took too long"),
    ],
)
def test_a_job_that_does_not_succeed_is_an_error(job, api, state, said):
    api("JOB_STATE_RUNNING", state)
    with pytest.raises(RuntimeError, match=said):
        vertex.run(job, vertex.custom_job(job, COMMAND))


def test_being_cancelled_cancels_the_job(job, api):
    service = api("JOB_STATE_RUNNING")

    def cancel_when_running() -> None:
        while "get" not in service.asked:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=cancel_when_running)
    thread.start()
    with pytest.raises(interruption.Stopped):
        vertex.run(job, vertex.custom_job(job, COMMAND))
    thread.join()
    assert service.asked[-1] == "cancel projects/p/locations/r/customJobs/7"
