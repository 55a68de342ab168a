"""Rate-constrained training of one network: a pure function of data and settings.

Minimises the error rate subject to the constraints with the proxy-Lagrangian game of Cotter, Jiang and
Sridharan, "Two-Player Games for Efficient Non-Convex Constrained Optimization" (ALT 2019): the model
player follows differentiable proxies, the multiplier player sees the true rates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import keras
import numpy as np
import tensorflow as tf

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples import encodings
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.models import heads, networks
from components.constrained_trainer.requirements import require_equal_parts, require_examples
from components.constrained_trainer.resolving import Resolved, resolve
from components.constrained_trainer.running import devices, interruption
from components.constrained_trainer.running.checkpoints import Checkpoints
from components.constrained_trainer.running.loop import make_loop
from components.constrained_trainer.running.session import Moment, Session
from components.constrained_trainer.selection import deciding, optimism, yardsticks
from components.constrained_trainer.selection.choosing import choose, predicted_to_pass
from components.constrained_trainer.selection.outlook import Outlook
from components.constrained_trainer.selection.snapshots import Rating, Snapshot, predict_scores
from components.constrained_trainer.selection.yardsticks import Yardstick
from components.transform.inputs import ModelInput
from fairgate.constraints import algebra, language
from fairgate.constraints.expressions import Constraint, CurveOf, rates_in
from fairgate.constraints.rates import Measured
from fairgate.errors import SettingsError


@dataclass(frozen=True)
class TrainingResult:
    """A trained network, set to its likeliest snapshot, and how it came about.

    Attributes:
      model: the network.
      snapshots: in the order they were taken.
      probabilities: (n,) of each snapshot: 1 for the one chosen, or a mixture.
      pieces: (k,) what each violation of a snapshot is.
      constraints: (m,) names of what each multiplier belongs to.
      stopped: why training ended before its last step, or None.
      predicted_to_pass: whether the gate is predicted to let the choice pass; None: no gate was known.
      yardsticks: what constraints cost at least, and the choice last, where a model without constraints
        was given.
      reasons: what the settings left open, as it was found from the data, in words.
      outlook: the gate that was given, with what the baseline and the validation split tell of it.
    """

    model: keras.Model
    snapshots: list[Snapshot]
    probabilities: np.ndarray
    pieces: list[str]
    constraints: list[str]
    stopped: str | None = None
    predicted_to_pass: bool | None = None
    reasons: tuple[str, ...] = ()
    yardsticks: list[Yardstick] = field(default_factory=list)
    outlook: Outlook | None = None

    @property
    def is_useful(self) -> bool:
        """Whether the choice says anything at all; see `thresholds.uselessness`."""
        return self.chosen.uselessness < 2

    @property
    def error_rate(self) -> float:
        """On the validation split; of a mixture, the expected one."""
        errors = [snapshot.error_rate for snapshot in self.snapshots]
        chosen = np.flatnonzero(self.probabilities)
        return float(self.probabilities[chosen] @ np.array(errors)[chosen])

    @property
    def best(self) -> int:
        """Index of the likeliest snapshot."""
        return int(np.argmax(self.probabilities))

    @property
    def chosen(self) -> Snapshot:
        """The snapshot that `model` holds."""
        return self.snapshots[self.best]

    def scores(self, split: Split, keys: Sequence[bytes] | None = None) -> np.ndarray:
        """(n,) float32 scores of the examples as they are served: the answer is Yes above 0.

        Of several classes (n, classes), the largest of which decides.

        Args:
          split: with the inputs of the network; memberships count where groups have their own thresholds.
          keys: (n,) by which draws decide, where any do: what is served takes the serialized example.
            None: the bytes of the example's inputs.

        Raises:
          SettingsError: thresholds are of groups, and an example is in none or in several.
        """
        return deciding.scores(self.model, self.members(), self.chosen.rule, split, keys)

    def decide(self, split: Split, keys: Sequence[bytes] | None = None) -> np.ndarray:
        """(n,) bool: whether the answer is Yes; of several classes (n,) the place of the likeliest.

        Arguments and errors as for `scores`.
        """
        scores = self.scores(split, keys)
        return scores.argmax(axis=1) if split.classes else scores > 0

    def chances(self, split: Split) -> np.ndarray:
        """(n,) float64: the probability of a Yes over draws; (n, classes) of each class, of several.

        Arguments and errors as for `scores`.
        """
        return deciding.chances(self.model, self.members(), self.chosen.rule, split)

    def members(self) -> list[tuple[float, list[np.ndarray]]]:
        """(probability, weights of `model`) of each snapshot that has a probability."""
        trained = heads.trained_weights(self.model, self.snapshots[0].weights)
        found = []
        for index in np.flatnonzero(self.probabilities):
            weights = self.model.get_weights()
            for place, weight in zip(trained, self.snapshots[index].weights, strict=True):
                weights[place] = weight
            found.append((float(self.probabilities[index]), weights))
        return found


def train(
    training: Split,
    validation: Split,
    config: TrainingConfig | Resolved,
    on_moment: Callable[[Moment], None] = lambda moment: None,
    *,
    inputs: Mapping[str, ModelInput] | None = None,
    start: Sequence[np.ndarray] | None = None,
    baseline: Sequence[np.ndarray] | None = None,
    checkpoints: str | None = None,
    scope: tf.distribute.Strategy | None = None,
    outlook: Outlook | None = None,
) -> TrainingResult:
    """Trains a network and returns it at its best snapshot.

    Args:
      training: examples that minibatches are drawn from, with replacement.
      validation: examples that multipliers may watch and snapshots are rated on.
      config: everything else; `auto` is resolved here where it has not been.
      on_moment: called after every call of the compiled loop, about twice a second.
      inputs: what the network takes; None: as the training split has it.
      start: weights to start from, for `config.warm_start`.
      baseline: weights of a model without constraints, which is one more to choose from, and which
        changes in the constraints are held against, by its rates on the validation split; None: none is.
      checkpoints: folder to write checkpoints to and to go on from; None: none are written.
      scope: the strategy to train with; None: that of `config.devices`.
      outlook: the gate that snapshots are rated by, where `config.selection.rated_by` is "gate"; None:
        they are rated by the trainer's constraints, as measured.

    Raises:
      ValueError: a constraint does not parse or cannot be trained on.
      DataError: a split has no examples for a rate of a constraint.
      SettingsError: the network does not fit the data, or the devices the minibatch.
      FloatingPointError: the loss was not finite before the first snapshot; names the step.
      interruption.Stopped: SIGTERM arrived; a checkpoint has been written.
    """
    if isinstance(config, Resolved):
        resolved = config
        scope = scope or devices.strategy(config.config.devices)
    else:
        scope = scope or devices.strategy(config.devices)
        resolved = resolve(config, training, validation, scope.num_replicas_in_sync)
    require_equal_parts(resolved.config, scope)
    # A worker that left while others prepare would be waited for.
    watching = interruption.watching() if devices.several_workers() else contextlib.nullcontext()
    with devices.placed(scope), watching:
        return _train(
            training,
            validation,
            resolved,
            on_moment,
            inputs,
            start,
            baseline,
            checkpoints,
            scope,
            outlook,
        )


def _train(
    training: Split,
    validation: Split,
    resolved: Resolved,
    on_moment: Callable[[Moment], None],
    inputs: Mapping[str, ModelInput] | None,
    start: Sequence[np.ndarray] | None,
    baseline: Sequence[np.ndarray] | None,
    checkpoints: str | None,
    scope: tf.distribute.Strategy,
    outlook: Outlook | None,
) -> TrainingResult:
    """`train`, where `scope` puts it."""
    config = resolved.config
    constraints = parse(config.constraints, training)
    require_examples(constraints, {"train": training, "validation": validation})
    asked = []
    if outlook and (baseline is not None or config.selection.rated_by == "gate"):
        asked = outlook.constraints
    whole = validation
    with scope.scope(), _precision(config.precision):
        given = encodings.with_cuts(inputs or training.model_inputs(), training.inputs)
        model = networks.build(config.network, given, config.seed, len(training.classes) or 1)
        other = None
        held_against = any(algebra.has_changes(each.expression) for each in (*constraints, *asked))
        if held_against or (outlook is not None and validation.units is not None):
            scores = _scores_of(model, baseline, validation, config)
            if held_against:
                other = _outcomes_of(scores, validation, config)
                constraints = [algebra.beside(each, other) for each in constraints]
            if outlook is not None:
                outlook = replace(outlook.over_units_of(validation, scores), other=other)
        if start is not None:
            _set_weights(model, start, config)
        trained = model
        if config.layers == "head":
            body, trained = networks.split(model)
            training, validation = (
                heads.body_features(body, split) for split in (training, validation)
            )
        loop = make_loop(trained, constraints, training, validation, config, scope)
    rated_by = outlook if config.selection.rated_by == "gate" else None
    learned = optimism.worth_a_look(training, validation, config.constraints)
    spread = optimism.spread(validation, learned, config.constraints)
    rating = Rating(trained, constraints, validation, config.selection, rated_by, learned, spread)
    session = Session(loop, rating, config, on_moment)
    if checkpoints is not None:
        belongs_to = {"config": config.model_dump(mode="json"), "examples": len(training)}
        session.go_on_from(
            Checkpoints(checkpoints, belongs_to, config.checkpoint_seconds, **loop.state)
        )
    # A head that is trained alone sees what the start's body says, which only the start's own head fits.
    if baseline is not None and (config.layers == "all" or config.warm_start == "baseline"):
        own = model.get_weights()
        _set_weights(model, baseline, config)
        session.rate_start()
        model.set_weights(own)
    stopped = session.run()
    found = list(session.snapshots)
    if config.selection.thresholds == "any" and config.selection.choose != "last":
        by_group = rating.by_group(found) if config.thresholds == "per_group" else []
        found += rating.shifted(found) if networks.has_score_bias(trained) else []
        found += by_group
    chosen = choose(found, config.selection, rating.room, rating.commonest)
    # Of the thresholds that were only looked at, nothing stays.
    looked_at = [bool(each.shift or each.rule) for each in found]
    kept = [place for place, p in enumerate(chosen) if p or not looked_at[place]]
    snapshots, probabilities = [found[place] for place in kept], chosen[kept]
    result = TrainingResult(
        model=model,
        snapshots=snapshots,
        probabilities=probabilities,
        pieces=rating.pieces,
        constraints=list(loop.game.problem.constraint_names),
        stopped=stopped,
        predicted_to_pass=predicted_to_pass(snapshots, probabilities),
        reasons=resolved.reasons,
        outlook=outlook,
    )
    result = replace(result, yardsticks=_yardsticks(result, constraints, whole))
    trained.set_weights(result.chosen.weights)
    return result


def _scores_of(
    model: keras.Model,
    weights: Sequence[np.ndarray] | None,
    validation: Split,
    config: TrainingConfig,
) -> np.ndarray | None:
    """(n,) of the validation split by the network with the baseline's weights; its own are kept."""
    if weights is None:
        return None
    own = model.get_weights()
    _set_weights(model, weights, config)
    scores = predict_scores(model, validation)
    model.set_weights(own)
    return scores


def _outcomes_of(scores: np.ndarray | None, validation: Split, config: TrainingConfig) -> Measured:
    """What the baseline does on the validation split."""
    if scores is None:
        raise SettingsError(
            f"trainer.constraints = {list(config.constraints)}: one is held against the baseline, and "
            "this training was given none"
        )
    return validation.counts(scores)


def _yardsticks(
    result: TrainingResult, constraints: Sequence[Constraint], validation: Split
) -> list[Yardstick]:
    """Of a training whose first snapshot is a model without constraints, taken at step 0."""
    first = result.snapshots[0]
    on_curves = any(
        isinstance(rate, CurveOf) for each in constraints for rate in rates_in(each.expression)
    )
    if first.step or not constraints or on_curves:
        return []
    chances, sees_groups = result.chances(validation), result.chosen.rule is not None
    return [
        *yardsticks.measure(validation, constraints, first.scores),
        yardsticks.chosen(validation, constraints, chances, sees_groups),
    ]


def parse(lines: Sequence[str], split: Split) -> list[Constraint]:
    """The lines of the constraint language over the split's groups."""
    return [language.parse(line, split.vocabulary) for line in lines]


def _set_weights(model: keras.Model, weights: Sequence[np.ndarray], config: TrainingConfig) -> None:
    expected = [weight.shape for weight in model.get_weights()]
    given = [weight.shape for weight in weights]
    if given != expected:
        raise SettingsError(
            f"trainer.warm_start = {config.warm_start}: its weights have shapes {given}, those of "
            f"trainer.network = {config.network!r} {expected}: train the same network, or give none"
        )
    model.set_weights(weights)


@contextlib.contextmanager
def _precision(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
