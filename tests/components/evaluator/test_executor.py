"""The real Evaluator on planted answers: what passes, what is blocked, and in which words."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from tfx.components.evaluator import executor as standard
from tfx.types import standard_artifacts

from components.evaluator import known
from components.evaluator.questions import Meaning, former_question
from components.evaluator.stamp import read_attempt
from components.fairness_metrics import gate
from components.model_properties import NO_SOLUTION
from fairgate import bounds
from fairgate.constraints import language
from fairgate.constraints.rates import Counts
from fairgate.errors import DataError, NoSolution
from fairgate.gate import ledger
from fairgate.gate.attempts import AttemptsUsedUp
from fairgate.gate.config import GateConfig
from fairgate.records import Records
from tests.components.evaluator import planted
from tests.components.evaluator.planted import GAP, Planted

EVEN = Planted({"Red": Counts(tp=300, fp=30, tn=270, fn=20), "Blue": Counts(200, 40, 260, 10)})
NOBODY = Counts(0, 0, 0, 0)


@pytest.fixture
def judge(tmp_path):
    """Judges planted outcomes; the same model and one ledger unless told otherwise."""
    number = itertools.count()

    def run(
        data: Planted,
        *assignments: str,
        weight=1.0,
        digest="t" * 32,
        names=None,
        home="one",
    ):
        settings = data.settings(*assignments)
        folder = tmp_path / str(next(number))
        judgement = planted.judge(
            folder,
            planted.examples(folder / "examples", data, digest),
            planted.model(folder / "model", weight, names or data.names),
            settings,
            tmp_path / home,
            run=f"run-{folder.name}",
        )
        return judgement, settings

    return run


@pytest.fixture
def verdict(judge):
    """The verdict on planted outcomes."""

    def run(*arguments, **named):
        judgement, settings = judge(*arguments, **named)
        return planted.verdict(settings, judgement)

    return run


def bound(data: Planted, line: str, delta: float = 0.05) -> float:
    return bounds.upper_bound(
        language.parse(line, {"Team": ["Red", "Blue"]}).expression, data.counts, delta
    )


# The scenarios of a gate.


def test_a_planted_gap_turns_the_verdict_where_its_bound_meets_the_limit(verdict):
    upper = bound(EVEN, f"{GAP} <= 1")
    value = 40 / 300 - 30 / 300
    assert value + 0.01 < upper
    passed = verdict(EVEN, f"gate.limit={upper + 1e-6:.9f}")
    assert passed.blessed and passed.reasons == []
    # The same model on the same data: another limit is no other attempt, so nothing is refused.
    short = verdict(EVEN, f"gate.limit={upper - 1e-6:.9f}")
    assert not short.blessed
    [reason] = short.reasons
    assert (
        "the measured value keeps the limit, but this many test examples cannot promise" in reason
    )
    over = verdict(EVEN, f"gate.limit={value - 1e-6:.9f}")
    [reason] = over.reasons
    assert not over.blessed and "the measured value is over the limit itself" in reason
    assert passed.attempt == short.attempt == over.attempt
    assert passed.gate[0].upper_bound == pytest.approx(upper)


def test_a_group_of_thirty_is_blocked_by_name(verdict):
    small = Planted(EVEN.outcomes | {"Blue": Counts(12, 1, 16, 1)})
    blocked = verdict(small, "gate.minimum_negatives=100", "gate.limit=0.1")
    assert not blocked.blessed
    few, wide = blocked.reasons
    assert "group [Blue] has 17 negative examples in the test split, fewer than" in few
    assert "gate.minimum_negatives = 100" in few
    assert "more examples of the smallest group would narrow the bound" in wide


def test_what_is_known_before_is_not_asked():
    """Decided from examples, settings and validation alone: see `components.evaluator.known`."""
    config = gate.eval_config(
        GateConfig(constraints=[f"{GAP} <= 0.3"], minimum_accuracy=0.8),
        {"Team": ["Red", "Blue"]},
        "label",
    )

    def why(sizes=None, validation=None, confidence=0.95) -> str:
        examples, model = standard_artifacts.Examples(), standard_artifacts.Model()
        if sizes is not None:
            examples.set_string_custom_property("test_sizes", json.dumps({"Team": sizes}))
        if validation is not None:
            model.set_string_custom_property("validation", json.dumps(validation))
        return known.out_of_reach(config, examples, model, confidence)

    assert why() == ""
    assert why({"Red": (300, 10), "Blue": (100, 0)}) == ""
    assert "group [Blue] has 99 negative" in why({"Red": (300, 10), "Blue": (99, 999)})
    assert "no examples of group [Red]" in why({"Red": (0, 0), "Blue": (100, 9)})
    floor = 0.8  # gate.minimum_accuracy
    errors = next(
        k for k in range(1000) if bounds.clopper_pearson_upper(1000 - k, 1000, 0.05) < floor
    )
    assert why(validation={"examples": 1000, "error_rate": (errors - 1) / 1000}) == ""
    said = why(validation={"examples": 1000, "error_rate": errors / 1000})
    assert "gate.minimum_accuracy = 0.8 is out of reach" in said and "of 1,000 right" in said


def test_too_few_examples_cost_no_attempt(tmp_path):
    few = Planted(EVEN.outcomes | {"Blue": Counts(12, 1, 16, 1)})
    examples = planted.examples(tmp_path / "examples", few, "t" * 32)
    sizes = {name: (of.negatives, of.positives) for name, of in few.outcomes.items()}
    examples.set_string_custom_property("test_sizes", json.dumps({"Team": sizes}))
    settings = few.settings("gate.minimum_negatives=100")
    model, book = planted.model(tmp_path / "model"), tmp_path / "ledger"
    with pytest.raises(NoSolution, match=r"group \[Blue\] has 17 negative .* No attempt was spent"):
        planted.judge(tmp_path, examples, model, settings, book)
    assert not book.exists()


def test_an_absent_group_is_blocked_by_name(verdict):
    absent = Planted(EVEN.outcomes | {"Blue": NOBODY})
    blocked = verdict(absent, "gate.limit=1.0")
    assert not blocked.blessed
    missing, unknown = blocked.reasons
    assert "the test split has no examples of group [Blue]: its rates are unknown" in missing
    assert "could not be measured: a group it needs has no examples for its rate" in unknown


def test_a_group_without_negatives_is_blocked_by_name(verdict):
    data = Planted(EVEN.outcomes | {"Blue": Counts(300, 0, 0, 10)})
    blocked = verdict(data, "gate.limit=1.0")
    assert not blocked.blessed
    few, unknown = blocked.reasons
    assert "group [Blue] has 0 negative examples" in few
    assert "could not be measured" in unknown


def test_a_model_that_always_says_no_is_blocked_for_it(verdict):
    data = Planted({"Red": Counts(0, 0, 300, 200), "Blue": Counts(0, 0, 300, 200)})
    assert bound(data, f"{GAP} <= 1") < 0.3  # its gap alone would pass
    blocked = verdict(data)
    assert not blocked.blessed
    assert blocked.reasons == [
        "the model answers No to every example: its gap says nothing about fairness"
    ]


@pytest.mark.parametrize(
    ("of_each", "reasons"),
    [
        (Counts(4, 1, 299, 196), ["err less than the answer No"]),  # No to nearly everybody
        (Counts(tp=100, fp=150, tn=150, fn=100), ["err less than", "Yes more often"]),  # by a coin
        (Counts(tp=200, fp=300, tn=0, fn=0), ["answers Yes to every example"]),
    ],
)
def test_a_model_of_no_use_is_blocked_for_it_though_it_is_fair(verdict, of_each, reasons):
    data = Planted({"Red": of_each, "Blue": of_each})
    assert bound(data, f"{GAP} <= 1") < 0.3
    blocked = verdict(data)
    assert not blocked.blessed and not blocked.pushed
    for reason in reasons:
        assert any(reason in each for each in blocked.reasons), blocked.reasons


def test_swapped_group_names_judge_the_other_group(verdict, judge):
    unfair = {"Red": Counts(300, 6, 294, 20), "Blue": Counts(200, 90, 210, 10)}
    line = "gate.constraints=['FPR | [Red] <= 0.1']"
    data = Planted(unfair)
    passed = verdict(data, line)
    assert passed.blessed
    swapped = Planted(unfair, names={"Red": "b", "Blue": "r"})
    # The very same weights and line, and yet another question to the same test data:
    with pytest.raises(AttemptsUsedUp):
        judge(swapped, line)
    blocked = verdict(swapped, line, home="another ledger")
    assert not blocked.blessed
    assert blocked.models["constrained"].groups["Red"].fpr == pytest.approx(0.3)
    [reason] = blocked.reasons
    assert "FPR | [Red] <= 0.1: value 0.3000" in reason and "over the limit itself" in reason


def test_the_second_attempt_of_five_is_judged_at_99_percent_and_all_say_so(verdict, judge):
    five = "gate.attempts=5"
    first, settings = judge(EVEN, five, "gate.limit=0.01")
    sealed = planted.verdict(settings, first)
    assert sealed.sealed and not sealed.blessed and sealed.gate == []
    assert sealed.models["constrained"].fpr is None
    second, settings = judge(EVEN, five, weight=2.0)
    read = planted.verdict(settings, second)
    assert read.blessed and not read.sealed
    assert (read.attempt.number, read.attempt.of) == (2, 5)
    assert read.attempt.confidence == read.gate[0].confidence == pytest.approx(0.99)
    assert read.gate[0].upper_bound == pytest.approx(bound(EVEN, f"{GAP} <= 1", 0.01))
    for artifact in (second.blessing, second.evaluation):
        assert read_attempt(artifact) == read.attempt
        assert len(artifact.get_string_custom_property("model_digest")) == 32


# The ledger, around an evaluation that does nothing.


@pytest.fixture
def looked(monkeypatch):
    """Whether the standard Evaluator was asked; it does nothing."""
    calls: list[dict] = []
    monkeypatch.setattr(
        standard.Executor, "Do", lambda self, inputs, outputs, properties: calls.append(properties)
    )
    return calls


def test_a_changed_model_is_refused_before_its_predictions_are_looked_at(judge, looked):
    judge(EVEN)
    assert len(looked) == 1
    with pytest.raises(AttemptsUsedUp) as refusal:
        judge(EVEN, weight=2.0)
    assert len(looked) == 1
    assert (
        "1 model was judged on this test split already, or on data that has records in common "
        in (said := str(refusal.value))
    )
    assert "(attempt 1, run run-0" in said
    judge(EVEN, weight=2.0, digest="u" * 32)  # other test data
    judge(EVEN)  # the model of before
    assert len(looked) == 3


def test_a_model_that_is_no_solution_is_refused_and_no_attempt_is_spent(tmp_path, looked):
    candidate = planted.model(tmp_path / "model")
    candidate.set_string_custom_property(NO_SOLUTION, "It gives everybody one answer.")
    data = planted.examples(tmp_path / "examples", EVEN, "t" * 32)
    with pytest.raises(NoSolution) as refusal:
        planted.judge(tmp_path / "made", data, candidate, EVEN.settings(), tmp_path / "one")
    for said in (
        "no solution was found",
        "did not ask the test split",
        "no attempt was spent",
        "nothing is pushed",
        "It gives everybody one answer.",
    ):
        assert said in str(refusal.value)
    assert looked == [] and not (tmp_path / "one").exists()


def test_an_evaluation_that_broke_off_is_resumed_as_the_same_attempt(judge, monkeypatch, tmp_path):
    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(standard.Executor, "Do", broken)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            judge(EVEN)
    known = Records.of("t" * 32, np.zeros(0, np.uint64))
    assert len(ledger.read(str(tmp_path / "one"), known).entries) == 1


def test_constraints_are_another_attempt_and_a_limit_of_one_is_not(judge, looked):
    judge(EVEN, "gate.limit=0.1")
    judge(EVEN, "gate.limit=0.2")
    with pytest.raises(AttemptsUsedUp):
        judge(EVEN, "gate.constraints=['FPR <= 0.2']")
    # Of several, limits that move against each other would let an error of either bound through.
    several = "gate.constraints=['FPR | [Red] <= {}', 'FPR | [Blue] <= {}']"
    judge(EVEN, several.format(0.1, 0.2), digest="u" * 32)
    judge(EVEN, several.format(0.1, 0.2), digest="u" * 32)
    with pytest.raises(AttemptsUsedUp):
        judge(EVEN, several.format(0.2, 0.1), digest="u" * 32)


def test_the_bounds_alone_get_the_confidence_of_the_attempt(judge, looked):
    judge(EVEN, "gate.attempts=5", "gate.confidence=0.9")
    text = looked[0]["eval_config"]
    assert '\\"confidence\\": 0.98' in text and '\\"confidence\\": 0.9,' not in text


def test_other_names_of_the_same_groups_are_the_same_question(judge, looked):
    renamed = Planted(EVEN.outcomes, names={"Crimson": "r", "Azure": "b"})
    line = "gate.constraints=['FPR | [{}] <= 0.2', 'FNR | [{}] <= 0.5']"
    judge(EVEN, line.format("Red", "Blue"))
    judge(renamed, line.format("Crimson", "Azure"))
    with pytest.raises(AttemptsUsedUp):
        judge(renamed, line.format("Azure", "Crimson"))


def test_a_question_of_an_earlier_version_is_known_in_the_ledger_of_its_pipeline(
    judge, looked, tmp_path
):
    home = "runs/ledger"
    judge(EVEN, home=home)
    event = json.loads((tmp_path / home / "journal" / "event-000001.json").read_text())
    config = planted.gate_of(EVEN.settings())
    meaning = Meaning.model_validate(
        EVEN.settings().data.features.model_dump(include={"label", "groups"})
    )
    asked = asdict(former_question(config, meaning, event["question"]["model"]))
    del asked["split"]
    page = tmp_path / "other" / "planted" / "ledger" / ("t" * 32)
    page.mkdir(parents=True)
    entry = {"number": 1, "question": asked, "delta": 0.05, "run": "old", "when": event["when"]}
    (page / "attempt-0001.json").write_text(json.dumps(entry))
    before = len(looked)
    judge(EVEN, home="other/ledger")
    with pytest.raises(AttemptsUsedUp, match="run old"):
        judge(EVEN, home="other/ledger", weight=2.0)
    assert len(looked) == before + 1


def test_one_record_more_is_the_same_test_data(judge, looked):
    judge(EVEN)
    outcomes = EVEN.outcomes | {"Red": replace(EVEN.outcomes["Red"], tn=271)}
    with pytest.raises(AttemptsUsedUp):
        judge(Planted(outcomes), digest="t" * 31 + "u")


def test_examples_without_a_digest_are_refused(judge, looked):
    with pytest.raises(DataError, match="carry no test_digest"):
        judge(EVEN, digest="")
    assert looked == []


# People with several examples.


def test_bounds_are_over_people_where_a_unit_is_named(verdict):
    people = Planted(EVEN.outcomes, each=5)
    limit = f"gate.limit={bound(EVEN, f'{GAP} <= 1') + 1e-6:.9f}"
    assert verdict(people, limit).blessed
    over = verdict(people, limit, "data.features.unit=person", home="two")
    assert not over.blessed
    [row] = over.gate
    assert row.independent_bound == pytest.approx(bound(EVEN, f"{GAP} <= 1"))
    assert row.upper_bound > row.independent_bound + 0.01
    assert str(over.sampling) == (
        f"Bounds are over {over.sampling.units} units, of at most 5 examples each, which may "
        "resemble each other."
    )
    more, today, _ = over.advice
    assert "more units, since bounds are over units" in more
    assert f"<= {-(-row.upper_bound * 1000 // 1) / 1000:g} could be promised" in today
    robust = ("data.features.unit=person", "gate.units=cluster_robust")
    robust = verdict(people, limit, *robust, home="three")
    assert row.independent_bound < robust.gate[0].upper_bound < row.upper_bound
    assert "approximate" in str(robust.sampling)


def test_more_than_the_largest_unit_is_no_bound(judge):
    people = Planted(EVEN.outcomes, each=5)
    with pytest.raises(Exception, match="more than the most of 4"):
        judge(people, "data.features.unit=person", "data.features.largest_unit=4")
