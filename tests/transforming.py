"""What the component Transform makes of raw rows, without the component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from components.features import Features
from components.transform.preprocessing import preprocessing_fn
from tests.tiny_dataset import record


def transform_rows(
    rows: Sequence[Mapping[str, Any]],
    schema: str,
    features: Features,
    folder: Path,
    batch: int | None = None,
) -> tuple[tft.TFTransformOutput, list[bytes]]:
    """The graph, which is written into `folder`, and each row as a serialized transformed example.

    Args:
      rows: raw, as TensorFlow Transform takes them: text as bytes.
      schema: of them, as in a pbtxt file.
      features: what the columns mean.
      folder: is made if it is not there.
      batch: rows that are looked at together; None: as many as it likes.
    """
    raw = dataset_metadata.DatasetMetadata(text_format.Parse(schema, schema_pb2.Schema()))
    config = {"features": features.model_dump_json(), "code": ""}
    with tft_beam.Context(temp_dir=str(folder / "tmp"), desired_batch_size=batch):
        (data, _), graph = (rows, raw) | tft_beam.AnalyzeAndTransformDataset(
            lambda given: preprocessing_fn(given, config)
        )
        _ = graph | tft_beam.WriteTransformFn(str(folder))
    # As the component does, which keeps the raw schema beside the graph.
    metadata_io.write_metadata(raw, str(folder / tft.TFTransformOutput.RAW_METADATA_DIR))
    records = [record({name: _plain(value) for name, value in row.items()}) for row in data]
    return tft.TFTransformOutput(str(folder)), records


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
