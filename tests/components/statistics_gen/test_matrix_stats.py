"""Statistics of numbers as a matrix against TensorFlow Data Validation's own."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import json_format, text_format
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_data_validation.statistics.generators.basic_stats_generator import (
    BasicStatsGenerator,
)
from tensorflow_data_validation.statistics.generators.stats_generator import CombinerStatsGenerator
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.statistics_gen import executor
from components.statistics_gen.matrix_stats import MatrixStatsGenerator

# TFDV's own, of infinite numbers.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

# NumPy 2 leaves the bounds of TFDV's buckets in float32.
CLOSE = 1e-9 if np.lib.NumpyVersion(np.__version__) < "2.0.0" else 1e-5

SCHEMA = text_format.Parse(
    """
    feature { name: "number" type: FLOAT }
    feature { name: "whole" type: INT }
    feature { name: "same" type: FLOAT }
    feature { name: "many" type: FLOAT }
    feature { name: "never" type: FLOAT }
    feature { name: "none" type: INT }
    feature { name: "late" type: FLOAT }
    feature { name: "infinite" type: FLOAT }
    feature { name: "nan" type: FLOAT }
    feature { name: "code" type: INT int_domain { is_categorical: true } }
    feature { name: "text" type: BYTES }
    feature { name: "wrong" type: FLOAT }
    """,
    schema_pb2.Schema(),
)


def batch(number: int, rows: int = 400) -> pa.RecordBatch:
    """Of tables whose columns are awkward in all ways that TFDV knows."""
    rng = np.random.default_rng(number)
    x = rng.normal(3, 2, rows).round(1)
    lists = [list(rng.exponential(size=length)) for length in rng.integers(0, 4, rows)]
    there = rng.random(rows) < 0.7

    def some(values) -> list:
        return [[v] if has else None for v, has in zip(values, there, strict=True)]

    columns = {
        "number": pa.array(some(x), pa.list_(pa.float32())),
        "whole": pa.array(some(rng.integers(-(2**60), 2**60, rows)), pa.list_(pa.int64())),
        "same": pa.array([[2.5]] * rows, pa.list_(pa.float32())),
        "many": pa.array(lists, pa.large_list(pa.float32())),
        "none": pa.nulls(rows),
        "infinite": pa.array(some(np.where(x < 2, -np.inf, np.where(x > 4, np.inf, x)))),
        "nan": pa.array(some(np.full(rows, np.nan)), pa.list_(pa.float32())),
        "code": pa.array(some(rng.integers(0, 5, rows)), pa.list_(pa.int64())),
        "text": pa.array(some(["é", "b"] * (rows // 2)), pa.list_(pa.binary())),
        "wrong": pa.array(some(["é", "b"] * (rows // 2)), pa.list_(pa.binary())),
        "unknown": pa.array(some(x), pa.list_(pa.float32())),
    }
    if number:
        columns["late"] = pa.array(some(x * 1e-3), pa.list_(pa.float32()))
    return pa.RecordBatch.from_pydict(columns)


def statistics(
    generator: CombinerStatsGenerator, batches: Sequence[pa.RecordBatch]
) -> dict[str, dict]:
    """Column -> its statistics; each batch of a worker of its own, and packed as between workers."""
    parts = []
    for each in batches:
        part = generator.compact(generator.add_input(generator.create_accumulator(), each))
        parts.append(pickle.loads(pickle.dumps(part)))
    parts.append(generator.create_accumulator())
    made: statistics_pb2.DatasetFeatureStatistics = generator.extract_output(
        generator.merge_accumulators(parts)
    )
    assert made.num_examples == sum(each.num_rows for each in batches)
    return {feature.path.step[0]: json_format.MessageToDict(feature) for feature in made.features}


def leaves(tree, path: str = "") -> dict[str, object]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found: dict[str, object] = {}
    for key, value in items:
        here = f"{path}/{key}"
        found |= leaves(value, here) if isinstance(value, dict | list) else {here: value}
    return found


@pytest.mark.parametrize("columns", [None, ["number", "whole"], ["text"]])
@pytest.mark.parametrize("batches", [1, 3])
def test_they_are_those_of_tfdv(batches, columns):
    data = [batch(number) for number in range(batches)]
    data = [each.select(columns or each.schema.names) for each in data]
    mine = statistics(MatrixStatsGenerator(schema=SCHEMA), data)
    theirs = statistics(BasicStatsGenerator(schema=SCHEMA), data)
    assert mine.keys() == theirs.keys()
    for name, expected in theirs.items():
        found, wanted = leaves(mine[name]), leaves(expected)
        assert found.keys() == wanted.keys()
        for path, value in wanted.items():
            if isinstance(value, float):
                assert found[path] == pytest.approx(value, rel=CLOSE, abs=CLOSE), (name, path)
            else:
                assert found[path] == value, (name, path)


def test_they_take_no_more_room_than_those_of_tfdv():
    sizes = []
    for generator in (MatrixStatsGenerator(schema=SCHEMA), BasicStatsGenerator(schema=SCHEMA)):
        part = generator.create_accumulator()
        for number in range(4):
            part = generator.compact(generator.add_input(part, batch(number, 4000)))
        sizes.append(len(pickle.dumps(part)))
    assert sizes[0] < 1.1 * sizes[1]


def test_a_column_of_two_types_is_an_error_that_names_it():
    schema = text_format.Parse('feature { name: "x" type: FLOAT }', schema_pb2.Schema())
    for other in (pa.array([[1]], pa.list_(pa.int64())), pa.array([[b"a"]], pa.list_(pa.binary()))):
        columns = [pa.array([[1.0]], pa.list_(pa.float32())), other]
        batches = [pa.RecordBatch.from_arrays([column], ["x"]) for column in columns]
        with pytest.raises(TypeError, match="Cannot determine the type of feature x"):
            statistics(MatrixStatsGenerator(schema=schema), batches)


@pytest.mark.parametrize("text", ["", 'feature { name: "text" type: BYTES }'])
def test_without_numbers_tfdv_does_it_all(text):
    schema = text_format.Parse(text, schema_pb2.Schema())
    data = [batch(0), batch(1)]
    mine = statistics(MatrixStatsGenerator(schema=schema), data)
    assert mine["text"] == statistics(BasicStatsGenerator(schema=schema), data)["text"]


def test_statistics_gen_uses_them_and_leaves_tfdv_as_it_was(monkeypatch):
    used = []

    def look(*_):
        used.extend(stats_impl.get_generators(tfdv.StatsOptions(schema=SCHEMA)))
        raise StopIteration

    monkeypatch.setattr(executor.standard.Executor, "Do", look)
    with pytest.raises(StopIteration):
        executor.Executor().Do({}, {}, {})
    assert isinstance(used[0], MatrixStatsGenerator)
    assert type(stats_impl.get_generators(tfdv.StatsOptions())[0]) is BasicStatsGenerator
