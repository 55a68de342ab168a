"""Sentences about verdicts, and constraints in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate import vocabulary
from fairgate.constraints.rates import Counts, Group
from fairgate.data.answers import Labels, meanings
from fairgate.errors import DataError
from fairgate.gate import attempts, explaining, judging, words
from fairgate.gate.attempts import AttemptsUsedUp, Entry, Question
from fairgate.gate.config import GateConfig
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


# The names of settings and of test data.

HOSTILE = st.sampled_from(
    [
        "test split",
        "this test split",
        "the test split has",
        "gate.minimum_negatives",
        "gate.limit",
        "positive=1",
        " (data.splits.test)",
        "--minimum-negatives",
    ]
) | st.text("gate.minuv_ =()", min_size=1, max_size=12)
VOCABULARIES = [vocabulary.PIPELINE, vocabulary.ARGUMENTS, vocabulary.OPTIONS]


@pytest.mark.parametrize("names", VOCABULARIES)
@given(pair=st.lists(HOSTILE, min_size=2, max_size=2, unique=True))
def test_a_name_of_a_group_is_never_altered(names, pair):
    """Whatever it looks like, and whoever reads the sentence."""
    lines = ("max_gap(FPR, [feature]) <= 0.01",)
    gate = GateConfig(constraints=lines, minimum_negatives=50, minimum_accuracy=0.9)
    few, none = Counts(tp=5, fp=5, tn=5, fn=5), Counts(0, 0, 0, 0)
    groups = {"feature": pair}
    outcomes = {None: few, Group("feature", pair[0]): few, Group("feature", pair[1]): none}
    with vocabulary.speaking(names):
        reasons = judging.judge(gate, groups, {"mine": outcomes}).reasons
        fewer = gate.model_copy(update={"minimum_negatives": 5})
        kept = explaining.explain(judging.judge(fewer, groups, {"mine": outcomes}), groups).kept
    floor = names.setting("minimum_negatives")
    assert reasons[:2] == [
        f"the {names.test_data} {names.has} no examples of group [{pair[1]}]: its rates are unknown",
        f"group [{pair[0]}] has 10 negative examples in the {names.test_data}, fewer than {floor} = 50",
    ]
    assert reasons[2].endswith(f" is under {names.setting('minimum_accuracy')} = 0.9")
    assert any(f"({names.setting('better_than')} says what is asked)" in each for each in reasons)
    assert f"negatives of [{pair[0]}]: 10, at least 5" in kept


@pytest.mark.parametrize("names", VOCABULARIES)
@pytest.mark.parametrize("column", ["gate.limit", "test split", "positive=1 or threshold=2"])
def test_an_error_names_columns_and_values_as_they_are_and_settings_as_they_are_known(
    names, column
):
    with vocabulary.speaking(names), pytest.raises(DataError) as error:
        meanings(column, [column, "b", "c"], Labels("label", None))
    said = str(error.value)
    assert (
        said.startswith(f"column {column!r} holds more than two values (")
        and said.count(column) == 2
    )
    assert f"({names.value('positive', 'VALUE')})" in said
    assert f"({names.value('threshold', 'NUMBER')})" in said


def test_a_run_is_refused_in_the_readers_words_and_the_runs_name_stays():
    question = Question("model", ("FPR <=",), "meaning")
    made = [Entry(1, question, 0.05, "test split gate.attempts", "2026-11-01T00:00:00")]
    told = {}
    for names in VOCABULARIES:
        with vocabulary.speaking(names), pytest.raises(AttemptsUsedUp) as refusal:
            attempts.share(made, Question("other", ("FPR <=",), "meaning"), 0.95, 1)
        told[names.test_data, names.setting("attempts")] = str(refusal.value)
    for (test_data, setting), said in told.items():
        assert "run test split gate.attempts, 2026-11-01" in said
        assert f"{setting} = 1" in said and f"{setting}=2" in said
        assert ("(data.splits.test)" in said) == (test_data == "test split")


def test_names_are_in_force_inside_alone_also_after_an_error():
    assert vocabulary.now() is vocabulary.PIPELINE
    with pytest.raises(ValueError), vocabulary.speaking(vocabulary.OPTIONS):
        with vocabulary.speaking(vocabulary.ARGUMENTS):
            assert vocabulary.now() is vocabulary.ARGUMENTS
        assert vocabulary.now() is vocabulary.OPTIONS
        raise ValueError
    assert vocabulary.now() is vocabulary.PIPELINE
