"""Ratings of snapshots, and the choice among them."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from components.constrained_trainer.config import GateTarget, SelectionConfig
from components.constrained_trainer.examples.data import Units, relative
from components.constrained_trainer.selection import optimism
from components.constrained_trainer.selection.choosing import choose, predicted_to_pass
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.selection.snapshots import Rating, Snapshot
from fairgate import bounds
from fairgate.constraints import language
from fairgate.constraints.rates import Group
from fairgate.constraints.units import order_of_rows
from fairgate.errors import DataError
from fairgate.gate.prediction import Likeness, Size, predicted_bound
from tests.components.constrained_trainer.toy import biased_split, linear_network

FAR = Size(10**6, 10**6)
VALIDATION = biased_split(900, seed=5)
NAMES = {"G": ["a", "b"]}


def rated(*lines: str, gate: Outlook | None = None, **config):
    """(error rate, violations, excess) of the model."""
    constraints = [language.parse(line, NAMES) for line in lines]
    found = Rating(MODEL, constraints, VALIDATION, SelectionConfig(**config), gate)()
    return found["error_rate"], found["violations"], found["excess"]


MODEL = linear_network((4, 4, 1))
MODEL.set_weights([np.full((16, 1), 0.1, np.float32), np.full(1, -0.1, np.float32)])


def scores() -> np.ndarray:
    flat = VALIDATION.inputs["image"].reshape(len(VALIDATION), -1) / 127.5 - 1
    return flat @ np.full(16, 0.1) - 0.1


def test_violations_are_those_of_the_rates_of_the_whole_split():
    error, violations, _ = rated("FPR | [a] <= 0.05", "TPR | [b] >= 0.9", "PPV >= 0.7")
    yes, positive = scores() > 0, VALIDATION.labels > 0
    a, b = VALIDATION.memberships.T > 0
    assert error == np.mean(yes != positive)
    expected = [
        np.mean(yes[a & ~positive]) - 0.05,
        0.9 - np.mean(yes[b & positive]),
        # Cleared of its quotient: TPP - 0.7 PPR >= 0.
        0.7 * np.mean(yes) - np.mean(yes & positive),
    ]
    np.testing.assert_allclose(violations, expected, atol=1e-12)


def test_an_area_is_measured_from_scores():
    _, [violation], _ = rated("AUC | [a] >= 0.9")
    rows = VALIDATION.memberships[:, 0] > 0
    s, y = scores()[rows], VALIDATION.labels[rows] > 0
    pairs = np.sign(s[y][:, None] - s[~y][None, :])
    assert violation == pytest.approx(0.9 - (pairs.mean() + 1) / 2, abs=2e-3)


def test_an_upper_bound_rates_what_can_be_promised():
    line = "FPR | [a] <= 0.05"
    _, [value], _ = rated(line)
    _, [bound], _ = rated(line, rated_by="upper_bound", confidence=0.9)
    counts = VALIDATION.counts(scores())
    expected = bounds.clopper_pearson_upper(*counts[Group("G", "a")].trials("FPR"), 0.1) - 0.05
    assert bound == pytest.approx(expected) and bound > value
    _, [at_least], _ = rated("TPR | [b] >= 0.9", rated_by="upper_bound")
    _, [measured], _ = rated("TPR | [b] >= 0.9")
    assert at_least > measured


def snapshot(error: float, *violations: float, excess=()) -> Snapshot:
    return Snapshot(
        step=1,
        objective=0.5,
        error_rate=error,
        violations=np.array(violations),
        estimated_error=error,
        estimated_violations=np.array(violations),
        multipliers=np.zeros(1),
        weights=[np.array([error])],
        excess=np.array(excess),
    )


CANDIDATES = [snapshot(0.10, 0.05), snapshot(0.20, -0.05), snapshot(0.13, 0.01)]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("best", [0, 1, 0]),
        ("ranked", [0, 0, 1]),
        ("last", [0, 0, 1]),
        ("distribution", [0, 1 / 6, 5 / 6]),
    ],
)
def test_the_choice_keeps_the_constraints_or_is_a_published_one(how, expected):
    chosen = choose(CANDIDATES, SelectionConfig(choose=how))
    np.testing.assert_allclose(chosen, expected, atol=1e-9)


def useless(degree: int, error: float, *violations: float) -> Snapshot:
    return replace(snapshot(error, *violations), uselessness=degree)


@pytest.mark.parametrize("how", ["best", "ranked", "distribution"])
def test_a_useless_model_is_not_chosen_while_another_is_there(how):
    found = [useless(2, 0.1, -0.05), snapshot(0.3, 0.01)]
    assert choose(found, SelectionConfig(choose=how)).tolist() == [0, 1]
    assert choose(found[:1], SelectionConfig(choose=how)).tolist() == [1]


def test_what_errs_as_the_commonest_answer_does_is_chosen_only_where_nothing_else_is():
    config = SelectionConfig()
    broken, kept = snapshot(0.1, 0.05), snapshot(0.25, -0.01)
    commonplace = useless(1, 0.2, -0.05)
    assert choose([broken, commonplace], config).tolist() == [1, 0]
    assert choose([broken, commonplace, kept], config).tolist() == [0, 0, 1]
    assert choose([commonplace, useless(2, 0.1, -0.05)], config).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("spare", "expected"),
    # Of errors .10, .12 and .25 with a standard error of .03: what lacks all room counts two of these.
    [(0.0, 0), (0.01, 0), (0.02, 1), (0.04, 1), (0.1, 0)],
)
def test_room_is_left_to_the_limit_where_it_costs_little(spare, expected):
    found = [
        estimated(0.10, -0.01, -0.01),
        estimated(0.12, -0.03, -0.03),
        estimated(0.25, -0.05, -0.05),
    ]
    assert choose(found, SelectionConfig(), np.array([spare])).argmax() == expected
    # Room must not make it commonplace.
    assert choose(found, SelectionConfig(), np.array([spare]), commonest=0.13).argmax() == 0
    bounds_ = SelectionConfig(rated_by="upper_bound")
    assert choose(found, bounds_, np.array([spare])).argmax() == 0


def test_room_is_a_standard_error_and_no_more_than_half_of_the_limit():
    found = optimism.room(np.array([0.5, 0.01, -0.8, 0.0]), 0.04)
    np.testing.assert_allclose(found, [0.04, 0.005, 0.04, 0.0])


def estimated(error: float, measured: float, guess: float) -> Snapshot:
    """Of 100 examples, whose error rates have standard errors of 0.03 to 0.05."""
    scores = np.zeros(100, np.float32)
    return replace(snapshot(error, measured), estimated_violations=np.array([guess]), scores=scores)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([estimated(0.10, 0.02, 0.01), estimated(0.12, 0.01, -0.01)], 1),
        # Lucky on the validation split only.
        ([estimated(0.10, -0.02, 0.01), estimated(0.12, 0.01, -0.01)], 1),
        # Unlucky there: what keeps the limit on both is taken where it costs little.
        ([estimated(0.10, 0.01, -0.01), estimated(0.12, -0.01, -0.01)], 1),
        ([estimated(0.10, 0.01, -0.01), estimated(0.17, -0.01, -0.01)], 0),
        # None is estimated to keep it: the least violation.
        ([estimated(0.10, -0.01, 0.02), estimated(0.30, 0.01, 0.01)], 1),
    ],
)
def test_estimates_choose_and_the_validation_split_where_that_costs_little(candidates, expected):
    assert choose(candidates, SelectionConfig()).argmax() == expected


def test_without_constraints_the_least_error_is_best():
    for how in ("best", "distribution"):
        chosen = choose([snapshot(0.3), snapshot(0.1), snapshot(0.2)], SelectionConfig(choose=how))
        assert chosen.tolist() == [0, 1, 0]


def test_what_could_not_be_measured_is_not_chosen():
    unknown = snapshot(0.01, np.nan)
    for how in ("best", "distribution"):
        assert choose([unknown, *CANDIDATES], SelectionConfig(choose=how))[0] == 0
        with pytest.raises(DataError, match="could not be measured"):
            choose([unknown], SelectionConfig(choose=how))


# Rated by the gate.

GATE = SelectionConfig(rated_by="gate")
LINE = "FPR | [a] <= 0.2"


def outlook(sizes=None, **asked) -> Outlook:
    target = GateTarget(**{"constraints": (LINE,), "confidence": 0.95} | asked)
    return Outlook(target, sizes or dict.fromkeys((None, Group("G", "a"), Group("G", "b")), FAR))


def test_an_excess_is_what_the_gate_is_predicted_to_see_beyond_its_limits():
    counts = VALIDATION.counts(scores())
    sizes = {None: Size(80, 70), Group("G", "a"): Size(30, 30), Group("G", "b"): Size(50, 40)}
    gate = outlook(sizes, minimum_accuracy=0.9)
    error, _, excess = rated(gate=gate, rated_by="gate")
    bound, accuracy = (
        predicted_bound(language.parse(line, NAMES), counts, sizes, 1 - 0.95, 1 - 0.8)
        for line in (LINE, "ACC >= 0.9")
    )
    np.testing.assert_allclose(excess, [bound - 0.2, 0.9 - accuracy])
    assert accuracy < 1 - error  # the gate holds it by its bound, too


def test_over_units_and_weights_the_gate_is_harder_to_pass():
    n, line = len(VALIDATION), language.parse(LINE, NAMES)
    alone = outlook({None: Size(300, 300), **dict.fromkeys(VALIDATION.groups, Size(150, 150))})
    people = Units(order_of_rows(n) // 3, n // 3, most=3.0)
    in_threes = dataclasses.replace(VALIDATION, units=people)
    heavy = relative(1.0 + 9.0 * (np.arange(n) % 10 == 0))
    weighed = dataclasses.replace(
        VALIDATION, weights=heavy, units=Units(order_of_rows(n), n, float(heavy.max()))
    )
    assert alone.over_units_of(VALIDATION, scores()).by_unit is None
    for split in (in_threes, weighed):
        gate = alone.over_units_of(split, scores())
        counts, sizes = split.counts(scores()), alone.sizes
        like = Likeness(split.by_unit(scores() > 0, "betting"), sizes)
        bound = predicted_bound(line, counts, sizes, 1 - 0.95, 1 - 0.8, like=like)
        assert gate.excess(counts)[0] == pytest.approx(bound - 0.2)
        assert gate.excess(counts)[0] > alone.excess(counts)[0] + 0.002
        # Where there is no baseline, some model's outcomes are drawn.
        drawn = alone.over_units_of(split, None)
        assert drawn.excess(counts)[0] > alone.excess(counts)[0] + 0.002


def test_a_smaller_gate_is_harder_to_pass():
    counts = VALIDATION.counts(scores())
    small = {None: Size(40, 40), Group("G", "a"): Size(20, 20), Group("G", "b"): Size(20, 20)}
    assert outlook(small).excess(counts)[0] > outlook().excess(counts)[0]


def test_one_answer_to_everybody_is_never_predicted_to_pass():
    gate = outlook(constraints=("max_gap(FPR, [G]) <= 0.5",))
    assert np.isinf(gate.excess(VALIDATION.counts(np.full(len(VALIDATION), -1.0)))).all()
    assert np.isfinite(gate.excess(VALIDATION.counts(scores()))).all()


def test_what_the_gate_cannot_measure_is_not_predicted_to_pass():
    sizes = {None: Size(9, 9), Group("G", "a"): Size(9, 0), Group("G", "b"): Size(0, 9)}
    assert outlook(sizes).excess(VALIDATION.counts(scores()))[0] == np.inf


def test_of_those_predicted_to_pass_the_least_error_is_best():
    # The trainer's own violation (the first number) plays no part.
    found = [
        snapshot(0.10, -0.5, excess=(0.001, -0.2)),
        snapshot(0.15, 0.5, excess=(-0.01, -0.2)),
        snapshot(0.14, 0.5, excess=(0.0, -0.1)),
        snapshot(0.11, -0.5, excess=(-0.2, 0.01)),
    ]
    chosen = choose(found, GATE)
    assert chosen.tolist() == [0, 0, 1, 0] and predicted_to_pass(found, chosen) is True


def test_where_none_is_predicted_to_pass_the_worst_excess_is_least():
    found = [snapshot(0.1, excess=(0.03, -1)), snapshot(0.3, excess=(0.01, 0.02))]
    chosen = choose(found, GATE)
    assert chosen.tolist() == [0, 1] and predicted_to_pass(found, chosen) is False


def test_a_mixture_may_be_predicted_to_pass_where_no_snapshot_of_less_error_is():
    found = [snapshot(0.10, excess=(0.02,)), snapshot(0.20, excess=(-0.02,))]
    chosen = choose(found, SelectionConfig(rated_by="gate", choose="distribution"))
    np.testing.assert_allclose(chosen, [0.5, 0.5])
    assert predicted_to_pass(found, chosen) is True


def test_a_gate_of_which_nothing_can_be_predicted_leaves_the_trainers_own_choice():
    found = [snapshot(each.error_rate, *each.violations, excess=(np.inf,)) for each in CANDIDATES]
    chosen = choose(found, GATE)
    assert chosen.tolist() == choose(CANDIDATES, SelectionConfig()).tolist()
    assert predicted_to_pass(found, chosen) is False


def test_without_a_gate_the_choice_is_by_the_trainers_constraints_as_measured():
    chosen = choose(CANDIDATES, GATE)
    assert chosen.tolist() == choose(CANDIDATES, SelectionConfig()).tolist()
    assert predicted_to_pass(CANDIDATES, chosen) is None


def taken(model=MODEL) -> Snapshot:
    rating = Rating(
        model, [language.parse("FPR | [b] <= 0.1", NAMES)], VALIDATION, SelectionConfig()
    )
    weights = [np.array(weight) for weight in model.get_weights()]
    return Snapshot(step=10, objective=0.5, multipliers=np.zeros(1), weights=weights, **rating())


def test_a_shifted_snapshot_is_what_its_weights_do():
    rating = Rating(
        MODEL, [language.parse("FPR | [b] <= 0.1", NAMES)], VALIDATION, SelectionConfig()
    )
    found = rating.shifted([taken()])
    assert len(found) > 3 and all(each.shift for each in found)
    own = MODEL.get_weights()
    try:
        for each in found:
            MODEL.set_weights(each.weights)
            again = rating()
            assert again["error_rate"] == each.error_rate
            np.testing.assert_allclose(again["violations"], each.violations, atol=1e-12)
            np.testing.assert_allclose(again["scores"], each.scores, atol=1e-5)
    finally:
        MODEL.set_weights(own)
    assert min(each.worst for each in found) <= 0 < taken().worst


def test_room_is_that_of_the_constraint_whose_piece_it_is():
    lines = ["max_gap(FPR, [G]) <= 0.1", "TPR | [a] >= 0.7"]
    constraints = [language.parse(line, NAMES) for line in lines]
    rating = Rating(MODEL, constraints, VALIDATION, SelectionConfig(), spread=0.08)
    assert len(rating.pieces) == 3
    np.testing.assert_allclose(rating.room, [0.05, 0.05, 0.08])


@pytest.mark.parametrize("spread", [0.0, 0.045])
def test_thresholds_with_room_to_the_limit_are_worth_a_look(spread):
    constraints = [language.parse("FPR | [b] <= 0.1", NAMES)]
    rating = Rating(MODEL, constraints, VALIDATION, SelectionConfig(), spread=spread)
    kept = [each.worst for each in rating.shifted([taken()])]
    assert min(kept) <= 0
    assert (min(kept) <= -0.045) == bool(spread)


def test_nothing_is_shifted_where_no_threshold_moves_the_constraint():
    for lines in ([], ["AUC | [a] >= 0.9"]):
        constraints = [language.parse(line, NAMES) for line in lines]
        rating = Rating(MODEL, constraints, VALIDATION, SelectionConfig())
        assert rating.shifted([taken()]) == []
