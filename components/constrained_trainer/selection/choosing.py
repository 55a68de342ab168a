"""Which of the snapshots of a training becomes the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.constrained_trainer.config import SelectionConfig
from components.constrained_trainer.selection.snapshots import Snapshot
from fairgate.errors import DataError
from fairgate.optimization import candidates

# What all of the room to the limits is worth, in standard errors of the error rate, and at the most as a
# share of what the best errs less than the commonest answer: room must not make a model commonplace. On
# 16 tasks x 3 seeds of the suite (none that its page shows) it raises the passes from .60 to .75, halves
# the violation from .018 to .009, and costs .0045 of error.
_WORTH, _OF_USE = 2.0, 1 / 3
# Of a mixture's expected excess.
_ROUNDING = 1e-9


def choose(
    snapshots: Sequence[Snapshot],
    config: SelectionConfig,
    spare: np.ndarray | float = 0.0,
    commonest: float = 1.0,
) -> np.ndarray:
    """(n,) probability of each snapshot: one of them, or a mixture (at most k + 1).

    best: the least error among those that are estimated to keep every constraint (`optimism`), if any do,
    or else the least violation. What lacks room counts as an error: as two standard errors of the error
    rate where all of `spare` (k,) to the limits is lacking, and once more where a limit is exceeded by as
    much on the validation split; no more than a third of what the best errs less than `commonest`, the
    error rate of the commonest answer. ranked: the published heuristic,
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
        asked = spare if config.rated_by == "value" else 0.0
        best = _best(
            errors[places], measured[places], estimated[places], asked, examples, commonest
        )
        probabilities[places[best]] = 1.0
    return probabilities


def _of_use(places: np.ndarray, snapshots: Sequence[Snapshot]) -> np.ndarray:
    """Those of the places whose snapshot is of most use."""
    useless = np.array([snapshots[place].uselessness for place in places])
    return places[useless == useless.min()]


def _best(
    errors: np.ndarray,
    measured: np.ndarray,
    estimated: np.ndarray,
    spare: np.ndarray | float,
    examples: int,
    commonest: float,
) -> int:
    """See `choose`. Args: (n,), (n, k) and (n, k) of the candidates; examples of the validation split."""
    beyond = np.maximum(estimated, 0.0).max(axis=1, initial=0.0)
    # The last key sorts first; indices negated, because the later of equals wins.
    order = np.lexsort((-np.arange(len(errors)), errors, beyond))
    best = order[0]
    if beyond[best]:
        return int(best)
    spread = math.sqrt(errors[best] * (1 - errors[best]) / max(examples, 1))
    price = min(_WORTH * spread, _OF_USE * max(commonest - errors[best], 0.0))
    lacking = _shares_of(estimated + spare, spare) + _shares_of(measured, spare)
    kept = order[beyond[order] == 0]
    return int(kept[np.argmin((errors + price * lacking)[kept])])


def _shares_of(missing: np.ndarray, spare: np.ndarray | float) -> np.ndarray:
    """(n,) the largest share of `spare` (k,) that is missing, (n, k), from 0 to 1."""
    room = np.broadcast_to(spare, missing.shape)
    shares = np.divide(missing, room, out=(missing > 0).astype(float), where=room > 0)
    return shares.clip(0.0, 1.0).max(axis=1, initial=0.0)


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
