"""Which row goes to which split."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_PASSES = 10  # over what is left of the strata; more change next to nothing


def stratified(
    strata: Sequence[tuple[Hashable, ...]], shares: Mapping[str, float], seed: int
) -> dict[str, list[int]]:
    """Divides rows at random so that every stratum is divided by `shares`, to one row.

    What is left of a stratum after whole numbers is not rounded away: many small strata would then all
    miss the same split. It goes where the rows of its label, of each of its groups and of both together
    are fewest beside their shares: the idea of iterative stratification (Sechidis, Tsoumakas and
    Vlahavas, On the stratification of multi-label data, 2011), here by least squares.

    Args:
      strata: (n,) what should be equally frequent in every split: (label, group, group, ...).
      shares: of each split; their sum is 1.
      seed: same seed, same division.

    Returns:
      Split -> its rows, in order.
    """
    rng = np.random.default_rng(seed)
    members: dict[tuple[Hashable, ...], list[int]] = {}
    for row, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(row)
    sizes = _sizes(members, np.array(list(shares.values())))
    divided: dict[str, list[int]] = {split: [] for split in shares}
    for rows, counts in zip(members.values(), sizes, strict=True):
        drawn = rng.permutation(rows)
        for split, part in zip(shares, np.split(drawn, np.cumsum(counts)[:-1]), strict=True):
            divided[split].extend(part.tolist())
    return {split: sorted(rows) for split, rows in divided.items()}


def _sizes(
    members: Mapping[tuple[Hashable, ...], Sequence[int]], shares: NDArray[np.float64]
) -> NDArray[np.int64]:
    """int (strata, splits): how many rows of each stratum go to each split."""
    totals = np.array([len(rows) for rows in members.values()])
    wanted = totals[:, np.newaxis] * shares
    sizes: NDArray[np.int64] = np.floor(wanted + 1e-9).astype(np.int64)
    places: dict[Hashable, int] = {}
    margins = [
        np.array([places.setdefault(margin, len(places)) for margin in _margins(stratum)])
        for stratum in members
    ]
    lacking = np.zeros((len(places), len(shares)))  # of each margin in each split
    whole = np.zeros(len(places))
    for at, of in enumerate(margins):
        lacking[of] += wanted[at] - sizes[at]
        whole[of] += totals[at]
    # A row more or less is more to a rare group.
    weight = 1 / np.sqrt(np.maximum(whole, 1))[:, np.newaxis]
    left = totals - sizes.sum(axis=1)
    extra: NDArray[np.int64] = np.zeros_like(sizes)
    # The rarest first: they have least to choose from later.
    order = sorted(np.flatnonzero(left), key=lambda at: (whole[margins[at]].min(), at))
    for _ in range(_PASSES):
        before = extra.copy()
        for at in order:
            of = margins[at]
            lacking[of] += extra[at]
            gain = (weight[of] * (2 * lacking[of] - 1)).sum(axis=0)
            gain[wanted[at] - sizes[at] < 1e-9] = -np.inf  # its share is a whole number
            extra[at] = 0
            extra[at][np.argsort(-gain, kind="stable")[: left[at]]] = 1
            lacking[of] -= extra[at]
        if np.array_equal(extra, before):
            break
    return sizes + extra


def _margins(stratum: tuple[Hashable, ...]) -> Iterator[Hashable]:
    """What a row of `stratum` is counted in: everybody, its label, its groups, and label with group."""
    yield ()
    for place, value in enumerate(stratum):
        yield place, value
        if place:
            yield place, value, stratum[0]


def together(
    values: Sequence[str | None],
    strata: Sequence[tuple[Hashable, ...]],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, list[int]]:
    """Divides rows by a hash of their value: equal values stay together, in any file and any order.

    A value is in a split with the probability of its share; more rows do not move those there are. Rows
    of None belong to nobody else: they are divided as `stratified` does.
    """
    ends = list(itertools.accumulate(shares.values()))
    splits = list(shares)
    divided: dict[str, list[int]] = {split: [] for split in shares}
    alone = []
    for row, value in enumerate(values):
        if value is None:
            alone.append(row)
            continue
        digest = hashlib.sha256(f"{seed}:{value}".encode()).digest()
        drawn = int.from_bytes(digest[:8]) / 2**64
        place = min(int(np.searchsorted(ends, drawn, side="right")), len(splits) - 1)
        divided[splits[place]].append(row)
    of_alone = stratified([strata[row] for row in alone], shares, seed)
    for split, places in of_alone.items():
        divided[split].extend(alone[place] for place in places)
    return {split: sorted(rows) for split, rows in divided.items()}
