"""Every game on convex problems with known solutions: primal and dual within a thousandth."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.duals.problems import PROBLEMS, ConvexProblem, Optimistic, Restart
from fairgate.optimization.games import ProxyLagrangian
from fairgate.optimization.problems import ProblemValues
from fairgate.optimization.training import ConstrainedModel, ConstrainedOptimizer
from tests.fairgate.optimization.games.convex import GAMES, Game, by_features


@pytest.mark.parametrize("name", GAMES)
def test_a_loop_of_steps_finds_primal_and_dual(name: str) -> None:
    """One compiled loop per game; the problem is its argument."""
    game = GAMES[name]
    problem, formulation = ConvexProblem(), game.make()
    steps = keras.optimizers.SGD if game.settles else Optimistic
    players = ConstrainedOptimizer(problem, formulation, steps(game.rate), [problem.w])

    @tf.function(autograph=False, jit_compile=True)
    def solve(batch: Any) -> Any:
        def step(i: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
            players.minimize(batch)
            seen = (problem.w, formulation.lagrange_multipliers()) if game.averaged else ()
            return (i + 1, *(total + value for total, value in zip(sums, seen, strict=True)))

        sums = (tf.zeros([2]), tf.zeros([3])) if game.averaged else ()
        return tf.while_loop(lambda i, *_: i < game.steps, step, (tf.constant(0), *sums))[1:]

    restart = Restart(problem, formulation, players.optimizer, formulation.optimizer)
    for title, convex in PROBLEMS.items():
        restart()
        means = [total / game.steps for total in solve(convex.batch())]
        last = (problem.w, formulation.lagrange_multipliers())
        convex.assert_solved(*(means or last), title)


FITTED = {name: GAMES[name] for name in GAMES if "normalized" not in name} | {
    # Without the bounce of inactive constraints nothing needs half a million steps.
    "multiplier model": Game(
        lambda: by_features(keras.optimizers.schedules.PolynomialDecay(0.2, 1000, 1e-4))
    )
}


@pytest.mark.parametrize("name", FITTED)
def test_fit_finds_primal_and_dual(name: str) -> None:
    game = FITTED[name]
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1, use_bias=False)])
    problem, formulation = ConvexProblem(model.trainable_variables[0]), game.make()
    trained = ConstrainedModel(model, problem, formulation)
    steps = keras.optimizers.SGD if game.settles else Optimistic
    trained.compile(steps(game.rate), steps_per_execution=500)
    restart = Restart(model, formulation, trained.optimizer, formulation.optimizer)
    two = "two active constraints" if name != "multiplier model" else "one constraint alone"
    for title in (two, "a proxy of another slope"):
        restart()
        data = tf.data.Dataset.from_tensors((PROBLEMS[title].batch(),)).repeat()
        trained.fit(data, steps_per_epoch=1000, shuffle=False, verbose=0)
        PROBLEMS[title].assert_solved(problem.w, formulation.lagrange_multipliers(), title)


def test_a_normalized_game_survives_an_objective_without_weight() -> None:
    """Additive updates reach p_0 = 0, where p_i / p_0 is inf, or 0 if p_i is 0, too."""
    game = ProxyLagrangian(2, "external", "additive", optimizer=1.0, normalize=True)
    game.update(tf.constant([9.0, -9.0]))
    assert game.multipliers().numpy() == pytest.approx([0, 1, 0])
    assert game.lagrange_multipliers().numpy() == pytest.approx([np.inf, 0])
    values = ProblemValues(tf.constant(3.0), tf.constant([0.5, 9.0]), tf.zeros([2]))
    # Divided by minimum_radius / n instead of 0.
    assert float(game.lagrangian(values)) == pytest.approx(0.5 * 3 / 1e-3)
