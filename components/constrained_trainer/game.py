"""The game that is trained: the error rate of the network against its multipliers.

The model player follows minibatches of the training split. The multiplier player sees the true rates
on minibatches of the validation split (or the same ones), so that a network cannot satisfy a
constraint by memorising its training data: Cotter et al., "Training Well-Generalizing Classifiers for
Fairness Metrics and Other Data-Dependent Constraints" (ICML 2019).

Denominators of all rates are counted once over both splits, so every minibatch rate is unbiased
however rare its group is.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from components.constrained_trainer import networks
from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from components.constrained_trainer.data import Split
from components.constrained_trainer.feed import columns
from fairgate import optimization as co
from fairgate.constraints.expressions import Constraint

_OBJECTIVES = {"hinge": co.HingeLoss, "cross_entropy": co.SoftmaxCrossEntropyLoss}


def make_game(
    model: keras.Model,
    constraints: Sequence[Constraint],
    training: Split,
    watched: Split,
    config: TrainingConfig,
) -> co.ConstrainedOptimizer:
    """Problem, multipliers and optimizers for minibatches like
    {"training": {inputs, labels, members, weights}, "watched": {the same}}.

    With `multipliers.watch: training` there is no "watched": both players see the same minibatch.

    Raises:
      NotTrainableError: (a ValueError) for a constraint that no game can be made of.
    """
    split = config.multipliers.watch == "validation"
    weighted = config.batches != "proportional"
    context, members = _context(model, training, split, weighted)
    lines = [
        line
        for constraint in constraints
        for line in co.from_language(constraint, context, members)
    ]
    loss = _OBJECTIVES[config.objective]()
    problem = co.RateMinimizationProblem(co.error_rate(context, penalty_loss=loss), lines)
    problem.count([{"training": _whole(training, weighted), "watched": _whole(watched, weighted)}])
    optimizer: keras.optimizers.Optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
    )
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    formulation = _formulation(config.multipliers, problem.num_constraints)
    return co.ConstrainedOptimizer(problem, formulation, optimizer, model)


def _context(
    model: keras.Model, split: Split, is_split: bool, weighted: bool
) -> tuple[co.Context, dict]:
    """The context of everyone, and the predicates of each group."""

    def scores(key: str, training: bool):
        return lambda batch: networks.call(model, batch[key]["inputs"], training=training)

    def column(key: str, name: str):
        return lambda batch: batch[key][name]

    def member(key: str, index: int):
        return lambda batch: batch[key]["members"][:, index]

    keys = ("training", "watched") if is_split else ("training",)
    predictions = [scores(key, training=key == "training") for key in keys]
    labels = [column(key, "labels") for key in keys]
    weights = [column(key, "weights") if weighted else None for key in keys]
    make = co.split_rate_context if is_split else co.rate_context
    context = make(*predictions, *labels, *weights)
    members = {
        group: tuple(member(key, index) for key in keys) for index, group in enumerate(split.groups)
    }
    return context, members


def _formulation(config: MultiplierConfig, num_constraints: int) -> co.Formulation:
    # One step of the player stands for several of the model: as much longer.
    rate = config.learning_rate * config.every
    if config.formulation == "lagrangian":
        return co.Lagrangian(num_constraints, optimizer=rate)
    return co.ProxyLagrangian(
        num_constraints,
        regret_type=config.regret,
        update_type=config.update,
        initial_radius=config.initial_radius,
        optimizer=rate,
    )


def _whole(split: Split, weighted: bool) -> dict:
    """A split as one minibatch without inputs: nothing is predicted while denominators are counted."""
    ones = np.ones(len(split), np.float32)
    return columns(split, ones if weighted else None) | {"inputs": {}}
