"""Vocabularies of several columns: against sorting, however the rows are divided."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.transform import vocabularies

TEXTS = st.text(alphabet="ab:0é\t ", max_size=2) | st.sampled_from(["a\nb", "\r", "0:", ":"])
ROWS = st.lists(st.lists(st.tuples(TEXTS, TEXTS), max_size=12), max_size=5)


@given(ROWS, st.tuples(st.integers(1, 4), st.integers(1, 40)))
def test_they_are_the_most_frequent_values_of_each_column_and_the_last_of_equals_first(
    parts, sizes
):
    combiner = vocabularies._MostFrequent(sizes)
    counts: collections.Counter = collections.Counter()
    for part in parts:
        keys = [f"{column}:{value}".encode() for row in part for column, value in enumerate(row)]
        for key, count in vocabularies._count((np.array(keys, object),)):
            counts[key] += count
    # Two workers, each of which has some of the values.
    workers = [combiner.create_accumulator(), combiner.create_accumulator()]
    for place, counted in enumerate(counts.items()):
        workers[place % 2] = combiner.add_input(workers[place % 2], counted)
    found = combiner.extract_output(combiner.merge_accumulators(workers))
    for column, size in enumerate(sizes):
        values = [row[column].encode() for part in parts for row in part]
        seen = collections.Counter(v for v in values if v and b"\n" not in v and b"\r" not in v)
        assert found[column] == sorted(((n, v) for v, n in seen.items()), reverse=True)[:size]


@pytest.mark.parametrize("columns", [1, 3])
def test_a_column_without_values_has_a_vocabulary_of_one(tmp_path, columns):
    ranked = [[], [(3, b"1:x"), (1, b"y")], [(1, b"\xff")]][:columns]

    class Transform:
        def vocabulary_by_name(self, name):
            return (tmp_path / name).read_bytes().split(b"\n")[:-1]

    vocabularies._write(ranked, str(tmp_path / vocabularies.FILE))
    sizes = vocabularies.read_sizes(Transform(), columns)
    assert sizes == [1, 2, 1][:columns]
