"""What is compared, as functions of a trial."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from benchmarks.experiments import plan as plans
from benchmarks.experiments.peer import Fairlearn, question_for
from benchmarks.experiments.plan import Plan
from benchmarks.experiments.protocol import (
    Outcome,
    divide,
    expected_counts,
    judge,
)
from components.constrained_trainer.config import GateTarget, TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.models import heads, networks
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.selection.snapshots import predict_scores
from components.constrained_trainer.training import TrainingResult, train
from fairgate.constraints.expressions import Constraint
from fairgate.errors import DataError
from fairgate.gate.prediction import bound_of, sizes_of


class Trial:
    """The examples of one trial, and what is trained on them; trained once, when first asked for.

    Every method of a trial gets the same examples and the same seed.

    Args:
        pool: what is drawn from.
        plan: of the experiment.
        base: the trainer's settings.
        examples: n.
        number: of the trial.
        fairlearn: answers questions; None: that method cannot be asked for.
    """

    def __init__(
        self,
        pool: Split,
        plan: Plan,
        base: TrainingConfig,
        examples: int,
        number: int,
        fairlearn: Fairlearn | None = None,
    ):
        self.plan = plan
        self.fairlearn = fairlearn
        self.constraint = plans.parse(plan, pool.group_names)
        seed = [plan.seed, number, examples]
        self.division = divide(len(pool), examples, plan.truth, seed)
        self._pool = pool
        self._base = base
        self._seed = int(np.random.default_rng([*seed, 1]).integers(2**31))

    def take(self, rows: np.ndarray) -> Split:
        """Those rows of the pool, in the order that reads its files forwards."""
        return self._pool.take(np.sort(rows))

    @cached_property
    def truth(self) -> Split:
        return self.take(self.division.truth)

    @cached_property
    def safety(self) -> Split:
        return self.take(self.division.safety)

    @cached_property
    def candidate(self) -> tuple[Split, Split]:
        """(training, validation) of a method with a safety test."""
        return self.take(self.division.training), self.take(self.division.validation)

    @cached_property
    def everything(self) -> tuple[Split, Split]:
        """(training, validation) of a method without one."""
        training, validation = self.division.without_safety()
        return self.take(training), self.take(validation)

    @cached_property
    def outlook(self) -> Outlook:
        """The safety test, as candidate data lets it be foreseen.

        There are as many candidates as safety examples: the groups will be about as large.
        """
        parts = [split.counts(np.zeros(len(split))) for split in self.candidate]
        sizes = sizes_of({group: parts[0][group] + parts[1][group] for group in parts[0]})
        target = GateTarget(constraints=(str(self.constraint),), confidence=1 - self.plan.delta)
        return Outlook(target, sizes)

    @cached_property
    def constrained(self) -> TrainingResult:
        """All layers under the constraint, on candidate data."""
        config = self._config(self.candidate, self._spared())
        return train(*self.candidate, config, outlook=self.outlook)

    @cached_property
    def free(self) -> TrainingResult:
        """No constraint, on all of the trial's data."""
        return train(*self.everything, self._config(self.everything, []))

    @cached_property
    def head(self) -> TrainingResult:
        """No constraint on candidate data; then its last layer alone, under the constraint."""
        whole = train(*self.candidate, self._config(self.candidate, []))
        config = self._config(self.candidate, self._spared())
        config = config.model_copy(update={"layers": "head", "warm_start": "baseline"})
        start = whole.model.get_weights()
        return train(*self.candidate, config, start=start, outlook=self.outlook)

    def tested(self, result: TrainingResult) -> Outcome:
        """After the safety test."""
        counts = self.safety.counts(predict_scores(result.model, self.safety))
        bound = bound_of(self.constraint, counts, self.plan.delta)
        return judge(self.constraint, _decisions(result, self.truth), self.truth, bound)

    def untested(self, result: TrainingResult) -> Outcome:
        """Returned in any case."""
        return judge(self.constraint, _decisions(result, self.truth), self.truth)

    def _spared(self) -> list[Constraint]:
        return [plans.spared(self.constraint, self.plan.spare)]

    def _config(self, splits: tuple[Split, Split], constraints: list[Constraint]) -> TrainingConfig:
        return plans.training(self._base, self.plan, len(splits[0]), constraints, self._seed)


def run(trial: Trial, method: str) -> Outcome:
    """One method of METHODS on a trial.

    Data on which a constraint cannot even be measured, such as a group without examples, is no
    solution rather than a failure.
    """
    try:
        return METHODS[method](trial)
    except DataError as error:
        return Outcome(returned=False, reason=str(error))


def _fairlearn(trial: Trial) -> Outcome:
    """Its mixture of logistic regressions over what the unconstrained network makes of the pictures.

    Of the bounds it is given, the one of least error on validation among those that keep the
    constraint there; if none does, the one that breaks it least.
    """
    training, validation = trial.everything
    body, _ = networks.split(trial.free.model)
    features = [
        heads.body_features(body, split).inputs[heads.FEATURES]
        for split in (training, validation, trial.truth)
    ]
    question = question_for(trial.constraint, training, features[0], np.concatenate(features[1:]))
    answers = trial.fairlearn.ask(question)
    on_validation, on_truth = np.split(answers, [len(validation)], axis=1)
    rated = [_rated(trial.constraint, p, validation) for p in on_validation]
    return judge(trial.constraint, on_truth[rated.index(min(rated))], trial.truth)


def _rated(constraint: Constraint, p: np.ndarray, validation: Split) -> tuple[float, float]:
    """(how far the constraint is violated, error): the smaller, the better."""
    counts = expected_counts(p, validation)
    violation = constraint.violation(constraint.value(counts))
    return (np.inf if np.isnan(violation) else max(violation, 0.0)), counts[None].rate("ERR")


def _decisions(result: TrainingResult, split: Split) -> np.ndarray:
    return (predict_scores(result.model, split) > 0).astype(float)


METHODS: dict[str, Callable[[Trial], Outcome]] = {
    "ours": lambda trial: trial.tested(trial.constrained),
    "ours-untested": lambda trial: trial.untested(trial.constrained),
    "head-only": lambda trial: trial.tested(trial.head),
    "unconstrained": lambda trial: trial.untested(trial.free),
    "fairlearn": _fairlearn,
}
"""Name -> what it does. ours: training, choice of a snapshot, safety test. ours-untested: the same
model, returned in any case. head-only: as ours, but all layers except the last are trained without
the constraint. unconstrained, fairlearn: no test, and so all of the data to learn from."""
