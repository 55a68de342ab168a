"""Which row goes to which split."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Hashable, Mapping, Sequence

import numpy as np


def stratified(
    strata: Sequence[Hashable], shares: Mapping[str, float], seed: int
) -> dict[str, list[int]]:
    """Divides rows at random so that every stratum is divided by `shares`, to one row.

    Args:
      strata: (n,) what should be equally frequent in every split, such as (label, group).
      shares: of each split; their sum is 1.
      seed: same seed, same division.

    Returns:
      Split -> its rows, in order.
    """
    rng = np.random.default_rng(seed)
    members: dict[Hashable, list[int]] = {}
    for row, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(row)
    divided: dict[str, list[int]] = {split: [] for split in shares}
    for rows in members.values():
        drawn = rng.permutation(rows)
        ends = np.rint(np.cumsum(list(shares.values())) * len(rows)).astype(int)
        for split, part in zip(shares, np.split(drawn, ends[:-1]), strict=True):
            divided[split].extend(part.tolist())
    return {split: sorted(rows) for split, rows in divided.items()}


def together(values: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, list[int]]:
    """Divides rows by a hash of their value: equal values stay together, in any file and any order.

    A value is in a split with the probability of its share; more rows do not move those there are.
    """
    ends = list(itertools.accumulate(shares.values()))
    splits = list(shares)
    divided: dict[str, list[int]] = {split: [] for split in shares}
    for row, value in enumerate(values):
        digest = hashlib.sha256(f"{seed}:{value}".encode()).digest()
        drawn = int.from_bytes(digest[:8]) / 2**64
        place = min(int(np.searchsorted(ends, drawn, side="right")), len(splits) - 1)
        divided[splits[place]].append(row)
    return divided
