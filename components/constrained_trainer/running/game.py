"""The game that is trained: the error rate of the network against its multipliers.

The model player follows minibatches of the training split. The multiplier player sees the true rates
on the validation split (`resolving` says when on more), part after part, so that a network cannot
satisfy a constraint by memorising its training data: Cotter et al., "Training Well-Generalizing
Classifiers for Fairness Metrics and Other Data-Dependent Constraints" (ICML 2019).

Denominators of all rates are counted once over both splits, so every minibatch rate is unbiased
however rare its group is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.examples.feed import columns
from components.constrained_trainer.models import networks
from components.constrained_trainer.resolving import rarest_of
from components.constrained_trainer.running.calm_adam import CalmAdam
from fairgate import optimization as co
from fairgate.constraints.expressions import Constraint

# Snapshots are of the mean over this share of the training: about what is between two of them.
_MEAN_OVER = 1 / 30

_PIECE = 2**20  # rows whose denominators are counted at once

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
    split = config.multipliers.watch != "training"
    weighted = {
        "training": config.batches != "proportional" or training.weights is not None,
        "watched": watched.weights is not None,
    }
    context, members = _context(model, training, split, weighted)
    made = [
        co.from_language(constraint, context, members, classes=training.classes)
        for constraint in constraints
    ]
    lines = [line for each in made for line in each]
    loss = _OBJECTIVES[config.objective]()
    problem = co.RateMinimizationProblem(co.error_rate(context, penalty_loss=loss), lines)
    whole = {"training": training, "watched": watched}
    problem.count(_pieces({key: _whole(each, weighted[key]) for key, each in whole.items()}))
    decayed = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
    optimizer: keras.optimizers.Optimizer = CalmAdam(
        decayed, config.weight_decay, max(1.0, _MEAN_OVER * config.steps)
    )
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    # Each constraint on the scale of its rarest set; what rates bring along comes last.
    shares = [
        max(rarest_of(constraint, training).examples, 1) / (len(training) * training.effective)
        for constraint, each in zip(constraints, made, strict=True)
        for _ in each
    ]
    scale = [*shares, *[1.0] * problem.num_constraints][: problem.num_constraints]
    formulation = _formulation(config.multipliers, scale)
    return co.ConstrainedOptimizer(problem, formulation, optimizer, model)


def _context(
    model: keras.Model, split: Split, is_split: bool, weighted: Mapping[str, bool]
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
    # The watched examples are gone through in turn, each as often as any other.
    weights = [column(key, "weights") if weighted[key] else None for key in keys]
    if split.classes:
        several = co.multiclass_split_rate_context if is_split else co.multiclass_rate_context
        context = several(len(split.classes), *predictions, *labels, *weights)
    else:
        make = co.split_rate_context if is_split else co.rate_context
        context = make(*predictions, *labels, *weights)
    members = {
        group: tuple(member(key, index) for key in keys) for index, group in enumerate(split.groups)
    }
    return context, members


def _formulation(config: MultiplierConfig, scale: Sequence[float]) -> co.Formulation:
    num_constraints = len(scale)
    # One step of the player stands for several of the model: as much longer.
    rate = config.learning_rate * config.every
    if config.formulation == "lagrangian":
        return co.Lagrangian(num_constraints, config.maximum, optimizer=rate)
    if config.formulation == "pi_lagrangian":
        return co.PILagrangian(
            num_constraints,
            config.proportional,
            config.smoothing,
            config.maximum,
            scale,
            optimizer=rate,
        )
    return co.ProxyLagrangian(
        num_constraints,
        regret_type=config.regret,
        update_type=config.update,
        initial_radius=config.initial_radius,
        optimizer=rate,
    )


def _pieces(whole: dict[str, dict]) -> Iterator[dict[str, dict]]:
    """Of so many rows each that what is reckoned with them takes little memory; one, of most splits."""
    longest = max(len(each["labels"]) for each in whole.values())
    for first in range(0, longest, _PIECE):
        rows = slice(first, first + _PIECE)
        yield tf.nest.map_structure(lambda column, rows=rows: column[rows], whole)


def _whole(split: Split, weighted: bool) -> dict:
    """A split as one minibatch without inputs: nothing is predicted while denominators are counted."""
    ones = np.ones(len(split), np.float32)
    weights = ones if split.weights is None else split.weights
    return columns(split, weights if weighted else None) | {"inputs": {}}
