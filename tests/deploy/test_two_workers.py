"""Two worker processes, started as the compiled jobs would start them, leave one model."""

from __future__ import annotations

import base64
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.executor import load_weights
from components.constrained_trainer.launchers import kubeflow, vertex
from components.constrained_trainer.launchers.command import worker_command
from components.constrained_trainer.launchers.config import KubeflowJob, VertexJob
from tests.deploy import platforms
from tests.deploy.commands import Commands, free_ports
from tests.tiny_dataset import World, record, schema
from tests.transforming import transform_rows

# Workers that have not found each other by then [s] never will.
LONGEST = 480.0
WORLD = World(groups={"Blue": 0, "Red": 1}, seen=(8, 8))
CONFIG = TrainingConfig(
    network="mlp",
    constraints=("max_gap(FPR, [Team]) <= 0.2",),
    steps=40,
    batch_size=16,
    snapshots=2,
    jit="off",
)
JOB = {"image": "i", "replicas": 2, "accelerators": 0, "hours": 1}
KUBEFLOW = KubeflowJob(
    **JOB, namespace="n", cpu=1, memory_gb=4, accelerator_resource="nvidia.com/gpu"
)
VERTEX = VertexJob(
    **JOB, project="p", region="r", machine_type="m", accelerator_type="NVIDIA_L4", spot=False
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict:
    """Transform's outputs: its graph, and transformed examples of two splits."""
    folder = tmp_path_factory.mktemp("transform")
    rows = [WORLD.columns(person) for person in WORLD.people(120, seed=3)]
    _, records = transform_rows(rows, schema(WORLD), WORLD.features, folder / "graph")
    for split, part in (("train", records[:80]), ("validation", records[80:])):
        file = folder / "examples" / f"Split-{split}" / "part-00000.gz"
        file.parent.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
            for each in part:
                writer.write(each)
    examples, transform = standard_artifacts.Examples(), standard_artifacts.TransformGraph()
    examples.uri, transform.uri = str(folder / "examples"), str(folder / "graph")
    examples.split_names = artifact_utils.encode_split_names(["train", "validation"])
    return {"examples": [examples], "transform_graph": [transform]}


def outputs(folder: Path) -> dict:
    model, run = standard_artifacts.Model(), standard_artifacts.ModelRun()
    model.uri, run.uri = str(folder / "model" / "1"), str(folder / "model_run" / "1")
    return {"model": [model], "model_run": [run]}


def run_all(commands: Commands, processes: list[platforms.Process], folder: Path) -> list[str]:
    """Runs the processes side by side; returns what they said."""
    logs = [folder / f"{index}.log" for index in range(len(processes))]
    started = [
        commands.start(command, log, {"TF_CONFIG": tf_config, "TMPDIR": str(folder)})
        for (command, tf_config), log in zip(processes, logs, strict=True)
    ]
    end = time.monotonic() + LONGEST
    while any(process.is_running() for process in started):
        if time.monotonic() > end:
            for process in started:
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.05)
    statuses = [process.wait() for process in started]
    said = [log.read_text(errors="replace") for log in logs]
    assert statuses == [0] * len(started), "\n".join(text[-3000:] for text in said)
    return said


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["kubeflow", "vertex"])
def test_two_workers_of_a_job_train_together_and_leave_one_model(
    commands, inputs, tmp_path, platform
):
    place = tmp_path / "place"
    made = outputs(place)
    properties = {
        "config": CONFIG.model_dump_json(),
        "features": WORLD.features.model_dump_json(),
        "code": "",
        "workers": "the job, which the workers are not told",
    }
    command = worker_command(inputs, made, properties)
    ports = free_ports(2)
    if platform == "kubeflow":
        processes = platforms.of_tf_job(kubeflow.tf_job(KUBEFLOW, command), ports)
    else:
        processes = platforms.of_custom_job(vertex.custom_job(VERTEX, command), ports)
    logs = run_all(commands, processes, tmp_path)
    assert all("2 workers, 2 CPU replicas" in log for log in logs)
    served = tf.saved_model.load(str(place / "model" / "1" / "Format-Serving"))
    assert set(served.signatures) == {"serving_default", "slices"}
    # As TensorFlow Serving takes a REST request: `instances`, in which b64 stands for bytes.
    raw = record(WORLD.columns(WORLD.people(1, seed=9)[0]))
    body = json.dumps({"instances": [{"b64": base64.b64encode(raw).decode()}]})
    instances = [base64.b64decode(each["b64"]) for each in json.loads(body)["instances"]]
    answer = served.signatures["serving_default"](examples=tf.constant(instances))
    assert answer["probability"].shape == (1, 1) and 0 < float(answer["probability"][0, 0]) < 1
    assert all(np.isfinite(weight).all() for weight in load_weights(str(place / "model" / "1")))
    history = json.loads((place / "model_run" / "1" / "history.json").read_text())
    assert history, "the chief writes what happened"
    runs = [name for name in files_below(place) if "tfevents" in name]
    assert len(runs) <= 1 or len({Path(name).parent for name in runs}) == len(runs)
    assert not [name for name in files_below(place) if ".checkpoints" in name]
