"""What a ledger knows test examples and answers by, batch by batch.

Examples that have no names are known by the order of their labels: by every `_RUNS` lengths of runs of
equal labels that follow each other (shingles: A. Broder, "On the resemblance and containment of
documents", 1997). Of two places that have nothing in common they are equal with probability 3^-20 where
labels are as often Yes as No, and less elsewhere: two test sets do not share them by chance, and an
example more or less changes a few of them only. In another order, or sorted by their labels, examples are
known again by their names alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fairgate.data.columns import Column
from fairgate.records import MOST, Hashes, Records, least

_RUNS = 20
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / the golden ratio


class Fingerprints:
    """Digests of the examples and of what a model said of them.

    Args:
      named: whether examples have names, so that their order does not matter.
    """

    def __init__(self, named: bool) -> None:
        self._named = named
        self._labels, self._answers = (hashlib.blake2b(digest_size=16) for _ in range(2))
        self._sums = [0, 0]
        self._hashes = np.zeros(0, np.uint64)
        self._open = 0  # length of the run of labels that goes on
        self._last: int | None = None
        self._runs = np.zeros(0, np.uint64)

    def add(self, labels: NDArray[np.int8], said: Column, names: Column | None) -> None:
        """Adds complete rows; `names` are those of the examples, where they have any."""
        self._labels.update(labels.tobytes())
        marks = [hashlib.blake2b(v.encode(), digest_size=4).digest() for v in said.values]
        rows = np.frombuffer(b"".join(marks), np.uint32)[said.codes]
        self._answers.update(rows.tobytes())
        found = [self._hashes, self._shingles(labels)]
        if names is not None:
            digests = [hashlib.blake2b(v.encode(), digest_size=16).digest() for v in names.values]
            found.append(self._add_named(digests, names.codes, rows))
        self._hashes = np.concatenate(found)
        if len(self._hashes) > 4 * MOST:
            self._hashes = least(self._hashes)

    def _add_named(
        self, digests: Sequence[bytes], codes: NDArray[np.int32], answers: NDArray[np.uint32]
    ) -> Hashes:
        """Sums know no order: of examples, and of examples with their answers."""
        numbers = [int.from_bytes(digest, "little") for digest in digests]
        self._sums[0] += sum(numbers[code] for code in codes.tolist())
        for code, answer in zip(codes.tolist(), answers.tolist(), strict=True):
            pair = hashlib.blake2b(digests[code] + answer.to_bytes(4, "little"), digest_size=16)
            self._sums[1] += int.from_bytes(pair.digest(), "little")
        return np.frombuffer(b"".join(digests), np.uint64)[::2][codes]

    def _shingles(self, labels: NDArray[np.int8]) -> Hashes:
        if not len(labels):
            return np.zeros(0, np.uint64)
        before = labels[0] if self._last is None else self._last
        begins = np.flatnonzero(np.diff(labels, prepend=np.int8(before)))
        self._last = int(labels[-1])
        if not len(begins):
            self._open += len(labels)
            return np.zeros(0, np.uint64)
        ended = np.concatenate([[self._open + begins[0]], np.diff(begins)]).astype(np.uint64)
        self._open = len(labels) - int(begins[-1])
        runs = np.concatenate([self._runs, ended])
        self._runs = runs[-(_RUNS - 1) :]
        if len(runs) < _RUNS:
            return np.zeros(0, np.uint64)
        windows = np.lib.stride_tricks.sliding_window_view(runs, _RUNS)
        found = np.zeros(len(windows), np.uint64)
        for column in windows.T:
            found = _mixed(found + column)
        return found

    @property
    def records(self) -> Records:
        """The examples."""
        hashes = self._hashes
        if not len(hashes):
            # Too few runs to tell one place from another: the same labels in the same order, or nothing.
            hashes = np.frombuffer(self._labels.digest()[:8], np.uint64)
        return Records.of(self._sum(0) if self._named else self._labels.hexdigest(), hashes)

    @property
    def answers(self) -> str:
        """32 hex digits over what the model said of each example."""
        return self._sum(1) if self._named else self._answers.hexdigest()

    def _sum(self, which: int) -> str:
        return f"{self._sums[which] % (1 << 128):032x}"


def _mixed(numbers: Hashes) -> Hashes:
    """A permutation of the 64-bit numbers that scatters neighbours (splitmix64: Steele et al., 2014)."""
    numbers = numbers + _ODD
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
