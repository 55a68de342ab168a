"""The chart: dots where their numbers say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from pipeline import chart
from pipeline.chart import Dot

BLUE, ORANGE = (0x1F, 0x6F, 0xB2), (0xC2, 0x57, 0x1A)


def middle(file, color) -> tuple[float, float]:
    """Mean column and row of the pixels of a color."""
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(pixels - color).max(axis=2) < 4)
    assert len(rows) > 50
    return columns.mean(), rows.mean()


def drawn(file, *dots):
    chart.draw(dots, "title", "subtitle", "gap", "accuracy", file)
    return file


def test_more_is_farther_right_and_higher_up(tmp_path):
    free = Dot(0.10, 0.90, math.nan, "", stands_out=True)
    file = drawn(tmp_path / "a.png", free, Dot(0.02, 0.85, math.inf, ""))
    (x, y), (free_x, free_y) = middle(file, BLUE), middle(file, ORANGE)
    assert free_x > x + 300 and free_y < y - 200


def test_the_bar_reaches_to_the_bound(tmp_path):
    other = Dot(0.1, 0.9, math.nan, "", stands_out=True)
    without = drawn(tmp_path / "a.png", other, Dot(0.02, 0.8, math.nan, ""))
    with_bar = drawn(tmp_path / "b.png", other, Dot(0.02, 0.8, 0.06, ""))
    changed = np.asarray(Image.open(without)) != np.asarray(Image.open(with_bar))
    columns = np.nonzero(changed.any(axis=(0, 2)))[0]
    x, end = middle(without, BLUE)[0], middle(without, ORANGE)[0]
    assert columns.max() == pytest.approx(x + (end - x) / 2, abs=8)


def test_what_has_no_number_is_left_out(tmp_path):
    lost = Dot(math.nan, 0.5, math.nan, "lost", stands_out=True)
    file = drawn(tmp_path / "a.png", lost, Dot(0.1, 0.9, 0.2, "kept"))
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
    assert (np.abs(pixels - ORANGE).max(axis=2) >= 4).all()
    with pytest.raises(ValueError, match="nothing to draw"):
        drawn(tmp_path / "b.png", lost)
