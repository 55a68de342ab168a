"""Which records a test split holds, kept small: enough to see how many two splits have in common.

A record is known by a 64-bit hash. Of a split the `MOST` least hashes of different records are kept (a
bottom-k sketch: E. Cohen and H. Kaplan, "Summarizing data using bottom-k sketches", PODC 2007). Up to so
many records that is all of them, and what two splits share is counted; beyond, the least hashes are a
random sample of the records, the same one in every split that holds them, and the share is estimated.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

MOST = 1 << 18
"""Hashes that are kept of a split: 2 MB."""


@dataclass(frozen=True, eq=False)
class Records:
    """The records of one test split.

    Attributes:
      digest: names the split: equal for equal records.
      hashes: (n,) uint64, sorted and different: the least `MOST` of the records' hashes.
      chance: which part of half of the records the other half has as well, in [0, 1]: rows of a table may
        be alike, and two splits then share some that are not of the same people.
    """

    digest: str
    hashes: Hashes
    chance: float = 0.0

    @classmethod
    def of(cls, digest: str, hashes: Hashes) -> Records:
        """Of the hashes of all records, in any order, with what is repeated."""
        halves = np.unique(hashes[::2]), np.unique(hashes[1::2])
        common = len(np.intersect1d(*halves, assume_unique=True))
        return cls(digest, least(hashes), common / max(1, min(map(len, halves))))

    def shared_with(self, other: Records) -> float:
        """Which part of the smaller split the other one holds too, in [0, 1].

        >>> few = Records.of("few", np.arange(100, dtype=np.uint64))
        >>> more = Records.of("more", np.arange(99, 1000, dtype=np.uint64))
        >>> few.shared_with(more), more.shared_with(few)
        (0.01, 0.01)
        """
        known = min(_known_up_to(self), _known_up_to(other))
        mine, others = (each.hashes[each.hashes <= known] for each in (self, other))
        smaller = min(len(mine), len(others))
        if not smaller:
            return 0.0
        return len(np.intersect1d(mine, others, assume_unique=True)) / smaller

    def is_of(self, other: Records, share: float) -> bool:
        """Whether more than `share` of the smaller split is shared, beyond what chance explains.

        Twice `chance`, because whole splits have more in common by chance than their halves.
        """
        return self.shared_with(other) > share + 2 * max(self.chance, other.chance)

    def to_text(self) -> str:
        """JSON that `from_text` reads."""
        content = base64.b64encode(self.hashes.astype("<u8").tobytes()).decode()
        tree = {"digest": self.digest, "chance": self.chance, "hashes": content}
        return json.dumps(tree) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Records:
        """The inverse of `to_text`; ValueError, TypeError or KeyError for anything else."""
        tree = json.loads(text)
        content = base64.b64decode(tree["hashes"], validate=True)
        hashes = np.frombuffer(content, "<u8").astype(np.uint64)
        return cls(str(tree["digest"]), hashes, float(tree["chance"]))


def least(hashes: Hashes) -> Hashes:
    """The least `MOST` different hashes, sorted."""
    return np.unique(hashes)[:MOST]


def _known_up_to(records: Records) -> np.uint64:
    """Above the last hash of a sample nothing is known of its split."""
    return np.uint64(2**64 - 1) if len(records.hashes) < MOST else records.hashes[-1]
