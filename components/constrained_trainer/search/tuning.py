"""A search for better settings: trainings that differ in a few, compared on the validation split.

A trial is what a run trains, the baseline and then the constrained model. Better is what the gate is
predicted to pass, and among those what errs least on the validation split. The test split is not read:
of it, only the numbers of examples of each group and label are known (`outlook.Outlook`).

Which snapshot a training chooses goes by estimates from both splits (`optimism`): its snapshots remember
about the same. Trials are compared on the validation split alone: they remember more or less, and an
estimate that training examples count in errs on the side of those that remember more, by up to
1 / (4 sqrt(m)) for m validation examples (0.007 for 1,445): where the optimism d is 1 / (2 sqrt(m)).

New settings are proposed by the tree-structured Parzen estimator of Bergstra et al., "Algorithms for
Hyper-Parameter Optimization" (NeurIPS 2011), as Optuna has it. Each proposal depends on the trials
before it and on their number alone, so that a search that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import math
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
import tensorflow as tf
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.resolving import Resolved, resolve
from components.constrained_trainer.running import devices
from components.constrained_trainer.running.session import Moment
from components.constrained_trainer.search.budget import Budget
from components.constrained_trainer.search.search_space import Searched, space, with_settings
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.training import TrainingResult, train
from components.transform.inputs import ModelInput
from fairgate.errors import DataError, SettingsError

_RECORD = "trial"


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and what came of them on the validation split.

    Attributes:
      number: from 0, in the order of the trials; 0 has the settings as they were.
      settings: path below `trainer` -> value of each setting that is searched.
      error_rate: of the chosen model, as it would be served; NaN where there is none.
      excess: how far the chosen model is predicted to be beyond what the gate asks, where it is farthest;
        it is predicted to pass at 0 and below. inf where nothing can be predicted.
      seconds: of the trainings, their compilation included.
      problem: why there is no model of use, in words; None where there is one.
    """

    number: int
    settings: dict[str, Any] = field(default_factory=dict)
    error_rate: float = math.nan
    excess: float = math.inf
    seconds: float = 0.0
    problem: str | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """The settings that differ from those as they were."""
        return self.settings if self.number else {}

    @property
    def passes(self) -> bool:
        """Whether the gate is predicted to let the chosen model pass."""
        return self.excess <= 0

    @property
    def cost(self) -> float:
        """What the search makes small: the error of what is predicted to pass, and beyond 1 all else."""
        return self.error_rate if self.passes else 1 + self.excess


def best(trials: Sequence[Trial]) -> Trial:
    """The one of the least cost; of equals the first, so that no setting moves for nothing."""
    return min(trials, key=lambda trial: trial.cost)


def tune(
    training: Split,
    validation: Split,
    config: TrainingConfig,
    outlook: Outlook,
    budget: Budget,
    journal: pathlib.Path,
    on_trials: Callable[[list[Trial]], None] = lambda trials: None,
    on_progress: Callable[[float, str], None] = lambda share, message: None,
    *,
    inputs: Mapping[str, ModelInput] | None = None,
    scope: tf.distribute.Strategy | None = None,
) -> list[Trial]:
    """Tries settings until the budget is spent, that of a search that was stopped included.

    Args:
      training: as for `training.train`.
      validation: as for `training.train`; trials are compared on it.
      config: the user's settings, which are the first trial; what is searched is `search_space.space`.
        A warm start is one from the trial's own baseline.
      outlook: the gate to come.
      budget: of the whole search.
      journal: file of the search; one that is there is gone on with. It must be of the same data,
        settings and gate.
      on_trials: called with all trials so far, before the first one here and after each.
      on_progress: (share of the budget that is spent, what is being trained).
      inputs: as for `training.train`.
      scope: as for `training.train`.

    Returns:
      The trials, those that were there included.

    Raises:
      SettingsError: nothing is left to search, or a setting does not fit the data.
      DataError: the journal cannot be read, or a constraint cannot be measured.
      interruption.Stopped: SIGTERM arrived; the trials that had ended are kept.
    """
    scope = scope or devices.strategy(config.devices)
    replicas = scope.num_replicas_in_sync
    found = resolve(config, training, validation, replicas).config
    searched = space(config, found, outlook.target, validation.vocabulary, len(training), replicas)
    if not searched:
        raise SettingsError(
            "every setting that is searched has a number already: leave one of trainer.learning_rate, "
            "weight_decay, batch_size, steps, multipliers.learning_rate and multipliers.proportional "
            "out, or train under a constraint of the gate's, whose limit can be searched"
        )
    study = _study(journal, searched)
    trials = _ended(study)
    on_trials(trials)
    while budget.allows_another(len(trials), spent := sum(each.seconds for each in trials)):
        began, number = time.perf_counter(), len(trials)
        asked, factors = _ask(study, searched, config.seed, number)
        settings = {each.name: each.at(factors[each.name]) for each in searched}
        of = f" of {budget.trials}" if budget.trials is not None else ""

        def moved(done: float, what: str, began=began, number=number, spent=spent, of=of) -> None:
            seconds = spent + time.perf_counter() - began
            on_progress(budget.spent(number + done, seconds), f"trial {number + 1}{of}: {what}")

        outcome = _try(
            (training, validation),
            # The first trial leaves open what is open, as a run without the search would.
            with_settings(config, settings if number else {}),
            outlook,
            moved,
            may_fail=number > 0,
            inputs=inputs,
            scope=scope,
        )
        trial = Trial(number, settings, **outcome, seconds=time.perf_counter() - began)
        asked.set_user_attr(_RECORD, vars(trial))
        study.tell(asked, trial.cost)
        trials.append(trial)
        on_trials(trials)
    return trials


def _study(journal: pathlib.Path, searched: Sequence[Searched]) -> optuna.Study:
    """The study in the file; what was being tried when it was stopped will be proposed again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    try:
        storage = JournalStorage(JournalFileBackend(str(journal)))
        study = optuna.create_study(storage=storage, study_name="tune", load_if_exists=True)
    except (ValueError, KeyError) as error:
        raise DataError(
            f"{journal}: cannot be read: {error}. Remove it, and the search begins anew"
        ) from None
    for stopped in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        study.tell(stopped.number, state=TrialState.FAIL)
    if not study.get_trials(deepcopy=False, states=[TrialState.COMPLETE, TrialState.WAITING]):
        study.enqueue_trial({each.name: 1.0 for each in searched})
    return study


def _ended(study: optuna.Study) -> list[Trial]:
    ended = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    return [Trial(**each.user_attrs[_RECORD]) for each in ended]


def _ask(
    study: optuna.Study, searched: Sequence[Searched], seed: int, number: int
) -> tuple[optuna.Trial, dict[str, float]]:
    """A trial to be told of, and the factor of each setting."""
    [own] = np.random.SeedSequence([seed, number]).generate_state(1)
    study.sampler = optuna.samplers.TPESampler(seed=int(own), multivariate=True)
    trial = study.ask()
    factors = {
        each.name: trial.suggest_float(each.name, each.low, each.high, log=True)
        for each in searched
    }
    return trial, factors


def _try(
    splits: tuple[Split, Split],
    config: TrainingConfig,
    outlook: Outlook,
    moved: Callable[[float, str], None],
    may_fail: bool,
    **how: Any,
) -> dict[str, Any]:
    """The fields of a `Trial` that tell what came of it."""
    try:
        result = _trained(splits, config, outlook, moved, **how)
    except FloatingPointError as error:
        return {"problem": str(error)}
    except DataError as error:
        # Settings of the user's own that cannot be measured are a mistake; others are merely no good.
        if not may_fail:
            raise
        return {"problem": str(error)}
    counts = splits[1].counts(result.scores(splits[1]))
    error = counts[None].rate("ERR")
    if not result.is_useful:
        return {"error_rate": error, "problem": "no model of any use was found"}
    return {"error_rate": error, "excess": float((result.outlook or outlook).excess(counts).max())}


def _trained(
    splits: tuple[Split, Split],
    config: TrainingConfig,
    outlook: Outlook,
    moved: Callable[[float, str], None],
    **how: Any,
) -> TrainingResult:
    """As a run trains: the baseline, and then the constrained model, which may be the baseline still."""

    def half(first: float, what: str, of: Resolved) -> Callable[[Moment], None]:
        steps = of.config.steps
        return lambda moment: moved(
            first + moment.step / steps / 2, f"{what}, step {moment.step:,} of {steps:,}"
        )

    free, constrained = (
        resolve(each, *splits, how["scope"].num_replicas_in_sync)
        for each in (config.unconstrained, config)
    )
    baseline = train(*splits, free, half(0.0, "baseline", free), **how).model.get_weights()
    return train(
        *splits,
        constrained,
        half(0.5, "constrained", constrained),
        start=None if config.warm_start == "none" else baseline,
        baseline=baseline,
        outlook=outlook,
        **how,
    )
