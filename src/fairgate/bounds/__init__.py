"""One-sided confidence bounds of rates and of any expression of them: what the gate promises by.

| module | what it holds |
|---|---|
| `one_rate` | Clopper-Pearson, Wilson, Hoeffding, Student t, bootstrap |
| `two_rates`, `tail` | the tight bound of a difference, sum or quotient of two independent rates |
| `conditional` | the exact bound of F1, and of other quotients of one group's outcomes |
| `betting`, `over_units` | rates over people with several examples, and weights |
| `paired` | how much a rate changes from one model to another, on the same examples |
| `joint` | the sum of two parts that are independent |
| `shares` | which rates are independent; how delta is shared |
| `arithmetic` | `upper_bound` and `lower_bound` of any expression |
"""

from fairgate.bounds.arithmetic import METHODS, lower_bound, upper_bound
from fairgate.bounds.one_rate import (
    LOWER,
    UPPER,
    bootstrap_upper,
    clopper_pearson_lower,
    clopper_pearson_upper,
    hoeffding_upper,
    student_t_upper,
    wilson_upper,
)
from fairgate.bounds.two_rates import Linear, Quotient, Trials, upper_bound_of_two

__all__ = [
    "LOWER",
    "METHODS",
    "UPPER",
    "Linear",
    "Quotient",
    "Trials",
    "bootstrap_upper",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "hoeffding_upper",
    "lower_bound",
    "student_t_upper",
    "upper_bound",
    "upper_bound_of_two",
    "wilson_upper",
]
