"""Snapshots of a training: rated on the validation split, and chosen among."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from components.constrained_trainer import networks, thresholds
from components.constrained_trainer.cell_program import CellProgram, frontier
from components.constrained_trainer.cells import Cells, CellThresholds
from components.constrained_trainer.config import SelectionConfig
from components.constrained_trainer.data import Split
from components.constrained_trainer.outlook import Outlook
from fairgate.constraints.expressions import Constraint, CurveOf, rates_in, violations
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Counts, Measured
from fairgate.errors import DataError
from fairgate.gate.prediction import bound_of
from fairgate.optimization import candidates, trainable

# Candidates at other thresholds: enough for a mixture, few enough to bound each.
_MOST_SHIFTED = 40
# Of a mixture's expected excess, and of a violation that is expected over draws.
_ROUNDING = 1e-9
# How far inside the limits thresholds of each group's own are looked for where a bound is what counts:
# from not at all to as far as anything gets, in so many steps.
_MARGINS = 12


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
      scores: (n,) float32 of the validation split, at the threshold 0; empty where they are not kept.
      shift: what was taken from every score, so that 0 is the threshold; the weights hold it.
      uselessness: see `thresholds.uselessness`; 2 also where the scores tell nothing
        (`thresholds.tells_nothing`).
      rule: thresholds of each group's own, by which the scores decide; what is rated is what that does,
        or is expected to do. None: 0 is the threshold of everybody.
    """

    step: int
    objective: float
    error_rate: float
    violations: np.ndarray
    multipliers: np.ndarray
    weights: list[np.ndarray] = field(repr=False)
    excess: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    shift: float = 0.0
    uselessness: int = 0
    rule: CellThresholds | None = None

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
        self._constraints = constraints
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

    def __call__(self) -> dict[str, Any]:
        """Fields of `Snapshot` that rate the model as it is now."""
        scores = self._scores(self._split)
        counts = self._split.counts(scores)
        rated = self._rated(counts, self._violations(scores, counts)) | {"scores": scores}
        if thresholds.tells_nothing(self._split.labels, scores):
            rated["uselessness"] = 2
        return rated

    def _rated(self, counts: Measured, violations: np.ndarray) -> dict[str, Any]:
        return {
            "error_rate": counts[None].rate("ERR"),
            "violations": violations,
            "excess": self._outlook.excess(counts) if self._outlook else np.zeros(0),
            "uselessness": thresholds.uselessness(counts),
        }

    def shifted(self, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
        """The snapshots at other thresholds, as far as no other choice is better in everything.

        Their last weight is taken for the bias of the score (`networks.has_score_bias`). There are none
        where nothing is constrained, or where a constraint is on a curve, which no threshold moves.
        """
        if not self._pieces or self._needs_scores:
            return []
        found = []
        for place, snapshot in enumerate(snapshots):
            if thresholds.tells_nothing(self._split.labels, snapshot.scores):
                continue  # no threshold makes it of any use
            shifts = thresholds.shifts(snapshot.scores)
            at_each = thresholds.counts_at(self._split, snapshot.scores, shifts)
            found += [(place, float(s), c) for s, c in zip(shifts, at_each, strict=True)]
        found = [each for each in found if thresholds.uselessness(each[2]) < 2]
        errors = np.array([counts[None].rate("ERR") for _, _, counts in found])
        beyond = np.array([self._beyond(counts) for _, _, counts in found])
        known = np.flatnonzero(np.isfinite(beyond))
        kept = known[thresholds.undominated(errors[known], beyond[known])]
        if len(kept) > _MOST_SHIFTED:
            kept = kept[np.linspace(0, len(kept) - 1, _MOST_SHIFTED).astype(int)]
        return [
            self._at(snapshots[place], shift, counts)
            for place, shift, counts in (found[index] for index in kept)
            if shift
        ]

    def by_group(self, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
        """The snapshots with thresholds of each group's own, the best that a linear program finds.

        The groups are those of the constraints; of several features, each crossing has its thresholds. A
        draw decides where it saves more than a little error (`CellProgram.without_draws`). Where bounds
        are what counts, rules that keep the limits with some room are looked at as well.

        Raises:
          NotTrainableError: (a ValueError) a constraint is no intersection of linear ones.
          SettingsError: an example is in none or in several of a feature's groups.
        """
        groups = [group for line in self._constraints for group in line.groups()]
        features = list(dict.fromkeys(group.feature for group in groups))
        if not features:
            return []
        lines = self._outlook.constraints if self._outlook else self._constraints
        pieces = [piece for line in lines for piece in linearize(line)]
        steps = _MARGINS if self._outlook or self._delta is not None else 1
        cells = Cells.of(self._split, features)
        scored = [
            each
            for each in snapshots
            if np.isfinite(each.scores).all()
            and not thresholds.tells_nothing(self._split.labels, each.scores)
        ]
        programs = [CellProgram(self._split, each.scores, pieces, cells) for each in scored]
        return [
            replace(
                scored[place],
                rule=programs[place].rule(shares),
                **self._expected(programs[place].counts(shares)),
            )
            for place, shares in frontier(programs, steps)
        ]

    def _expected(self, counts: Measured) -> dict[str, Any]:
        """As `_rated`, of outcomes that are expected over draws."""
        if self._delta is None:
            found = self._violations(np.zeros(0), counts)
            found = np.where(np.abs(found) <= _ROUNDING, 0.0, found)
        else:
            found = self._violations(np.zeros(0), _whole(counts))
        return self._rated(counts, found)

    def _beyond(self, counts: Measured) -> float:
        """How far the worst constraint is violated as measured: the gate's, where it is rated by it."""
        lines = self._outlook.constraints if self._outlook else self._constraints
        return max(line.violation(line.value(counts)) for line in lines)

    def _at(self, snapshot: Snapshot, shift: float, counts: Measured) -> Snapshot:
        weights = [*snapshot.weights[:-1], snapshot.weights[-1] - np.float32(shift)]
        rated = self._rated(counts, self._violations(snapshot.scores, counts))
        scores = snapshot.scores - np.float32(shift)
        return replace(snapshot, weights=weights, scores=scores, shift=shift, **rated)

    def _violations(self, scores: np.ndarray, counts: Measured) -> np.ndarray:
        """(k,) float64; NaN where a rate has no examples."""
        if self._delta is not None:
            # What the violations are at most, with this confidence.
            bounds = [bound_of(piece, counts, self._delta) for piece in self._pieces]
            return np.array([p.violation(b) for p, b in zip(self._pieces, bounds, strict=True)])
        if not self._needs_scores:
            return violations(self._pieces, counts)
        return violations(self._pieces, self._split.scored(scores))


def _whole(counts: Measured) -> Measured:
    """The nearest whole numbers, which bounds need."""
    return {
        group: Counts(*(round(value) for value in (each.tp, each.fp, each.tn, each.fn)))
        for group, each in counts.items()
    }


def predict_scores(model: keras.Model, split: Split) -> np.ndarray:
    """(n,) float32 scores in inference mode; Yes where a score is above 0."""
    return scorer(model)(split)


def scorer(model: keras.Model) -> Callable[[Split], np.ndarray]:
    """`predict_scores` of one model, for more than one call: it is compiled once."""
    outputs = networks.predictor(model)
    return lambda split: outputs(split.inputs).reshape(-1)


def choose(snapshots: Sequence[Snapshot], config: SelectionConfig) -> np.ndarray:
    """(n,) probability of each snapshot: one of them, or a mixture (at most k + 1).

    best: the least error among those that keep every constraint, where there are such, or else as
    ranked; ranked: the published heuristic, `candidates.find_best_candidate_index`; distribution:
    `candidates.find_best_candidate_distribution`; last: the last.

    A useless model (`thresholds.uselessness`) is not chosen while another is there; one that only errs
    as often as the commonest answer may be, if no useful one keeps the constraints and it does.

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
        predicted = predicted[_in_play(predicted, snapshots, excess)]
        probabilities = np.zeros(len(errors))
        probabilities[predicted] = _by_excess(errors[predicted], excess[predicted], config)
        return probabilities
    violations = np.array([snapshot.violations for snapshot in snapshots]).reshape(len(errors), -1)
    # What could not be measured (a precision without any positive decision) is not chosen.
    known = np.isfinite(violations).all(axis=1) & np.isfinite(errors)
    measured = np.flatnonzero(known)
    if len(measured):
        measured = measured[_in_play(measured, snapshots, violations)]
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
        best = _best(errors[measured], violations[measured], config)
        probabilities[measured[best]] = 1.0
    return probabilities


def _in_play(places: np.ndarray, snapshots: Sequence[Snapshot], beyond: np.ndarray) -> np.ndarray:
    """(n,) bool: which of `places` may be chosen; see `choose`."""
    useless = np.array([snapshots[place].uselessness for place in places])
    kept = (beyond[places] <= 0).all(axis=1)
    for most in (0, 1):
        if (kept & (useless <= most)).any():
            return useless <= most
    return useless <= useless.min()


def _best(errors: np.ndarray, violations: np.ndarray, config: SelectionConfig) -> int:
    kept = np.flatnonzero((violations <= 0).all(axis=1))
    if config.choose == "ranked" or not len(kept):
        return candidates.find_best_candidate_index(errors, violations)
    # The last key sorts first; indices negated, because the later of equals wins.
    return int(kept[np.lexsort((-kept, errors[kept]))[0]])


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
