"""The chart: dots where their numbers say, and labels that can be read."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pipeline.sweeps import chart
from pipeline.sweeps.chart import Dot

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


@pytest.mark.parametrize("spread", [0.0, 1e-3, 0.05])
@pytest.mark.parametrize("seed", range(4))
def test_labels_keep_clear_of_each_other_and_stay_in_the_picture(
    tmp_path, monkeypatch, seed, spread
):
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file: saved.append(figure))
    random = np.random.default_rng(seed)
    places = np.array([0.1, 0.9]) + spread * random.random((8, 2))
    dots = [Dot(x, y, x + 0.01, f"<= {x:.3g}", stands_out=y > 0.94) for x, y in places]
    drawn(tmp_path / "a.png", Dot(0.02, 0.8, 0.06, "<= 0.02"), *dots)
    [axes] = saved[0].axes
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text().startswith("<=")]
    assert len(boxes) == 9
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    assert all(axes.bbox.count_contains(box.corners()) == 4 for box in boxes)


def test_what_is_far_from_zero_is_not_drawn_from_zero(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file: saved.append(figure))
    high = Dot(0.85, 0.9, math.nan, "")
    drawn(tmp_path / "a.png", Dot(0.8, 0.85, math.nan, ""), high)
    drawn(tmp_path / "b.png", Dot(0.02, 0.85, math.nan, ""), high)
    assert [figure.axes[0].get_xlim()[0] > 0.7 for figure in saved] == [True, False]
    assert saved[1].axes[0].get_xlim()[0] == 0


def test_an_upright_line_parts_dots_that_no_line_joins(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file: saved.append(figure))
    dots = [Dot(x, 0.1, math.nan, label) for x, label in ((-0.2, ""), (0.3, "this one"))]
    chart.draw(dots, "title", "subtitle", "beyond", "error", tmp_path / "a.png", boundary=0.0)
    [axes] = saved[0].axes
    lines = [tuple(line.get_xdata()) for line in axes.lines]
    assert sorted(lines) == [(-0.2,), (0.0, 0.0), (0.3,)]
    assert axes.get_xlim()[0] < -0.2
    # What has no label gets none, and no thread to it.
    assert [t.get_text() for t in axes.texts if t.get_text() != "subtitle"] == ["this one"]
