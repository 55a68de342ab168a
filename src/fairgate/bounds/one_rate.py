"""One-sided confidence bounds of a single rate, from its successes and trials.

| name | promise |
|---|---|
| `clopper_pearson` | exact: wrong with probability at most delta, for every rate and size |
| `hoeffding` | the same, but wider; it holds for any values in [0, 1], not only for 0 and 1 |
| `wilson` | approximate: about delta on average over rates; more than delta for some |
| `student_t` | approximate, by the central limit theorem; bad for rates near 0 and 1 |
| `bootstrap` | approximate likewise, and a bound of 0 when there were no successes |

All take successes and trials as integers (as int or float) and delta, the allowed probability of
error, in (0, 1). All are NaN if there were no trials, and raise ValueError for counts that are no
integers (such as sums of weights) or a bad delta. The lower bound of a rate is one minus the upper
bound of its complement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv, ndtri, stdtrit

RateBound = Callable[[float, float, float], float]


def clopper_pearson_upper(successes: float, trials: float, delta: float) -> float:
    """u with P(u < p) <= delta for successes ~ Binomial(trials, p).

        u = 1 - delta quantile of Beta(successes + 1, trials - successes);  1 if all succeeded

    The smallest bound that grows with the successes and keeps this promise.
    Source: Clopper and Pearson, Biometrika 26 (1934), 404-413.

    >>> round(clopper_pearson_upper(0, 59, 0.05), 4)  # no error in 59: 1 - 0.05 ** (1 / 59)
    0.0495
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    if successes == trials:
        return 1.0
    return float(betainccinv(successes + 1, trials - successes, delta))


def clopper_pearson_lower(successes: float, trials: float, delta: float) -> float:
    """l with P(l > p) <= delta for successes ~ Binomial(trials, p).

    l = delta quantile of Beta(successes, trials - successes + 1);  0 if none succeeded

    >>> round(clopper_pearson_lower(59, 59, 0.05), 4)  # 0.05 ** (1 / 59)
    0.9505
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    if successes == 0:
        return 0.0
    return float(betaincinv(successes, trials - successes + 1, delta))


def wilson_upper(successes: float, trials: float, delta: float) -> float:
    """The largest rate that a score test at level delta does not reject. Approximate.

        u = (p + z^2 / 2n + z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),  z = z_{1 - delta}

    Source: Wilson, JASA 22 (1927), 209-212.

    >>> round(wilson_upper(0, 59, 0.05), 4)  # z^2 / (59 + z^2), and less than the exact bound
    0.0438
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    return float(wilson_limit(np.float64(successes), trials, float(-ndtri(delta))))


def wilson_limit(
    successes: NDArray[np.float64] | np.float64, trials: float, z: float
) -> NDArray[np.float64]:
    """The formula of `wilson_upper` for an array of successes; it grows with the successes."""
    rate = successes / trials
    spread = np.sqrt(rate * (1 - rate) / trials + (z / (2 * trials)) ** 2)
    limit = (rate + z * z / (2 * trials) + z * spread) / (1 + z * z / trials)
    return np.asarray(np.minimum(limit, 1.0))


def hoeffding_upper(successes: float, trials: float, delta: float) -> float:
    """p + sqrt(ln(1 / delta) / 2n), at most 1. Guaranteed.

    Source: Hoeffding, JASA 58 (1963), 13-30, theorem 1.

    >>> round(hoeffding_upper(10, 100, 0.05), 4)  # 0.1 + sqrt(ln(20) / 200)
    0.2224
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    return min(successes / trials + math.sqrt(-math.log(delta) / (2 * trials)), 1.0)


def student_t_upper(successes: float, trials: float, delta: float) -> float:
    """p + t_{n - 1, 1 - delta} s / sqrt(n) with s^2 = n p (1 - p) / (n - 1), at most 1. Approximate.

    1 for a single trial. With no successes it is 0: it promises what it cannot know.
    Source: Student, Biometrika 6 (1908), 1-25; for constraints: Thomas et al., Science 366 (2019).

    >>> round(student_t_upper(10, 100, 0.05), 4)
    0.1501
    >>> student_t_upper(0, 59, 0.05)
    0.0
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    if trials == 1:
        return 1.0
    rate = successes / trials
    error = math.sqrt(rate * (1 - rate) / (trials - 1))
    return min(max(rate - float(stdtrit(trials - 1, delta)) * error, 0.0), 1.0)


def bootstrap_upper(successes: float, trials: float, delta: float) -> float:
    """The 1 - delta percentile of the rate over resamples of the trials. Approximate.

        u = (1 - delta quantile of Binomial(n, p)) / n

    Resampling n zeros and ones draws from that binomial exactly, so this is the limit of infinitely
    many resamples, and needs no seed. Source: Efron, Annals of Statistics 7 (1979), section 2.

    >>> bootstrap_upper(10, 100, 0.05)  # the 95% quantile of Binomial(100, 0.1) is 15
    0.15
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    # Here alone: scipy.stats takes a second to load, and nothing else needs it.
    from scipy.stats import binom

    return float(binom.ppf(1 - delta, trials, successes / trials)) / trials


def _mirrored(upper: RateBound) -> RateBound:
    def lower(successes: float, trials: float, delta: float) -> float:
        return 1.0 - upper(trials - successes, trials, delta)

    return lower


UPPER: Mapping[str, RateBound] = MappingProxyType(
    {
        "clopper_pearson": clopper_pearson_upper,
        "wilson": wilson_upper,
        "hoeffding": hoeffding_upper,
        "student_t": student_t_upper,
        "bootstrap": bootstrap_upper,
    }
)
"""Upper bounds of one rate by name."""

LOWER: Mapping[str, RateBound] = MappingProxyType(
    {name: _mirrored(upper) for name, upper in UPPER.items()}
    | {"clopper_pearson": clopper_pearson_lower}
)
"""Lower bounds of one rate by name."""


def check_delta(delta: float) -> None:
    """ValueError unless 0 < delta < 1."""
    if not 0 < delta < 1:
        raise ValueError(f"delta must be in (0, 1), got {delta!r}")


def _check(successes: float, trials: float, delta: float) -> None:
    check_delta(delta)
    if not (float(successes).is_integer() and float(trials).is_integer()):
        raise ValueError(
            f"exact bounds need counts of examples, got {successes!r} of {trials!r}: "
            "sums of weights are not binomial; count the examples without weights"
        )
    if not 0 <= successes <= trials:
        raise ValueError(f"expected 0 <= successes <= trials, got {successes!r} of {trials!r}")
