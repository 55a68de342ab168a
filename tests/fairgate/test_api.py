"""The gate for any model, in Python: the judgement is the pipeline's, from whatever arrays."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fairgate
from fairgate import api, bounds
from fairgate.constraints import ConstraintError, Counts, Group
from fairgate.errors import DataError, SettingsError
from fairgate.gate import judging, words
from fairgate.gate.attempts import Attempt, AttemptsUsedUp
from fairgate.gate.judgement import Judgement
from fairgate.report import judgement_page

GAP = "max_gap(FPR, [sex]) <= 0.1"


class People:
    """Labels, decisions and groups of made-up people; seeded."""

    def __init__(self, n: int = 2000, gap: float = 0.0, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 2, n)
        self.sex = np.array(["Female", "Male"])[rng.integers(0, 2, n)]
        yes = np.where(self.labels == 1, 0.8, 0.1 + gap * (self.sex == "Male"))
        self.said = (rng.random(n) < yes).astype(int)


def judge(people: People, **changes) -> Judgement:
    arguments = {"groups": {"sex": people.sex}, "constraints": [GAP]}
    return fairgate.judge(people.labels, people.said, **arguments | changes)


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
    expected = judging.judge(asked, groups, measured)
    named = [words.as_arguments(sentence) for sentence in expected.advice]
    assert found == dataclasses.replace(expected, advice=named)
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


@pytest.mark.parametrize("better_than", ["commonest", "chance", "nothing"])
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
    assert not judge(people).blessed
    assert judge(people, better_than="chance").blessed


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


def test_a_ledger_shares_the_promise(tmp_path):
    first, second = People(), People()
    second.said = 1 - second.said
    once = judge(first, ledger=tmp_path)
    assert once.attempt.number == 1 and once.gate[0].confidence == 0.95
    assert judge(first, ledger=tmp_path) == once  # the same model again costs nothing
    with pytest.raises(AttemptsUsedUp, match="1 model was judged on these test examples already"):
        judge(second, ledger=tmp_path)
    others = People(seed=1)
    assert judge(others, ledger=tmp_path).attempt.number == 1  # other examples, another page


def test_several_attempts_are_each_judged_at_their_share(tmp_path):
    unfair, people = People(gap=0.4), People()
    book = api.Ledger(tmp_path, attempts=5, name="candidate 7")
    assert judge(unfair, ledger=book).sealed
    found = judge(people, ledger=book)
    assert found.attempt.number == 2 and found.blessed
    assert found.gate[0].confidence == pytest.approx(0.99)
    assert found.gate[0].upper_bound > judge(people).gate[0].upper_bound
    # The pass has ended the series, and the block of before is shown.
    again = judge(unfair, ledger=book)
    assert not again.sealed and again.gate[0].value > 0.3 and again.attempt.number == 1


def figures(judgement: Judgement) -> list[str]:
    """What was counted and measured of the answers, as it would be written."""
    shown = [row.value for row in judgement.gate] + [row.bound for row in judgement.gate]
    model = judgement.outcomes
    for each in (model, *model.groups.values()):
        shown += [each.fpr, each.fnr, each.accuracy]
    return [f"{value:.4f}" for value in shown]


def test_a_sealed_judgement_tells_that_it_was_blocked_and_no_figures(tmp_path):
    people = People(gap=0.4)
    open_one = judge(people, baseline=1 - people.said)
    sealed = judge(people, baseline=1 - people.said, ledger=api.Ledger(tmp_path, attempts=3))
    assert sealed.sealed and not sealed.blessed and len(figures(open_one)) == 11
    told = f"{sealed!r} {sealed} {sealed.as_document()} {judgement_page(sealed, 'candidate')}"
    assert "attempt 1 of 3 was blocked" in told and "the promise would not hold" in told
    # Not even a digit of a chart: what is drawn is told in words beside it.
    page = judgement_page(open_one, "candidate")
    for figure in figures(open_one):
        assert figure in page
        assert figure not in told and figure[:-1] not in told
    assert (sealed.outcomes.examples, sealed.outcomes.negatives) == (
        open_one.outcomes.examples,
        open_one.outcomes.negatives,
    )


def test_a_judgement_cannot_be_sealed_and_hold_figures():
    people = People(gap=0.4)
    found = judge(people)
    sealed = replace(found, attempt=Attempt(1, 2, 0.975, 0.05, "", sealed=True))
    assert sealed.gate == [] and sealed.outcomes.fpr is None
    assert replace(sealed, warnings=["a warning"]).gate == []
    with pytest.raises(AssertionError):
        replace(judge(People()), attempt=sealed.attempt)


def test_a_ledger_is_unsealed_for_good(tmp_path):
    people, others = People(gap=0.4), People(gap=0.3)
    book = api.Ledger(tmp_path, attempts=3)
    book.unseal(judge(people, ledger=book))
    assert judge(people, ledger=book).gate[0].value > 0.3
    with pytest.raises(AttemptsUsedUp, match="ended to see the figures of these test examples"):
        judge(others, ledger=book)
    with pytest.raises(DataError, match="counted in no ledger"):
        book.unseal(judge(people))


@pytest.mark.parametrize("named", [False, True])
def test_one_example_more_or_less_is_the_same_test_data(tmp_path, named):
    people, more = People(gap=0.4), People(2001, gap=0.4)
    names = [f"person {i}" for i in range(2001)]
    judge(people, ledger=tmp_path, records=names[:2000] if named else None)
    more.labels[:2000], more.sex[:2000] = people.labels, people.sex
    order = np.random.default_rng(0).permutation(2001) if named else np.arange(2001)
    for rows in (order, order[order < 1990]):
        with pytest.raises(AttemptsUsedUp, match="records in common"):
            fairgate.judge(
                more.labels[rows],
                more.said[rows],
                groups={"sex": more.sex[rows]},
                constraints=GAP,
                ledger=tmp_path,
                records=np.array(names)[rows] if named else None,
            )


def test_other_groups_of_the_same_examples_are_the_same_test_data(tmp_path):
    people = People()
    judge(people, ledger=tmp_path)
    groups = {"sex": people.sex, "half": np.arange(2000) % 2}
    with pytest.raises(AttemptsUsedUp):
        judge(people, ledger=tmp_path, groups=groups)


def test_a_misspelt_constraint_costs_no_attempt(tmp_path):
    with pytest.raises(ConstraintError):
        judge(People(), ledger=tmp_path, constraints="FPR | [nobody] <= 0.1")
    assert list(tmp_path.iterdir()) == []


def test_more_examples_promise_tighter_limits():
    few, many = (fairgate.power({"sex": {"F": (n, n), "M": (n, n)}}, GAP)[0] for n in (200, 5000))
    assert all(many.limits[share] < few.limits[share] for share in few.limits)
    assert "200 negatives of [F], the fewest" in str(few)


@pytest.mark.parametrize(
    "examples",
    [{}, {"sex": {}}, {"sex": {"F": (0, 0)}}, {"sex": {"F": (5, 5)}, "race": {"A": (9, 9)}}],
)
def test_power_needs_the_same_examples_in_every_feature(examples):
    with pytest.raises(DataError, match="every group feature divides the same examples"):
        fairgate.power(examples, GAP)


@pytest.mark.parametrize("pair", [5, (5,), (-1, 5), (0.5, 5), ("5", 5), (1, 2, 3)])
def test_power_needs_pairs_of_counts(pair):
    with pytest.raises(DataError, match=r"\[sex=F\]: expected \(negatives, positives\)"):
        fairgate.power({"sex": {"F": pair, "M": (5, 5)}}, GAP)


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
