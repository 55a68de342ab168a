"""Thresholds of each group's own: the optimum against exact enumeration, and what is made of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection import optimism, thresholds
from components.constrained_trainer.selection.cell_program import CellProgram, frontier
from components.constrained_trainer.selection.cells import Cells
from components.constrained_trainer.training import parse
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Group

GROUPS = (Group("G", "a"), Group("G", "b"), Group("H", "x"), Group("H", "y"))


def split_of(labels, *places) -> Split:
    members = np.hstack([np.eye(2, dtype=np.float32)[np.asarray(each, int)] for each in places])
    inputs = {"numeric": np.zeros((len(labels), 1), np.float32)}
    return Split(inputs, np.asarray(labels, np.float32), members, GROUPS[: members.shape[1]])


def noisy(n: int = 2000, seed: int = 0, positives: tuple[float, float] = (0.3, 0.6)):
    """A split with two features of two groups, and scores."""
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 2, (2, n))
    labels = rng.random(n) < np.where(g, positives[1], positives[0])
    scores = 2 * labels - 1 + rng.normal(scale=1.2, size=n) + 0.4 * g - 0.3 * h
    return split_of(labels, g, h), scores.astype(np.float32)


def program_of(split, scores, lines, features=("G",), **how) -> CellProgram:
    pieces = [piece for constraint in parse(lines, split) for piece in linearize(constraint)]
    return CellProgram(split, scores, pieces, Cells.of(split, features), **how)


def decided(split, rule, scores, draw: float = 0.5):
    """Outcomes if everybody's draw is this one."""
    cells, draws = tf.constant(rule.cells.index(split)), tf.fill([len(split)], np.float64(draw))
    return split.counts(rule.shifted(tf.constant(scores), cells, draws).numpy())


rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(-2, 2).map(float)),
    min_size=4,
    max_size=14,
)


def _of_each_threshold(labels, groups, scores, group):
    """(FPR of the group, share of everybody that errs) at every threshold of the group's scores."""
    own, positive = scores[groups == group], labels[groups == group] > 0
    cuts = [-np.inf, *(np.unique(own) + 0.5)]
    return [
        (np.mean(own[~positive] > c), np.sum((own > c) != positive) / len(labels)) for c in cuts
    ]


@settings(deadline=None, max_examples=60)
@given(rows, st.sampled_from([0.0, 0.05, 0.2]))
def test_the_optimum_is_that_of_all_mixtures_that_can_be_one(rows, limit):
    """At a vertex one gap binds, so that one group mixes two thresholds and the other has one."""
    labels, groups, scores = map(np.array, zip(*rows, strict=True))
    assume(all(((groups == g) & (labels == 0)).any() for g in (0, 1)))
    a, b = (_of_each_threshold(labels, groups, scores, g) for g in (0, 1))
    single = min(ea + eb for (fa, ea), (fb, eb) in itertools.product(a, b) if abs(fa - fb) <= limit)
    least = single
    for mixed, whole in ((a, b), (b, a)):
        for (f1, e1), (f2, e2) in itertools.combinations(mixed, 2):
            for (f, e), sign in itertools.product(whole, (-1, 1)):
                share = (f + sign * limit - f2) / (f1 - f2) if f1 != f2 else -1.0
                if 0 <= share <= 1:
                    least = min(least, share * e1 + (1 - share) * e2 + e)
    program = program_of(
        split_of(labels, groups), scores, (f"max_gap(FPR, [G]) <= {limit}",), useful=False
    )
    shares = program.best()
    assert program.errors @ shares == pytest.approx(least, abs=1e-8)
    # Without draws: the best single thresholds, if they err by less than half a standard error more.
    alone = program.without_draws(shares)
    worth = 0.5 * np.sqrt(max(least * (1 - least), 0) / len(rows))
    if single <= least + worth - 1e-9:
        assert program.errors @ alone == pytest.approx(single, abs=1e-8)
        assert np.isin(alone, (0, 1)).all()
    elif single > least + worth + 1e-9:
        np.testing.assert_array_equal(alone, shares)


LINES = {
    "odds": ("max_gap(FPR, [G]) <= 0.02", "max_gap(TPR, [G]) <= 0.02"),
    "positives": ("max_gap(PPR, [G]) <= 0.01",),
    "error": ("max_gap(ERR, [G]) <= 0.01",),
    "ratio": ("PPR | [a] / PPR | [b] >= 0.9",),
    "precision": ("PPV | [a] >= 0.8",),
    "everybody": ("FPR | [b] - FPR <= 0.02", "FPR <= 0.15"),
}


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_the_rule_does_what_the_program_says(lines):
    split, scores = noisy()
    program = program_of(split, scores, lines)
    shares = program.best()
    for each in (shares, program.without_draws(shares)):
        expected, rule = program.counts(each), program.rule(each)
        for constraint in parse(lines, split):
            assert constraint.violation(constraint.value(expected)) <= 1e-9
        assert expected[None].rate("ERR") == pytest.approx(program.errors @ each)
        # The mean over draws is what was expected.
        draws = [decided(split, rule, scores, (k + 0.5) / 400) for k in range(400)]
        for group, counts in expected.items():
            for cell in ("tp", "fp", "tn", "fn"):
                mean = np.mean([getattr(outcomes[group], cell) for outcomes in draws])
                most = counts.examples / 200
                assert mean == pytest.approx(
                    getattr(counts, cell), abs=most if rule.drawn else 1e-9
                )
        assert max(map(len, rule.thresholds)) <= 3
        several = np.mean(
            np.ptp([_yes(split, rule, scores, d) for d in np.linspace(0, 0.999999, 30)], axis=0)
        )
        assert several == pytest.approx(rule.drawn, abs=2e-3)
    assert program.rule(program.without_draws(shares)).drawn == 0


def test_draws_stay_where_single_thresholds_would_err_much_more():
    """Scores tell everything in one group: only draws can make it err as the other does."""
    split, scores = noisy()
    perfect = split.memberships[:, 0] > 0
    scores = np.where(perfect, 2 * split.labels - 1, scores).astype(np.float32)
    program = program_of(split, scores, LINES["odds"])
    shares = program.best()
    alone = program.without_draws(shares)
    np.testing.assert_array_equal(alone, shares)
    rule = program.rule(shares)
    assert len(rule.thresholds[0]) > 1 and rule.drawn > 0.05


def _yes(split, rule, scores, draw):
    cells, draws = tf.constant(rule.cells.index(split)), tf.fill([len(split)], np.float64(draw))
    return (rule.shifted(tf.constant(scores), cells, draws).numpy() > 0).astype(int)


def test_crossed_features_have_a_threshold_for_each_crossing():
    split, scores = noisy()
    lines = ("max_gap(FPR, [G]) <= 0.01", "max_gap(FPR, [H]) <= 0.01")
    program = program_of(split, scores, lines, ("G", "H"))
    shares = program.without_draws(program.best())
    rule = program.rule(shares)
    assert len(set(rule.thresholds)) == 4
    found = decided(split, rule, scores)
    assert found == program.counts(shares)
    assert all(c.is_satisfied(c.value(found)) for c in parse(lines, split))
    # Whoever may have more thresholds errs no more.
    fewer = program_of(split, scores, lines, ("G",)).best()
    assert program.errors @ program.best() <= found[None].rate("ERR")
    assert fewer is None or program.errors @ shares < 1


@pytest.mark.parametrize("sure", [False, True])
@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_limits_are_kept_as_estimated_from_both_splits(lines, sure):
    split, scores = noisy(400)
    others, own = noisy(1500, seed=1)
    own = own + (0.2 * (2 * others.labels - 1)).astype(np.float32)  # remembered
    program = program_of(split, scores, lines, learned=(others, own), sure=sure)
    assert program.optimism == pytest.approx(
        split.counts(scores)[None].rate("ERR") - others.counts(own)[None].rate("ERR")
    )
    shares = program.best()
    counts, learned = program.counts(shares), program.learned_counts(shares)
    found = optimism.estimated(counts, learned, program.optimism)
    assert found[None].rate("ERR") == pytest.approx(program.errors @ shares)
    constraints = parse(lines, split)
    assert all(c.violation(c.value(found)) <= 1e-8 for c in constraints)
    if sure:
        assert all(c.violation(c.value(counts)) <= 1e-8 for c in constraints)
    # Both splits are decided by one rule.
    single = program.without_draws(shares)
    rule = program.rule(single)
    if not rule.drawn:
        assert decided(split, rule, scores) == program.counts(single)
        assert decided(others, rule, own) == program.learned_counts(single)


def test_a_crossing_that_nobody_is_in_has_the_threshold_of_everybody():
    split, scores = noisy()
    kept = np.flatnonzero((split.memberships[:, 1] == 0) | (split.memberships[:, 3] == 0))
    program = program_of(split.take(kept), scores[kept], ("max_gap(FPR, [G]) <= 0.02",), ("G", "H"))
    rule = program.rule(program.best())
    assert rule.cells.named()[3] == (GROUPS[1], GROUPS[3])
    assert rule.thresholds[3] == (0.0,) and rule.shares[3] == (1.0,)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.02, 0.5), st.sampled_from([0.0, 0.02, 0.1]))
def test_a_rule_says_something_to_every_group(seed, share, limit):
    split, scores = noisy(300, seed, (share, 0.5))
    counts = split.counts(scores)
    assume(all(each.positives and each.negatives for each in counts.values()))
    lines = (f"max_gap(FPR, [G]) <= {limit}",)
    program = program_of(split, scores, lines)
    shares = program.best()
    assume(shares is not None)
    assert thresholds.uselessness(program.counts(shares)) < 2
    alone = program.without_draws(shares)
    assert thresholds.uselessness(program.counts(alone)) < 2
    # It costs what it costs: without this demand nothing errs more.
    free = program_of(split, scores, lines, useful=False)
    assert free.errors @ free.best() <= program.errors @ shares + 1e-9


def test_where_yes_is_rare_the_best_thresholds_would_say_it_to_nobody():
    """What the demand to say something is for."""
    split, scores = noisy(3000, 1, (0.03, 0.5))
    lines = ("max_gap(FPR, [G]) <= 0.5",)
    free, held = (program_of(split, scores, lines, useful=useful) for useful in (False, True))
    assert free.counts(free.best())[GROUPS[0]].tp < 10
    found = held.counts(held.best())[GROUPS[0]]
    assert found.rate("TPR") - found.rate("FPR") > 0.03


def test_the_frontier_goes_from_the_limits_inwards_at_growing_cost():
    lines = ("max_gap(FPR, [G]) <= 0.05",)
    split, scores = noisy()
    rng = np.random.default_rng(3)
    worse = scores + rng.normal(size=len(scores)).astype(np.float32)
    programs = [program_of(split, each, lines) for each in (worse, scores)]
    found = frontier(programs, 6)
    assert len(found) == 6 and {place for place, _ in found} == {1}
    errors = [programs[place].errors @ shares for place, shares in found]
    assert (np.diff(errors) > -1e-3).all() and errors[-1] > errors[0]
    [gap] = parse(lines, split)
    gaps = [gap.value(programs[place].counts(shares)) for place, shares in found]
    for step, value in enumerate(gaps):
        assert value <= 0.05 * (1 - step / 5) + 1e-8


@pytest.mark.parametrize(("room", "gaps"), [(0.0, [0.05]), (0.02, [0.05, 0.03]), (0.9, [0.05])])
def test_one_rule_more_keeps_the_room_that_is_asked_for_if_it_can_be_had(room, gaps):
    split, scores = noisy()
    lines = ("max_gap(FPR, [G]) <= 0.05",)
    program = program_of(split, scores, lines)
    [gap] = parse(lines, split)
    found = [gap.value(program.counts(shares)) for _, shares in frontier([program], 1, room)]
    assert len(found) == len(gaps)
    assert all(value <= most + 1e-8 for value, most in zip(found, gaps, strict=True))


def test_limits_that_nothing_keeps_leave_what_is_least_beyond_them():
    lines = ("FPR | [b] <= 0.01", "TPR | [b] >= 0.95")
    split, scores = noisy()
    program = program_of(split, scores, lines)
    assert program.best() is None
    [(place, shares)] = frontier([program], 5)
    assert place == 0
    worst = max(c.violation(c.value(program.counts(shares))) for c in parse(lines, split))
    assert worst == pytest.approx(program.least_excess(), abs=1e-6) and worst > 0.1
