"""The verdict: its numbers, its words, its file and its tables."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow_model_analysis as tfma
from rich.console import Console

from fairgate import bounds
from fairgate.constraints.rates import Counts, Group
from fairgate.gate import checks
from fairgate.gate.attempts import Attempt, delta_of
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from pipeline import ending
from pipeline import evaluation as evaluations
from pipeline.settings import Settings, load
from pipeline.verdict import Verdict

Measured = dict[Group | None, Counts]

FAIR = {"Young": Counts(tp=4000, fp=300, tn=5700, fn=600), "Not Young": Counts(900, 80, 1520, 150)}
UNFAIR = {"Young": Counts(4000, 300, 5700, 600), "Not Young": Counts(900, 400, 1200, 150)}
NOBODY = Counts(0, 0, 0, 0)
THREE = {"Age": ["Young", "Middle", "Old"]}


def measured(groups: dict[str, Counts], feature: str = "Young") -> Measured:
    everybody = sum(groups.values(), NOBODY)
    return {None: everybody} | {Group(feature, name): c for name, c in groups.items()}


def evaluation(settings: Settings, counts: Measured, accuracy: float | None = None) -> Any:
    """An evaluation result as TFMA loads it, of a model with these outcomes."""
    metrics: dict[str, float] = {
        checks.ACCURACY: counts[None].rate("ACC") if accuracy is None else accuracy,
        checks.FEWEST_NEGATIVES: min(c.negatives for group, c in counts.items() if group),
        checks.DISTINCT_DECISIONS: float(counts[None].tp + counts[None].fp > 0)
        + float(counts[None].tn + counts[None].fn > 0),
    }
    for check in checks.checks(settings.gate, settings.data.features.group_names):
        constraint, delta = check.constraint, 1 - settings.gate.confidence
        bound = bounds.upper_bound if constraint.sense == "<=" else bounds.lower_bound
        metrics[check.value_metric] = constraint.value(counts)
        metrics[check.bound_metric] = bound(constraint.expression, counts, delta)
    slices = []
    for group, of_group in counts.items():
        if not of_group.examples:
            continue  # TFMA has no slice where there are no examples
        confusion = {
            "true_positives": of_group.tp,
            "false_positives": of_group.fp,
            "true_negatives": of_group.tn,
            "false_negatives": of_group.fn,
        }
        values = confusion | (metrics if group is None else {})
        key = () if group is None else ((group.feature, group.name),)
        slices.append(
            (key, {"": {"": {name: {"doubleValue": value} for name, value in values.items()}}})
        )
    return SimpleNamespace(slicing_metrics=slices)


@pytest.fixture
def judge(monkeypatch):
    """Reads the verdict on a candidate with given outcomes, the baseline being unfair."""

    def read(
        candidate: Measured,
        settings: Settings | None = None,
        baseline: Measured | None = None,
        blessed: bool = False,
        accuracy: float | None = None,
        attempt: Attempt | None = None,
        warnings: Sequence[str] = (),
    ) -> Verdict:
        settings = settings or load()
        confidence = settings.gate.confidence
        attempt = attempt or Attempt(1, 1, confidence, delta_of(confidence), "t" * 32)
        baseline = candidate if baseline is None else baseline
        of = {
            CONSTRAINED: evaluation(settings, candidate, accuracy),
            BASELINE: evaluation(settings, baseline),
        }
        monkeypatch.setattr(tfma, "load_eval_result", lambda folder, model_name: of[model_name])
        pushed = "serving/smiling/1700000000" if blessed else None
        return evaluations.read_verdict(
            settings, "run-1", "folder", blessed, pushed, attempt, list(warnings)
        )

    return read


def shown(verdict: Verdict, width: int = 80) -> str:
    output = io.StringIO()
    ending.show_verdict(verdict, Console(file=output, width=width))
    return output.getvalue()


def ages(young: Counts, middle: Counts, old: Counts) -> tuple[Measured, Settings]:
    settings = load(
        [],
        [
            "data.features.groups={Age: {name: age, values: {Young: 0, Middle: 1, Old: 2}}}",
            "trainer.constraints=[]",
            "gate.constraints.0=max_gap(FPR, [Age]) <= 0.05",
        ],
    )
    return measured({"Young": young, "Middle": middle, "Old": old}, "Age"), settings


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


def test_the_confidence_is_that_of_the_attempt_and_not_of_the_settings(judge, tmp_path):
    attempt = Attempt(number=2, of=20, confidence=0.9975, delta_total=0.05, test_digest="t" * 32)
    verdict = judge(measured(FAIR), attempt=attempt)
    [row] = verdict.gate
    assert row.confidence == 0.9975
    text = shown(verdict)
    assert "attempt 2 of 20 on this test split, judged at 99.75%" in text
    assert "99.75% bound" in text and "95%" not in text
    verdict.write(tmp_path / "verdict.json")
    assert json.loads((tmp_path / "verdict.json").read_text())["attempt"] == {
        "number": 2,
        "of": 20,
        "confidence": 0.9975,
        "delta_total": 0.05,
        "test_digest": "t" * 32,
    }


def test_a_confidence_is_never_shown_higher_than_it_is(judge):
    attempt = Attempt(number=3, of=7, confidence=1 - 0.05 / 7, delta_total=0.05, test_digest="t")
    assert "judged at 99.28%" in shown(judge(measured(FAIR), attempt=attempt))  # 99.2857...


def test_one_attempt_alone_is_not_worth_a_line(judge):
    assert "attempt" not in shown(judge(measured(FAIR)))


def test_a_warning_is_shown_and_kept_and_blocks_nothing(judge, tmp_path):
    verdict = judge(measured(FAIR), blessed=True, warnings=["3 of 20 examples are [elsewhere] too"])
    assert "warning: 3 of 20 examples are [elsewhere] too" in shown(verdict)
    assert "PASSED" in shown(verdict) and verdict.reasons == []
    verdict.write(tmp_path / "verdict.json")
    tree = json.loads((tmp_path / "verdict.json").read_text())
    assert tree["warnings"] == ["3 of 20 examples are [elsewhere] too"]


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
    assert "accuracy 0.9147 is under gate.minimum_accuracy = 0.95" in reason


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
    verdict = judge(measured({"Young": outcomes, "Not Young": outcomes}))
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


# The tables.


def test_the_tables_tell_the_story_at_80_columns(judge):
    text = shown(judge(measured(FAIR), baseline=measured(UNFAIR), blessed=True))
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    for part in ("everybody", "Young", "Not Young", "baseline", "constrained", "13,250", "passed"):
        assert part in text
    assert "PASSED: pushed to serving/smiling/1700000000" in text
    assert "synthetic: these figures say nothing about people" in text


def test_long_names_and_constraints_are_not_cut_at_80_columns(judge):
    names = [
        "Considerably younger than the median",
        "Pneumonoultramicroscopicsilicovolcanoconiosis",
    ]
    line = " + ".join(f"abs(FPR | [{name}] - FPR)" for name in names) + " <= 0.05"
    settings = load(
        [],
        [
            f"data.features.groups={{Age: {{name: a, values: {{{names[0]}: 1, {names[1]}: 0}}}}}}",
            "trainer.constraints=[]",
            f"gate.constraints.0={line}",
        ],
    )
    counts = measured(dict(zip(names, FAIR.values(), strict=True)), "Age")
    text = shown(judge(counts, settings))
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    for word in [*names[0].split(), names[1], "0.9147"]:
        assert word in text.replace("\n", " ")


def test_a_constraint_in_brackets_is_not_taken_for_markup(judge):
    settings = load([], ["gate.constraints.0=FPR | [Young] <= 0.5"])
    assert "FPR | [Young] <= 0.5" in shown(judge(measured(FAIR), settings))


def test_every_reason_is_shown_when_blocked(judge):
    settings = load([], ["gate.minimum_accuracy=0.95", "gate.limit=0.001"])
    verdict = judge(measured(FAIR), settings)
    text = " ".join(shown(verdict).split())
    assert "BLOCKED: nothing was pushed" in text and len(verdict.reasons) == 2
    for reason in verdict.reasons:
        assert reason in text
    assert "PASSED" not in text


def test_figures_of_real_data_are_not_called_synthetic(judge):
    settings = load([], ["data.path=data/mine"])
    assert "synthetic" not in shown(judge(measured(FAIR), settings))


# No solution found.


def test_a_blocked_model_has_advice_and_no_solution(judge, tmp_path):
    verdict = judge(measured(FAIR), load([], ["gate.limit=0.005"]))
    assert verdict.outcome == "no solution found" and len(verdict.advice) == 3
    bound = verdict.gate[0].upper_bound
    limit = float(verdict.advice[1].split("<= ")[1].split()[0])
    assert bound <= limit < bound + 0.001
    verdict.write(tmp_path / "verdict.json")
    tree = json.loads((tmp_path / "verdict.json").read_text())
    assert tree["outcome"] == "no solution found" and tree["advice"] == verdict.advice
    text = " ".join(shown(verdict).split())
    assert "No solution found. What would help:" in text
    for sentence in verdict.advice:
        assert sentence in text


def test_a_pushed_model_is_the_outcome_and_needs_no_advice(judge):
    verdict = judge(measured(FAIR), blessed=True)
    assert verdict.outcome == "pushed" and verdict.advice == []
    assert "No solution" not in shown(verdict)
