"""What a run ends with: tables and sentences for the terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from fairgate.gate.attempts import Attempt
from pipeline.results import ending, evaluation
from pipeline.results.verdict import Validation, Verdict, Yardstick
from pipeline.settings import load
from tests.pipeline.verdicts import FAIR, UNFAIR, measured


def shown(verdict: Verdict, width: int = 80) -> str:
    output = io.StringIO()
    ending.show_verdict(verdict, Console(file=output, width=width))
    return output.getvalue()


def test_the_confidence_is_that_of_the_attempt_and_not_of_the_settings(judge, tmp_path):
    attempt = Attempt(number=2, of=20, confidence=0.9975, delta_total=0.05, test_digest="t" * 32)
    verdict = judge(measured(FAIR), attempt=attempt)
    [row] = verdict.gate
    assert row.confidence == 0.9975
    text = shown(verdict)
    assert "attempt 2 of 20 on the test split, judged at 99.75%" in text
    assert "99.75% bound" in text and "95%" not in text
    verdict.write(tmp_path / "verdict.json")
    assert json.loads((tmp_path / "verdict.json").read_text())["attempt"] == {
        "number": 2,
        "of": 20,
        "confidence": 0.9975,
        "delta_total": 0.05,
        "test_digest": "t" * 32,
        "sealed": False,
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


def test_a_blocked_model_has_advice_and_an_outcome(judge, tmp_path):
    verdict = judge(measured(FAIR), load([], ["gate.limit=0.005"]))
    assert verdict.outcome == "undecided" and len(verdict.advice) == 3
    bound = verdict.gate[0].upper_bound
    limit = float(verdict.advice[1].split("<= ")[1].split()[0])
    assert bound <= limit < bound + 0.001
    verdict.write(tmp_path / "verdict.json")
    tree = json.loads((tmp_path / "verdict.json").read_text())
    assert tree["outcome"] == "undecided" and tree["advice"] == verdict.advice
    text = " ".join(shown(verdict).split())
    assert "Undecided: it is neither shown" in text and "What would help:" in text
    for sentence in verdict.advice:
        assert sentence in text


def test_a_model_that_is_over_the_limit_must_change(judge):
    verdict = judge(measured(UNFAIR))
    assert verdict.outcome == verdict.gate[0].outcome == "over the limit"
    assert verdict.gate[0].opposite_bound > 0.05
    text = " ".join(shown(verdict).split())
    assert "Over the limit: what the gate asks is shown not to hold" in text
    assert "4 times in 5 with" not in text


def test_a_pushed_model_is_the_outcome_and_needs_no_advice(judge):
    verdict = judge(measured(FAIR), blessed=True)
    assert verdict.outcome == "pushed" and verdict.advice == []
    assert "No solution" not in shown(verdict)


def test_what_the_constraints_cost_stands_before_the_verdict_at_80_columns(judge):
    rows = [
        Yardstick(name="the commonest answer", error_rate=0.3, worst=-0.02, beyond_least=0.18),
        Yardstick(
            name="the baseline, a threshold for each group",
            error_rate=0.12,
            worst=0.0,
            sees_groups=True,
            beyond_least=0.0,
        ),
        Yardstick(name="the chosen model", error_rate=0.13, worst=None, beyond_least=None),
    ]
    known = Validation(told=["Chosen."], yardsticks=rows)
    text = shown(replace(judge(measured(FAIR), blessed=True), validation=known))
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    table = text[: text.index("Models, on the test split")]
    assert "on the validation split" in table and "the commonest answer" in table
    assert "0.1200 +0.0000 +0.0000" in " ".join(table.split()) and "+0.1800" in table
    assert "validation" not in shown(judge(measured(FAIR), blessed=True))


def test_without_a_solution_there_are_no_tables_of_the_test_split():
    history = {"told": ["Chosen."], "helping": ["Better inputs would help."], "yardsticks": []}
    text = shown(evaluation.without_solution(load(), "run-1", history))
    assert "on the test split" not in text and "Gate:" not in text
    words = " ".join(text.split())
    assert (
        "BLOCKED: nothing was pushed, because - no solution was found: on the validation" in words
    )
    assert "No solution found. What would help: - Better inputs would help." in words
