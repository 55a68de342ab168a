"""docs/deploy.md does as it says: its settings compile, its commands and knobs exist."""

from __future__ import annotations

import re

import pytest
import yaml

from pipeline.clusters import compiling
from pipeline.settings import Settings, load
from tests.deploy.commands import REPOSITORY

PAGE = (REPOSITORY / "docs" / "deploy.md").read_text()
VARIABLES = {
    "BUCKET": "a-bucket",
    "REGION": "europe-west4",
    "ACCOUNT": "fairgate@a-project.example",
    "FAIRGATE_IMAGE": "registry.example/fairgate:1",
    "GOOGLE_CLOUD_PROJECT": "a-project",
}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """The settings files on the page: Vertex's, Kubeflow's."""
    monkeypatch.chdir(REPOSITORY)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    files = []
    for block in re.findall(r"```yaml\n(   # mine\.yaml\n.*?)```", PAGE, re.S):
        files.append(tmp_path / f"{len(files)}.yaml")
        files[-1].write_text(re.sub(r"^ {3}", "", block, flags=re.M))
    vertex, kubeflow = map(str, files)
    return {"vertex": vertex, "kubeflow": kubeflow}


def test_its_settings_compile(settings):
    [endpoint] = re.findall(r"--set '(deploy\.vertex\.endpoint=.*)'", PAGE)
    job = compiling.vertex(load([settings["vertex"]], [endpoint]))
    assert job["serviceAccount"] == VARIABLES["ACCOUNT"] and job["labels"]["team"] == "faces"
    overlay = str(REPOSITORY / "kubeflow" / "overlays" / "dataflow.yaml")
    assert overlay.removeprefix(f"{REPOSITORY}/") in PAGE
    spec, _ = compiling.kubeflow(load([settings["kubeflow"]]))
    assert spec["defaultPipelineRoot"] == "minio://mlpipeline/fairgate"


def test_its_kubeflow_settings_and_the_manifest_mean_one_folder(settings):
    deploy = load([settings["kubeflow"]]).deploy
    [volume] = deploy.kubeflow.volumes
    manifest = (REPOSITORY / "kubeflow" / "serving" / "tf-serving.yaml").read_text()
    deployment = next(yaml.safe_load_all(manifest))
    pod = deployment["spec"]["template"]["spec"]
    [claim] = pod["volumes"]
    assert claim["persistentVolumeClaim"]["claimName"] == volume.claim
    [mount] = pod["containers"][0]["volumeMounts"]
    served = deploy.serving.replace(volume.path, mount["mountPath"]) + "/" + Settings().model_name
    assert f"--model_base_path={served}" in pod["containers"][0]["args"]


def test_its_knobs_are_settings():
    known = set(names(Settings().model_dump(), "")) | set(
        names({"deploy": {"vertex": {"endpoint": {"name": 0, "machine_type": 0, "keep": 0}}}}, "")
    )
    said = set(re.findall(r"`((?:deploy|trainer)(?:\.[a-z_]+)+)(?:: [^`]*)?`", PAGE))
    assert len(said) > 10 and said <= known, said - known


def test_its_commands_and_files_are_there():
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"\bmake ([a-z][a-z-]*)", PAGE))
    assert {"submit", "watch", "cancel", "image"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
    for file in re.findall(r"\b((?:kubeflow|tests|docs)/[\w/.-]+\w)", PAGE):
        assert (REPOSITORY / file).exists(), file


def names(tree: dict, prefix: str) -> list[str]:
    """Paths of all settings, those in between too."""
    found = []
    for name, value in tree.items():
        found.append(prefix + name)
        if isinstance(value, dict):
            found += names(value, f"{prefix}{name}.")
    return found
