"""Snapshots of a training, and what they are rated by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from components.constrained_trainer.config import SelectionConfig
from components.constrained_trainer.examples.data import Split, whole
from components.constrained_trainer.models import networks
from components.constrained_trainer.resolving import rarest_of
from components.constrained_trainer.selection import optimism, thresholds
from components.constrained_trainer.selection.cell_program import CellProgram, frontier
from components.constrained_trainer.selection.cells import Cells, CellThresholds
from components.constrained_trainer.selection.outlook import Outlook
from fairgate.constraints.expressions import Constraint, CurveOf, rates_in, violations
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Measured
from fairgate.gate.prediction import bound_of
from fairgate.optimization import trainable

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
      estimated_error: on examples that nobody has seen (`optimism`); the error rate, where the
        validation split alone tells.
      estimated_violations: (k,) the same of the violations.
      multipliers: (m,) Lagrange multipliers: the weight of each constraint relative to the objective's.
      weights: of the network, layer by layer.
      excess: (g,) how far beyond what the gate asks it is predicted to be (`outlook.Outlook`); empty
        where no gate is known.
      scores: (n,) float32 of the validation split, at the threshold 0 (of several classes (n, classes));
        empty where they are not kept.
      learned_scores: the same of the training examples that were looked at.
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
    estimated_error: float
    estimated_violations: np.ndarray
    multipliers: np.ndarray
    weights: list[np.ndarray] = field(repr=False)
    excess: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    learned_scores: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    shift: float = 0.0
    uselessness: int = 0
    rule: CellThresholds | None = None

    @property
    def worst(self) -> float:
        """The largest violation; -inf without constraints."""
        return float(max(self.violations, default=-np.inf))


@dataclass(frozen=True)
class _Shifted:
    """A snapshot, by its place, at another threshold; its outcomes on both splits."""

    place: int
    shift: float
    counts: Measured
    learned: Measured | None


class Rating:
    """What snapshots are rated by: error rate and constraints on the whole validation split.

    Minibatch values are too noisy to choose by.

    Args:
      model: what is rated.
      constraints: from `language.parse`.
      validation: the split.
      config: whether violations are measured values or upper bounds.
      outlook: the gate to predict, where one is known and `config` rates by it.
      learned: training examples that tell something, too (`optimism.worth_a_look`); None: there are none.
      spread: standard error of an estimate (`optimism.spread`), to be left to limits; 0: none is.

    Attributes:
      pieces: (k,) text of what each entry of a rating's violations is.
      room: (k,) float64, how far inside its limit each is to be, if that can be had.
      commonest: the error rate of the commonest answer on the validation split.
    """

    def __init__(
        self,
        model: keras.Model,
        constraints: Sequence[Constraint],
        validation: Split,
        config: SelectionConfig,
        outlook: Outlook | None = None,
        learned: Split | None = None,
        spread: float = 0.0,
    ):
        self._constraints = constraints
        divided = [(each, trainable.pieces(each)) for each in constraints]
        self._pieces = [piece for _, pieces in divided for piece in pieces]
        self._needs_scores = any(
            isinstance(rate, CurveOf) for each in self._pieces for rate in rates_in(each.expression)
        )
        self._split = validation
        self._learned = learned
        self._outlook = outlook
        self._scores = scorer(model)
        self._delta = 1 - config.confidence if config.rated_by == "upper_bound" else None
        limits = [each.limit for each, pieces in divided for _ in pieces]
        self.room = optimism.room(np.array(limits, np.float64), spread)
        sizes = validation.counts(validation.no_scores)
        self.commonest = thresholds.error_of_the_commonest(sizes)
        self._lines = outlook.constraints if outlook else constraints
        # What a bound is predicted of needs no more room.
        self._room_of_lines = optimism.room(
            np.array([line.limit for line in self._lines], np.float64), 0.0 if outlook else spread
        )
        self.pieces = [
            f"{piece.expression} {piece.sense} {piece.limit:g}" for piece in self._pieces
        ]

    def __call__(self) -> dict[str, Any]:
        """Fields of `Snapshot` that rate the model as it is now."""
        scores = self._scores(self._split)
        counts = self._split.counts(scores)
        found = {"scores": scores}
        learned = None
        if self._learned is not None:
            found["learned_scores"] = self._scores(self._learned)
            learned = self._learned.counts(found["learned_scores"])
        rated = self._rated(counts, self._violations(scores, counts), learned) | found
        if thresholds.tells_nothing(self._split.labels, scores):
            rated["uselessness"] = 2
        return rated

    def _rated(
        self,
        counts: Measured,
        found: np.ndarray,
        learned: Measured | None = None,
        remembered: float | None = None,
    ) -> dict[str, Any]:
        estimated = optimism.estimated(counts, learned, remembered)
        by_counts = self._delta is None and not self._needs_scores
        return {
            "error_rate": counts[None].rate("ERR"),
            "violations": found,
            "estimated_error": estimated[None].rate("ERR"),
            "estimated_violations": violations(self._pieces, estimated) if by_counts else found,
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
        rarest = min(rarest_of(each, self._split).examples for each in self._constraints)
        most = thresholds.number_of_shifts(rarest)
        for place, snapshot in enumerate(snapshots):
            if thresholds.tells_nothing(self._split.labels, snapshot.scores):
                continue  # no threshold makes it of any use
            shifts = thresholds.shifts(snapshot.scores, most)
            at_each = thresholds.counts_at(self._split, snapshot.scores, shifts)
            learned: Sequence[Measured | None] = [None] * len(shifts)
            if self._learned is not None:
                learned = thresholds.counts_at(self._learned, snapshot.learned_scores, shifts)
            found += [_Shifted(place, *each) for each in zip(shifts, at_each, learned, strict=True)]
        found = [each for each in found if each.shift and thresholds.uselessness(each.counts) < 2]
        return [self._at(snapshots[each.place], each) for each in self._worth_keeping(found)]

    def _worth_keeping(self, found: Sequence[_Shifted]) -> list[_Shifted]:
        """Those that nothing is better than in error and violation.

        The violation is as estimated or as measured too, with room to the limits and without.
        """
        estimated = [optimism.estimated(each.counts, each.learned) for each in found]
        errors = np.array([counts[None].rate("ERR") for counts in estimated])
        measured = np.array([self._violated(each.counts).max() for each in found])
        expected = [self._violated(counts) for counts in estimated]
        exact, roomy = (
            np.array([(each + asked).max() for each in expected])
            for asked in (0.0, self._room_of_lines)
        )
        kept: set[int] = set()
        for beyond in (exact, roomy, np.maximum(exact, measured), np.maximum(roomy, measured)):
            known = np.flatnonzero(np.isfinite(beyond))
            best = known[thresholds.undominated(errors[known], beyond[known])]
            if len(best) > _MOST_SHIFTED:
                best = best[np.linspace(0, len(best) - 1, _MOST_SHIFTED).astype(int)]
            kept |= set(best.tolist())
        return [found[index] for index in sorted(kept)]

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
        pieces = [piece for line in self._lines for piece in linearize(line)]
        steps = _MARGINS if self._outlook or self._delta is not None else 1
        cells = Cells.of(self._split, features)
        scored = [
            each
            for each in snapshots
            if np.isfinite(each.scores).all()
            and not thresholds.tells_nothing(self._split.labels, each.scores)
        ]
        # Kept as estimated, and as measured too, where both are told apart: `choosing` weighs them.
        found = []
        for sure in (False, True) if self._learned is not None else (False,):
            programs = [
                CellProgram(
                    self._split,
                    each.scores,
                    pieces,
                    cells,
                    learned=(self._learned, each.learned_scores) if self._learned else None,
                    sure=sure,
                )
                for each in scored
            ]
            for place, shares in frontier(programs, steps, self._room_of_lines.min()):
                program = programs[place]
                rule, rated = program.rule(shares), self._expected(program, shares)
                found.append(replace(scored[place], rule=rule, **rated))
        return found

    def _expected(self, program: CellProgram, shares: np.ndarray) -> dict[str, Any]:
        """As `_rated`, of outcomes that are expected over draws."""
        counts, learned = program.counts(shares), program.learned_counts(shares)
        found = self._violations(np.zeros(0), counts)
        rated = self._rated(counts, found, learned, program.optimism)
        for name in ("violations", "estimated_violations"):
            rated[name] = np.where(np.abs(rated[name]) <= _ROUNDING, 0.0, rated[name])
        return rated

    def _violated(self, counts: Measured) -> np.ndarray:
        """(m,) how far each constraint is violated: the gate's, where snapshots are rated by it."""
        return np.array([line.violation(line.value(counts)) for line in self._lines])

    def _at(self, snapshot: Snapshot, other: _Shifted) -> Snapshot:
        shift = np.float32(other.shift)
        scores = snapshot.scores - shift
        found = self._violations(snapshot.scores, other.counts)
        return replace(
            snapshot,
            weights=[*snapshot.weights[:-1], snapshot.weights[-1] - shift],
            scores=scores,
            learned_scores=snapshot.learned_scores - shift,
            shift=float(shift),
            **self._rated(other.counts, found, other.learned),
        )

    def _violations(self, scores: np.ndarray, counts: Measured) -> np.ndarray:
        """(k,) float64; NaN where a rate has no examples."""
        if self._delta is not None:
            # What the violations are at most, with this confidence.
            numbers = whole(counts)
            bounds = [bound_of(piece, numbers, self._delta) for piece in self._pieces]
            return np.array([p.violation(b) for p, b in zip(self._pieces, bounds, strict=True)])
        if not self._needs_scores:
            return violations(self._pieces, counts)
        return violations(self._pieces, self._split.scored(scores))


def predict_scores(model: keras.Model, split: Split) -> np.ndarray:
    """(n,) float32 scores in inference mode; Yes where a score is above 0.

    Of several classes (n, classes).
    """
    return scorer(model)(split)


def scorer(model: keras.Model) -> Callable[[Split], np.ndarray]:
    """`predict_scores` of one model, for more than one call: it is compiled once."""
    outputs = networks.predictor(model)
    several = model.output_shape[-1] > 1
    return lambda split: outputs(split.inputs) if several else outputs(split.inputs).reshape(-1)
