"""The gate for any model, in Python: the judgement is the pipeline's, from whatever arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fairgate
from fairgate import api, bounds, vocabulary
from fairgate.constraints import ConstraintError, Counts, Group
from fairgate.errors import DataError, SettingsError
from fairgate.gate import judging, requirements
from fairgate.report import judgement_page
from tests.fairgate.people import GAP, People, judge


def test_the_bound_is_the_librarys_and_decides():
    people = People()
    counts = {None: None}
    for name in ("Female", "Male"):
        of = (people.sex == name) & (people.labels == 0)
        k, n = int(people.said[of].sum()), int(of.sum())
        counts[Group("sex", name)] = Counts(0, k, n - k, 0)
    expression = fairgate.parse(GAP, {"sex": ["Female", "Male"]}).expression
    [row] = judge(people).gate
    assert row.upper_bound == bounds.upper_bound(expression, counts, 0.05)
    assert row.passed and judge(people).blessed
    tight = judge(people, constraints=[f"max_gap(FPR, [sex]) <= {row.upper_bound - 1e-9}"])
    assert not tight.blessed and tight.reasons and tight.advice


def test_it_is_the_judgement_of_the_counts():
    people = People(gap=0.2)
    found = judge(people, baseline=1 - people.said)
    measured = {}
    for name, said in (("model", people.said), ("baseline", 1 - people.said)):
        everybody = measured.setdefault(name, {})
        for group in (None, "Female", "Male"):
            of = np.ones(len(said), bool) if group is None else people.sex == group
            key = None if group is None else Group("sex", group)
            everybody[key] = fairgate.constraints.count_outcomes(said, people.labels, of)
    groups = {"sex": ["Female", "Male"]}
    asked = api.gate_config([GAP])
    with vocabulary.speaking(vocabulary.ARGUMENTS):
        assert found == judging.judge(asked, groups, measured)
    assert not found.blessed and found.models["baseline"].accuracy < found.outcomes.accuracy


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_groups_may_be_a_table(make):
    people = People()
    table = make({"sex": people.sex, "half": np.arange(2000) % 2})
    found = judge(people, groups=table, constraints=[GAP, "max_gap(TPR, [half]) <= 0.2"])
    assert found.blessed and len(found.gate) == 2
    assert found.features == {"sex": ["Female", "Male"], "half": ["0", "1"]}


def test_labels_and_decisions_may_be_series():
    people = People()
    plain = judge(people)
    for make in (pd.Series, pl.Series, list):
        found = fairgate.judge(
            make(people.labels),
            make(people.said),
            groups={"sex": make(people.sex)},
            constraints=GAP,
        )
        assert found == plain


def test_scores_need_a_threshold():
    people = People()
    scores = people.said + np.linspace(-0.4, 0.4, 2000)
    assert judge(people) == fairgate.judge(
        people.labels, scores, groups={"sex": people.sex}, constraints=GAP, threshold=0.5
    )
    with pytest.raises(DataError, match="expected decisions, or scores with a threshold"):
        fairgate.judge(people.labels, scores, groups={"sex": people.sex}, constraints=GAP)


@pytest.mark.parametrize(
    "name", ["labels", "predictions", "baseline", "labels_", "everybody", "a]b"]
)
def test_a_group_feature_may_have_any_name(name):
    people = People()
    bracket = name.replace("]", "\\]")
    found = judge(
        people,
        groups={name: people.sex},
        constraints=[f"max_gap(FPR, [{bracket}]) <= 0.1"],
        baseline=people.said,
    )
    assert found.gate[0].value == judge(people).gate[0].value


@pytest.mark.parametrize("answer", [0, 1])
def test_a_model_that_always_gives_one_answer_is_blocked(answer):
    people = People()
    people.said[:] = answer
    found = judge(people)
    assert found.gate[0].value == 0 and not found.blessed
    assert f"answers {['No', 'Yes'][answer]} to every example" in str(found)


def test_minimums_are_asked_where_they_are_given():
    people = People(n=300)
    assert not judge(people, minimum_accuracy=0.95, constraints="FPR <= 0.9").blessed
    gap = "max_gap(FPR, [sex]) <= 0.9"
    found = judge(people, minimum_negatives=200, constraints=gap)
    assert len(found.reasons) == 2 and "fewer than" in found.reasons[0]
    assert found.outcome == "undecided"
    # Only where a constraint needs negatives of a group.
    for line in ("FPR <= 0.9", "max_gap(FNR, [sex]) <= 0.9"):
        assert judge(people, minimum_negatives=200, constraints=line).blessed


def test_an_accuracy_floor_is_held_by_a_bound():
    people = People(n=300)
    found = judge(people, constraints="FPR <= 0.9")
    right = int((people.said == people.labels).sum())
    lower, upper = (
        bounds.clopper_pearson_lower(right, 300, 0.05),
        bounds.clopper_pearson_upper(right, 300, 0.05),
    )
    for floor, outcome in (
        (lower - 1e-9, "passed"),
        (lower + 1e-9, "undecided"),
        (right / 300, "undecided"),
        (upper - 1e-9, "undecided"),
        (upper + 1e-9, "over the limit"),
    ):
        found = judge(people, constraints="FPR <= 0.9", minimum_accuracy=floor)
        assert found.outcome == outcome and found.blessed == (outcome == "passed")
        [row] = [row for row in found.checks if row.name == "accuracy"]
        assert row.bound == lower and row.outcome == outcome


def test_the_three_answers():
    people = People(gap=0.1)
    row = judge(people).gate[0]
    lower = bounds.lower_bound(
        fairgate.parse(GAP, {"sex": ["Female", "Male"]}).expression, counts_of(people), 0.05
    )
    for limit, outcome in (
        (row.upper_bound + 1e-9, "passed"),
        (row.upper_bound - 1e-9, "undecided"),
        (lower + 1e-9, "undecided"),
        (lower - 1e-9, "over the limit"),
    ):
        found = judge(people, constraints=f"max_gap(FPR, [sex]) <= {limit!r}")
        assert found.outcome == found.gate[0].outcome == outcome
        assert found.as_document()["outcome"] == outcome
        shown = judgement_page(found, "people")
        assert {"passed": "Passed", "undecided": "Blocked: undecided"}.get(
            outcome, "Blocked: over the limit"
        ) in shown
        if outcome == "over the limit":
            assert "is at least" in str(found) and "the model must change" in found.reasons[0]
            assert not any("would pass 4 times in 5 with" in said for said in found.advice)


def counts_of(people: People) -> dict:
    return {
        Group("sex", name): fairgate.constraints.count_outcomes(
            people.said, people.labels, people.sex == name
        )
        for name in ("Female", "Male")
    }


@pytest.mark.parametrize("line", ["max_gap(FPR, [sex]) <= -0.01", "FPR >= 1.2", "TPR <= -1"])
def test_a_limit_that_no_model_can_keep_is_refused(line, tmp_path):
    with pytest.raises(SettingsError, match="no model can keep this limit"):
        judge(People(), constraints=line, ledger=tmp_path / "ledger")
    assert not (tmp_path / "ledger").exists()


def useless(kind: str) -> People:
    """Models that keep any limit on a gap, and that nobody wants: 9 of 10 labels are a Yes."""
    people, rng = People(n=3000), np.random.default_rng(1)
    people.labels = (rng.random(3000) < 0.9).astype(int)
    people.said = {
        "constant": np.ones(3000, int),
        "near-constant": (rng.random(3000) < 0.995).astype(int),
        "random": (rng.random(3000) < 0.5).astype(int),
        "as often as the labels": (rng.random(3000) < 0.9).astype(int),
    }[kind]
    return people


@pytest.mark.parametrize("better_than", ["auto", "commonest", "chance", "nothing"])
@pytest.mark.parametrize("kind", ["constant", "near-constant", "random", "as often as the labels"])
def test_useless_models_do_not_pass(kind, better_than):
    found = judge(useless(kind), better_than=better_than, constraints="max_gap(TPR, [sex]) <= 0.1")
    assert found.gate[0].passed
    assert found.blessed == (better_than == "nothing" and kind != "constant")
    if kind == "constant":
        assert found.outcome == "over the limit" and "answers Yes to every example" in str(found)
    elif not found.blessed:
        assert "better_than says what is asked" in found.reasons[0]
    if better_than == "commonest" and kind == "random":
        assert found.outcome == "over the limit"  # shown to err more than Yes to everybody
        assert "err less than the answer Yes to everybody" in found.reasons[0]


def test_a_model_that_is_right_where_it_matters_passes_as_better_than_chance():
    """It finds three quarters of a rare label, with more false alarms than hits."""
    people, rng = People(n=4000), np.random.default_rng(2)
    people.labels = (rng.random(4000) < 0.05).astype(int)
    people.said = (rng.random(4000) < np.where(people.labels == 1, 0.75, 0.08)).astype(int)
    assert not judge(people, better_than="commonest").blessed
    assert judge(people, better_than="chance").blessed
    assert judge(people).blessed  # whose label is rare is held against chance


def test_few_answers_say_next_to_nothing_however_right_they_are():
    """Of 3,000 people of whom 300 are to be told No, 20 are, all rightly: a gap of no size."""
    people = People(n=3000)
    people.labels = (np.arange(3000) >= 300).astype(int)
    people.said = (np.arange(3000) >= 20).astype(int)
    for better_than in ("auto", "commonest", "chance"):
        found = judge(people, better_than=better_than, constraints="max_gap(FPR, [sex]) <= 0.3")
        assert found.gate[0].passed and found.outcome == "over the limit"
        assert (
            "gives 20 of 3,000 examples another answer than its commonest, and 300 have"
            in found.reasons[0]
        )
    people.said = (np.arange(3000) >= 60).astype(int)
    assert judge(people, constraints="max_gap(FPR, [sex]) <= 0.3").blessed


@pytest.mark.parametrize(("negatives", "asked"), [(199, "chance"), (200, "commonest")])
@pytest.mark.parametrize("flipped", [False, True])
def test_labels_alone_decide_what_a_model_is_held_against(negatives, asked, flipped):
    found = Counts(tp=0, fp=negatives, tn=0, fn=1000 - negatives)
    if flipped:
        found = Counts(tp=found.fp, fp=found.fn, tn=0, fn=0)
    assert requirements.resolved("auto", {None: found}) == asked
    for named in ("commonest", "chance", "nothing"):
        assert requirements.resolved(named, {None: found}) == named


def test_a_group_that_got_worse_is_told_and_can_be_forbidden():
    """Levelling down: the gap in FPR is closed, and women's FNR pays for it."""
    people, rng = People(n=8000), np.random.default_rng(4)
    female, yes = people.sex == "Female", people.labels == 1
    before = rng.random(8000) < np.where(yes, 0.8, np.where(female, 0.2, 0.1))
    people.said = (before & ~(female & (rng.random(8000) < 0.4))).astype(int)
    found = judge(people, baseline=before.astype(int))
    assert found.blessed
    rose, wider = found.cost
    assert (
        rose.startswith("the false negative rate of Female rose from 0.") and "95% interval" in rose
    )
    assert wider.startswith("the gap in false negative rate between the groups of sex, as measured")
    assert "What it cost:" in judgement_page(found, "people") and found.as_document()["cost"]
    assert judge(people).cost == [] and judge(people, baseline=people.said).cost == []
    forbidden = judge(
        people,
        baseline=before.astype(int),
        constraints=[GAP, "FNR | [Female] <= baseline + 0.02", "FNR | [Male] <= baseline + 0.02"],
    )
    assert forbidden.outcome == "over the limit"
    assert [row.passed for row in forbidden.gate] == [True, False, True]
    worst = forbidden.gate[1]
    assert worst.baseline_value is None and worst.value == pytest.approx(
        forbidden.outcomes.groups["Female"].fnr - forbidden.models["baseline"].groups["Female"].fnr
    )
    assert "the change in false negative rate of Female against the baseline" in str(forbidden)


def test_beside_another_model_a_change_is_another_attempt(tmp_path):
    """What was asked of one baseline is not what is asked of another; sealed, neither is told."""
    people, rng = People(), np.random.default_rng(5)
    others = [np.where(rng.random(2000) < 0.1, 1 - people.said, people.said) for _ in range(2)]
    line = ["FNR | [Male] <= baseline - 0.9"]

    def ask(other, attempts=2):
        book = api.Ledger(tmp_path, attempts=attempts)
        return judge(people, baseline=other, constraints=line, ledger=book)

    assert ask(others[0]).attempt.number == 1 and ask(others[0]).attempt.number == 1
    blocked = ask(others[0])
    assert blocked.sealed and blocked.cost == [] and blocked.checks == [] and blocked.gate == []
    assert ask(others[1]).attempt.number == 2


def test_a_constraint_on_a_change_needs_another_model():
    with pytest.raises(SettingsError, match="baseline"):
        judge(People(), constraints="FNR | [Male] <= baseline + 0.1")


def test_what_is_known_before_costs_no_attempt(tmp_path):
    people, book = People(), tmp_path / "ledger"
    known = judge(people, minimum_negatives=10_000, ledger=book)
    assert not known.blessed and known.outcome == "undecided" and known.gate == []
    assert all("no attempt was spent" in reason for reason in known.reasons)
    assert known.outcomes.fpr is None  # nothing of the model is told
    assert judge(useless("constant"), ledger=book).outcome == "over the limit"
    assert not book.exists()
    assert judge(people, ledger=book).blessed


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"constraints": "max_gap(FRP, [sex]) <= 0.1"}, ConstraintError, "did you mean 'FPR'"),
        ({"constraints": "max_gap(FPR, [sexe]) <= 0.1"}, ConstraintError, "sex"),
        ({"constraints": "FPR | [female] <= 0.1"}, ConstraintError, "Female"),
        ({"constraints": "AUC >= 0.9"}, ConstraintError, "the gate counts decisions"),
        ({"constraints": []}, SettingsError, "no constraint is given"),
        ({"confidence": 1.0}, SettingsError, r"confidence = 1.0: .*less than 1"),
        ({"confidence": 0.3}, SettingsError, r"confidence = 0.3: .*greater than 0.5"),
        ({"groups": {}}, DataError, "no group feature is named"),
        ({"groups": {"sex": ["F", "M"]}}, DataError, "sex has 2"),
        ({"groups": 3}, DataError, "groups: expected a mapping"),
    ],
)
def test_a_mistake_is_told(changes, error, message):
    with pytest.raises(error, match=message):
        judge(People(), **changes)


def test_sentences_name_what_a_caller_knows():
    people = People(gap=0.4)
    found = judge(people, minimum_accuracy=0.99)
    said = " ".join([str(found), *found.reasons, *found.advice])
    assert "minimum_accuracy = 0.99" in said and "gate." not in said and "test split" not in said


def test_the_page_holds_the_judgement_and_loads_nothing():
    people = People(gap=0.3)
    found = judge(people, baseline=people.said)
    page = judgement_page(found, "<b>candidate</b>", {})
    assert "Blocked" in page and "&lt;b&gt;candidate" in page and "<script" not in page
    assert f'<data value="{found.gate[0].upper_bound}">' in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_group_that_is_called_as_the_pages_words_are_keeps_its_name():
    people = People()
    people.sex = np.where(people.sex == "Male", "test split", people.sex)
    page = judgement_page(judge(people), "candidate", {})
    assert ">test split</th>" in page and "test examples</span>" in page


def test_names_are_at_hand_and_others_are_refused():
    assert fairgate.__version__.count(".") == 2 and "judge" in dir(fairgate)
    with pytest.raises(AttributeError, match="no attribute 'jugde'"):
        _ = fairgate.jugde
