"""What is compiled: many steps of the game, one after another, on the device.

On the reference network a step is microseconds of arithmetic, so what counts is how little happens
around it: rows are drawn, gathered and learnt from inside one `tf.while_loop`. The multipliers' step
follows the model's steps before it, which are a loop of their own: none of them decides anything, and
what only the multipliers' step changes is computed once for all of them.

A GPU reports to its host at every turn of a loop whose number of turns only the device knows. There,
steps are taken in stretches of a number that the program knows, and the rows of a stretch are drawn
together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from components.constrained_trainer.examples.feed import Feed, Tensors
from fairgate import optimization as co

# No step went wrong.
NONE = -1


class State(NamedTuple):
    """What a step hands to the next one.

    Attributes:
      step: () int64, steps taken.
      total: () float32, the sum of their losses.
      violations: (m,) float32, the constraints that the multiplier player saw last.
      bad: () int64, the first step whose loss was not finite, or NONE.
    """

    step: tf.Tensor
    total: tf.Tensor
    violations: tf.Tensor
    bad: tf.Tensor


class Steps:
    """The two programs.

    Args:
      game: problem, multipliers and optimizers.
      training: the model player's examples.
      watched: the multiplier player's; None: it sees the model player's minibatches, or there is none.
      scope: the strategy whose scope everything was made in.
      stretch: steps of a stretch, a multiple of `watched.every`.
    """

    def __init__(
        self,
        game: co.ConstrainedOptimizer,
        training: Feed,
        watched: Feed | None,
        scope: tf.distribute.Strategy,
        stretch: int,
    ):
        self._game = game
        self._training = training
        self._watched = watched
        self._sees_both = watched is None and game.problem.num_constraints > 0
        self._every = watched.every if watched else 1
        self._scope = scope
        self._stretch = stretch
        self._losses: tf.Variable | None = None
        if scope.num_replicas_in_sync > 1:
            # Each replica adds up its own; they exchange it once for all steps.
            self._losses = tf.Variable(
                0.0,
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.MEAN,
            )

    def any(
        self,
        first: tf.Tensor,
        last: tf.Tensor,
        begins: Sequence[tf.Tensor],
        tensors: Sequence[Tensors],
        violations: tf.Tensor,
    ) -> State:
        """After the steps first <= step < last, or those up to the first that went wrong.

        Args:
          first, last: () int64.
          begins: () int64 of each feed, the first step of its block.
          tensors: of each feed, its block.
          violations: (m,) float32, the constraints seen last.
        """
        training, *watched = zip(begins, tensors, strict=True)

        def up_to(stop: tf.Tensor, state: State) -> State:
            return self._until(stop, lambda state: self._step(state, training), state)

        def up_to_the_next_move(state: State) -> State:
            due = (state.step // self._every + 1) * self._every
            state = up_to(tf.minimum(due, last), state)
            # Outside of the replicas, who could not sum over each other inside a condition.
            violations = tf.cond(
                tf.equal(state.step, due),
                lambda: self._run(self._dual, due - 1, *watched[0]),
                lambda: state.violations,
            )
            return state._replace(violations=violations)

        if self._losses is not None:
            self._losses.assign(0.0)
        state = State(first, tf.constant(0.0), violations, tf.constant(NONE, tf.int64))
        state = self._until(last, up_to_the_next_move, state) if watched else up_to(last, state)
        return state if self._losses is None else self._agreed(state)

    def stretches(
        self,
        first: tf.Tensor,
        last: tf.Tensor,
        begins: Sequence[tf.Tensor],
        tensors: Sequence[Tensors],
        violations: tf.Tensor,
    ) -> State:
        """The same of whole stretches over resident splits; the multipliers have just moved, or never.

        A stretch with a step that went wrong is taken to its end.
        """
        training, *watched = zip(begins, tensors, strict=True)

        def one(before: State) -> State:
            rows = self._training.sampler.rows_of(
                before.step + tf.range(self._stretch, dtype=tf.int64)
            )

            def step(state: State) -> State:
                return self._step(
                    state, training, rows[tf.cast(state.step - before.step, tf.int32)]
                )

            def up_to_the_next_move(state: State) -> State:
                state = _repeated(self._every, step, state)
                if not watched:
                    return state
                seen = self._run(self._dual, state.step - 1, *watched[0])
                return state._replace(violations=seen)

            return _repeated(self._stretch // self._every, up_to_the_next_move, before)

        state = State(first, tf.constant(0.0), violations, tf.constant(NONE, tf.int64))
        return self._until(last, one, state)

    def _step(self, state: State, block: Any, rows: tf.Tensor | None = None) -> State:
        """After one more step of the model, and of multipliers that see its minibatch."""
        violations = state.violations
        if self._sees_both:
            loss, violations = self._run(self._both, state.step, *block, rows)
        else:
            loss = self._run(self._primal, state.step, *block, rows)
        is_first = (state.bad == NONE) & ~tf.math.is_finite(loss)
        bad = tf.where(is_first, state.step, state.bad)
        return State(state.step + 1, state.total + loss, violations, bad)

    def _until(self, last: tf.Tensor, function: Callable[[State], State], state: State) -> State:
        """`function` until the step is `last`, or one went wrong."""
        # A replica that ended at a step of its own would leave the others waiting for it.
        alone = self._losses is None
        after = tf.while_loop(
            lambda *state: (state[0] < last) & (state[3] == NONE) if alone else state[0] < last,
            lambda *state: function(State(*state)),
            state,
        )
        return State(*after)

    def _agreed(self, state: State) -> State:
        """What all replicas say, of what each of them has seen; one that went wrong spoils the mean."""
        total = self._losses.read_value()
        seen = tf.where(state.bad == NONE, state.step - 1, state.bad)
        bad = tf.where(tf.math.is_finite(total), tf.constant(NONE, tf.int64), seen)
        return state._replace(total=total, bad=bad)

    def _run(self, function: Callable, *arguments: Any) -> Any:
        """One half of a step on every replica: what the first of them returns."""
        values = self._scope.run(function, args=arguments)
        return tf.nest.map_structure(
            lambda value: self._scope.experimental_local_results(value)[0], values
        )

    def _primal(
        self, step: tf.Tensor, first: tf.Tensor, tensors: Tensors, rows: tf.Tensor | None
    ) -> tf.Tensor:
        batch = self._training.minibatch(tensors, step, first, rows)
        if self._losses is None:
            return self._game.primal_step({"training": batch})
        objective = self._game.primal_step({"training": batch}, local=True)
        self._losses.assign_add(objective)
        return objective

    def _dual(self, step: tf.Tensor, first: tf.Tensor, tensors: Tensors) -> tf.Tensor:
        return self._game.dual_step({"watched": self._watched.minibatch(tensors, step, first)})

    def _both(
        self, step: tf.Tensor, first: tf.Tensor, tensors: Tensors, rows: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        batch = self._training.minibatch(tensors, step, first, rows)
        values = self._game.minimize({"training": batch})
        if self._losses is not None:
            self._losses.assign_add(values.objective)
        return values.objective, values.constraints


def _repeated(times: int, function: Callable[[State], State], state: State) -> State:
    """`function` as often as that, in a loop whose number of turns XLA knows."""
    if times == 1:
        return function(state)
    _, *after = tf.while_loop(
        lambda i, *_: i < times,
        lambda i, *state: (i + 1, *function(State(*state))),
        (0, *state),
    )
    return State(*after)
