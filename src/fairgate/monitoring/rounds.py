"""From records, one by one, to rounds of a bet, each of which pays a mean that is at most 0.

A round of  sum_k a_k p_k + b  ends when `FEWEST` records of every rate have come (one, where there is one
rate alone), and pays  sum_k a_k (mean outcome of rate k in the round) + b.  Its mean, whatever came
before, is that of the piece:

* Where no record counts for two of the rates, a round takes **all** records that came in it. When it ends
  depends on which rates the records count for, and not on their outcomes; given the former, outcomes are
  independent draws with means p_k.
* Elsewhere when a round ends says something of outcomes (that a positive came says something of the
  accuracy), and the last records would be no fair draws. So a round takes the **first** `FEWEST` records
  of each rate after its start: the next record of a rate, after any stopping time, has mean p_k, and
  means of sums are sums of means whether or not records are the same.

In both, a round's records lie close together in time. Where rates change over time, the mean payoff is
at most 0 as long as the piece is kept by the rates that records of one round have: the two rates of a gap
may rise and fall together for years, as they may not where a rate's whole past is compared.

Source: Chugg, Cortes-Gomez, Wilder and Ramdas, NeurIPS 2023, section 3.2 (groups that arrive at
different paces).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.expressions import RateOf
from fairgate.constraints.rates import RATES, Group
from fairgate.monitoring.pieces import Piece
from fairgate.monitoring.wealth import Floats

FEWEST = 2
"""Records of each rate in a round: fewer leave more of the commoner group's unused by the mean, more
would take longer to show a large gap."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Records:
    """Complete records, in the order in which they came.

    Attributes:
      labels: (n,) True where Yes is right.
      decisions: (n,) True where the model said Yes.
      members: for each group, (n,) True for those who belong to it.
    """

    labels: Mask
    decisions: Mask
    members: Mapping[Group, Mask]

    def __len__(self) -> int:
        return len(self.labels)

    def with_crossings(self, crossings: Mapping[Group, Sequence[Group]]) -> Records:
        """The same with the members of crossings, of the groups that each is made of."""
        found = {
            group: np.logical_and.reduce([self.members[part] for part in parts])
            for group, parts in crossings.items()
        }
        return Records(self.labels, self.decisions, {**self.members, **found})

    def __getitem__(self, rows: slice) -> Records:
        members = {group: mask[rows] for group, mask in self.members.items()}
        return Records(self.labels[rows], self.decisions[rows], members)


@dataclass(frozen=True)
class Stream:
    """Of one rate, the records that count for it.

    Attributes:
      places: their positions, ascending.
      hits: hits[i] is how many of the first i have outcome 1.
    """

    places: list[int]
    hits: list[int]


def stream(rate: RateOf, records: Records) -> Stream:
    """The records in the denominator of a rate, and how many of them are in its numerator."""
    definition = RATES[rate.rate]
    counted = {
        "all": np.ones(len(records), bool),
        "positives": records.labels,
        "negatives": ~records.labels,
        "predicted_positives": records.decisions,
        "predicted_negatives": ~records.decisions,
    }[definition.denominator]
    if rate.group is not None:
        counted = counted & records.members[rate.group]
    places = np.flatnonzero(counted)
    costs = np.array([definition.negative_costs[::-1], definition.positive_costs[::-1]], np.int64)
    outcomes = costs[records.labels[places].astype(int), records.decisions[places].astype(int)]
    return Stream(places.tolist(), [0, *np.add.accumulate(outcomes).tolist()])


class Rounds:
    """The rounds of one piece.

    Args:
      piece: what is bet on.

    Attributes:
      seen: for each rate, the records of the round that has not ended.
      hits: those of them with outcome 1.
    """

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.seen = [0] * len(piece.rates)
        self.hits = [0] * len(piece.rates)

    def add(self, streams: Sequence[Stream]) -> tuple[Floats, NDArray[np.int64]]:
        """Takes the next records.

        Args:
          streams: of each rate of the piece, over the same records.

        Returns:
          payoffs (r,) of the rounds that end among these records, and the positions (r,) where they do.
        """
        if len(streams) == 1:
            return self._singles(streams[0])
        payoffs, ends = [], []
        taken = [0] * len(streams)  # records of each rate that belong to earlier rounds
        while True:
            last = [
                have + FEWEST - seen for have, seen in zip(taken, self.seen, strict=True)
            ]  # the record of each rate that completes it
            if any(n > len(each.places) for n, each in zip(last, streams, strict=True)):
                break
            end = max(
                each.places[n - 1] if n > have else -1
                for n, have, each in zip(last, taken, streams, strict=True)
            )
            payoffs.append(self._payoff(streams, taken, end))
            ends.append(end)
            taken = [bisect_right(each.places, end) for each in streams]
            self.seen, self.hits = [0] * len(streams), [0] * len(streams)
        self._keep(streams, taken)
        return np.array(payoffs, np.float64), np.array(ends, np.int64)

    def _singles(self, only: Stream) -> tuple[Floats, NDArray[np.int64]]:
        outcomes = np.diff(np.array(only.hits, np.float64))
        payoffs = self.piece.factors[0] * outcomes + self.piece.constant
        return payoffs, np.array(only.places, np.int64)

    def _payoff(self, streams: Sequence[Stream], taken: Sequence[int], end: int) -> float:
        total = 0.0
        for k, each in enumerate(streams):
            seen, hits = self._of_round(k, each, taken[k], bisect_right(each.places, end))
            total += self.piece.factors[k] * (hits / seen)
        return total + self.piece.constant

    def _of_round(self, k: int, each: Stream, have: int, until: int) -> tuple[int, int]:
        """(records, hits) of rate k in this round: all of them, or the first `FEWEST`."""
        if not self.piece.disjoint:
            until = min(until, have + FEWEST - self.seen[k])
        return self.seen[k] + until - have, self.hits[k] + each.hits[until] - each.hits[have]

    def _keep(self, streams: Sequence[Stream], taken: Sequence[int]) -> None:
        kept = [
            self._of_round(k, each, taken[k], len(each.places)) for k, each in enumerate(streams)
        ]
        self.seen, self.hits = [seen for seen, _ in kept], [hits for _, hits in kept]

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return {"seen": self.seen, "hits": self.hits}

    def restore(self, document: Mapping[str, Any]) -> None:
        """Goes on where `as_document` was; ValueError or KeyError where it is none."""
        self.seen, self.hits = list(map(int, document["seen"])), list(map(int, document["hits"]))
        if not len(self.seen) == len(self.hits) == len(self.piece.rates):
            raise ValueError("another number of rates")
