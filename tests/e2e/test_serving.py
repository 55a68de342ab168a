"""What was pushed is what TensorFlow Serving takes: its layout, its signature, its requests."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import predict_pb2

from pipeline.settings import Settings
from tests.e2e.runs import REPOSITORY

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def version(passed) -> Path:
    return Path(passed.verdict["pushed_model"])


@pytest.fixture(scope="module")
def graph(version):
    """What a model server reads of the file."""
    model = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    [graph] = [meta for meta in model.meta_graphs if "serve" in meta.meta_info_def.tags]
    return graph


@pytest.fixture(scope="module")
def records(place) -> list[bytes]:
    files = sorted(str(path) for path in place.data.glob("*-test.tfrecord*"))
    return [item.numpy() for item in tf.data.TFRecordDataset(files).take(5)]


@pytest.fixture(scope="module")
def answers(version, records) -> np.ndarray:
    signature = tf.saved_model.load(str(version)).signatures["serving_default"]
    return signature(examples=tf.constant(records))["probability"].numpy()


def test_the_folder_has_nothing_but_versions_and_a_version_is_a_whole_model(version):
    # A server takes every folder whose name is a number for a version, the highest for the newest.
    assert all(path.is_dir() and path.name.isdigit() for path in version.parent.iterdir())
    assert 0 < int(version.name) < 2**63
    assert (version / "saved_model.pb").is_file()
    assert (version / "variables" / "variables.index").is_file()
    assert any((version / "variables").glob("variables.data-*"))


def test_the_signature_is_one_that_a_server_answers_predict_by(graph):
    signature = graph.signature_def["serving_default"]
    assert signature.method_name == "tensorflow/serving/predict"
    [(name, given)] = signature.inputs.items()
    assert name == "examples" and given.dtype == tf.string.as_datatype_enum
    assert [dimension.size for dimension in given.tensor_shape.dim] == [-1]
    [(name, answer)] = signature.outputs.items()
    assert name == "probability" and answer.dtype == tf.float32.as_datatype_enum
    assert [dimension.size for dimension in answer.tensor_shape.dim] == [-1, 1]


def test_a_server_without_anything_of_ours_knows_every_operation(graph):
    functions = graph.graph_def.library.function
    own = {function.signature.name for function in functions}
    nodes = [graph.graph_def.node, *(function.node_def for function in functions)]
    used = {node.op for part in nodes for node in part}
    assert "DecodeImage" in used or "DecodeJpeg" in used
    assert used - own <= {*dir(tf.raw_ops)}, "TensorFlow alone has no such operation"


@pytest.mark.parametrize(
    "instance", [lambda b64: b64, lambda b64: {"examples": b64}], ids=["single", "named"]
)
def test_a_rest_request_as_the_operators_page_has_it_is_answered(
    graph, version, records, answers, instance
):
    body = json.dumps(
        {"instances": [instance({"b64": base64.b64encode(r).decode()}) for r in records]}
    )
    request = predict_request(json.loads(body), graph.signature_def["serving_default"])
    signature = tf.saved_model.load(str(version)).signatures["serving_default"]
    given = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
    found = signature(**{name: tf.constant(value) for name, value in given.items()})
    # {"predictions": [[0.1], ...]}, one row for each instance
    np.testing.assert_array_equal(found["probability"].numpy(), answers)
    assert answers.shape == (len(records), 1) and ((answers > 0) & (answers < 1)).all()


def test_the_manifest_serves_the_model_and_the_folder_that_a_run_pushes():
    file = REPOSITORY / "kubeflow" / "serving" / "tf-serving.yaml"
    deployment, service = yaml.safe_load_all(file.read_text())
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    flags = dict(argument.removeprefix("--").split("=") for argument in container["args"])
    assert flags["model_name"] == Settings().model_name
    [mount] = container["volumeMounts"]
    # deploy.serving is the folder `serving` of the volume (docs/deploy.md); Pusher adds the model's name.
    assert flags["model_base_path"] == f"{mount['mountPath']}/serving/{Settings().model_name}"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": int(flags["port"]), "http": int(flags["rest_api_port"])}
    assert {port["port"] for port in service["spec"]["ports"]} == set(ports.values())


def predict_request(body: dict, signature) -> predict_pb2.PredictRequest:
    """What TensorFlow Serving makes of a REST request in row format.

    github.com/tensorflow/serving, tensorflow_serving/util/json_tensor.cc: an instance of a signature
    with one input needs no name, and {"b64": text} stands for bytes.
    """
    rows = body["instances"]
    if not all(isinstance(row, dict) and set(row) <= set(signature.inputs) for row in rows):
        [name] = signature.inputs
        rows = [{name: row} for row in rows]
    request = predict_pb2.PredictRequest()
    for name in signature.inputs:
        values = [base64.b64decode(row[name]["b64"]) for row in rows]
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype=tf.string))
    return request
