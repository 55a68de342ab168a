"""Snapshots of a training: rated on the validation split, and chosen among."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np

from components.constrained_trainer import networks
from components.constrained_trainer.config import SelectionConfig
from components.constrained_trainer.data import Split
from components.constrained_trainer.outlook import Outlook
from fairgate.constraints.expressions import Constraint, CurveOf, rates_in, violations
from fairgate.constraints.rates import Counts, Group
from fairgate.errors import DataError
from fairgate.gate.prediction import bound_of
from fairgate.optimization import candidates, trainable

# Of a mixture's expected excess.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Snapshot:
    """The model as it was at one step, rated on the whole validation split.

    Attributes:
      step: steps taken.
      objective: mean training loss since the snapshot before.
      error_rate: on the validation split, at the decision score > 0.
      violations: (k,) each piece of the constraints on the validation split, or its upper bound;
        satisfied when <= 0.
      multipliers: (m,) Lagrange multipliers: the weight of each constraint relative to the objective's.
      weights: of the network, layer by layer.
      excess: (g,) how far beyond what the gate asks it is predicted to be (`outlook.Outlook`); empty
        where no gate is known.
    """

    step: int
    objective: float
    error_rate: float
    violations: np.ndarray
    multipliers: np.ndarray
    weights: list[np.ndarray] = field(repr=False)
    excess: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def worst(self) -> float:
        """The largest violation; -inf without constraints."""
        return float(max(self.violations, default=-np.inf))


class Rating:
    """What snapshots are rated by: error rate and constraints on the whole validation split.

    Minibatch values are too noisy to choose by.

    Args:
      model: what is rated.
      constraints: from `language.parse`.
      validation: the split.
      config: whether violations are measured values or upper bounds.
      outlook: the gate to predict, where one is known and `config` rates by it.

    Attributes:
      pieces: (k,) text of what each entry of a rating's violations is.
    """

    def __init__(
        self,
        model: keras.Model,
        constraints: Sequence[Constraint],
        validation: Split,
        config: SelectionConfig,
        outlook: Outlook | None = None,
    ):
        self._pieces = [piece for each in constraints for piece in trainable.pieces(each)]
        self._needs_scores = any(
            isinstance(rate, CurveOf) for each in self._pieces for rate in rates_in(each.expression)
        )
        self._split = validation
        self._outlook = outlook
        self._scores = scorer(model)
        self._delta = 1 - config.confidence if config.rated_by == "upper_bound" else None
        self.pieces = [
            f"{piece.expression} {piece.sense} {piece.limit:g}" for piece in self._pieces
        ]

    def __call__(self) -> tuple[float, np.ndarray, np.ndarray]:
        """(error rate, violations (k,), excess over the gate (g,)) of the model as it is now."""
        scores = self._scores(self._split)
        counts = self._split.counts(scores)
        excess = self._outlook.excess(counts) if self._outlook else np.zeros(0)
        return counts[None].rate("ERR"), self._violations(scores, counts), excess

    def _violations(self, scores: np.ndarray, counts: dict[Group | None, Counts]) -> np.ndarray:
        """(k,) float64; NaN where a rate has no examples."""
        if self._delta is not None:
            # What the violations are at most, with this confidence.
            bounds = [bound_of(piece, counts, self._delta) for piece in self._pieces]
            return np.array([p.violation(b) for p, b in zip(self._pieces, bounds, strict=True)])
        if not self._needs_scores:
            return violations(self._pieces, counts)
        return violations(self._pieces, self._split.scored(scores))


def predict_scores(model: keras.Model, split: Split) -> np.ndarray:
    """(n,) float32 scores in inference mode; Yes where a score is above 0."""
    return scorer(model)(split)


def scorer(model: keras.Model) -> Callable[[Split], np.ndarray]:
    """`predict_scores` of one model, for more than one call: it is compiled once."""
    outputs = networks.predictor(model)
    return lambda split: outputs(split.inputs).reshape(-1)


def choose(snapshots: Sequence[Snapshot], config: SelectionConfig) -> np.ndarray:
    """(n,) probability of each snapshot: one of them, or a mixture (at most k + 1).

    best: the published heuristic, `candidates.find_best_candidate_index`; distribution:
    `candidates.find_best_candidate_distribution`; last: the last.

    Rated by the gate, where something of it could be predicted: best is the least error among those
    predicted to pass, or else the one whose worst excess is least; distribution is over excesses. The
    trainer's own constraints play no part then: they have led the training.
    """
    if config.choose == "last":
        return np.eye(len(snapshots))[-1]
    errors = np.array([snapshot.error_rate for snapshot in snapshots])
    excess = np.array([snapshot.excess for snapshot in snapshots]).reshape(len(errors), -1)
    predicted = np.flatnonzero(np.isfinite(excess).all(axis=1) & np.isfinite(errors))
    if excess.shape[1] and len(predicted):
        probabilities = np.zeros(len(errors))
        probabilities[predicted] = _by_excess(errors[predicted], excess[predicted], config)
        return probabilities
    violations = np.array([snapshot.violations for snapshot in snapshots]).reshape(len(errors), -1)
    # What could not be measured (a precision without any positive decision) is not chosen.
    measured = np.flatnonzero(np.isfinite(violations).all(axis=1) & np.isfinite(errors))
    if not len(measured):
        raise DataError(
            "trainer.constraints could not be measured on the validation split for any snapshot: "
            "a rate in them has no examples there"
        )
    probabilities = np.zeros(len(errors))
    if config.choose == "distribution":
        probabilities[measured] = candidates.find_best_candidate_distribution(
            errors[measured], violations[measured]
        )
    else:
        best = candidates.find_best_candidate_index(errors[measured], violations[measured])
        probabilities[measured[best]] = 1.0
    return probabilities


def predicted_to_pass(snapshots: Sequence[Snapshot], probabilities: np.ndarray) -> bool | None:
    """Whether the chosen snapshot, or mixture, is predicted to pass the gate; None: none was known."""
    if not all(len(snapshot.excess) for snapshot in snapshots):
        return None
    chosen = np.flatnonzero(probabilities)
    expected = probabilities[chosen] @ np.array([snapshots[index].excess for index in chosen])
    return bool((expected <= _ROUNDING).all())


def _by_excess(errors: np.ndarray, excess: np.ndarray, config: SelectionConfig) -> np.ndarray:
    """(n,) probabilities, of finite errors (n,) and excesses over the gate (n, g)."""
    if config.choose == "distribution":
        return candidates.find_best_candidate_distribution(errors, excess)
    beyond = np.maximum(excess.max(axis=1), 0.0)
    # The last key sorts first; indices negated, because the later of equals wins.
    best = np.lexsort((-np.arange(len(errors)), errors, beyond))[0]
    return np.eye(len(errors))[best]
