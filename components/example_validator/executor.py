"""Executor of ExampleValidator that stops the run when there are anomalies."""

from __future__ import annotations

import os
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import executor as standard
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from fairgate.errors import DataError


class Executor(standard.Executor):
    """The standard validation; then an error in words when a split differs from its schema."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Raises DataError with one line for each anomaly of each split."""
        result = super().Do(input_dict, output_dict, exec_properties)
        anomalies = output_dict[standard_component_specs.ANOMALIES_KEY]
        artifact = artifact_utils.get_single_instance(anomalies)
        lines = []
        for split in artifact_utils.decode_split_names(artifact.split_names):
            file = os.path.join(
                artifact_utils.get_split_uri(anomalies, split), standard.DEFAULT_FILE_NAME
            )
            lines += describe(split, io_utils.read_bytes_file(file))
        if lines:
            raise DataError(
                "the data does not fit its schema:\n  "
                + "\n  ".join(lines)
                + "\nCorrect the data, or the contract in data.schema_file if the data is right"
            )
        return result


def describe(split: str, serialized: bytes) -> list[str]:
    """One line for each anomaly in a serialized `Anomalies` message."""
    anomalies = anomalies_pb2.Anomalies.FromString(serialized)
    lines = [
        f"split '{split}': column '{column}': {info.description or info.short_description}"
        for column, info in sorted(anomalies.anomaly_info.items())
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        lines.append(f"split '{split}': {anomalies.dataset_anomaly_info.description}")
    return lines
