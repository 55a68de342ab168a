"""How many examples per group each bound needs to pass as often as asked."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import ndtri

from benchmarks.gate.simulation import DELTA, Kind, Setting, probability

WANTED = 0.8
_PRECISION = 0.02


@dataclass(frozen=True)
class Case:
    """Two groups of one size with these true rates, and the limit that they are within."""

    kind: Kind
    rates: tuple[float, float]
    limit: float


CASES = (
    *(Case("gap", (base, base), 0.05) for base in (0.02, 0.1, 0.3)),
    Case("gap", (0.1, 0.12), 0.05),
    *(Case("ratio", (top, round(top * 0.9, 3)), 0.8) for top in (0.8, 0.95)),
)


def needed(case: Case, name: str) -> int:
    """The least n per group, to 2%, at which splits pass with probability `WANTED`.

    From the normal approximation's guess, up or down by 2% until the answer changes.
    """

    def enough(n: int) -> bool:
        setting = Setting(case.kind, case.rates, (n, n), case.limit)
        return probability(setting, name) >= WANTED

    n = _guess(case, name)
    if enough(n):
        while enough(smaller := int(n / (1 + _PRECISION)) - 1):
            n = smaller
        return n
    while not enough(n):
        n = int(n * (1 + _PRECISION)) + 1
    return n


def _guess(case: Case, name: str) -> int:
    high, low = max(case.rates), min(case.rates)
    factor = 1.0 if case.kind == "gap" else case.limit
    room = case.limit - (high - low) if case.kind == "gap" else low - factor * high
    variance = low * (1 - low) + factor**2 * high * (1 - high)
    # Half of delta at either rate adds the two errors where together they are in quadrature.
    z = -ndtri(DELTA) if name == "tight" else -(2**0.5) * ndtri(DELTA / 2)
    # Equal rates fail by either of two directions, each a tenth of the time.
    power = -ndtri((1 - WANTED) / (2 if high == low else 1))
    return max(int(variance * ((z + power) / room) ** 2), 20)
