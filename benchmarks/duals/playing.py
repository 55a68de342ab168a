"""One update on one problem: the whole path of both players, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.duals.problems import Convex, ConvexProblem, Restart
from benchmarks.duals.updates import Update
from fairgate.optimization.training import ConstrainedOptimizer

MODEL_RATE = 0.1
NOISE = 0.1
WITHIN = {0.0: 0.01, NOISE: 0.1}  # what is near a solution, by the noise
_MOST = 1e6  # a game's weight of nothing for the objective counts as this


@dataclass(frozen=True)
class Result:
    """What one path shows; medians of several may stand in its place.

    Attributes:
        primal: distance of the model to its solution: the largest of its coordinates', root of the mean
            square over the last tenth of the steps.
        dual: the same of the multipliers.
        steps: after which both stay near the solution (`WITHIN`) to the end; inf: never.
        swing: max - min over the last third of the steps, of the multiplier that moves most.
    """

    primal: float
    dual: float
    steps: float
    swing: float

    @property
    def distance(self) -> float:
        return max(self.primal, self.dual)


class Noisy(ConvexProblem):
    """The multipliers see constraints as minibatches would show them; the model sees what is true."""

    def constraints(self, batch: Any = None) -> tf.Tensor:
        return super().constraints(batch) + batch["noise"]


def player(update: Update, rate: float, steps: int) -> Callable[[Convex, np.ndarray], np.ndarray]:
    """An update as one compiled function.

    Args:
        update: of `UPDATES`.
        rate: of the multipliers.
        steps: of both players.

    Returns:
        (problem, (steps, 3) noise) -> (steps, 5) float32: w and the multipliers after each step.
    """
    problem, formulation = Noisy(), update.make(rate)
    players = ConstrainedOptimizer(
        problem, formulation, keras.optimizers.SGD(MODEL_RATE), [problem.w]
    )

    @tf.function(autograph=False, jit_compile=True)
    def play(batch: Mapping[str, tf.Tensor], noise: tf.Tensor) -> tf.Tensor:
        def step(i: tf.Tensor, path: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            players.minimize({**batch, "noise": noise[i]})
            now = tf.concat([problem.w, formulation.lagrange_multipliers()], axis=0)
            return i + 1, path.write(i, now)

        path = tf.TensorArray(tf.float32, size=steps, element_shape=[5])
        return tf.while_loop(lambda i, _: i < steps, step, (tf.constant(0), path))[1].stack()

    restart = Restart(problem, formulation, players.optimizer, formulation.optimizer)

    def path(convex: Convex, noise: np.ndarray) -> np.ndarray:
        restart()
        return play(convex.batch(), tf.constant(noise, tf.float32)).numpy()

    return path


def measured(convex: Convex, path: np.ndarray, noise: float, averaged: bool) -> Result:
    """What a path, (steps, 5), shows."""
    path = np.nan_to_num(path.astype(float), nan=_MOST, posinf=_MOST, neginf=-_MOST)
    steps = len(path)
    played = path[-(steps // 3) :, 2:]
    if averaged:
        path = _means(path)
    primal = np.abs(path[:, :2] - convex.w).max(axis=1)
    dual = np.abs(path[:, 2:] @ np.transpose(convex.combinations) - convex.dual).max(axis=1)
    far = np.flatnonzero(np.maximum(primal, dual) > WITHIN[noise])
    last = 0 if not far.size else far[-1] + 1
    tenth = slice(-max(steps // 10, 1), None)
    return Result(
        primal=float(np.sqrt(np.mean(primal[tenth] ** 2))),
        dual=float(np.sqrt(np.mean(dual[tenth] ** 2))),
        steps=float(last) if last < steps else np.inf,
        swing=float(np.ptp(played, axis=0).max()),
    )


def median(results: list[Result]) -> Result:
    """Number by number."""
    columns = ("primal", "dual", "steps", "swing")
    # Between a number and never there is no mean: the higher one of the middle counts.
    found = {
        name: float(np.quantile([getattr(r, name) for r in results], 0.5, method="higher"))
        for name in columns
    }
    return Result(**found)


def _means(path: np.ndarray) -> np.ndarray:
    """After each step, the mean of the last half of the path until then."""
    sums = np.concatenate([np.zeros((1, path.shape[1])), np.cumsum(path, axis=0)])
    ends = np.arange(1, len(path) + 1)
    begins = ends // 2
    return (sums[ends] - sums[begins]) / (ends - begins)[:, np.newaxis]
