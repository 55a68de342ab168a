"""A game as `model.compile(...)` and `fit(...)` on an ordinary Keras model.

    batch:    what every function in the problem is called with: a `FitBatch`
    problem = RateMinimizationProblem(error_rate(context), [...])
    game = ConstrainedModel(model, problem, ProxyLagrangian(problem.num_constraints))
    game.compile(optimizer="adam")
    game.fit(x, {"label": labels, "young": young}, epochs=5)
    model.save("model.keras")          # the model that was given is the one that was trained

Callbacks, the progress bar, `jit_compile`, `steps_per_execution` and mixed precision work as for any
Keras model. Logs: `loss` (the objective), `max_violation`, and per constraint its value
(`g/<name>`, mean over the epoch) and its multiplier (`multiplier/<name>`, relative to the
objective's weight). `save_weights` and the callbacks made of it hold the whole state of the game.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from fairgate.optimization.games.formulation import Formulation, raw
from fairgate.optimization.problems.interface import ConstrainedProblem, ProblemValues
from fairgate.optimization.training.step import check_fit, trainable
from fairgate.optimization.training.support import require_supported

# More constraints than this are logged as their largest value only.
MAX_LOGGED = 20


class FitBatch:
    """One minibatch of `fit`, for the functions in a problem.

    Attributes:
        x, y, sample_weight: as they were given to `fit`.
        model: the model being trained.
        y_pred: its outputs for `x`, computed when first asked for, so that a problem over several
            streams of minibatches can call the model on each instead: `b.model(b.x["rare"])`.
    """

    def __init__(self, model: Callable[[Any], Any], x: Any, y: Any, sample_weight: Any) -> None:
        self.model = model
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self._outputs: Any = None

    @property
    def y_pred(self) -> Any:
        if self._outputs is None:
            self._outputs = self.model(self.x)
        return self._outputs


class ConstrainedModel(keras.Model):
    """See the top of this file.

    Args:
        model: any Keras model that has been built.
        problem: its functions take a `FitBatch`.
        formulation: the multipliers, with an optimizer of their own.
        metric_labels: y -> what the metrics given to `compile` compare the outputs with; needed
            if there are any and y holds more than labels.

    Raises:
        ValueError: if the model is not built, or problem and formulation do not fit.
    """

    def __init__(
        self,
        model: keras.Model,
        problem: ConstrainedProblem,
        formulation: Formulation,
        metric_labels: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        check_fit(problem, formulation)
        trainable(model)
        self.model = model
        self.problem = problem
        self.formulation = formulation
        self._metric_labels = metric_labels
        self._objective_mean = keras.metrics.Mean(name="loss")
        logged = problem.constraint_names if problem.num_constraints <= MAX_LOGGED else ()
        self._constraint_means = [keras.metrics.Mean(name=f"g/{name}") for name in logged]
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The outputs of the model."""
        return self.model(inputs, training=training)

    def compile(self, optimizer: Any = "rmsprop", *, loss: Any = None, **options: Any) -> None:
        """As for any Keras model, without a loss: the problem is the loss.

        Raises:
            ValueError: for a loss, or where Keras cannot go (see `support`).
        """
        if loss is not None:
            raise ValueError("the problem's objective is the loss: leave `loss` out")
        strategy = tf.distribute.get_strategy()
        options["jit_compile"] = require_supported(
            strategy, options.get("jit_compile", "auto"), options.get("steps_per_execution", 1)
        )
        super().compile(optimizer=optimizer, **options)
        if not self.optimizer.built:
            self.optimizer.build(self._primal_variables())

    def fit(self, *args: Any, **options: Any) -> Any:
        """As for any Keras model."""
        require_supported(self.distribute_strategy, self.jit_compile, self.steps_per_execution)
        return super().fit(*args, **options)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [self._objective_mean, *self._constraint_means, *super().metrics]

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        batch = FitBatch(lambda inputs: self.model(inputs, training=True), x, y, sample_weight)
        self.problem.update(batch)
        variables = self._primal_variables()
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            values = self.problem.components(batch)
            loss = self.formulation.lagrangian(values, batch) / replicas
            loss = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(loss, [raw(variable) for variable in variables])
        kept = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        self.optimizer.apply_gradients(kept)
        self.formulation.update(values.constraints, batch)
        self.problem.project()
        logs = self._logs(values, batch)
        for name, value in zip(
            self._logged_names(), tf.unstack(self._multipliers(batch)), strict=True
        ):
            logs[f"multiplier/{name}"] = value
        return logs

    def test_step(self, data: Any) -> dict[str, Any]:
        """Objective and constraints on validation data, over the denominators of training."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        batch = FitBatch(lambda inputs: self.model(inputs, training=False), x, y, sample_weight)
        return self._logs(self.problem.components(batch), batch)

    def save_own_variables(self, store: Any) -> None:
        """The game's state, next to the model's weights."""
        for key, variable in self._game_variables().items():
            store[key] = keras.ops.convert_to_numpy(raw(variable))

    def load_own_variables(self, store: Any) -> None:
        for key, variable in self._game_variables().items():
            variable.assign(tf.reshape(store[key][...], variable.shape))

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            "a game holds functions that no file can: save the trained model itself "
            "(game.model.save(...)), or the state of the game (game.save_weights(...), "
            "tf.train.Checkpoint(game=game))"
        )

    def _primal_variables(self) -> list[Any]:
        return [*self.model.trainable_variables, *self.problem.trainable_variables]

    def _game_variables(self) -> dict[str, Any]:
        tracked = [*self.problem.variables, *self.formulation.variables]
        own = list({id(v): v for v in [*tracked, *self.formulation.optimizer.variables]}.values())
        return {f"game_{place}": variable for place, variable in enumerate(own)}

    def _logged_names(self) -> tuple[str, ...]:
        return tuple(metric.name.removeprefix("g/") for metric in self._constraint_means)

    def _multipliers(self, batch: FitBatch) -> tf.Tensor:
        values = self.formulation.lagrange_multipliers(batch)
        return values if self._constraint_means else values[:0]

    def _logs(self, values: ProblemValues, batch: FitBatch) -> dict[str, Any]:
        self._objective_mean.update_state(values.objective)
        if self._constraint_means:
            pairs = zip(self._constraint_means, tf.unstack(values.constraints), strict=True)
            for metric, value in pairs:
                metric.update_state(value)
        user = self._compile_metrics
        if user is not None:
            labels = batch.y if self._metric_labels is None else self._metric_labels(batch.y)
            user.update_state(labels, batch.y_pred, batch.sample_weight)
        logs = {"loss": self._objective_mean.result()}
        means = [metric.result() for metric in self._constraint_means]
        if means:
            logs["max_violation"] = tf.reduce_max(tf.stack(means))
        elif self.problem.num_constraints:
            logs["max_violation"] = tf.reduce_max(values.constraints)
        logs.update(zip((m.name for m in self._constraint_means), means, strict=True))
        if user is not None:
            logs.update(user.result())
        return logs
