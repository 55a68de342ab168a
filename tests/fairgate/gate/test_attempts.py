"""How delta is shared: never more than there is, whoever asks in whatever order."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.gate.attempts import AttemptsUsedUp, Entry, Question, delta_of, share, warning

GAP = ("max_gap(FPR, [Team]) <=",)


def asks(model: str, constraints: tuple[str, ...] = GAP) -> Question:
    return Question(model=model, constraints=constraints, meaning="m")


def entry(number: int, model: str, delta: float) -> Entry:
    return Entry(number, asks(model), delta, f"run-{number}", "2026-01-02T03:04:05+00:00")


def test_one_model_alone_has_all_of_delta():
    assert share([], asks("a"), 0.95, 1) == (1, 0.05)


def test_attempts_share_delta_equally_while_nothing_is_changed():
    entries: list[Entry] = []
    for number, model in enumerate("abcde", start=1):
        got, delta = share(entries, asks(model), 0.95, 5)
        assert got == number and delta == pytest.approx(0.01)
        entries.append(entry(number, model, delta))
    assert math.fsum(e.delta for e in entries) == pytest.approx(0.05)
    with pytest.raises(AttemptsUsedUp):
        share(entries, asks("f"), 0.95, 5)


def test_the_model_of_before_is_its_own_attempt_again_and_costs_nothing():
    entries = [entry(1, "a", 0.01), entry(2, "b", 0.01)]
    assert share(entries, asks("a"), 0.95, 5) == (1, 0.01)
    assert share(entries, asks("b"), 0.95, 5) == (2, 0.01)
    # Even where no other model may be judged any more.
    assert share([entry(1, "a", 0.05)], asks("a"), 0.95, 1) == (1, 0.05)


@pytest.mark.parametrize(
    "other",
    [
        Question("b", GAP, "m"),
        Question("a", ("max_gap(FNR, [Team]) <=",), "m"),
        Question("a", GAP, "groups with other names"),
    ],
)
def test_another_model_constraint_or_meaning_is_another_attempt(other):
    with pytest.raises(AttemptsUsedUp):
        share([entry(1, "a", 0.05)], other, 0.95, 1)
    assert share([entry(1, "a", 0.02)], other, 0.95, 4) == (2, pytest.approx(0.01))


def test_a_lower_confidence_later_shares_out_what_is_left_of_it():
    number, delta = share([entry(1, "a", 0.05)], asks("b"), 0.9, 3)
    assert number == 2 and delta == pytest.approx((0.1 - 0.05) / 2)


def test_a_higher_confidence_later_is_refused_when_more_is_spent_than_it_allows():
    spent = [entry(1, "a", 0.05)]
    with pytest.raises(AttemptsUsedUp):
        share(spent, asks("b"), 0.96, 9)
    # The model itself may be held to the stricter promise.
    assert share(spent, asks("a"), 0.99, 9) == (1, delta_of(0.99))


def test_a_refusal_tells_what_was_spent_in_which_run_and_the_ways_out():
    with pytest.raises(AttemptsUsedUp) as refusal:
        share([entry(1, "a", 0.05)], asks("b"), 0.95, 1)
    text = str(refusal.value)
    for part in (
        "1 model was judged on this test split already",
        "attempt 1, run run-1, 2026-01-02, spent 0.05",
        "0.05 of the 0.05 that gate.confidence = 0.95",
        "gate.attempts = 1",
        "data.splits.test",
        "gate.attempts=2 with gate.confidence=0.9: 0.1 - 0.05 = 0.05 would be left",
        "the next model be judged at 0.95",
    ):
        assert part in text


def test_the_way_out_that_a_refusal_offers_is_one():
    spent = [entry(1, "a", 0.05)]
    assert share(spent, asks("b"), 0.9, 2) == (2, pytest.approx(0.05))


def test_no_promise_under_one_half_is_offered():
    spent = [entry(1, "a", 0.3)]
    with pytest.raises(AttemptsUsedUp) as refusal:
        share(spent, asks("b"), 0.7, 1)
    assert "weaker promise" not in str(refusal.value)


def test_the_warning_comes_when_every_new_model_would_be_refused_and_only_then():
    one = [entry(1, "a", 0.05)]
    for entries, confidence, attempts in (
        ([], 0.95, 1),
        (one, 0.95, 1),
        (one, 0.95, 2),
        (one, 0.9, 2),
        (one, 0.9, 1),
    ):
        try:
            share(entries, asks("new"), confidence, attempts)
            refused = False
        except AttemptsUsedUp:
            refused = True
        assert (warning(entries, confidence, attempts) is not None) == refused


asked = st.tuples(
    st.sampled_from("abcdefgh"),
    st.sampled_from([0.51, 0.6, 0.8, 0.9, 0.95, 0.96, 0.99, 0.999]),
    st.integers(1, 12),
)


@given(st.lists(asked, max_size=40))
def test_what_is_spent_and_applied_never_exceeds_the_delta_of_the_settings(sequence):
    """Whatever is asked, under whatever settings, each admitted attempt fits under its own delta."""
    entries: list[Entry] = []
    for model, confidence, attempts in sequence:
        seen = [e.question.model for e in entries]
        try:
            number, delta = share(entries, asks(model), confidence, attempts)
        except AttemptsUsedUp:
            continue
        others = math.fsum(e.delta for e in entries if e.question.model != model)
        assert delta > 0 and others + delta <= delta_of(confidence) + 1e-12
        if model in seen:
            assert number == seen.index(model) + 1 and delta <= entries[number - 1].delta
        else:
            assert number == len(entries) + 1 <= attempts
            entries.append(entry(number, model, delta))


@given(
    st.lists(st.sampled_from("abcdefgh"), max_size=40), st.integers(1, 8), st.floats(0.51, 0.999)
)
def test_under_unchanged_settings_every_attempt_gets_the_same_share(models, attempts, confidence):
    entries: list[Entry] = []
    for model in models:
        if model not in {e.question.model for e in entries} and len(entries) == attempts:
            with pytest.raises(AttemptsUsedUp):
                share(entries, asks(model), confidence, attempts)
            continue
        number, delta = share(entries, asks(model), confidence, attempts)
        assert delta == pytest.approx((1 - confidence) / attempts)
        if number > len(entries):
            entries.append(entry(number, model, delta))
