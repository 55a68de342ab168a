"""What launchers hand to their workers: artifacts within reach, and a command without the job in it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tfx.types import artifact_utils, standard_artifacts

from components import vertex as vertex_ai
from components.constrained_trainer.launchers import kubeflow, vertex, waiting
from components.constrained_trainer.launchers.config import KubeflowJob, SharedVolume, VertexJob
from components.constrained_trainer.launchers.staging import within_reach
from components.constrained_trainer.running import interruption
from fairgate.errors import SettingsError
from tests.deploy.vertex_api import Jobs, listening

JOB = {"image": "i", "replicas": 1, "accelerators": 0, "hours": 1}


@pytest.fixture
def volume(tmp_path) -> SharedVolume:
    (tmp_path / "shared").mkdir()
    return SharedVolume(claim="shared", path=str(tmp_path / "shared"))


def artifact(kind, uri):
    made = kind()
    made.uri = str(uri)
    return made


@pytest.fixture
def launched(tmp_path):
    """(inputs, outputs) of a component on Kubeflow: local copies, which the launcher made."""
    examples = tmp_path / "pod" / "examples"
    (examples / "Split-train").mkdir(parents=True)
    (examples / "Split-train" / "part-0").write_text("records")
    model = tmp_path / "pod" / "model"
    model.mkdir()
    return (
        {"examples": [artifact(standard_artifacts.Examples, examples)]},
        {"model": [artifact(standard_artifacts.Model, model)]},
    )


def train(outputs, text="weights"):
    """What a worker does, as far as anybody sees it."""
    [model] = outputs["model"]
    Path(model.uri, "weights.npz").write_text(text)


def test_workers_read_copies_on_the_volume_and_what_they_write_comes_back(launched, volume):
    inputs, outputs = launched
    with within_reach(inputs, outputs, {"config": "1"}, (volume,)) as (given, wanted):
        [examples] = given["examples"]
        assert examples.uri.startswith(volume.path + "/")
        assert Path(examples.uri, "Split-train", "part-0").read_text() == "records"
        assert wanted["model"][0].uri.startswith(volume.path + "/")
        train(wanted)
    [model] = outputs["model"]
    assert Path(model.uri, "weights.npz").read_text() == "weights"
    assert not [path for path in Path(volume.path).rglob("*") if path.is_file()]


def test_what_is_within_reach_is_left_where_it_is(volume):
    inputs = {"examples": [artifact(standard_artifacts.Examples, "gs://bucket/examples")]}
    outputs = {"model": [artifact(standard_artifacts.Model, volume.path + "/model")]}
    with within_reach(inputs, outputs, {}, (volume,)) as reached:
        assert reached == (inputs, outputs)
    assert not [*Path(volume.path).iterdir()]


def test_a_folder_with_a_longer_name_is_not_on_the_volume(launched, volume, tmp_path):
    inputs, outputs = launched
    beside = tmp_path / "shared-not"
    (beside / "Split-train").mkdir(parents=True)
    inputs["examples"][0].uri = str(beside)
    with within_reach(inputs, outputs, {}, (volume,)) as (given, _):
        assert given["examples"][0].uri.startswith(volume.path + "/")


def test_a_second_try_finds_what_the_first_left_and_other_work_does_not(launched, volume):
    inputs, outputs = launched
    with (
        pytest.raises(RuntimeError, match="evicted"),
        within_reach(inputs, outputs, {"config": "1"}, (volume,)) as (_, wanted),
    ):
        train(wanted, "checkpoint")
        raise RuntimeError("evicted")
    [model] = outputs["model"]
    assert not [*Path(model.uri).iterdir()], "half a model is no output"
    with within_reach(inputs, outputs, {"config": "2"}, (volume,)) as (_, other):
        assert not [*Path(other["model"][0].uri).iterdir()]
    with within_reach(inputs, outputs, {"config": "1"}, (volume,)) as (_, again):
        assert Path(again["model"][0].uri, "weights.npz").read_text() == "checkpoint"


def test_without_a_volume_what_is_out_of_reach_is_named(launched):
    inputs, outputs = launched
    with (
        pytest.raises(
            SettingsError, match=rf"deploy\.kubeflow\.volumes.*{inputs['examples'][0].uri}"
        ),
        within_reach(inputs, outputs, {}, ()),
    ):
        pass


def artifacts_in(command: list[str]) -> dict[str, dict]:
    """--inputs and --outputs of a worker's command, after the platform has expanded it."""
    return {
        flag: artifact_utils.parse_artifact_dict(
            command[command.index(flag) + 1].replace("$$", "$")
        )
        for flag in ("--inputs", "--outputs")
    }


def properties_in(command: list[str]) -> dict[str, str]:
    return json.loads(command[command.index("--exec-properties") + 1].replace("$$", "$"))


def test_the_component_on_kubeflow_starts_a_worker_that_trains(launched, volume, monkeypatch):
    inputs, outputs = launched
    job = KubeflowJob(
        **JOB,
        namespace="team",
        cpu=1,
        memory_gb=4,
        accelerator_resource="nvidia.com/gpu",
        volumes=(volume,),
    )
    properties = {"config": "costs $(HOME) and $5", "workers": job.model_dump_json()}

    def run(body, namespace):
        assert namespace == body["metadata"]["namespace"] == "team"
        [container] = body["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
        command = container["command"]
        assert "$(HOME)" not in " ".join(command).replace("$$", "")
        assert properties_in(command) == {"config": "costs $(HOME) and $5"}
        reached = artifacts_in(command)
        [examples] = reached["--inputs"]["examples"]
        assert Path(examples.uri, "Split-train", "part-0").is_file()
        train(reached["--outputs"])

    monkeypatch.setattr(kubeflow, "run", run)
    kubeflow.Executor().Do(inputs, outputs, properties)
    assert Path(outputs["model"][0].uri, "weights.npz").read_text() == "weights"


def test_a_worker_that_fails_gives_no_model(launched, volume, monkeypatch):
    inputs, outputs = launched
    job = KubeflowJob(
        **JOB, namespace="n", cpu=1, memory_gb=4, accelerator_resource="a/b", volumes=(volume,)
    )

    def run(body, namespace):
        train(artifacts_in(body_command(body))["--outputs"], "half")
        raise RuntimeError("TFJob failed")

    def body_command(body):
        pod = body["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]
        return pod["containers"][0]["command"]

    monkeypatch.setattr(kubeflow, "run", run)
    with pytest.raises(RuntimeError, match="TFJob failed"):
        kubeflow.Executor().Do(inputs, outputs, {"workers": job.model_dump_json()})
    assert not [*Path(outputs["model"][0].uri).iterdir()]


def test_the_component_on_vertex_starts_a_worker_on_its_own_artifacts(launched, monkeypatch):
    inputs, outputs = launched
    job = VertexJob(
        **JOB, project="p", region="r", machine_type="m", accelerator_type="NVIDIA_L4", spot=False
    )
    service = Jobs("JOB_STATE_SUCCEEDED")
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    before = signal.getsignal(signal.SIGTERM)
    with listening(service.services()) as address:
        monkeypatch.setenv(vertex_ai.ADDRESS, address)
        vertex.Executor().Do(inputs, outputs, {"config": "1", "workers": job.model_dump_json()})
    [pool] = service.created.custom_job.job_spec.worker_pool_specs
    command = list(pool.container_spec.command)
    assert properties_in(command) == {"config": "1"}
    reached = artifacts_in(command)
    assert reached["--inputs"]["examples"][0].uri == inputs["examples"][0].uri
    assert reached["--outputs"]["model"][0].uri == outputs["model"][0].uri
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_component_that_is_stopped_leaves_the_checkpoints_for_the_next_try(
    launched, volume, monkeypatch
):
    inputs, outputs = launched
    job = KubeflowJob(
        **JOB, namespace="n", cpu=1, memory_gb=4, accelerator_resource="a/b", volumes=(volume,)
    )

    def run(body, namespace):
        raise interruption.Stopped(0)

    monkeypatch.setattr(kubeflow, "run", run)
    with pytest.raises(interruption.Stopped):
        kubeflow.Executor().Do(inputs, outputs, {"workers": job.model_dump_json()})
    [folder] = Path(volume.path, ".fairgate-jobs").iterdir()
    assert (folder / "model").is_dir()
