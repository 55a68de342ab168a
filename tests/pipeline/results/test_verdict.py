"""The verdict: its numbers, its words and its file."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from fairgate import bounds
from fairgate.constraints.rates import Counts, Group
from pipeline.results import evaluation
from pipeline.results.verdict import Verdict
from pipeline.settings import load
from tests.pipeline import run_folders
from tests.pipeline.verdicts import FAIR, NOBODY, UNFAIR, ages, measured

# Numbers.


def test_a_passed_gate_shows_value_and_bound_of_both_models(judge):
    fair, unfair = measured(FAIR), measured(UNFAIR)
    verdict = judge(fair, baseline=unfair, blessed=True)
    [row] = verdict.gate
    assert row.value == pytest.approx(abs(80 / 1600 - 300 / 6000))
    assert row.baseline_value == pytest.approx(400 / 1600 - 300 / 6000)
    assert row.lower_bound is None and row.value < row.upper_bound <= row.limit == 0.05
    assert row.baseline_bound > row.baseline_value and row.confidence == 0.95
    assert row.passed and verdict.blessed and verdict.pushed and verdict.reasons == []
    assert verdict.pushed_model == "serving/smiling/1700000000"


def test_every_model_and_group_has_its_outcomes(judge):
    verdict = judge(measured(FAIR), baseline=measured(UNFAIR))
    assert set(verdict.models) == {"constrained", "baseline"}
    model = verdict.models["baseline"]
    assert list(model.groups) == ["Young", "Not Young"]
    assert (model.examples, model.negatives) == (13250, 7600)
    assert model.accuracy == pytest.approx((4900 + 6900) / 13250)
    group = model.groups["Not Young"]
    assert (group.examples, group.negatives) == (2650, 1600)
    assert group.fpr == pytest.approx(0.25) and group.fnr == pytest.approx(150 / 1050)


def test_groups_of_one_name_in_two_features_are_told_apart(judge):
    settings = load(
        [],
        [
            "data.features.groups={Hair: {name: h, values: {Dark: 1, Other: 0}},"
            " Hat: {name: t, values: {Hat: 1, Other: 0}}}",
            "trainer.constraints=[]",
            "gate.constraints.0=max_gap(FPR, [Hat]) <= 0.5",
        ],
    )
    half = Counts(10, 5, 10, 5)
    counts = {None: Counts(20, 10, 20, 10)} | {
        Group(*key): half
        for key in (("Hair", "Dark"), ("Hair", "Other"), ("Hat", "Hat"), ("Hat", "Other"))
    }
    verdict = judge(counts, settings)
    assert list(verdict.models["constrained"].groups) == ["Dark", "Hair=Other", "Hat", "Hat=Other"]


def test_the_limit_of_the_settings_is_the_limit_in_the_verdict(judge):
    [row] = judge(measured(FAIR), load([], ["gate.limit=0.001"])).gate
    assert row.limit == 0.001 and not row.passed
    assert row.constraint == "max_gap(FPR, [Young]) <= 0.001"


def test_a_constraint_from_below_has_a_lower_bound(judge):
    settings = load([], ["gate.constraints.0=TPR | [Not Young] >= 0.8"])
    [row] = judge(measured(FAIR), settings).gate
    assert row.upper_bound is None and row.lower_bound < row.value == pytest.approx(900 / 1050)
    assert row.passed
    assert row.lower_bound == pytest.approx(bounds.clopper_pearson_lower(900, 1050, 0.05))


def test_a_bound_at_the_limit_exactly_passes(judge):
    bound = bounds.clopper_pearson_upper(300, 6000, 0.05)
    settings = load([], [f"gate.constraints.0=FPR | [Young] <= {bound!r}"])
    assert judge(measured(FAIR), settings).gate[0].passed
    settings = load([], [f"gate.constraints.0=FPR | [Young] <= {bound * (1 - 1e-12)!r}"])
    assert not judge(measured(FAIR), settings).gate[0].passed


# Words.


def test_a_value_over_the_limit_is_said_to_be(judge):
    [reason] = judge(measured(UNFAIR)).reasons
    assert "max_gap(FPR, [Young]) <= 0.05: value 0.2000, upper bound" in reason
    assert "over the limit 0.05" in reason and "measured value is over the limit itself" in reason


def test_a_bound_over_the_limit_alone_asks_for_more_examples(judge):
    few = {"Young": Counts(40, 3, 57, 6), "Not Young": Counts(9, 1, 19, 2)}
    settings = load([], ["gate.minimum_negatives=1"])
    [reason] = judge(measured(few), settings).reasons
    assert "cannot promise it" in reason and "more examples of the smallest group" in reason


def test_a_bound_under_a_limit_from_below_is_said_to_be(judge):
    settings = load([], ["gate.constraints.0=TPR | [Not Young] >= 0.9"])
    [reason] = judge(measured(FAIR), settings).reasons
    assert "lower bound" in reason and "under the limit 0.9" in reason
    assert "value is under the limit itself" in reason


def test_an_accuracy_under_the_floor_is_told_with_the_setting(judge):
    settings = load([], ["gate.minimum_accuracy=0.95"])
    [reason] = judge(measured(FAIR), settings).reasons
    assert (
        "accuracy 0.9147, at least 0.91" in reason
        and "under gate.minimum_accuracy = 0.95" in reason
    )


def test_too_few_negatives_are_told_with_the_group_and_the_setting(judge):
    settings = load([], ["gate.minimum_negatives=1601", "gate.limit=0.5"])
    [reason] = judge(measured(FAIR), settings).reasons
    assert "group [Not Young] has 1600 negative examples" in reason
    assert "gate.minimum_negatives = 1601" in reason


def test_a_missing_group_is_named_and_its_constraint_unknown(judge):
    counts, settings = ages(Counts(40, 3, 570, 6), NOBODY, Counts(9, 1, 190, 2))
    verdict = judge(counts, settings)
    missing, unknown = verdict.reasons
    assert "no examples of group [Middle]" in missing
    assert "max_gap(FPR, [Age]) <= 0.05: could not be measured" in unknown
    [row] = verdict.gate
    assert row.value is None and row.upper_bound is None and not row.passed


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [("No", Counts(0, 0, 600, 500)), ("Yes", Counts(500, 600, 0, 0))],
)
def test_a_model_that_always_gives_one_answer_is_named_for_it(judge, answer, outcomes):
    settings = load([], ["gate.minimum_accuracy=0.8"])
    verdict = judge(measured({"Young": outcomes, "Not Young": outcomes}), settings)
    assert any(f"answers {answer} to every example" in reason for reason in verdict.reasons)
    assert any("gate.minimum_accuracy" in reason for reason in verdict.reasons)


def test_predictions_that_are_not_numbers_are_named(judge):
    verdict = judge(measured(FAIR), accuracy=math.nan)
    assert any("some predictions are not numbers" in reason for reason in verdict.reasons)


def test_three_groups_are_all_in_the_verdict(judge):
    counts, settings = ages(
        Counts(400, 30, 970, 60), Counts(400, 120, 880, 60), Counts(90, 60, 940, 20)
    )
    verdict = judge(counts, settings)
    [row] = verdict.gate
    assert row.value == pytest.approx(0.12 - 0.03)
    assert list(verdict.models["constrained"].groups) == ["Young", "Middle", "Old"]


def test_a_missing_blessing_always_has_a_reason(judge):
    # Whatever the numbers say: the Evaluator decides.
    verdict = judge(measured(FAIR), blessed=False)
    assert verdict.reasons and not verdict.blessed and not verdict.pushed


# The file.


def test_the_file_has_the_fields_of_the_design(judge, tmp_path):
    file = tmp_path / "verdict.json"
    judge(measured(FAIR), baseline=measured(UNFAIR), blessed=True).write(file)
    tree = json.loads(file.read_text())
    assert tree["blessed"] is True and tree["pushed"] is True and tree["reasons"] == []
    assert tree["pushed_model"] == "serving/smiling/1700000000"
    [row] = tree["gate"]
    assert {"constraint", "value", "upper_bound", "confidence", "limit", "passed"} <= set(row)
    for name in ("constrained", "baseline"):
        model = tree["models"][name]
        assert 0 < model["accuracy"] < 1
        for group in ("Young", "Not Young"):
            assert {"examples", "negatives", "fpr"} <= set(model["groups"][group])
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]


def test_what_is_unknown_is_null(judge, tmp_path):
    counts, settings = ages(Counts(40, 3, 570, 6), NOBODY, Counts(9, 0, 0, 2))
    file = tmp_path / "verdict.json"
    judge(counts, settings, accuracy=math.nan).write(file)
    text = file.read_text()
    tree = json.loads(text, parse_constant=pytest.fail)  # no NaN, no Infinity
    assert tree["gate"][0]["value"] is None and tree["gate"][0]["upper_bound"] is None
    groups = tree["models"]["constrained"]["groups"]
    assert groups["Middle"] == {
        "examples": 0,
        "negatives": 0,
        "accuracy": None,
        "fpr": None,
        "fnr": None,
    }
    assert groups["Old"]["fpr"] is None and groups["Old"]["fnr"] is not None
    assert tree["pushed_model"] is None and tree["blessed"] is False


def test_an_infinite_bound_is_null_in_the_file_and_blocks(judge, tmp_path):
    settings = load([], ["gate.constraints.0=FPR | [Not Young] / (FPR | [Young] - 0.01) <= 3"])
    verdict = judge(measured(FAIR), settings)
    assert verdict.gate[0].value == pytest.approx(0.05 / 0.04)
    verdict.write(tmp_path / "verdict.json")
    json.loads((tmp_path / "verdict.json").read_text(), parse_constant=pytest.fail)
    assert not verdict.gate[0].passed
    assert any("divisor could be 0" in reason for reason in verdict.reasons)


def test_a_ratio_to_nothing_could_not_be_measured(judge):
    settings = load([], ["gate.constraints.0=FPR | [Not Young] / FPR | [Young] <= 3"])
    counts = {"Young": Counts(4000, 0, 5700, 600), "Not Young": Counts(900, 80, 1520, 150)}
    [reason] = judge(measured(counts), settings).reasons
    assert "could not be measured" in reason and "a divisor is 0" in reason


# What was known before the test split was asked.

HISTORY = {
    "told": ["Chosen: the snapshot of step 40."],
    "helping": ["Inputs that tell more about the label would help."],
    "yardsticks": [
        {"name": name, "error_rate": error, "worst": worst, "sees_groups": sees}
        for name, error, worst, sees in (
            ("the commonest answer", 0.3, -0.02, False),
            ("the baseline", 0.1, 0.05, False),
            ("the baseline, a threshold for each group", 0.12, 1e-17, True),
            ("the chosen model", 0.13, -0.001, False),
        )
    ],
}


def test_what_the_constraints_cost_beyond_the_least_is_of_those_that_keep_them():
    found = evaluation.validation(HISTORY)
    assert found.told == HISTORY["told"]
    beyond = [row.beyond_least for row in found.yardsticks]
    assert beyond == pytest.approx([0.18, -0.02, 0.0, 0.01])
    broken = [row | {"worst": 0.1} for row in HISTORY["yardsticks"]]
    none = evaluation.validation(HISTORY | {"yardsticks": broken})
    assert [row.beyond_least for row in none.yardsticks] == [None] * 4
    assert evaluation.validation({}) is None
    assert evaluation.validation({"told": [], "yardsticks": []}).yardsticks == []


def test_what_was_known_from_validation_survives_the_file(judge, tmp_path):
    known = evaluation.validation(HISTORY)
    verdict = replace(judge(measured(FAIR), blessed=True), validation=known)
    file = tmp_path / "verdict.json"
    verdict.write(file)
    tree = json.loads(file.read_text())
    assert tree["validation"]["yardsticks"][1]["name"] == "the baseline"
    assert Verdict.read(file) == verdict
    # Verdicts of before have none, and those of later perhaps more.
    tree["validation"]["yardsticks"][0]["more"] = 1
    file.write_text(json.dumps(tree))
    assert Verdict.read(file) == verdict
    del tree["validation"]
    file.write_text(json.dumps(tree))
    assert Verdict.read(file).validation is None


def test_without_a_solution_nothing_is_counted_and_what_would_help_is_said(tmp_path):
    verdict = evaluation.without_solution(load(), "run-1", HISTORY, ["a warning"], ["a promise"])
    assert not verdict.blessed and not verdict.pushed and verdict.gate == []
    assert verdict.outcome == "no solution found" and verdict.attempt is None
    assert verdict.outcomes.examples == 0 and verdict.warnings == ["a warning"]
    assert verdict.advice[0] == HISTORY["helping"][0] and verdict.advice[-1] == "a promise"
    assert any("can judge another model" in said for said in verdict.advice)
    file = tmp_path / "verdict.json"
    verdict.write(file)
    assert Verdict.read(file) == verdict


def test_what_is_known_before_any_training_is_the_reason():
    why = "Whatever is trained, it cannot pass: too few negatives. No attempt was spent"
    verdict = evaluation.without_solution(load(), "run-1", {}, why=why)
    assert verdict.reasons == [f"no solution was found, and the test split was not asked. {why}"]
    assert verdict.advice == [] and verdict.validation is None and not verdict.was_asked


def test_a_sealed_verdict_keeps_what_is_told_of_the_validation_split(tmp_path):
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps(run_folders.sealed()))
    verdict = Verdict.read(file)
    assert verdict.was_asked and verdict.sealed and verdict.gate == []
    assert verdict.measured is verdict.validation.judgement and verdict.measured.gate
    assert verdict.validation.told and verdict.validation.yardsticks
    verdict.write(file)
    assert Verdict.read(file) == verdict
