"""The executor writes what the standard one does, in files that all readers read."""

from __future__ import annotations

import json

import apache_beam as beam
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx.components.transform import executor as standard
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components import tfrecords
from components.features import CategoricalFeature
from components.transform.executor import Executor, TFRecordBatches
from components.transform.inputs import transformed_feature_spec
from tests.tiny_dataset import IMAGE, World, schema, write_dataset

SPLITS = ["train", "validation"]


@settings(deadline=None, max_examples=10)
@given(batches=st.lists(st.lists(st.binary(max_size=50), max_size=5), min_size=1, max_size=5))
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_batches_are_read_record_by_record(tmp_path_factory, suffix, batches):
    folder = tmp_path_factory.mktemp("written")
    with beam.Pipeline() as pipeline:
        _ = pipeline | beam.Create(batches) | beam.io.Write(TFRecordBatches(f"{folder}/x", suffix))
    files = list(map(str, folder.iterdir()))
    assert all(file.endswith(suffix) for file in files)
    read = [record for file in files for record in tfrecords.records(file)]
    assert sorted(read) == sorted(record for batch in batches for record in batch)


def table(features):
    """The same without pictures, with their bytes as a category."""
    return features.model_copy(
        update={"image": None, "categorical": (CategoricalFeature(name=IMAGE, vocabulary=5),)}
    )


def transformed(executor, folder, data, features):
    """Split -> (names of files, examples in order)."""
    examples, described = standard_artifacts.Examples(), standard_artifacts.Schema()
    graph, written = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    examples.uri, described.uri = str(data), str(folder / "schema")
    graph.uri, written.uri = str(folder / "graph"), str(folder / "examples")
    examples.split_names = artifact_utils.encode_split_names(SPLITS)
    (folder / "schema").mkdir(parents=True)
    (folder / "schema" / "schema.pbtxt").write_text(schema(World()))
    config = {"features": features.model_dump_json(), "code": ""}
    executor.Do(
        {"examples": [examples], "schema": [described]},
        {"transform_graph": [graph], "transformed_examples": [written]},
        {
            "preprocessing_fn": "components.transform.preprocessing.preprocessing_fn",
            "custom_config": json.dumps(config),
            "splits_config": proto_utils.proto_to_json(
                transform_pb2.SplitsConfig(analyze=["train"], transform=SPLITS)
            ),
            "disable_statistics": 1,
        },
    )
    result = {}
    for split in SPLITS:
        files = sorted((folder / "examples" / f"Split-{split}").iterdir())
        records = [record for file in files for record in tfrecords.records(str(file))]
        result[split] = [file.name for file in files], records
    return result


@pytest.mark.parametrize("picture", [True, False], ids=["pictures", "a table"])
def test_it_writes_what_the_standard_one_writes(tmp_path, picture):
    world = World()
    features = world.features if picture else table(world.features)
    data = write_dataset(tmp_path / "data", world, {"train": 30, "validation": 12})
    for split in SPLITS:
        (data / f"Split-{split}").mkdir()
        for file in data.glob(f"*-{split}.tfrecord*"):
            file.rename(data / f"Split-{split}" / file.name)
    ours = transformed(Executor(), tmp_path / "ours", data, features)
    theirs = transformed(standard.Executor(), tmp_path / "theirs", data, features)
    columns = transformed_feature_spec(features)
    for split in SPLITS:
        [name], records = ours[split]
        assert name.endswith(".gz") == (not picture)
        # Theirs in the order in which the disk lists shards.
        found, expected = (
            sorted(zip(*(parsed[name].numpy().tolist() for name in columns), strict=True), key=str)
            for parsed in (
                tf.io.parse_example(records, columns),
                tf.io.parse_example(theirs[split][1], columns),
            )
        )
        assert found == expected and len(records) > 10
