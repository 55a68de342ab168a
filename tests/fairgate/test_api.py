"""The gate for any model, in Python: the judgement is the pipeline's, from whatever arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fairgate
from fairgate import api, bounds
from fairgate.constraints import ConstraintError, Counts, Group
from fairgate.errors import DataError, SettingsError
from fairgate.gate import judging
from fairgate.gate.attempts import AttemptsUsedUp
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
    found = judge(people, minimum_negatives=200, constraints="FPR <= 0.9")
    assert len(found.reasons) == 2 and "fewer than" in found.reasons[0]


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
    people = People()
    book = api.Ledger(tmp_path, attempts=5, name="candidate 7")
    found = judge(people, ledger=book)
    assert found.gate[0].confidence == pytest.approx(0.99)
    assert found.gate[0].upper_bound > judge(people).gate[0].upper_bound
    people.said = 1 - people.said
    assert judge(people, ledger=book).attempt.number == 2


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
