"""How a test split's input columns differ from an earlier one's: TensorFlow Data Validation's distances.

Categories by the L-infinity norm, the largest difference in the share of one value; numbers by the
Jensen-Shannon divergence of histograms, 0 where they are alike and 1 where they share nothing. TFDV's
histograms are coarse, so that the divergence of two draws of one source is not 0. How far the splits of
one run are apart says what it is then.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_data_validation as tfdv
from PIL import Image, UnidentifiedImageError
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components import folders
from components.features import Features

Statistics = statistics_pb2.DatasetFeatureStatisticsList

_PICTURES = 1000  # of each split, whose brightness is looked at
_MOST_ROWS = 15
BRIGHTNESS, CONTRAST = "brightness of the picture", "contrast of the picture"


def gather(
    statistics: str, splits: Mapping[str, str], features: Features, of: str = "test"
) -> tuple[str, dict[str, float]]:
    """(statistics of a split's inputs in base64, column -> how far this run's other splits are apart).

    Args:
      statistics: folder of StatisticsGen's.
      splits: name -> folder of its raw examples.
      features: what the columns mean.
      of: which split.
    """
    found = {split: _inputs(statistics, split, splits[split], features) for split in splits}
    apart: dict[str, float] = {}
    for split in set(splits) - {of}:
        for name, distance in distances(found[split], found[of]).items():
            apart[name] = max(apart.get(name, 0.0), distance)
    return base64.b64encode(found[of].SerializeToString()).decode(), apart


def _inputs(folder: str, split: str, examples: str, features: Features) -> Statistics:
    """Statistics of everybody's inputs and groups; of pictures, of their brightness and contrast."""
    with tf.io.gfile.GFile(os.path.join(folder, f"Split-{split}", "FeatureStats.pb"), "rb") as file:
        [whole] = [
            each
            for each in Statistics.FromString(file.read()).datasets
            if each.name in ("", "All Examples")
        ]
    picture = features.image.name if features.image is not None else None
    names = set(features.input_columns) - {picture}
    kept = [each for each in whole.features if each.path.step[0] in names]
    if picture is not None:
        seen = tfdv.generate_statistics_from_dataframe(_looks(examples, picture))
        kept += seen.datasets[0].features
    one = statistics_pb2.DatasetFeatureStatistics(num_examples=whole.num_examples, features=kept)
    return Statistics(datasets=[one])


def _looks(folder: str, column: str) -> pd.DataFrame:
    """Mean and standard deviation of grey, 0 to 255, of pictures from the beginnings of all shards."""
    files = folders.inside(folder)
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    records = tf.data.Dataset.from_tensor_slices(files).interleave(
        lambda file: tf.data.TFRecordDataset(file, compression_type=compression),
        cycle_length=len(files),
    )
    rows = []
    for record in records.take(_PICTURES).as_numpy_iterator():
        value = tf.train.Example.FromString(record).features.feature[column].bytes_list.value
        try:
            with Image.open(io.BytesIO(value[0])) as picture:
                picture.draft("L", (64, 64))
                grey = np.asarray(picture.convert("L"), np.float64)
        except (OSError, ValueError, IndexError, UnidentifiedImageError):
            continue  # what is wrong with it, ImportExampleGen has said
        rows.append((grey.mean(), grey.std()))
    return pd.DataFrame(rows, columns=[BRIGHTNESS, CONTRAST], dtype=float)


def distances(one: Statistics, other: Statistics) -> dict[str, float]:
    """Column that both have -> TFDV's distance: of names L-infinity, of numbers Jensen-Shannon."""
    kinds = [{f.path.step[0]: f for f in each.datasets[0].features} for each in (one, other)]
    schema = schema_pb2.Schema()
    for name in kinds[0].keys() & kinds[1].keys():
        names = [_is_named(kind[name]) for kind in kinds]
        if names[0] != names[1]:
            continue
        column = schema.feature.add(name=name, type=int(_TYPES[kinds[1][name].type]))
        comparator = column.drift_comparator
        measure = comparator.infinity_norm if names[0] else comparator.jensen_shannon_divergence
        measure.threshold = 0.0  # the distance itself is wanted
    found = tfdv.validate_statistics(other, schema, previous_statistics=one).drift_skew_info
    return {each.path.step[0]: each.drift_measurements[0].value for each in found}


_TYPES = {
    statistics_pb2.FeatureNameStatistics.INT: schema_pb2.INT,
    statistics_pb2.FeatureNameStatistics.FLOAT: schema_pb2.FLOAT,
    statistics_pb2.FeatureNameStatistics.STRING: schema_pb2.BYTES,
    statistics_pb2.FeatureNameStatistics.BYTES: schema_pb2.BYTES,
}


def drift(then: Statistics, now: Statistics, apart: Mapping[str, float]) -> dict[str, Any]:
    """What a report shows of inputs: `words`, `rows`, the most changed first, and how many are `left`.

    A column has moved where its distance is more than twice that of this run's own splits, and 0.01.

    Args:
      then: inputs of the test split of the last pushed model.
      now: of this one.
      apart: column -> how far this run's other splits are from its test split.
    """
    was, is_now = ({f.path.step[0]: f for f in each.datasets[0].features} for each in (then, now))
    rows: list[dict[str, Any]] = [
        {
            "column": name,
            "kind": "categories" if _is_named(is_now[name]) else "numbers",
            "distance": distance,
            "apart": apart.get(name),
            "moved": distance > 2 * apart.get(name, 0.0) + 0.01,
            "change": _change(was[name], is_now[name]),
        }
        for name, distance in distances(then, now).items()
    ]
    rows.sort(key=lambda row: (not row["moved"], -row["distance"], row["column"]))
    moved = [row["column"] for row in rows if row["moved"]]
    words = (
        f"{len(moved)} of {len(rows)} inputs moved further than the splits of this run are apart: "
        f"{_some(moved)}."
        if moved
        else f"None of {len(rows)} inputs moved further than the splits of this run are apart."
    )
    gone = sorted(was.keys() - is_now.keys())
    new = sorted(is_now.keys() - was.keys())
    words += f" No longer an input: {_some(gone)}." if gone else ""
    words += f" New among the inputs: {_some(new)}." if new else ""
    return {"words": words, "rows": rows[:_MOST_ROWS], "left": max(len(rows) - _MOST_ROWS, 0)}


def drift_of(then: bytes, now: str, apart: Mapping[str, float]) -> dict[str, Any]:
    """As `drift`, of the last pushed model's file and this run's `ReportData.inputs`."""
    return drift(Statistics.FromString(then), Statistics.FromString(base64.b64decode(now)), apart)


def _some(names: Iterable[str], most: int = 6) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _is_named(column: Any) -> bool:
    return bool(column.HasField("string_stats"))


def _change(one: Any, other: Any) -> str:
    """In words: of numbers the median, of names the share that changed most."""
    if not _is_named(one):
        return f"median {one.num_stats.median:.4g}, now {other.num_stats.median:.4g}"
    shares = [_shares(each) for each in (one, other)]
    every = shares[0].keys() | shares[1].keys()
    if not every:
        return ""
    name = max(
        sorted(every), key=lambda value: abs(shares[0].get(value, 0) - shares[1].get(value, 0))
    )
    return f"share of {name}: {shares[0].get(name, 0):.3f}, now {shares[1].get(name, 0):.3f}"


def _shares(column: Any) -> dict[str, float]:
    buckets = column.string_stats.rank_histogram.buckets
    total = column.string_stats.common_stats.num_non_missing
    return {each.label: each.sample_count / total for each in buckets} if total else {}
