"""What is searched: what the user left open, around what was found, and limits up to the gate's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.constrained_trainer.config import GateTarget, TrainingConfig
from components.constrained_trainer.resolving import resolve
from components.constrained_trainer.search.search_space import space, with_settings
from fairgate.constraints import language
from tests.components.constrained_trainer.toy import biased_split

GROUPS = {"G": ["a", "b"]}
GAP = "max_gap(FPR, [G])"
GATE = GateTarget(constraints=(f"{GAP} <= 0.1",), confidence=0.95)
EVERY = [
    "learning_rate",
    "weight_decay",
    "batch_size",
    "steps",
    "multipliers.learning_rate",
    "multipliers.proportional",
    "constraints",
]


@pytest.fixture(scope="module")
def splits():
    return biased_split(3000, seed=1), biased_split(2000, seed=2)


def searched(splits, gate=GATE, replicas=1, **given):
    config = TrainingConfig(**({"constraints": (f"{GAP} <= 0.02",)} | given))
    found = resolve(config, *splits, replicas).config
    made = space(config, found, gate, GROUPS, len(splits[0]), replicas)
    return config, found, {each.name: each for each in made}


def test_what_was_left_open_is_searched_around_what_was_found(splits):
    _, found, each = searched(splits)
    assert list(each) == EVERY
    assert all(s.low <= 1 <= s.high and s.low < s.high for s in each.values())
    assert each["learning_rate"].at(1.0) == found.learning_rate == 1e-3
    assert each["learning_rate"].at(10.0) == 0.01
    assert each["batch_size"].at(1.0) == found.batch_size
    assert each["steps"].at(0.5) == round(found.steps / 2)
    assert each["multipliers.proportional"].at(1.0) == pytest.approx(
        found.multipliers.proportional, rel=0.005
    )


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"learning_rate": 1e-3}, "learning_rate"),  # its default, but given
        ({"weight_decay": 0.0}, "weight_decay"),
        ({"batch_size": 64}, "batch_size"),
        ({"steps": 500}, "steps"),
        ({"multipliers": {"learning_rate": 0.3}}, "multipliers.learning_rate"),
        ({"multipliers": {"proportional": 0.0}}, "multipliers.proportional"),
        ({"multipliers": {"formulation": "lagrangian"}}, "multipliers.proportional"),
    ],
)
def test_a_number_that_the_user_gave_is_not_searched(splits, given, missing):
    assert list(searched(splits, **given)[2]) == [name for name in EVERY if name != missing]


def test_auto_that_the_user_wrote_out_is_searched(splits):
    written = {"steps": "auto", "multipliers": {"learning_rate": "auto"}}
    assert list(searched(splits, **written)[2]) == EVERY


def test_without_constraints_there_is_no_second_player_to_search_for(splits):
    assert list(searched(splits, constraints=())[2]) == EVERY[:4]


@pytest.mark.parametrize(
    ("own", "gates", "tightest", "loosest"),
    [
        (f"{GAP} <= 0.02", f"{GAP} <= 0.1", f"{GAP} <= 0.01", f"{GAP} <= 0.1"),
        # Of what is left up to 1: 0.2 at the gate.
        ("TPR | [a] >= 0.9", "TPR | [a] >= 0.8", "TPR | [a] >= 0.98", "TPR | [a] >= 0.8"),
        # A training tighter than a tenth of the gate's limit, or looser than it, may stay as it is.
        (f"{GAP} <= 0.005", f"{GAP} <= 0.1", f"{GAP} <= 0.005", f"{GAP} <= 0.1"),
        (f"{GAP} <= 0.3", f"{GAP} <= 0.1", f"{GAP} <= 0.01", f"{GAP} <= 0.3"),
        # Written the other way round.
        ("0.05 >= FPR | [a]", "FPR | [a] <= 0.2", "FPR | [a] <= 0.02", "FPR | [a] <= 0.2"),
    ],
)
def test_a_limit_moves_between_a_tenth_of_the_gates_and_the_whole(
    splits, own, gates, tightest, loosest
):
    gate = GateTarget(constraints=(gates,), confidence=0.95)
    limits = searched(splits, gate, constraints=(own,))[2]["constraints"]
    ends = [limits.at(limits.low), limits.at(limits.high)]
    for [found], expected in zip(ends, (tightest, loosest), strict=True):
        found, expected = (language.parse(line, GROUPS) for line in (found, expected))
        assert found.limit == pytest.approx(expected.limit, rel=0.006)
        assert (found.expression, found.sense) == (expected.expression, expected.sense)
    [same] = limits.at(1.0)
    assert language.parse(same, GROUPS).limit == language.parse(own, GROUPS).limit


@pytest.mark.parametrize(
    ("own", "gates"),
    [
        ("max_gap(TPR, [G]) <= 0.02", f"{GAP} <= 0.1"),  # the trainer alone keeps it
        ("FPR | [a] >= 0.02", "FPR | [a] <= 0.1"),
        (f"{GAP} <= 0.02", f"{GAP} <= 1"),  # nothing is asked
    ],
)
def test_a_limit_that_the_gate_does_not_share_stays(splits, own, gates):
    gate = GateTarget(constraints=(gates,), confidence=0.95)
    assert "constraints" not in searched(splits, gate, constraints=(own,))[2]


def test_shared_limits_move_together_and_others_stay(splits):
    gate = GateTarget(constraints=(f"{GAP} <= 0.1", "TPR | [a] >= 0.6"), confidence=0.95)
    own = (f"{GAP} <= 0.05", "TPR | [b] >= 0.5", "TPR | [a] >= 0.7")
    limits = searched(splits, gate, constraints=own)[2]["constraints"]
    assert limits.at(0.5) == [f"{GAP} <= 0.025", "TPR | [b] >= 0.5", "TPR | [a] >= 0.85"]
    # The first that reaches the gate's limit ends it for both.
    assert limits.high == pytest.approx(4 / 3)


@given(st.data())
def test_whatever_is_proposed_is_a_configuration_that_only_differs_there(splits, data):
    replicas = data.draw(st.sampled_from([1, 2, 3]))
    config, _, each = searched(splits, replicas=replicas, seed=7, snapshots=400)
    settings = {
        name: s.at(data.draw(st.floats(s.low, s.high), label=name)) for name, s in each.items()
    }
    made = with_settings(config, settings)
    assert made.batch_size % replicas == 0 and 1 <= made.batch_size <= len(splits[0]) + replicas
    assert made.steps >= made.snapshots == 400
    assert made.multipliers.watch == "auto" and made.seed == 7
    assert made.model_fields_set == {*config.model_fields_set, *EVERY[:4], "multipliers"}
    resolved = resolve(made, *splits, replicas)
    assert resolved.config.multipliers.learning_rate == settings["multipliers.learning_rate"]
    assert with_settings(config, {}) == config
