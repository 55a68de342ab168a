"""What is compiled from the settings, and which settings are refused for a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml
from google.cloud import aiplatform_v1
from google.protobuf import json_format
from kfp import components as kfp_components

from fairgate.errors import SettingsError
from pipeline.clusters import compiling, requirements
from pipeline.settings import load
from tests.deploy import harness
from tests.deploy.commands import REPOSITORY

VERTEX = [
    "name=tiny",
    "data.path=gs://bucket/data",
    "deploy.image=registry.example/fairgate:1",
    "deploy.pipeline_root=gs://bucket/runs",
    "deploy.serving=gs://bucket/serving",
]
KUBEFLOW = [
    *VERTEX[:3],
    "deploy.pipeline_root=minio://mlpipeline/runs",
    "deploy.serving=/mnt/models/serving",
    "deploy.kubeflow.volumes=[{claim: models, path: /mnt/models}]",
]
TRAINERS = {"ConstrainedTrainer-baseline", "ConstrainedTrainer-constrained"}


@pytest.fixture(autouse=True)
def _at_home(monkeypatch):
    monkeypatch.chdir(REPOSITORY)  # schemas are named from there


def containers(spec):
    executors = spec["deploymentSpec"]["executors"]
    return {
        name: executors[component["executorLabel"]]["container"]
        for name, component in spec["components"].items()
        if "container" in executors[component["executorLabel"]]
    }


def vertex(*assignments):
    return compiling.vertex(load([], [*VERTEX, *assignments]))


def kubeflow(*assignments):
    return compiling.kubeflow(load([], [*KUBEFLOW, *assignments]))


@pytest.fixture(scope="module")
def specs():
    os.chdir(REPOSITORY)
    return {"vertex": vertex()["pipelineSpec"], "kubeflow": kubeflow()[0]}


def test_both_have_the_same_tasks_in_the_same_order(specs):
    def edges(spec):
        return {
            name: sorted(task.get("dependentTasks", []))
            for name, task in spec["root"]["dag"]["tasks"].items()
        }

    assert edges(specs["vertex"]) == edges(specs["kubeflow"])


def test_both_give_the_same_inputs_but_for_the_folders_that_outlive_a_run(specs):
    def differing(ours, others):
        return {name for name in ours.keys() | others.keys() if ours.get(name) != others.get(name)}

    found = set()
    for name in specs["vertex"]["root"]["dag"]["tasks"]:
        given, other = (
            spec["root"]["dag"]["tasks"][name].get("inputs", {}) for spec in specs.values()
        )
        assert given.get("artifacts") == other.get("artifacts"), name
        found |= differing(given.get("parameters", {}), other.get("parameters", {}))
    assert found == {"push_destination", "ledger"}


@pytest.mark.parametrize(
    ("target", "accelerator"), [("vertex", "NVIDIA_TESLA_T4"), ("kubeflow", "nvidia.com/gpu")]
)
def test_the_trainer_and_nothing_else_gets_accelerators(specs, target, accelerator):
    limits = {name: c["resources"] for name, c in containers(specs[target]).items()}
    assert {name for name, given in limits.items() if "accelerator" in given} == TRAINERS
    assert all(
        limits[name]["accelerator"] == {"type": accelerator, "count": "1"} for name in TRAINERS
    )


def test_limits_are_those_of_the_settings():
    spec = vertex(
        "deploy.resources.Evaluator={cpu: 6, memory_gb: 48}",
        "deploy.resources.default.memory_gb=5",
        "deploy.trainer.cpu=12",
        "deploy.trainer.accelerators=0",
    )["pipelineSpec"]
    limits = {name: c["resources"] for name, c in containers(spec).items()}
    assert limits["Evaluator"] == {"cpuLimit": 6, "memoryLimit": 48}
    assert limits["ImportExampleGen"] == {"cpuLimit": 2, "memoryLimit": 5}
    assert limits["ConstrainedTrainer-baseline"] == {"cpuLimit": 12, "memoryLimit": 30}


def test_a_trainer_whose_job_trains_elsewhere_needs_no_accelerator():
    project = ("deploy.vertex.project=p", "deploy.vertex.region=europe-west4")
    spec = vertex("deploy.trainer.job=true", *project)["pipelineSpec"]
    assert all("accelerator" not in c["resources"] for c in containers(spec).values())


def test_the_trainer_can_have_an_image_of_its_own():
    spec = vertex("deploy.trainer.image=registry.example/fairgate-cuda:1")["pipelineSpec"]
    images = {name: c["image"] for name, c in containers(spec).items()}
    assert {name for name, image in images.items() if "cuda" in image} == TRAINERS


def test_retries_and_caching_are_those_of_the_settings(specs):
    for name, task in specs["vertex"]["root"]["dag"]["tasks"].items():
        assert task["retryPolicy"]["maxRetryCount"] == 2
        # What is served is known to no cache.
        caching = None if name == "Pusher" else {"enableCache": True}
        assert task.get("cachingOptions") == caching
    spec = vertex("cache=false", "deploy.retries.count=0")["pipelineSpec"]
    for task in spec["root"]["dag"]["tasks"].values():
        assert "retryPolicy" not in task
        assert "cachingOptions" not in task


def test_data_is_never_taken_from_kubeflows_cache(specs):
    tasks = specs["kubeflow"]["root"]["dag"]["tasks"]
    uncached = {name for name, task in tasks.items() if "cachingOptions" not in task}
    assert uncached == {"ImportExampleGen", "Pusher"}  # Pusher looks what is served


def test_kubeflow_gets_no_resolver_and_names_that_argo_can_refer_to():
    spec, _ = kubeflow("trainer.warm_start=baseline")
    assert all("container" in e for e in spec["deploymentSpec"]["executors"].values())
    assert all(name.replace("-", "").isalnum() for name in spec["root"]["dag"]["tasks"])


def test_vertex_looks_up_the_last_blessed_model():
    spec = vertex("trainer.warm_start=blessed")["pipelineSpec"]
    assert any("resolver" in e for e in spec["deploymentSpec"]["executors"].values())


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_what_is_served_is_looked_up_by_the_container(target):
    asked = "trainer.warm_start=served"
    spec = vertex(asked)["pipelineSpec"] if target == "vertex" else kubeflow(asked)[0]
    tasks = spec["root"]["dag"]["tasks"]
    name = "ConstrainedTrainer-constrained"
    assert "cachingOptions" not in tasks[name], "no cache knows what is served"
    assert "cachingOptions" in tasks["ConstrainedTrainer-baseline"]
    given = tasks[name]["inputs"]["parameters"]["served"]["runtimeValue"]["constant"]
    pushed = json.loads(
        tasks["Pusher"]["inputs"]["parameters"]["push_destination"]["runtimeValue"]["constant"]
    )
    assert given == pushed["filesystem"]["base_directory"]
    assert all("container" in each for each in spec["deploymentSpec"]["executors"].values())


def test_pods_go_where_the_settings_say():
    _, platform = kubeflow(
        "deploy.kubeflow.nodes.node_selector={pool: cpu}",
        "deploy.kubeflow.trainer_nodes={node_selector: {pool: gpu},"
        " tolerations: [{key: nvidia.com/gpu, effect: NoSchedule}]}",
        "deploy.kubeflow.image_pull_secrets=[registry]",
    )
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for label, pod in pods.items():
        trains = label.removesuffix("_executor") in TRAINERS
        assert pod["nodeSelector"]["labels"] == {"pool": "gpu" if trains else "cpu"}
        assert pod.get("tolerations") == (
            [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
            if trains
            else None
        )
        assert pod["pvcMount"][0]["mountPath"] == "/mnt/models"
        assert pod["imagePullSecret"][0]["secretName"] == "registry"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Target -> the file that the command line writes for it."""
    folder = tmp_path_factory.mktemp("written")
    done = subprocess.run(
        [
            *(sys.executable, str(REPOSITORY / "kubeflow" / "compile.py")),
            *("--settings", "schemas/celeba/settings.yaml", "--output", str(folder)),
            *(part for item in VERTEX for part in ("--set", item)),
        ],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    files = {"vertex": folder / "tiny-vertex.json", "kubeflow": folder / "tiny-kubeflow.yaml"}
    assert done.stdout.splitlines() == [f"wrote {file}" for file in files.values()]
    assert {*folder.iterdir()} == {*files.values()}
    return files


@pytest.mark.parametrize("target", ["vertex", "kubeflow"])
def test_the_command_line_writes_what_the_schemas_and_the_sdk_accept(written, target):
    file = written[target]
    compiled = harness.load(file)
    assert compiled.spec.schema_version == "2.1.0"
    if target == "vertex":
        job = aiplatform_v1.PipelineJob.from_json(file.read_text())
        assert job.runtime_config.gcs_output_directory == "gs://bucket/runs"
        text = yaml.safe_dump(json.loads(file.read_text())["pipelineSpec"])
    else:
        text = file.read_text()
    loaded = kfp_components.load_component_from_text(text)
    assert json_format.MessageToDict(loaded.pipeline_spec) == json_format.MessageToDict(
        compiled.spec
    )


def test_vertex_is_told_its_account_network_and_labels():
    job = vertex(
        "deploy.vertex.service_account=a@b.example",
        "deploy.vertex.network=projects/1/n",
        "deploy.vertex.labels={team: faces}",
    )
    message = aiplatform_v1.PipelineJob.from_json(json.dumps(job))
    assert (message.service_account, message.network) == ("a@b.example", "projects/1/n")
    assert message.labels["team"] == "faces" and "tfx_version" in " ".join(message.labels)


@pytest.mark.parametrize(
    ("target", "assignment", "parts"),
    [
        ("vertex", "name=My_Data", ("name = 'My_Data'", "--set name=my-data")),
        ("vertex", "deploy.image=null", ("deploy.image is not set",)),
        ("vertex", "deploy.pipeline_root=null", ("deploy.pipeline_root is not set", "gs://")),
        ("vertex", "deploy.pipeline_root=s3://b", ("deploy.pipeline_root = 's3://b'", "gs://")),
        ("kubeflow", "deploy.pipeline_root=/mnt", ("deploy.pipeline_root = '/mnt'", "minio://")),
        ("vertex", "data.path=null", ("data.path is not set", "python -m pipeline data")),
        ("vertex", "data.path=data/here", ("data.path = 'data/here'", "gs://")),
        ("kubeflow", "data.path=s3://b/data", ("data.path = 's3://b/data'", "/mnt/models/")),
        ("kubeflow", "data.path=/mnt/model", ("data.path = '/mnt/model'",)),
        ("vertex", "deploy.serving=null", ("serving = 'serving'", "gs://")),
        (
            "kubeflow",
            "deploy.kubeflow.volumes=[]",
            ("deploy.runs is not set", "minio://mlpipeline"),
        ),
        ("vertex", "deploy.runs=here", ("deploy.runs = 'here'", "gs://")),
        ("vertex", "ledger=/ledger", ("ledger = '/ledger'", "gs://")),
        ("vertex", "data.schema_file=/etc/s.pbtxt", ("data.schema_file = '/etc/s.pbtxt'",)),
        ("vertex", "data.schema_file=../s.pbtxt", ("data.schema_file = '../s.pbtxt'",)),
        ("vertex", "data.schema_file=nowhere.pbtxt", ("data.schema_file = 'nowhere.pbtxt'",)),
        (
            "kubeflow",
            "trainer.warm_start=blessed",
            ("trainer.warm_start = 'blessed'", "choose served"),
        ),
    ],
)
def test_what_a_cluster_cannot_do_is_refused_by_the_name_of_the_setting(target, assignment, parts):
    settings = load([], [*(VERTEX if target == "vertex" else KUBEFLOW), assignment])
    with pytest.raises(SettingsError) as error:
        requirements.require(settings, target)
    for part in parts:
        assert part in str(error.value)


def test_all_that_is_missing_is_told_at_once():
    with pytest.raises(SettingsError) as error:
        requirements.require(load(), "vertex")
    for field in ("deploy.image", "deploy.pipeline_root", "data.path", "serving"):
        assert f"{field} " in str(error.value)


@pytest.mark.parametrize(
    ("assignments", "folder"),
    [
        (VERTEX, "gs://bucket/runs"),
        (KUBEFLOW, "/mnt/models/runs"),
        ([*KUBEFLOW, "deploy.runs=gs://bucket/other"], "gs://bucket/other"),
    ],
)
def test_what_outlives_a_run_is_kept_where_components_can_write(assignments, folder):
    assert requirements.runs_folder(load([], assignments)) == folder


def test_compiling_leaves_nothing_but_the_file(tmp_path, monkeypatch):
    (tmp_path / "schemas").symlink_to(REPOSITORY / "schemas")
    monkeypatch.chdir(tmp_path)
    vertex()
    kubeflow(
        f"deploy.kubeflow.volumes=[{{claim: models, path: {tmp_path}/volume}}]",
        f"deploy.serving={tmp_path}/volume/serving",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["schemas"]


def test_limits_of_a_component_that_there_is_not_are_refused():
    with pytest.raises(SettingsError, match=r"deploy\.resources\.Evaluater: no such component"):
        vertex("deploy.resources.Evaluater={cpu: 1}")


def test_the_folder_of_deployment_hides_no_package():
    # PyPI has a package of this name; with this file, ours would take its place.
    assert not (REPOSITORY / "kubeflow" / "__init__.py").exists()


@pytest.mark.parametrize("place", ["spec", "task", "container", "platform"])
def test_a_field_that_the_schemas_do_not_know_is_not_accepted(tmp_path, place):
    spec, platform = kubeflow()
    {
        "spec": spec,
        "task": spec["root"]["dag"]["tasks"]["Transform"],
        "container": containers(spec)["Transform"],
        "platform": platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][
            "Transform_executor"
        ],
    }[place]["misspelt"] = 1
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump_all([spec, platform]))
    with pytest.raises(json_format.ParseError, match="misspelt"):
        harness.load(file)
