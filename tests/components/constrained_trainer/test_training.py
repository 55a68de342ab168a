"""Training: constraints that bind, seeds that repeat, snapshots that are chosen as published."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.constrained_trainer import telling
from components.constrained_trainer.config import (
    GateTarget,
    MultiplierConfig,
    SelectionConfig,
)
from components.constrained_trainer.selection import choosing
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.selection.snapshots import predict_scores
from components.constrained_trainer.training import train
from fairgate.constraints import language, linear
from fairgate.constraints.rates import Group
from fairgate.errors import DataError, SettingsError
from fairgate.gate.prediction import sizes_of
from fairgate.optimization.candidates import find_best_candidate_index
from tests.components.constrained_trainer.toy import (
    GROUPS,
    biased_split,
    changed,
    gap_of,
)
from tests.components.constrained_trainer.trainings import CONFIG, GAP, LIMIT, configured


def accuracy_of(model, split) -> float:
    return split.counts(predict_scores(model, split))[None].rate("ACC")


@pytest.fixture(scope="module")
def constrained(splits):
    return train(splits[0], splits[1], configured(constraints=(GAP,)))


# What the gate that follows changes.


def test_a_training_that_knows_its_gate_says_whether_it_will_pass(splits):
    # Of two splits of one size, so that what was seen on the one is what the other will show.
    sizes = sizes_of(splits[1].counts(np.zeros(len(splits[1]))))
    config = configured(
        constraints=(GAP,), steps=400, snapshots=8, selection=SelectionConfig(rated_by="gate")
    )
    found = {}
    for limit in (0.5, 0.001):
        gate = GateTarget(constraints=(f"max_gap(FPR, [G]) <= {limit}",), confidence=0.95)
        found[limit] = train(splits[0], splits[1], config, outlook=Outlook(gate, sizes))
    wide, narrow = found[0.5], found[0.001]
    errors = [snapshot.error_rate for snapshot in wide.snapshots]
    assert wide.predicted_to_pass is True and wide.chosen.error_rate == min(errors)
    excess = [snapshot.excess[0] for snapshot in narrow.snapshots]
    assert narrow.predicted_to_pass is False and narrow.chosen.excess[0] == min(excess)
    # Without a gate, by the trainer's own constraints as measured.
    free = train(splits[0], splits[1], config)
    kept = [snapshot.error_rate for snapshot in free.snapshots if snapshot.worst <= 0]
    assert free.chosen.worst <= 0 and free.chosen.error_rate == min(kept)
    assert free.predicted_to_pass is None


def test_no_group_gets_worse_than_with_the_baseline_where_that_is_asked(splits, baseline):
    weights, validation = baseline.model.get_weights(), splits[1]
    before = validation.counts(predict_scores(baseline.model, validation))
    gap = "max_gap(FPR, [G]) <= 0.03"
    worst = {}
    for asked in ((gap,), (gap, "FNR | [a] <= baseline + 0.02", "FNR | [b] <= baseline + 0.02")):
        config = configured(constraints=asked, selection=SelectionConfig())
        result = train(*splits[:2], config, baseline=weights)
        after = validation.counts(predict_scores(result.model, validation))
        worst[len(asked)] = max(after[g].rate("FNR") - before[g].rate("FNR") for g in GROUPS)
        assert gap_of(result.model, validation) <= 0.03
    assert worst[3] <= 0.02 < worst[1]  # the gap alone is closed at somebody's cost


def test_a_constraint_against_a_baseline_needs_one(splits):
    with pytest.raises(SettingsError, match="this training was given none"):
        train(*splits[:2], configured(constraints=("FNR | [a] <= baseline",), steps=20))


def test_the_baseline_is_one_more_to_choose_from(splits, baseline):
    weights = baseline.model.get_weights()
    config = configured(
        constraints=("max_gap(FPR, [G]) <= 0.5",),
        steps=20,
        snapshots=2,
        selection=SelectionConfig(),
    )
    result = train(*splits[:2], config, baseline=weights)
    first = result.snapshots[0]
    assert first.step == 0 and first.error_rate == baseline.chosen.error_rate
    # Twenty steps from nothing are no match for it: it keeps this limit, and errs least.
    assert result.chosen.step == 0
    commonest, own, by_group, chosen = result.yardsticks
    # At its own threshold or a better one.
    assert chosen.name == "the chosen model"
    assert chosen.error_rate == result.chosen.error_rate <= own.error_rate
    assert own.error_rate == first.error_rate < commonest.error_rate
    assert by_group.sees_groups and by_group.worst == 0
    told = " ".join(telling.sentences(result))
    assert "the baseline" in told and "It keeps the constraints of its training" in told
    # The training itself is the one that would have been without it.
    alone = train(*splits[:2], config)
    np.testing.assert_array_equal(alone.snapshots[0].weights[0], result.snapshots[1].weights[0])


def test_a_constraint_that_no_choice_keeps_is_told(splits):
    config = configured(
        constraints=("FPR | [b] <= 0.01", "TPR | [b] >= 0.95"),
        steps=50,
        snapshots=2,
        selection=SelectionConfig(),
    )
    told = " ".join(telling.sentences(train(*splits[:2], config)))
    assert "breaks a constraint of its training on the validation split" in told and "[G=b]" in told


def test_noise_has_no_solution_and_what_would_help_is_said(splits):
    """Also where some threshold looks fair and better than the commonest answer, by luck."""
    rng = np.random.default_rng(4)
    given, held = (replace(split, labels=rng.permutation(split.labels)) for split in splits[:2])
    given, held = (split.take(np.arange(200)) for split in (given, held))
    config = configured(steps=50, snapshots=5, selection=SelectionConfig())
    free = train(given, held, config)
    assert not free.is_useful and telling.helping(free)[0].startswith("Inputs that tell more")
    bound = changed(config, constraints=("max_gap(FPR, [G]) <= 0.2",))
    result = train(given, held, bound, baseline=free.model.get_weights())
    assert (
        not result.is_useful
        and "tell positives from negatives no better" in telling.no_solution(result)
    )
    assert any("Not even the baseline" in said for said in telling.helping(result))
    assert not any(snapshot.shift for snapshot in result.snapshots)


def test_a_model_of_use_needs_no_help(baseline):
    assert telling.no_solution(baseline) is None and telling.helping(baseline) == []


# What constraints do.


def test_a_violated_constraint_becomes_satisfied_at_a_small_cost_in_accuracy(
    splits, baseline, constrained
):
    test = splits[2]
    assert gap_of(baseline.model, test) > 4 * LIMIT
    assert gap_of(constrained.model, splits[1]) < LIMIT + 0.01  # where the snapshot was chosen
    assert gap_of(constrained.model, test) < LIMIT + 0.02
    cost = accuracy_of(baseline.model, test) - accuracy_of(constrained.model, test)
    assert accuracy_of(baseline.model, test) > 0.88 and cost < 0.025
    # Not by saying No to everybody, as the tutorial's own model nearly does.
    counts = test.counts(predict_scores(constrained.model, test))
    assert counts[None].rate("TPR") > 0.7


@pytest.mark.parametrize(
    ("regret", "update"),
    [("swap", "additive"), ("external", "multiplicative"), ("external", "additive")],
)
def test_every_kind_of_multiplier_player_closes_the_gap(splits, regret, update):
    config = configured(
        constraints=(GAP,),
        multipliers=MultiplierConfig(learning_rate=0.1, regret=regret, update=update),
    )
    result = train(splits[0], splits[1], config)
    assert gap_of(result.model, splits[2]) < LIMIT + 0.02
    assert accuracy_of(result.model, splits[2]) > 0.82


def test_a_constraint_on_one_group_acts_on_that_group(splits, baseline):
    # The second group's rate is the high one; holding the first one's down must not be mistaken for it.
    test = splits[2]
    free = baseline_counts = test.counts(predict_scores(baseline.model, test))
    high = free[GROUPS[1]].rate("FPR")
    assert high > 0.15 > free[GROUPS[0]].rate("FPR")
    result = train(splits[0], splits[1], configured(constraints=("FPR | [b] <= 0.08",)))
    held = test.counts(predict_scores(result.model, test))
    # Two standard errors of 500 negatives on the validation split above the limit, at most.
    assert held[GROUPS[1]].rate("FPR") < 0.08 + 0.025
    assert abs(held[GROUPS[0]].rate("FPR") - baseline_counts[GROUPS[0]].rate("FPR")) < 0.05


def test_the_gap_over_three_groups_is_closed():
    groups = tuple(Group("G", name) for name in ("a", "b", "c"))
    training_split, validation, test = (biased_split(6000, seed, groups) for seed in (4, 5, 6))
    free = train(training_split, validation, CONFIG)
    held = train(training_split, validation, configured(constraints=(GAP,)))
    assert gap_of(free.model, test) > 0.1 and gap_of(held.model, test) < LIMIT + 0.02
    assert len(held.constraints) == 6  # every ordered pair
    assert accuracy_of(held.model, test) > accuracy_of(free.model, test) - 0.04


def test_a_constraint_from_below_is_kept(splits):
    config = configured(
        constraints=("TPR | [a] >= 0.9",), multipliers=MultiplierConfig(learning_rate=0.3)
    )
    result = train(splits[0], splits[1], config)
    counts = splits[2].counts(predict_scores(result.model, splits[2]))
    assert counts[GROUPS[0]].rate("TPR") > 0.87


def test_a_constraint_that_holds_anyway_costs_nothing(splits, baseline):
    result = train(splits[0], splits[1], configured(constraints=("max_gap(FPR, [G]) <= 0.9",)))
    accuracy = accuracy_of(baseline.model, splits[2])
    assert accuracy_of(result.model, splits[2]) == pytest.approx(accuracy, abs=0.01)
    assert result.snapshots[-1].multipliers.max() < 0.05


# Seeds.


def test_the_same_seed_gives_the_same_weights(splits, constrained):
    again = train(splits[0], splits[1], configured(constraints=(GAP,)))
    assert again.best == constrained.best
    for one, two in zip(constrained.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_another_seed_gives_other_weights(splits, constrained):
    other = train(splits[0], splits[1], configured(constraints=(GAP,), seed=4))
    assert not np.array_equal(other.model.get_weights()[0], constrained.model.get_weights()[0])


def test_minibatches_do_not_depend_on_the_number_of_snapshots(splits):
    few, many = (
        train(splits[0], splits[1], configured(constraints=(GAP,), steps=60, snapshots=n))
        for n in (1, 6)
    )
    last = many.snapshots[-1]
    assert few.snapshots[-1].step == last.step == 60
    for one, two in zip(few.snapshots[-1].weights, last.weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


# The optimizers inside.


def test_the_learning_rate_decays_to_zero(splits):
    result = train(splits[0], splits[1], configured(steps=400, snapshots=8))
    moves = [
        max(np.abs(a - b).max() for a, b in zip(one.weights, two.weights, strict=True))
        for one, two in zip(result.snapshots, result.snapshots[1:], strict=False)
    ]
    assert moves[-1] < 0.2 * moves[0]


def test_the_violated_constraint_gains_a_multiplier_that_counts(constrained):
    multipliers = np.array([snapshot.multipliers for snapshot in constrained.snapshots])
    assert multipliers.shape == (12, 2)  # the two ordered pairs of groups
    assert multipliers.min() >= 0
    # The start is large enough to act, and the pair that is violated outgrows the other.
    assert multipliers[:, 1].max() > 0.1 and multipliers[-1, 1] > 5 * multipliers[-1, 0]


# Snapshots.


@pytest.mark.parametrize(
    ("steps", "snapshots", "expected"),
    [(10, 1, [10]), (10, 2, [5, 10]), (10, 3, [3, 7, 10]), (5, 5, [1, 2, 3, 4, 5])],
)
def test_snapshots_are_spaced_equally_and_include_the_last_step(splits, steps, snapshots, expected):
    seen = []
    result = train(
        splits[0],
        splits[1],
        configured(steps=steps, snapshots=snapshots),
        on_moment=lambda moment: moment.snapshot and seen.append(moment.snapshot.step),
    )
    assert [snapshot.step for snapshot in result.snapshots] == seen == expected


def test_snapshots_are_rated_on_the_whole_validation_split(splits, constrained):
    validation = splits[1]
    constraint = language.parse(GAP, {"G": ["a", "b"]})
    pieces = linear.linearize(constraint)
    for index in (0, constrained.best):
        snapshot = constrained.snapshots[index]
        weights, bias = snapshot.weights
        flat = validation.inputs["image"].reshape(len(validation), -1) / 127.5 - 1
        scores = (flat @ weights + bias).ravel()  # the linear network, by hand
        yes, positive = scores > 0, validation.labels > 0
        assert snapshot.error_rate == pytest.approx(np.mean(yes != positive), abs=1e-3)
        fpr = [np.mean(yes[(member > 0) & ~positive]) for member in validation.memberships.T]
        by_hand = {fpr[0] - fpr[1] - LIMIT, fpr[1] - fpr[0] - LIMIT}
        assert len(pieces) == 2
        np.testing.assert_allclose(sorted(snapshot.violations), sorted(by_hand), atol=3e-3)


def test_the_model_is_the_snapshot_that_the_published_heuristic_chooses(splits, constrained):
    snapshots = constrained.snapshots
    best = find_best_candidate_index(
        [snapshot.error_rate for snapshot in snapshots],
        np.array([snapshot.violations for snapshot in snapshots]),
    )
    assert constrained.best == best and constrained.chosen is snapshots[best]
    for kept, weight in zip(
        constrained.chosen.weights, constrained.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(kept, weight)


def test_the_heuristic_decides_and_not_the_last_step(splits, monkeypatch):
    monkeypatch.setattr(
        choosing.candidates, "find_best_candidate_index", lambda objectives, constraints: 1
    )
    result = train(splits[0], splits[1], configured(steps=40, snapshots=4))
    assert result.best == 1 and result.chosen.step == 20
    np.testing.assert_array_equal(result.model.get_weights()[0], result.snapshots[1].weights[0])
    assert not np.array_equal(result.snapshots[1].weights[0], result.snapshots[3].weights[0])


def test_snapshots_do_not_change_after_they_are_taken(splits):
    taken = []
    train(
        splits[0],
        splits[1],
        configured(steps=40, snapshots=4),
        on_moment=lambda m: (
            m.snapshot and taken.append((m.snapshot, [w.copy() for w in m.snapshot.weights]))
        ),
    )
    assert len(taken) == 4
    for snapshot, weights in taken:
        for one, two in zip(snapshot.weights, weights, strict=True):
            np.testing.assert_array_equal(one, two)


# What goes wrong.


@pytest.mark.parametrize("constraints", [(), (GAP,)])
def test_a_loss_that_is_not_finite_stops_training_and_names_the_step(splits, constraints):
    network = "tests.components.constrained_trainer.toy:exploding_network"
    config = configured(network=network, constraints=constraints, steps=20, snapshots=4)
    with pytest.raises(
        FloatingPointError,
        match=r"not finite at step 1 .*trainer\.learning_rate.*look at the input",
    ):
        train(splits[0], splits[1], config)


def test_a_constraint_over_an_unknown_group_is_refused(splits):
    with pytest.raises(ValueError, match="Young"):
        train(splits[0], splits[1], configured(constraints=("max_gap(FPR, [Young]) <= 0.1",)))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_constraint_that_a_split_cannot_measure_is_refused_before_training(splits, split):
    position = ["train", "validation"].index(split)
    whole = splits[position]
    keep = ~((whole.memberships[:, 1] > 0) & (whole.labels == 0))
    lacking = whole.take(np.flatnonzero(keep))
    given = [lacking if index == position else splits[index] for index in (0, 1)]
    with pytest.raises(DataError) as error:
        train(*given, configured(constraints=(GAP,)), on_moment=pytest.fail)
    message = str(error.value)
    assert f"cannot be measured on split '{split}'" in message and "[G=b]" in message
    assert "and 0 negative" in message and "trainer.constraints" in message
    # Without the constraint there is nothing to measure.
    train(*given, configured(steps=2, snapshots=1))


def test_scores_are_those_of_the_model_for_any_number_of_pictures(splits, baseline):
    for count in (1, 1023, 1024, 1025, 3000):
        part = splits[2].take(np.arange(count))
        scores = predict_scores(baseline.model, part)
        expected = np.asarray(baseline.model(part.inputs["image"], training=False)).ravel()
        assert scores.shape == (count,)
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)
