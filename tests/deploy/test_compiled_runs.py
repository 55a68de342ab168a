"""The compiled file runs: every container's command, in order, to a blessed and to a blocked end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from components import vertex
from components.constrained_trainer.serving import weights as weights_served
from tests.deploy import harness, kubernetes_api, platforms
from tests.deploy.commands import free_ports
from tests.deploy.harness import Drill, Harness, Kubeflow, TaskFailedError, Vertex
from tests.deploy.vertex_api import Serving, listening
from tests.deploy.workplace import BUCKET, Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# No gap is this small for sure on a few hundred examples.
BLOCKING = "gate.constraints.0=max_gap(FPR, [Team]) <= 0.001"
ENDPOINT = (
    "deploy.vertex={project: p, region: europe-west4,"
    " endpoint: {name: faces, image: registry.example/serving:1}}"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Cluster:
    return Cluster.make(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def undisturbed(cluster, commands) -> Kubeflow:
    """A run on Kubeflow Pipelines in which nothing goes wrong; one task in a process of its own."""
    compiled = harness.load(cluster.compile("kubeflow"))
    run = Kubeflow(compiled, cluster.folder / "kubeflow", commands, alone="ExampleValidator")
    run.run()
    return run


@pytest.fixture(scope="module")
def drilled(cluster, commands) -> tuple[Vertex, Drill]:
    """A run on Vertex AI in which every task is killed once."""
    compiled = harness.load(cluster.compile("vertex"), {BUCKET: str(cluster.folder)})
    drill = Drill(kills=dict.fromkeys(compiled.order(), 1))
    run = Vertex(compiled, cluster.folder / "vertex", commands)
    run.run(drill)
    return run, drill


def blessed(run: Harness) -> bool:
    """The Evaluator's verdict, from its file and from what the platform was told."""
    blessing = run.artifacts["Evaluator", "blessing"]
    told = blessing.metadata["blessed"] == 1
    folder = stored(run, blessing.uri)
    assert (folder / "BLESSED").exists() == told
    assert (folder / "NOT_BLESSED").exists() != told
    return told


def stored(run: Harness, uri: str) -> Path:
    """The folder of an artifact when the run is over."""
    return run._stored(uri) if isinstance(run, Kubeflow) else Path(uri)


def weights(run: Harness, trainer: str = "ConstrainedTrainer-constrained") -> list[np.ndarray]:
    uri = run.artifacts[trainer, "model"].uri
    with np.load(stored(run, uri) / "weights.npz") as file:
        return [file[name] for name in sorted(file)]


def test_a_run_on_kubeflow_ends_blessed_and_pushed(undisturbed, cluster):
    assert blessed(undisturbed)
    [version] = cluster.served("kubeflow")
    pushed = undisturbed.artifacts["Pusher", "pushed_model"].metadata
    assert pushed["pushed"] == 1
    assert pushed["pushed_destination"] == str(version)
    assert (version / "saved_model.pb").is_file()


def test_a_run_on_vertex_ends_so_too_when_every_task_is_killed_once(drilled, cluster):
    run, drill = drilled
    assert blessed(run)
    # Killed after its push and before it could say so, Pusher pushes the same model again.
    *_, version = cluster.served("vertex")
    assert run.artifacts["Pusher", "pushed_model"].metadata["pushed_destination"] == str(version)
    assert set(drill.tries.values()) == {2}
    # Only what takes an instant may have been faster than the blow.
    assert drill.struck >= {
        "StatisticsGen",
        "Transform",
        "ConstrainedTrainer-baseline",
        "ConstrainedTrainer-constrained",
    }


def test_killed_and_undisturbed_training_give_one_model(drilled, undisturbed):
    for one, other in zip(weights(drilled[0]), weights(undisturbed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_killed_and_undisturbed_runs_leave_the_same_artifacts(drilled, undisturbed):
    run, _ = drilled
    assert run.artifacts.keys() == undisturbed.artifacts.keys()
    for key in run.artifacts:
        ours, others = (
            {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
            for folder in (stored(r, r.artifacts[key].uri) for r in (run, undisturbed))
        )
        if key[0] == "Pusher":  # a version is a time
            ours, others = ({path.name for path in paths} for paths in (ours, others))
        if key[1] != "model_run":  # logs say when they were written
            assert ours == others, key


@pytest.fixture
def serving() -> Iterator[tuple[Serving, dict[str, str]]]:
    """Vertex's endpoints, and what containers are told of them."""
    service = Serving()
    with listening(service.services()) as address:
        yield service, {vertex.ADDRESS: address}


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_a_gate_that_does_not_hold_ends_blocked(cluster, drilled, undisturbed, serving, target):
    run = drilled[0] if target == "vertex" else undisturbed
    before = cluster.served(target)
    service, env = serving
    file = cluster.compile(target, BLOCKING, *([ENDPOINT] if target == "vertex" else []))
    blocked = run.fork(
        harness.load(file, {BUCKET: str(cluster.folder)}),
        cluster.folder / f"{target}-blocked",
        after="ConstrainedTrainer-constrained",
        env=env,
    )
    blocked.run()
    assert not blessed(blocked)
    pushed = blocked.artifacts["Pusher", "pushed_model"]
    assert pushed.metadata["pushed"] == 0
    assert cluster.served(target) == before and service.asked == []


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_a_training_starts_from_what_is_served(cluster, drilled, undisturbed, target):
    run = drilled[0] if target == "vertex" else undisturbed
    assignments = ("trainer.warm_start=served", "trainer.layers=head", "trainer.steps=30")
    file = cluster.compile(target, *assignments, "trainer.snapshots=3", "trainer.seed=7")
    again = run.fork(
        harness.load(file, {BUCKET: str(cluster.folder)}),
        cluster.folder / f"{target}-served",
        after="ConstrainedTrainer-baseline",
    )
    again.run(until="ConstrainedTrainer-constrained")
    *body, head, bias = weights(again)
    *served, old_head, old_bias = weights_served(str(cluster.served(target)[-1]))
    for one, other in zip(body, served, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(head, old_head) and not np.array_equal(bias, old_bias)


def test_an_endpoint_gets_the_folder_that_was_pushed(cluster, drilled, serving):
    run, _ = drilled
    service, env = serving
    file = cluster.compile("vertex", ENDPOINT)
    *_, last, pusher = run.compiled.order()
    compiled = harness.load(file, {BUCKET: str(cluster.folder)})
    pushing = run.fork(compiled, cluster.folder / "vertex-endpoint", after=last, env=env)
    pushing.run()
    pushed = pushing.artifacts[pusher, "pushed_model"].metadata
    [[version]] = service.versions.values()
    assert version.artifact_uri == pushed["pushed_destination"] == str(cluster.served("vertex")[-1])
    [deployment] = service.deployments
    assert pushed["endpoint"] == deployment.endpoint
    assert deployment.deployed_model.model == pushed["endpoint_model"]


def test_a_trainer_job_trains_the_very_model_that_the_component_trains(
    cluster, undisturbed, commands, tmp_path
):
    """The component starts the TFJob; its worker gets examples, and gives the model, by the volume."""
    log = tmp_path / "worker.log"

    def operator(job: dict) -> None:
        [(command, tf_config)] = platforms.of_tf_job(job, free_ports(1))
        worker = commands.start(command, log, {"TF_CONFIG": tf_config})
        assert worker.wait() == 0, log.read_text()[-3000:]

    api = kubernetes_api.Cluster([("Succeeded", [])], operator=operator)
    with kubernetes_api.serving(api, tmp_path) as config:
        compiled = harness.load(cluster.compile("kubeflow", "deploy.trainer.job=true"))
        # Pods are outside of the volume, as they are on a cluster.
        run = undisturbed.fork(
            compiled, tmp_path / "job", after="Transform", env={"KUBECONFIG": str(config)}
        )
        run.run(until="ConstrainedTrainer-baseline")
    [job] = api.jobs.values()
    assert job["kind"] == "TFJob" and "training" in log.read_text()
    of_job, own = (weights(r, "ConstrainedTrainer-baseline") for r in (run, undisturbed))
    for one, other in zip(of_job, own, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not [*(cluster.folder / ".fairgate-jobs").iterdir()], "the volume is left clean"


def test_a_task_that_fails_for_good_leaves_nothing_pushed(cluster, drilled, commands):
    run, _ = drilled
    before = cluster.served("vertex")
    order = run.compiled.order()
    for position, task in enumerate(order):
        failing = Vertex(run.compiled, cluster.folder / f"failing-{task}", commands)
        done = order[:position]
        failing.artifacts = {k: artifact for k, artifact in run.artifacts.items() if k[0] in done}
        drill = Drill(kills={task: 99}, at_once=True)
        with pytest.raises(TaskFailedError, match=task):
            failing.run(drill)
        assert drill.tries[task] == 3
        assert {name for name, _ in failing.artifacts} == set(done)
    assert cluster.served("vertex") == before


def test_what_training_leaves_behind_for_a_second_try_is_gone(drilled, cluster):
    assert not [*(cluster.folder / "vertex").rglob("training.json")]


def test_the_schedule_is_that_of_the_file(drilled):
    run, _ = drilled
    order = run.compiled.order()
    assert order.index("ExampleValidator") < order.index("Transform")
    assert order[-1] == "Pusher"
    config = json.loads(run.parameters("ConstrainedTrainer-constrained")["config"])
    assert config["steps"] == 300
