"""Thresholds of each group's own: what they keep, cost and tell."""

from __future__ import annotations

import numpy as np
import pytest

from components.constrained_trainer import history, telling
from components.constrained_trainer.config import (
    GateTarget,
    SelectionConfig,
)
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.selection.snapshots import predict_scores
from components.constrained_trainer.training import train
from fairgate.constraints import language
from fairgate.gate.prediction import sizes_of
from tests.components.constrained_trainer.trainings import GAP, LIMIT, configured


@pytest.fixture(scope="module")
def by_group(splits, baseline):
    config = configured(
        constraints=(GAP,),
        steps=200,
        snapshots=4,
        selection=SelectionConfig(),
        thresholds="per_group",
    )
    return train(*splits[:2], config, baseline=baseline.model.get_weights())


def test_thresholds_of_groups_keep_the_limit_at_no_more_than_what_they_cost_at_least(
    splits, by_group
):
    chosen = by_group.chosen
    assert chosen.rule is not None and chosen.worst <= 0
    *_, own, yardstick, ours = by_group.yardsticks
    assert ours.sees_groups and ours.error_rate == pytest.approx(chosen.error_rate, abs=1e-6)
    assert ours.worst == pytest.approx(chosen.worst, abs=1e-6)
    # Every snapshot was tried, and the baseline is one of them; a draw may be worth a little error, and
    # room to the limit two standard errors.
    assert chosen.error_rate <= yardstick.error_rate + 2.5 * np.sqrt(0.25 / len(splits[1]))
    assert yardstick.worst == pytest.approx(0.0, abs=1e-6) and chosen.worst < -0.005
    assert own.worst > 0
    decided = splits[1].counts(np.where(by_group.decide(splits[1]), 1.0, -1.0))
    assert decided[None].rate("ERR") == pytest.approx(chosen.error_rate, abs=2e-3)
    # On people that were not there, too.
    gap = language.parse(GAP, {"G": ["a", "b"]})
    unseen = splits[2].counts(by_group.scores(splits[2]))
    assert gap.value(unseen) < LIMIT + 0.03
    # The model holds the network alone, which does not keep it.
    alone = splits[2].counts(predict_scores(by_group.model, splits[2]))
    assert gap.value(alone) > gap.value(unseen) + 0.03


def test_what_thresholds_of_groups_are_is_told_and_kept(by_group):
    told = " ".join(telling.sentences(by_group))
    assert "with a threshold for each group. [a]: Yes above 0." in told and "[b]: Yes above" in told
    assert "the law forbids" in told and "It keeps the constraints of its training" in told
    found = history.record(by_group)
    kept = found["snapshots"][found["best"]]["thresholds"]
    assert [row["groups"] for row in kept] == [["G=a"], ["G=b"]]
    assert kept[0]["above"] == list(by_group.chosen.rule.thresholds[0])
    others = [s for index, s in enumerate(found["snapshots"]) if index != found["best"]]
    assert len(others) == 5 and all(each["thresholds"] is None for each in others)


@pytest.mark.parametrize("rated_by", ["upper_bound", "gate"])
def test_thresholds_of_groups_keep_room_where_a_bound_counts(splits, baseline, by_group, rated_by):
    config = configured(
        constraints=(GAP,),
        steps=20,
        snapshots=1,
        selection=SelectionConfig(rated_by=rated_by),
        thresholds="per_group",
    )
    gate = GateTarget(constraints=("max_gap(FPR, [G]) <= 0.06",), confidence=0.95)
    sizes = sizes_of(splits[2].counts(np.zeros(len(splits[2]))))
    start = baseline.model.get_weights()
    result = train(*splits[:2], config, baseline=start, outlook=Outlook(gate, sizes))
    chosen = result.chosen
    assert chosen.rule is not None
    counts = splits[1].counts(result.scores(splits[1]))
    gap = language.parse(GAP, {"G": ["a", "b"]}).value(counts)
    if rated_by == "gate":
        assert result.predicted_to_pass and chosen.excess.max() <= 0
        assert gap < 0.05
    else:
        assert chosen.worst <= 0 and gap < 0.02
    assert chosen.error_rate >= by_group.chosen.error_rate - 0.01


@pytest.mark.parametrize("line", ["AUC | [a] >= 0.6", "min(FPR | [a], FPR | [b]) <= 0.1"], ids=str)
def test_a_constraint_that_is_not_linear_has_no_thresholds_of_groups(splits, line):
    config = configured(
        constraints=(line,),
        steps=2,
        snapshots=1,
        selection=SelectionConfig(),
        thresholds="per_group",
    )
    with pytest.raises(ValueError, match="linear"):
        train(*splits[:2], config)


@pytest.mark.parametrize("selection", [{"choose": "distribution"}, {"thresholds": "own"}], ids=str)
def test_thresholds_of_groups_are_a_choice_of_their_own(selection):
    with pytest.raises(ValueError, match=r"per_group.*selection\.choose at best"):
        configured(thresholds="per_group", selection=selection)
