"""Sentences about verdicts, and constraints in words."""

from __future__ import annotations

import pytest

from fairgate.gate import words
from tests.components.report import sample


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (
            "max_gap(FPR, [Young])",
            "the largest gap in false positive rate between the groups of Young",
        ),
        ("TPR | [Not Young]", "the true positive rate of Not Young"),
        ("FNR | [Race=Other]", "the false negative rate of Other"),
        ("abs(FPR | [A] - FPR | [B])", "abs(FPR | [A] - FPR | [B])"),
    ],
)
def test_common_expressions_have_words_and_others_stay(expression, said):
    assert words.plain(expression) == said
    assert words.expression_of(f"{expression} <= 0.05") == expression


def test_pieces_are_short_in_legends():
    assert words.short("FPR | [Age=Old] - FPR | [Age=Not Old] <= 0.01") == (
        "FPR of Old − FPR of Not Old ≤ 0.01"  # noqa: RUF001
    )


def test_the_indicator_that_opens_is_the_gates():
    assert words.indicator("max_gap(TPR, [Gender]) <= 0.1") == "true_positive_rate"
    assert words.indicator("FPR | [A] <= 0.1") == "false_positive_rate"


def test_a_pass_that_is_not_yet_a_push_promises_none():
    verdict = sample.verdict() | {"pushed": None, "pushed_model": None}
    assert words.sentence(verdict).endswith("so the model may be served.")


def test_a_lower_bound_is_at_least():
    verdict = sample.verdict()
    verdict["gate"] = [
        verdict["gate"][0]
        | {
            "constraint": "TPR | [Old] >= 0.7",
            "lower_bound": 0.72,
            "upper_bound": None,
            "limit": 0.7,
        }
    ]
    assert "the true positive rate of Old is at least 0.7200, not under its limit of 0.7" in (
        words.sentence(verdict)
    )


def test_several_failures_are_counted():
    verdict = sample.verdict(blessed=False) | {"reasons": ["one", "two"]}
    assert words.sentence(verdict) == (
        "The model failed 2 checks of the gate, so nothing was pushed."
    )


def test_one_failure_that_is_no_constraint_is_said_itself():
    verdict = sample.verdict() | {"blessed": False, "reasons": ["accuracy 0.7000 is under 0.8"]}
    assert words.sentence(verdict) == "Accuracy 0.7000 is under 0.8, so nothing was pushed."


def test_confidence_is_never_rounded_up():
    assert words.percent(0.99995) == "99.99%" and words.percent(0.95) == "95%"
