"""Anomalies in words."""

from __future__ import annotations

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.example_validator.executor import describe


def test_no_anomalies_are_no_lines():
    assert describe("train", anomalies_pb2.Anomalies().SerializeToString()) == []


def test_every_anomaly_names_split_column_and_what_is_wrong():
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["b"].description = "Expected data of type: INT but got BYTES"
    anomalies.anomaly_info["a"].short_description = "Out-of-range values"
    anomalies.dataset_anomaly_info.description = "too few examples"
    assert describe("test", anomalies.SerializeToString()) == [
        "split 'test': column 'a': Out-of-range values",
        "split 'test': column 'b': Expected data of type: INT but got BYTES",
        "split 'test': too few examples",
    ]
