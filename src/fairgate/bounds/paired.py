"""Bounds of how much a rate changes from one model to another, on the same examples.

Of n examples, `up` are counted by the one model's rate alone and `down` by the other's alone; the rest
change nothing. With s the share of examples that differ and t the share of these that go up,

    change = s (2 t - 1),   up + down ~ Binomial(n, s),   up ~ Binomial(up + down, t) given up + down

so that McNemar's conditioning leaves two exact bounds to put together: T above t at delta - beta, which
holds whatever up + down is, and one of s at beta. The upper bound is

    S (2 T - 1),   S above s where T >= 1/2,   S below s otherwise.

It errs with probability at most delta: if t >= 1/2, T >= t and S >= s give a bound of at least the
change, and they fail with probability at most delta - beta and beta. If t < 1/2, the change is
negative: a bound from T >= 1/2 is over it, and otherwise T >= t and S <= s suffice. Near no change,
what is not known of s weighs next to nothing, and the bound is that of McNemar's exact test. beta is a
tenth of delta.

Sources: McNemar, Psychometrika 12 (1947), 153-157; Clopper and Pearson, Biometrika 26 (1934), 404-413;
Berger and Boos, JASA 89 (1994), 1012-1016 (paying for the range of what is not asked).
"""

from __future__ import annotations

import math

from fairgate.bounds.one_rate import check_delta, clopper_pearson_lower, clopper_pearson_upper

_BETA = 0.1
"""Share of delta that bounds how many examples differ."""


def upper_change(up: float, down: float, trials: float, delta: float) -> float:
    """u with P(u < change) <= delta, for n independent examples that two models decide.

    Args:
        up: examples that only the one model's rate counts.
        down: examples that only the other's counts.
        trials: all examples, n.
        delta: allowed probability of error, in (0, 1).

    Returns:
        The bound, in [-1, 1]; NaN without trials.

    Raises:
        ValueError: for counts that are no integers or do not fit together, or a bad delta.

    >>> round(upper_change(0, 0, 59, 0.05), 4)  # nothing differs: 1 - (0.05 / 10) ** (1 / 59)
    0.0859
    >>> round(upper_change(30, 30, 1000, 0.05), 4), round(upper_change(10, 50, 1000, 0.05), 4)
    (0.019, -0.0195)
    """
    check_delta(delta)
    differ = up + down
    if trials == 0:
        return math.nan
    beta = _BETA * delta
    most = clopper_pearson_upper(up, differ, delta - beta) if differ else 1.0
    bound = clopper_pearson_upper if most >= 0.5 else clopper_pearson_lower
    return bound(differ, trials, beta) * (2 * most - 1)


def lower_change(up: float, down: float, trials: float, delta: float) -> float:
    """-upper_change of the change the other way; arguments, results and errors as there."""
    return -upper_change(down, up, trials, delta)
