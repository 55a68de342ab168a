"""Pictures of limits, labels that keep clear of each other, and terms that are explained."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.report import charts, terms
from fairgate.report.against import Measured, against
from fairgate.report.charts import Series


def _places(svg: str, kind: str, name: str) -> list[dict[str, str]]:
    found = re.findall(rf'<{kind} class="{name}"([^>]*)', svg)
    return [dict(re.findall(r'(\w+)="([^"]*)"', attributes)) for attributes in found]


def test_value_bound_and_limit_are_where_their_numbers_are():
    rows = [Measured("baseline", 0, 0.2, 0.4), Measured("constrained", 1, 0.05, 0.1)]
    chart = against("the gap", rows, 0.3, True, "95%")
    assert chart is not None
    ticks = dict(re.findall(r'<text class="tick" x="([\d.]+)"[^>]*>([\d.]+)</text>', chart.svg))
    by_number = {float(number): float(x) for x, number in ticks.items()}
    # The axis is straight: a place is known from two ticks.
    (a, xa), (b, xb) = sorted(by_number.items())[:2]

    def place(number: float) -> float:
        return xa + (number - a) * (xb - xa) / (b - a)

    [limit] = _places(chart.svg, "line", "limit")
    assert float(limit["x1"]) == pytest.approx(place(0.3), abs=0.3)
    bounds = [float(line["x1"]) for line in _places(chart.svg, "line", "bound")]
    assert bounds == pytest.approx([place(0.4), place(0.1)], abs=0.3)
    [shade] = _places(chart.svg, "rect", "kept")
    assert float(shade["x"]) + float(shade["width"]) == pytest.approx(place(0.3), abs=0.3)
    assert "constrained: measured 0.0500, at most 0.1000 with 95% confidence" in chart.svg


def test_of_a_limit_from_below_the_shade_is_above():
    chart = against("accuracy", [Measured("constrained", 1, 0.9, 0.87)], 0.8, False, "95%")
    assert chart is not None
    [limit], [shade] = _places(chart.svg, "line", "limit"), _places(chart.svg, "rect", "kept")
    assert float(shade["x"]) == float(limit["x1"]) and float(shade["width"]) > 10
    assert "at least 0.8700" in chart.svg


def test_what_is_not_known_is_said_and_nothing_known_is_no_picture():
    unknown = Measured("baseline", 0, None, None)
    assert against("the gap", [unknown], 0.3, True, "95%") is None
    chart = against("the gap", [unknown, Measured("now", 1, 0.1, None)], 0.3, True, "95%")
    assert chart is not None and "baseline: not measured, no bound is known" in chart.svg


@given(
    st.lists(st.tuples(st.floats(0, 0.3), st.floats(0.7, 0.9)), min_size=2, max_size=6, unique=True)
)
def test_labels_of_a_frontier_do_not_lie_over_each_other(points):
    labels = ["0.2", "0.1", "0.05", "0.02", "0.01", "0.005"][: len(points)]
    chart = charts.lines(
        "frontier", [Series("by limit", points, dots=True, labels=labels)], "x", "y", ""
    )
    assert chart is not None
    found = re.findall(r'<text class="tick" x="([\d.-]+)" y="([\d.-]+)">([\d.]+)</text>', chart.svg)
    assert [label for *_, label in found] == labels
    boxes = [(float(x), float(y), 6.2 * len(label)) for x, y, label in found]
    for (x, y, width), (other, below, wide) in itertools.combinations(boxes, 2):
        assert x + width <= other + 0.2 or other + wide <= x + 0.2 or abs(y - below) >= 11.8


def test_bars_of_a_frontier_reach_to_the_bounds():
    series = Series("by limit", [(0.1, 0.9), (0.2, 0.95)], reaches=[0.3, None], dots=True)
    chart = charts.lines("frontier", [series], "x", "y", "")
    assert chart is not None
    bars = [b for b in _places(chart.svg, "line", "interval") if b["y1"] == b["y2"]]
    assert len(bars) == 1 and float(bars[0]["x2"]) > float(bars[0]["x1"]) + 50


def test_each_term_is_explained_where_it_first_stands():
    shown = terms.marked("The false positive rate, and the negatives: a false positive rate <b>.")
    assert shown.count('popovertarget="term-false-positive-rate"') == 1
    assert 'popovertarget="term-negatives"' in shown and "&lt;b&gt;" in shown
    # What follows at once stays on the line of its word.
    assert '<span class="whole"><button' in shown and "</button>,</span>" in shown
    assert re.sub(r"<[^>]+>", "", shown).startswith("The false positive rate, and the negatives:")


def test_terms_are_words_and_not_parts_of_words():
    assert "button" not in terms.marked("unlimited evaluation, rebound, gapless")
