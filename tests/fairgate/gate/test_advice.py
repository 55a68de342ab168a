"""Advice: its numbers and its words."""

from __future__ import annotations

import math

import pytest

from fairgate.constraints import language
from fairgate.constraints.rates import Counts, Group
from fairgate.gate import advice, power, prediction
from fairgate.gate.config import GateConfig
from fairgate.gate.prediction import Size

NAMES = {"Team": ["Red", "Blue"]}
RED, BLUE = Group("Team", "Red"), Group("Team", "Blue")
SIZES = {None: Size(3700, 4100), RED: Size(2800, 3200), BLUE: Size(900, 900)}
GAP = "max_gap(FPR, [Team])"
FAIR = {RED: Counts(2500, 160, 3040, 300), BLUE: Counts(800, 60, 840, 100)}
FAIR[None] = FAIR[RED] + FAIR[BLUE]


def gate(*lines: str) -> GateConfig:
    return GateConfig(constraints=lines)


def before(line: str, sizes=SIZES) -> str:
    [sentence] = advice.before_training(gate(line), NAMES, sizes)
    return sentence


def test_the_limits_are_those_of_a_model_without_any_gap():
    sentence = before(f"{GAP} <= 0.06")
    constraint = language.parse(f"{GAP} <= 0.06", NAMES)
    limits = [
        power.limit_to_pass(constraint, power.ModelRates(e, 1 - e), SIZES, 0.05)
        for e in (0.02, 0.05, 0.1)
    ]
    shown = [f"{math.ceil(limit * 1000) / 1000:g}" for limit in limits]
    assert f"if the limit is at least {shown[0]}, {shown[1]} or {shown[2]}." in sentence
    assert "900 negatives of [Blue], the fewest" in sentence and "95% confidence" in sentence
    assert not advice.is_warning(sentence)


def test_a_limit_that_nobody_can_keep_is_a_warning():
    sentence = before(f"{GAP} <= 0.005")
    assert advice.is_warning(sentence) and "With 0.005, this gate can hardly be passed" in sentence


def test_a_limit_in_between_says_what_it_takes():
    constraint = language.parse(f"{GAP} <= 0.06", NAMES)
    lower = power.limit_to_pass(constraint, power.ModelRates(0.02, 0.98), SIZES, 0.05)
    limit = round(lower + 0.002, 3)
    sentence = before(f"{GAP} <= {limit}")
    assert sentence.endswith(f"The limit of {limit:g} needs a model that errs on 2%.")
    assert not advice.is_warning(sentence)


def test_a_limit_from_below_is_reached_from_below():
    sentence = before("TPR | [Blue] >= 0.8")
    assert "if the limit is at most" in sentence and "900 positives of [Blue]." in sentence
    assert advice.is_warning(before("TPR | [Blue] >= 0.995"))


def test_decisions_are_told_as_decisions():
    assert "a model that says Yes to 10%, 30% or 50% of every group" in before(
        "max_gap(PPR, [Team]) <= 0.2"
    )


def test_a_rate_of_everyone_has_no_group_that_is_scarce():
    assert "the test split has 4,100 negatives." in before("FPR <= 0.2")


def test_a_group_without_negatives_is_a_warning():
    sentence = before(f"{GAP} <= 0.05", SIZES | {BLUE: Size(900, 0)})
    assert "0 negatives of [Blue]" in sentence and advice.is_warning(sentence)


def test_every_constraint_has_its_advice():
    assert len(advice.before_training(gate(f"{GAP} <= 0.1", "FPR <= 0.2"), NAMES, SIZES)) == 2


# When blocked.


def blocked(line: str, counts=FAIR) -> list[str]:
    return advice.when_blocked(gate(line), 0.95, NAMES, counts)


def test_examples_and_a_limit_that_would_help():
    more, limit, honesty = blocked(f"{GAP} <= 0.025")
    assert more.startswith(f"{GAP} <= 0.025 would pass 4 times in 5 with about ")
    assert "negatives" in more and "in the test split" in more
    constraint = language.parse(f"{GAP} <= 0.025", NAMES)
    today = power.limit_today(constraint, FAIR, 0.05)
    assert limit.startswith(f"{GAP} <= {today:g} could be promised") and "95%" in limit
    assert "not to be chosen by this result" in honesty and "new test data" in honesty
    assert today - 0.001 < prediction.bound_of(constraint, FAIR, 0.05) <= today


def test_the_group_that_lacks_examples_is_named():
    counts = {RED: Counts(9000, 5000, 95000, 1000), BLUE: Counts(80, 26, 474, 20)}
    counts[None] = counts[RED] + counts[BLUE]
    more = blocked(f"{GAP} <= 0.015", counts)[0]
    assert "more negatives of [Blue] (" in more and "times as many)" in more


def test_a_value_beyond_the_limit_asks_for_another_model():
    more, even, limit, _ = blocked(f"{GAP} <= 0.001")
    assert "the model must change" in more and "could be promised" in limit
    assert "not shown to be" in more  # the gap of 0.017 may be one of 0
    assert "the rates of this one (FPR 0.054, TPR 0.892)" in even and "more test data" in even


def test_a_value_that_is_shown_to_be_beyond_the_limit_asks_for_no_examples():
    counts = {RED: Counts(2500, 160, 3040, 300), BLUE: Counts(800, 260, 640, 100)}
    counts[None] = counts[RED] + counts[BLUE]
    said = blocked(f"{GAP} <= 0.06", counts)
    assert "is shown, and more examples would show it more clearly" in said[0]
    assert not any("more test data" in each for each in said[:-1])
    limit = float(said[1].split("if the limit is at least ")[1].rstrip("."))
    model = power.ModelRates(counts[None].rate("FPR"), counts[None].rate("TPR"))
    constraint = language.parse(f"{GAP} <= 0.06", NAMES)
    expected = power.limit_to_pass(constraint, model, prediction.sizes_of(counts), 0.05)
    assert expected <= limit < expected + 0.001


def test_what_is_to_be_said_of_several_constraints_is_said_once():
    asked = gate(*(f"{GAP} <= {limit}" for limit in (0.001, 0.002, 0.003, 0.004)))
    said = advice.when_blocked(asked, 0.95, NAMES, FAIR)
    assert len(said) == len(set(said)) == 4
    for limit in (0.001, 0.002, 0.003, 0.004):
        assert (
            sum(f"{GAP} <= {limit}" in each for each in said) == 2
        )  # what must change, and the even one
    assert len(advice.before_training(gate("FPR <= 0.2", "FPR <= 0.2"), NAMES, SIZES)) == 1


def test_before_training_the_confidence_is_the_one_that_is_given():
    [sentence] = advice.before_training(gate(f"{GAP} <= 0.06"), NAMES, SIZES, 0.99)
    assert "At 99% confidence" in sentence


@pytest.mark.parametrize(
    ("line", "counts"),
    [(f"{GAP} <= 0.2", FAIR), (f"{GAP} <= 0.02", FAIR | {BLUE: Counts(5, 0, 0, 5)})],
)
def test_what_passed_or_was_not_measured_needs_no_help(line, counts):
    assert blocked(line, counts) == []
