"""A gate over a label of several classes."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from fairgate import bounds
from fairgate.constraints import language
from fairgate.constraints.classes import CLASSES, changes, confusion, outcomes, seen_as
from fairgate.constraints.rates import Group
from fairgate.gate import checks, explaining, judging, requirements, tables, words
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import GroupResult

NAMES = ["low", "mid", "high"]
GROUPS = {"Sex": ["F", "M"], CLASSES: NAMES}
WOMEN, MEN = Group("Sex", "F"), Group("Sex", "M")


def people(n: int, right: float, seed: int = 0):
    """Labels, groups, and answers that are right so often for women, a little less for men."""
    rng = np.random.default_rng(seed)
    labels, men = rng.integers(3, size=n), rng.random(n) < 0.5
    said = np.where(rng.random(n) < right - 0.1 * men, labels, rng.integers(3, size=n))
    return labels, men, said


def counted(labels, men, said, other=None):
    members = {None: np.ones(len(men), bool), WOMEN: ~men, MEN: men}
    tables_ = {group: confusion(labels[m], said[m], 3) for group, m in members.items()}
    moved = other is not None and {
        group: changes(labels[m], said[m], other[m], 3) for group, m in members.items()
    }
    return outcomes(tables_, NAMES, moved or None)


GATE = GateConfig(
    constraints=[
        "max_gap(TPR(high), [Sex]) <= 0.2",
        "FPR(low) <= 0.2",
        "max_gap(ERR, [Sex]) <= 0.2",
    ]
)


def test_a_bound_of_one_class_is_that_of_the_binary_rate():
    labels, men, said = people(2000, 0.9)
    row = judging.judge(GATE, GROUPS, {"mine": counted(labels, men, said)}).gate[1]
    of_others = labels != 0
    wrong = int(((said == 0) & of_others).sum())
    expected = stats.beta.ppf(0.95, wrong + 1, of_others.sum() - wrong)
    assert row.upper_bound == pytest.approx(expected) and row.value == wrong / of_others.sum()


def test_a_model_passes_is_shown_and_explained():
    labels, men, said = people(4000, 0.9)
    _, _, other = people(4000, 0.9, seed=1)
    found = judging.judge(
        GATE,
        GROUPS,
        {"mine": counted(labels, men, said, other), "baseline": counted(labels, men, other, said)},
    )
    assert found.blessed and found.features == {"Sex": ["F", "M"]}
    women = found.outcomes.groups["F"]
    high = women.classes["high"]
    assert high.examples == ((labels == 2) & ~men).sum()
    assert high.answers == ((said == 2) & ~men).sum()
    assert high.tpr == pytest.approx((said == 2)[(labels == 2) & ~men].mean())
    assert women.accuracy == pytest.approx((said == labels)[~men].mean())
    assert women.fpr is None and women.negatives == 0
    tree = json.loads(json.dumps(found.as_document()))
    assert GroupResult.of(tree["models"]["mine"]["groups"]["F"]) == women
    shown = Console(file=io.StringIO(), width=100)
    tables.show(found, shown, "good", "bad")
    text = " ".join(shown.file.getvalue().split())
    assert "true positive rate of each class" in text and "mid" in text and "unknown" not in text
    explained = explaining.explain(found, found.features)
    counts = {(c.rate, c.group): c for each in explained.constraints for c in each.counts}
    one = counts["TPR(high)", "F"]
    assert (one.part, one.whole) == (round(high.tpr * high.examples), high.examples)
    assert one.what == "of class high were told high"
    of_all = counts["FPR(low)", "everybody"]
    assert of_all.value == pytest.approx(found.gate[1].value)
    assert counts["ERR", "M"].value == pytest.approx((said != labels)[men].mean())


def test_the_commonest_class_is_beaten_by_mcnemars_test():
    labels, men, said = people(300, 0.6)
    counts = counted(labels, men, said)
    row = next(iter(requirements._of_use("commonest", [], {}, counts, 0.95)))
    bounds_ = []
    for place in range(3):
        model_right = ((said == labels) & (labels != place)).sum()
        constant_right = ((said != labels) & (labels == place)).sum()
        differ = int(model_right + constant_right)
        bounds_.append(bounds.clopper_pearson_lower(int(model_right), differ, 0.05))
    assert row.bound == pytest.approx(min(bounds_))


def test_one_answer_to_everybody_is_no_model():
    labels, men, _ = people(500, 0.9)
    counts = counted(labels, men, np.full(500, 1))
    assert checks.distinct_decisions(counts) == 1
    assert requirements.the_one_answer(counts) == "mid"
    found = judging.judge(GATE, GROUPS, {"mine": counts})
    assert not found.blessed and "answers mid to every example" in " ".join(found.reasons)


def test_a_class_that_is_told_no_more_often_to_its_own_blocks_the_model():
    labels, men, said = people(3000, 0.9)
    # high is said at random of men.
    rng = np.random.default_rng(5)
    said = np.where(men & (rng.random(3000) < 0.9), rng.integers(3, size=3000), said)
    loose = GateConfig(constraints=["max_gap(TPR(high), [Sex]) <= 0.99"], minimum_negatives=0)
    found = judging.judge(loose, GROUPS, {"mine": counted(labels, men, said)})
    row = next(row for row in found.checks if row.name == "TPR - FPR of [M] (class high)")
    expected = counted(labels, men, said)[seen_as(MEN, "high")]
    assert row.value == pytest.approx(expected.rate("TPR") - expected.rate("FPR"))


def test_negatives_are_those_of_other_classes():
    labels, men, said = people(60, 0.9)
    gate = GateConfig(constraints=["FPR(low) | [M] <= 0.9"], minimum_negatives=100)
    found = judging.judge(gate, GROUPS, {"mine": counted(labels, men, said)})
    number = int(((labels != 0) & men).sum())
    assert f"group [M] (class low) has {number} negative examples" in " ".join(found.reasons)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("TPR(high) | [Sex=F]", "the true positive rate for class high of F"),
        ("FPR([in between])", "the false positive rate for class in between"),
        ("max_gap(ERR, [Sex])", "the largest gap in error rate between the groups of Sex"),
        (
            "change(FNR(low) | [M])",
            "the change in false negative rate for class low of M against the baseline",
        ),
    ],
)
def test_rates_of_classes_have_words(expression, said):
    assert words.plain(expression) == said


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_of_a_gap_of_one_class_is_seldom_under_the_truth(seed):
    rng = np.random.default_rng(seed)
    constraint = language.parse("max_gap(TPR(high), [Sex]) <= 0.1", GROUPS)
    under, draws = 0, 200
    for _ in range(draws):
        labels, men = rng.integers(3, size=900), rng.random(900) < 0.5
        truth = np.where(men, 0.75, 0.86)
        said = np.where(rng.random(900) < truth, labels, (labels + 1) % 3)
        under += bounds.upper_bound(constraint.expression, counted(labels, men, said), 0.05) < 0.11
    assert under <= 0.05 * draws + 3 * np.sqrt(draws * 0.05 * 0.95)
