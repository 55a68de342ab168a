"""The real Evaluator on planted answers whose records count more or less than one each."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from fairgate import bounds
from fairgate.constraints import language
from fairgate.constraints.rates import Counts, Group
from fairgate.constraints.units import UnitCounts, UnitTable, order
from tests.components.evaluator import planted
from tests.components.evaluator.planted import GAP, Planted

EVEN = {"Red": Counts(tp=300, fp=30, tn=270, fn=20), "Blue": Counts(200, 40, 260, 10)}
NAMED = ("data.features.weight=weight", "data.features.largest_weight=4")
LINE = language.parse(f"{GAP} <= 1", {"Team": ["Red", "Blue"]})


@pytest.fixture
def verdict(tmp_path):
    """The verdict on planted outcomes."""
    number = itertools.count()

    def run(data: Planted, *assignments: str):
        settings, folder = data.settings(*assignments), tmp_path / str(next(number))
        examples = planted.examples(folder / "examples", data, "t" * 32)
        model = planted.model(folder / "model")
        return planted.verdict(
            settings, planted.judge(folder, examples, model, settings, folder / "ledger")
        )

    return run


def weighed(data: Planted) -> UnitCounts:
    """What the gate should count, from the records themselves."""
    cells, weights, teams, names = [], [], [], []
    for each in data.records("t"):
        row = tf.train.Example.FromString(each).features.feature
        label, yes = row["label"].int64_list.value[0], row["p"].float_list.value[0] > 0.5
        place = (0 if yes else 3) if label else (1 if yes else 2)
        cells.append(np.eye(4)[place])
        weights.append(row["weight"].float_list.value[0])
        names.append(row["person"].bytes_list.value[0].decode())
        teams.append("Red" if row["team"].bytes_list.value[0] == b"r" else "Blue")
    shuffled = np.argsort(order(names))
    by_row, of = np.array(cells)[shuffled], np.array(teams)[shuffled]

    def tables(rows: np.ndarray) -> dict[Group | None, UnitTable]:
        groups = {Group("Team", name): rows * (of == name)[:, None] for name in data.outcomes}
        return {group: UnitTable.of(each) for group, each in {None: rows, **groups}.items()}

    heavy = by_row * np.array(weights)[shuffled, None]
    return UnitCounts(len(cells), tables(heavy), 4.0, numbers=tables(by_row))


def test_bounds_are_over_what_records_count_where_a_weight_is_named(verdict):
    heavy = Planted(EVEN, weights=(1.0, 3.0, 0.0, 0.5))
    found, counted = verdict(heavy, "gate.limit=0.3", *NAMED), weighed(heavy)
    [row] = found.gate
    value = LINE.value(counted)
    assert found.blessed and row.value == pytest.approx(value)
    assert value != pytest.approx(LINE.value(heavy.counts), abs=1e-3)
    expected = bounds.upper_bound(LINE.expression, counted, 0.05)
    assert row.upper_bound == pytest.approx(expected) and row.upper_bound > value + 0.03
    assert (found.sampling.weighted, found.sampling.most) == (True, 4)
    red = found.models["constrained"].groups["Red"]
    assert (red.examples, red.negatives) == (620, 300)
    assert red.fpr == pytest.approx(counted[Group("Team", "Red")].rate("FPR"))
    short = verdict(heavy, f"gate.limit={row.upper_bound - 1e-6:.9f}", *NAMED)
    assert not short.blessed and short.gate[0].value_is_within


def test_weights_of_one_are_no_weights_but_for_how_bounds_are_taken(verdict):
    plain = Planted(EVEN)
    named = ("data.features.weight=weight", "data.features.largest_weight=1")
    one = verdict(plain, "gate.limit=0.3", *named)
    none = verdict(plain, "gate.limit=0.3")
    assert one.gate[0].value == none.gate[0].value
    assert none.gate[0].upper_bound < one.gate[0].upper_bound < none.gate[0].upper_bound + 0.03
    assert one.models == none.models


def test_people_with_several_records_and_weights_are_bounded_as_people(verdict):
    heavy = Planted(EVEN, each=5, weights=(1.0, 3.0, 0.0, 0.5))
    people = verdict(heavy, "gate.limit=0.3", *NAMED, "data.features.unit=person")
    apart = verdict(heavy, "gate.limit=0.3", *NAMED)
    assert people.gate[0].value == pytest.approx(apart.gate[0].value)
    assert people.gate[0].upper_bound > apart.gate[0].upper_bound + 0.01
    # Five records of at most 4 each.
    assert people.sampling.most == 20
    assert people.models == apart.models
