"""The search: it starts from what is there, compares as the gate would, and goes on when stopped."""

from __future__ import annotations

import math
import signal

import pytest

from components.constrained_trainer.config import GateTarget, TrainingConfig
from components.constrained_trainer.running.interruption import Stopped
from components.constrained_trainer.search import tuning
from components.constrained_trainer.search.budget import Budget
from components.constrained_trainer.search.search_space import with_settings
from components.constrained_trainer.search.tuning import Trial, best, tune
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.training import train
from fairgate.errors import DataError, SettingsError
from fairgate.gate.prediction import Size
from tests.components.constrained_trainer.toy import GROUPS, biased_split

GAP = "max_gap(FPR, [G])"
CONFIG = TrainingConfig(
    network="tests.components.constrained_trainer.toy:linear_network",
    constraints=(f"{GAP} <= 0.02",),
    steps=40,
    snapshots=2,
    batch_size=64,
    jit="off",
)
SIZES = {None: Size(1000, 1000), GROUPS[0]: Size(250, 750), GROUPS[1]: Size(750, 250)}


def outlook(limit: float = 0.15) -> Outlook:
    return Outlook(GateTarget(constraints=(f"{GAP} <= {limit}",), confidence=0.95), SIZES)


@pytest.fixture(scope="module")
def splits():
    return biased_split(1500, seed=1), biased_split(1000, seed=2)


def without_time(trials):
    return [{**vars(trial), "seconds": 0} for trial in trials]


@pytest.fixture(scope="module")
def found(splits, tmp_path_factory):
    """The trials, and what was told on the way."""
    journal = tmp_path_factory.mktemp("search") / "deep" / "search.journal"
    told, progress = [], []
    trials = tune(
        *splits,
        CONFIG,
        outlook(),
        Budget(trials=4),
        journal,
        lambda trials: told.append(len(trials)),
        lambda *moment: progress.append(moment),
    )
    return trials, told, progress, journal


def test_the_first_trial_is_what_a_run_does_with_the_settings_as_they_are(splits, found):
    first = found[0][0]
    free = train(*splits, CONFIG.unconstrained)
    result = train(*splits, CONFIG, baseline=free.model.get_weights())
    chosen = result.chosen
    assert first.number == 0 and first.changes == {} and first.problem is None
    assert first.error_rate == chosen.error_rate
    assert first.excess == outlook().excess(splits[1].counts(chosen.scores)).max()


def test_each_other_trial_is_what_its_settings_give(splits, found):
    trial = found[0][3]
    assert set(trial.changes) == {
        "learning_rate",
        "weight_decay",
        "multipliers.learning_rate",
        "multipliers.proportional",
        "constraints",
    }
    config = with_settings(CONFIG, trial.changes)
    free = train(*splits, config.unconstrained)
    chosen = train(*splits, config, baseline=free.model.get_weights()).chosen
    assert trial.error_rate == chosen.error_rate


def test_it_ends_with_its_budget_and_tells_how_far_it_is(found):
    trials, told, progress, _ = found
    assert [trial.number for trial in trials] == list(range(4)) and told == [0, 1, 2, 3, 4]
    shares = [share for share, _ in progress]
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1
    assert progress[0][1].startswith("trial 1 of 4: baseline, step ")
    assert progress[-1][1] == "trial 4 of 4: constrained, step 40 of 40"


def test_a_budget_that_is_spent_buys_nothing_more(splits, found):
    trials, _, _, journal = found
    spent = sum(trial.seconds for trial in trials)
    for budget in (Budget(trials=4), Budget(trials=2), Budget(seconds=spent)):
        assert tune(*splits, CONFIG, outlook(), budget, journal) == trials


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "terminated"])
def test_a_search_that_was_stopped_ends_as_it_would_have(splits, found, tmp_path, how):
    journal = tmp_path / "search.journal"

    def stop(share, message):
        if message.startswith("trial 3 of 4: constrained"):
            if how == "killed":
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGTERM)

    kept = []
    with pytest.raises((KeyboardInterrupt, Stopped)):
        tune(*splits, CONFIG, outlook(), Budget(trials=4), journal, kept.append, stop)
    assert len(kept[-1]) == 2
    told = []
    again = tune(
        *splits, CONFIG, outlook(), Budget(trials=4), journal, lambda ts: told.append(len(ts))
    )
    assert told == [2, 3, 4]
    assert without_time(again) == without_time(found[0])


def test_stopped_in_the_first_trial_it_still_begins_with_the_settings_as_they_are(
    splits, found, tmp_path
):
    def stop(share, message):
        raise KeyboardInterrupt

    journal = tmp_path / "search.journal"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            tune(*splits, CONFIG, outlook(), Budget(trials=1), journal, on_progress=stop)
    [first] = tune(*splits, CONFIG, outlook(), Budget(trials=1), journal)
    assert without_time([first]) == without_time(found[0][:1])


def test_settings_that_do_not_work_are_a_trial_that_is_no_good(splits, tmp_path, monkeypatch):
    def explode(training, validation, resolved, *arguments, **named):
        if resolved.config.learning_rate != CONFIG.learning_rate:
            raise FloatingPointError("the loss is not finite at step 7")
        return train(training, validation, resolved, *arguments, **named)

    monkeypatch.setattr(tuning, "train", explode)
    journal = tmp_path / "search.journal"
    trials = tune(*splits, CONFIG, outlook(), Budget(trials=3), journal)
    assert [trial.problem for trial in trials] == [None] + ["the loss is not finite at step 7"] * 2
    assert trials[1].cost == math.inf and best(trials) is trials[0]
    again = tune(*splits, CONFIG, outlook(), Budget(trials=3), journal)
    assert [trial.cost for trial in again] == [trial.cost for trial in trials]


def test_a_network_that_explodes_whatever_is_set_has_no_best_settings(splits, tmp_path):
    config = CONFIG.model_copy(
        update={"network": "tests.components.constrained_trainer.toy:exploding_network"}
    )
    trials = tune(*splits, config, outlook(), Budget(trials=2), tmp_path / "j")
    assert best(trials).number == 0 and best(trials).cost == math.inf
    assert all("not finite" in trial.problem for trial in trials)


def test_a_constraint_that_cannot_be_measured_is_a_mistake_of_the_settings(splits, tmp_path):
    training = splits[0]
    only_a = training.take((training.memberships[:, 0] > 0).nonzero()[0])
    with pytest.raises(DataError, match="cannot be measured on split 'train'"):
        tune(only_a, splits[1], CONFIG, outlook(), Budget(trials=2), tmp_path / "j")


def test_where_every_setting_has_a_number_there_is_nothing_to_search(splits, tmp_path):
    numbers = {
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "multipliers.learning_rate": 0.1,
        "multipliers.proportional": 1.0,
        "constraints": ["max_gap(TPR, [G]) <= 0.1"],
    }
    config = with_settings(CONFIG, numbers)
    with pytest.raises(SettingsError, match=r"leave one of trainer\.learning_rate, weight_decay"):
        tune(*splits, config, outlook(), Budget(trials=2), tmp_path / "j")
    assert not (tmp_path / "j").exists()


def test_a_damaged_journal_is_named(splits, tmp_path):
    journal = tmp_path / "search.journal"
    journal.write_text("{\n{\n")
    with pytest.raises(DataError, match=r"search.journal: cannot be read.*begins anew"):
        tune(*splits, CONFIG, outlook(), Budget(trials=2), journal)


def test_the_best_is_predicted_to_pass_and_errs_least_and_of_equals_the_first():
    beyond = Trial(0, error_rate=0.1, excess=0.01)
    worse = Trial(1, error_rate=0.1, excess=0.2)
    useless = Trial(2, error_rate=0.1, problem="no model of any use was found")
    passing = Trial(3, error_rate=0.3, excess=-0.1)
    better = Trial(4, error_rate=0.2, excess=0.0)
    same = Trial(5, error_rate=0.2, excess=-0.5)
    assert best([useless, worse, beyond]) is beyond
    assert best([useless, worse]) is worse
    assert best([beyond, passing]) is passing
    assert best([beyond, worse, useless, passing, better, same]) is better


@pytest.mark.slow
def test_a_bad_start_is_left_behind(splits, tmp_path):
    """Steps so small that nothing is learned: the search finds larger ones within a few trials."""
    config = TrainingConfig(
        **CONFIG.model_dump(exclude={"multipliers", "learning_rate", "steps"}), steps=20
    )
    # The default step size is searched; on this network 20 steps of it are far too few.
    trials = tune(*splits, config, outlook(0.3), Budget(trials=12), tmp_path / "j")
    assert best(trials).cost < trials[0].cost - 0.02
