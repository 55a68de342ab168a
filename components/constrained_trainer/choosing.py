"""Which of the snapshots of a training becomes the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.constrained_trainer.config import SelectionConfig
from components.constrained_trainer.snapshots import Snapshot
from fairgate.errors import DataError
from fairgate.optimization import candidates

# The luckiest of many candidates is chosen, so its estimate is likely too good: this much of a standard
# error is left to the limit, but no more than this share of the limit.
_ROOM, _SHARE = 0.25, 0.2
# Of a mixture's expected excess.
_ROUNDING = 1e-9


def room(limits: np.ndarray, spread: float) -> np.ndarray:
    """(k,) float64: how far inside its limit each violation is to be estimated.

    Args:
      limits: (k,).
      spread: standard error of an estimate (`optimism.spread`).
    """
    return np.minimum(_ROOM * spread, _SHARE * np.abs(limits))


def choose(
    snapshots: Sequence[Snapshot], config: SelectionConfig, spare: np.ndarray | float = 0.0
) -> np.ndarray:
    """(n,) probability of each snapshot: one of them, or a mixture (at most k + 1).

    best: the least error among those that are estimated to keep every constraint (`optimism`) with
    `spare` (k,) to its limit, with half of that or with none, if any do, or else the least violation; one
    that keeps them on the validation split as well is preferred where it costs no more than one standard
    error of the error rate. ranked: the published heuristic,
    `candidates.find_best_candidate_index`; distribution: `candidates.find_best_candidate_distribution`;
    last: the last.

    A model that errs as often as the commonest answer, or is useless (`thresholds.uselessness`), is not
    chosen while another is there, whatever constraint that other breaks.

    Rated by the gate, where something of it could be predicted: best is the least error among those
    predicted to pass, or else the one whose worst excess is least; distribution is over excesses. The
    trainer's own constraints play no part then: they have led the training.

    Raises:
      DataError: no snapshot's constraints could be measured.
    """
    if config.choose == "last":
        return np.eye(len(snapshots))[-1]
    errors = np.array([snapshot.error_rate for snapshot in snapshots])
    probabilities = np.zeros(len(errors))
    excess = np.array([snapshot.excess for snapshot in snapshots]).reshape(len(errors), -1)
    predicted = np.flatnonzero(np.isfinite(excess).all(axis=1) & np.isfinite(errors))
    if excess.shape[1] and len(predicted):
        places = _of_use(predicted, snapshots)
        probabilities[places] = _by_excess(errors[places], excess[places], config)
        return probabilities
    measured, estimated = (
        np.array(values).reshape(len(errors), -1)
        for values in (
            [snapshot.violations for snapshot in snapshots],
            [snapshot.estimated_violations for snapshot in snapshots],
        )
    )
    # What could not be measured (a precision without any positive decision) is not chosen.
    known = np.isfinite(measured).all(axis=1) & np.isfinite(estimated).all(axis=1)
    places = np.flatnonzero(known & np.isfinite(errors))
    if not len(places):
        raise DataError(
            "trainer.constraints could not be measured on the validation split for any snapshot: "
            "a rate in them has no examples there"
        )
    places = _of_use(places, snapshots)
    errors = np.array([snapshot.estimated_error for snapshot in snapshots])
    if config.choose == "distribution":
        probabilities[places] = candidates.find_best_candidate_distribution(
            errors[places], estimated[places]
        )
    elif config.choose == "ranked":
        best = candidates.find_best_candidate_index(errors[places], estimated[places])
        probabilities[places[best]] = 1.0
    else:
        examples = len(snapshots[0].scores)
        beyond = _beyond(estimated[places], spare if config.rated_by == "value" else 0.0)
        best = _best(errors[places], measured[places], beyond, examples)
        probabilities[places[best]] = 1.0
    return probabilities


def _of_use(places: np.ndarray, snapshots: Sequence[Snapshot]) -> np.ndarray:
    """Those of the places whose snapshot is of most use."""
    useless = np.array([snapshots[place].uselessness for place in places])
    return places[useless == useless.min()]


def _beyond(estimated: np.ndarray, spare: np.ndarray | float) -> np.ndarray:
    """(n,) how far each candidate's worst violation is beyond the most spare that any of them has."""
    for asked in (spare, np.multiply(spare, 0.5), 0.0):
        beyond = np.maximum(estimated + asked, 0.0).max(axis=1, initial=0.0)
        if not beyond.all():
            break
    return beyond


def _best(errors: np.ndarray, measured: np.ndarray, beyond: np.ndarray, examples: int) -> int:
    """See `choose`. Args: (n,), (n, k) and (n,) of the candidates, and of the validation split."""
    # The last key sorts first; indices negated, because the later of equals wins.
    order = np.lexsort((-np.arange(len(errors)), errors, beyond))
    best = int(order[0])
    sure = [place for place in order if not beyond[place] and (measured[place] <= 0).all()]
    if not sure or beyond[best]:
        return best
    spread = math.sqrt(errors[best] * (1 - errors[best]) / max(examples, 1))
    return int(sure[0]) if errors[sure[0]] <= errors[best] + spread else best


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
