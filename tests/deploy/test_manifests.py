"""Manifests and Dockerfile: what Kubernetes' own models and the lock file say of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.deploy.test_kubeflow_job import kubernetes_object

KUBEFLOW = Path(__file__).parents[2] / "kubeflow"
MODELS = {
    "Deployment": "V1Deployment",
    "Service": "V1Service",
    "Role": "V1Role",
    "RoleBinding": None,  # its subjects are RBAC-specific in this client
}


def documents(file: str) -> list[dict]:
    return list(yaml.safe_load_all((KUBEFLOW / file).read_text()))


@pytest.mark.parametrize("file", ["serving/tf-serving.yaml", "rbac.yaml"])
def test_manifests_have_the_fields_that_kubernetes_knows(file):
    for document in documents(file):
        if MODELS[document["kind"]] is not None:
            kubernetes_object(document, MODELS[document["kind"]])


def test_the_model_server_is_not_root_is_limited_and_is_probed():
    deployment, service = documents("serving/tf-serving.yaml")
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert {"readinessProbe", "livenessProbe", "startupProbe"} <= set(container)
    assert (
        service["spec"]["selector"].items()
        <= deployment["spec"]["template"]["metadata"]["labels"].items()
    )
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == ports


def test_the_role_allows_what_the_launcher_asks_for():
    role, binding = documents("rbac.yaml")
    allowed = {
        (resource, verb)
        for r in role["rules"]
        for resource in r["resources"]
        for verb in r["verbs"]
    }
    assert allowed == {
        ("tfjobs", "create"),
        ("tfjobs", "get"),
        ("tfjobs", "delete"),
        ("pods/log", "get"),
    }
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_the_image_is_pinned_not_root_and_has_one_keras():
    text = (KUBEFLOW / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text, re.M)
    assert "--frozen" in text and "TF_USE_LEGACY_KERAS" not in text
    assert re.search(r"^USER 1000", text, re.M) and "HEALTHCHECK" in text


def test_the_image_holds_what_the_pipeline_needs_and_nothing_is_compiled():
    text = (KUBEFLOW / "Dockerfile").read_text()
    groups = tomllib.loads((KUBEFLOW.parent / "pyproject.toml").read_text())["dependency-groups"]
    syncs = re.findall(r"uv sync (.*?)(?: &&|$)", text, re.M)
    assert len(syncs) == 2
    for sync in syncs:
        options = sync.split()
        # The library comes with the code: a change of it must not make the environment anew.
        assert {"--frozen", "--no-default-groups", "--no-install-project"} <= set(options)
        named = [options[i + 1] for i, option in enumerate(options) if option == "--group"]
        assert named == ["pipeline"] and "pipeline" in groups
    assert not re.search(r"g\+\+|gcc|build-essential|python3\.11-dev", text)


def test_the_image_finds_the_code_and_the_library_from_any_folder():
    text = (KUBEFLOW / "Dockerfile").read_text()
    [folder] = re.findall(r"^FROM base AS code\nWORKDIR (\S+)$", text, re.M)
    assert f"PYTHONPATH={folder}:{folder}/src " in text
    assert f"COPY --from=library /library {folder}/src\n" in text


def test_whatever_the_dockerfile_copies_is_in_the_build_context():
    text = (KUBEFLOW / "Dockerfile").read_text()
    ignored = (KUBEFLOW / "Dockerfile.dockerignore").read_text().splitlines()
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.M)
        for source in line.split()[:-1]
    }
    assert copied and {f"!{source}" for source in copied} <= set(ignored)
    assert all((KUBEFLOW.parent / source).exists() for source in copied)
