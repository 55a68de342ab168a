"""An ExecutorInput as Kubeflow's launcher writes it, made into one that TFX understands, and back."""

from __future__ import annotations

import json

import pytest

from pipeline.clusters import kubeflow_entrypoint as entrypoint

TYPE = {"instanceSchema": "title: tfx.Examples\ntype: object\n"}
SPEC = {"artifacts": {"examples": {"artifactType": TYPE}}}


def invocation(uri="minio://bucket/root/examples"):
    return {
        "inputs": {
            "artifacts": {"examples": {"artifacts": [{"uri": uri, "type": {"instanceSchema": ""}}]}}
        },
        "outputs": {
            "artifacts": {
                "model": {"artifacts": [{"uri": "s3://bucket/model"}]},
                "executor-logs": {"artifacts": [{"uri": "s3://bucket/executor-logs"}]},
            },
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }


def test_an_artifact_that_nobody_declared_is_dropped():
    given = invocation()
    entrypoint.fit(given, SPEC)
    assert given["outputs"]["artifacts"].keys() == {"model"}


def test_types_and_names_of_inputs_are_restored():
    given = invocation()
    entrypoint.fit(given, SPEC)
    [artifact] = given["inputs"]["artifacts"]["examples"]["artifacts"]
    assert artifact["type"] == TYPE
    assert artifact["name"] == "minio://bucket/root/examples"


@pytest.mark.parametrize(
    ("uri", "copy"),
    [
        ("minio://bucket/a", "/minio/bucket/a"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("/mnt/data/a", "/mnt/data/a"),
    ],
)
@pytest.mark.parametrize("root", ["", "/pod"])
def test_uris_become_the_launchers_copies_and_come_back(tmp_path, monkeypatch, uri, copy, root):
    monkeypatch.setenv(entrypoint.COPIES, root)
    given = invocation(uri)
    entrypoint.fit(given, SPEC)
    [artifact] = given["inputs"]["artifacts"]["examples"]["artifacts"]
    assert artifact["uri"] == (copy if uri == copy else root + copy)
    file = tmp_path / "output_metadata.json"
    file.write_text(json.dumps({"artifacts": {"model": {"artifacts": [artifact]}}}))
    entrypoint.restore_uris(str(file))
    told = json.loads(file.read_text())
    assert told["artifacts"]["model"]["artifacts"][0]["uri"] == uri


def test_a_component_without_inputs_is_no_trouble():
    given = {"outputs": invocation()["outputs"]}
    entrypoint.fit(given, {"parameters": {}})
    assert given["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"].endswith(
        "/s3/bucket/model"
    )
