"""Histograms on arrays against TensorFlow Data Validation's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorflow_data_validation.utils import quantiles_util

from components.statistics_gen import histograms

THEIRS = quantiles_util.generate_equi_width_histogram
# Numbers that come up often and lie on borders; and any others.
NUMBERS = st.one_of(st.integers(-3, 10).map(float), st.floats(-1e6, 1e6), st.floats(width=64))


def compared(values: np.ndarray, counts: np.ndarray, buckets: int) -> None:
    """What both make of quantiles at `values` (q,), with `counts` (q,) examples up to each."""
    finite = values[np.isfinite(values)]
    least, most = (finite[0], finite[-1]) if len(finite) else (np.inf, -np.inf)
    infinite = float(np.diff(counts, prepend=0)[np.isposinf(values)].sum())
    arguments = (values, np.cumsum(counts), least, most, buckets, infinite)
    mine, theirs = histograms.equal_widths(*arguments), THEIRS(*arguments)
    assert [(b.low_value, b.high_value) for b in mine.buckets] == [
        (b.low_value, b.high_value) for b in theirs.buckets
    ]
    np.testing.assert_allclose(
        [b.sample_count for b in mine.buckets],
        [b.sample_count for b in theirs.buckets],
        rtol=1e-9,
        atol=1e-9 * max(counts.sum(), 1),
    )


@given(
    arrays.arrays(float, st.integers(2, 40), elements=NUMBERS.filter(lambda x: x == x)),
    st.integers(1, 12),
    st.integers(0, 10**6),
)
@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # theirs, of infinite numbers
def test_they_are_those_of_tfdv(values, buckets, seed):
    counts = np.random.default_rng(seed).integers(0, 9, len(values)).astype(float)
    compared(np.sort(values), counts, buckets)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).normal(size=1001),
        np.random.default_rng(2).integers(0, 3, 1001),
        np.random.default_rng(3).exponential(size=1001).round(1),
        np.linspace(0, 1, 1001),
        np.zeros(1001),
        np.array([1.0] * 1000 + [np.nextafter(1.0, 2.0)]),
    ],
    ids=["normal", "three values", "rounded", "borders", "constant", "two neighbours"],
)
def test_a_thousand_quantiles_give_those_of_tfdv(values):
    compared(np.sort(values).astype(float), np.full(1001, 1.197), 10)


def test_every_value_is_counted_once():
    values = np.sort(np.random.default_rng(4).normal(size=1001))
    made = histograms.equal_widths(values, np.arange(1, 1002.0), values[0], values[-1], 10, 0)
    assert sum(bucket.sample_count for bucket in made.buckets) == pytest.approx(1001)
