"""Expressions that are built of others, and what can be said of them without any data.

Canonical form, as in `expressions`; max and min of numbers alone are numbers.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from itertools import permutations

from fairgate.constraints.curves import CURVES
from fairgate.constraints.expressions import (
    ChangeOf,
    Constraint,
    CurveOf,
    Expression,
    Maximum,
    Minimum,
    Number,
    RateOf,
    Ratio,
    Scaled,
    Sum,
    add,
    as_expression,
    divide,
    rates_in,
    scale,
)
from fairgate.constraints.rates import QUOTIENTS, RATES, Group, Measured

Terms = dict[Expression, float]
Range = tuple[float, float]

MOST_NODES = 50_000
"""Nodes of the largest expression that is worked with: a gap over 100 groups has 40,000."""


def maximum(*arguments: Expression | float) -> Expression:
    """max(arguments). ValueError if there are none.

    >>> print(maximum(RateOf("FPR"), RateOf("FNR")))
    max(FPR, FNR)
    """
    return _extreme(max, Maximum, arguments)


def minimum(*arguments: Expression | float) -> Expression:
    """min(arguments). ValueError if there are none.

    >>> print(minimum(RateOf("TPR"), RateOf("TNR")) >= 0.8)
    min(TPR, TNR) >= 0.8
    """
    return _extreme(min, Minimum, arguments)


def _extreme(
    choose: Callable[[list[float]], float],
    node: type[Maximum] | type[Minimum],
    arguments: Sequence[Expression | float],
) -> Expression:
    """Of numbers alone the one that is chosen; otherwise the node over all arguments."""
    nodes = tuple(map(as_expression, arguments))
    numbers = [each.value for each in nodes if isinstance(each, Number)]
    return Number(choose(numbers)) if nodes and len(numbers) == len(nodes) else node(nodes)


def absolute(value: Expression | float) -> Expression:
    """abs(value) = max(value, -value).

    >>> print(absolute(RateOf("FPR", Group("sex", "Male")) - RateOf("FPR")) <= 0.02)
    abs(FPR | [sex=Male] - FPR) <= 0.02
    """
    return maximum(value, scale(-1.0, value))


def f1(group: Group | None = None) -> Expression:
    """The F1 score over a group: 2 TPP / (2 TPP + FNP + FPP).

    >>> print(f1())
    2 * TPP / (2 * TPP + FNP + FPP)
    """
    doubled = scale(2.0, RateOf("TPP", group))
    return divide(doubled, add(doubled, RateOf("FNP", group), RateOf("FPP", group)))


def measure(name: str, group: Group | None = None, target: float | None = None) -> Expression:
    """A rate of the table, "F1", or a key of `CURVES`, over a group (None: over everyone).

    ValueError for others, and for a target that does not fit.

    >>> print(measure("FPR", Group("sex", "Male")))
    FPR | [sex=Male]
    >>> print(measure("recall_at_precision", target=0.9))
    recall_at_precision(0.9)
    """
    if name in CURVES:
        return CurveOf(name, group, target)
    return f1(group) if name == "F1" else RateOf(name, group)


def as_quotient(rate: RateOf) -> Expression:
    """A rate over the examples that are predicted alike as a `Ratio`; other rates as they are."""
    if rate.rate not in QUOTIENTS:
        return rate
    numerator, denominator = QUOTIENTS[rate.rate]
    return divide(RateOf(numerator, rate.group), RateOf(denominator, rate.group))


def max_gap(rate: str, groups: Iterable[Group], target: float | None = None) -> Expression:
    """max over ordered pairs of groups a != b of  rate|a - rate|b; name and target as for `measure`.

    Raises:
        ValueError: if there are fewer than two different groups, or no such rate.

    >>> print(max_gap("FPR", [Group("sex", "Male"), Group("sex", "Female")]))
    max(FPR | [sex=Male] - FPR | [sex=Female], FPR | [sex=Female] - FPR | [sex=Male])
    """
    distinct = tuple(dict.fromkeys(groups))
    if len(distinct) < 2:
        raise ValueError(f"a gap needs at least two groups, got {[str(g) for g in distinct]}")
    pairs = permutations(distinct, 2)
    of = {group: measure(rate, group, target) for group in distinct}
    return Maximum(tuple(add(of[a], scale(-1.0, of[b])) for a, b in pairs))


def max_change(rate: str, groups: Iterable[Group]) -> Expression:
    """max over groups of a rate's change against another model. ValueError without groups.

    >>> print(max_change("FNR", [Group("sex", "Male"), Group("sex", "Female")]))
    max(change(FNR | [sex=Male]), change(FNR | [sex=Female]))
    """
    return maximum(*(ChangeOf(rate, group) for group in dict.fromkeys(groups)))


def beside(constraint: Constraint, other: Measured) -> Constraint:
    """The same with the other model's rates as numbers: for who cannot ask both at once.

    Args:
        constraint: any; one without changes stays as it is.
        other: outcomes of the other model.

    >>> from fairgate.constraints.rates import Counts
    >>> constraint = ChangeOf("FNR") <= 0.02
    >>> print(beside(constraint, {None: Counts(tp=75, fp=0, tn=0, fn=25)}).expression)
    FNR - 0.25
    """

    def replaced(node: Expression) -> Expression:
        match node:
            case ChangeOf(rate, group):
                return add(RateOf(rate, group), -other[group].rate(rate))
            case Sum(terms):
                return add(*map(replaced, terms))
            case Scaled(factor, inner):
                return scale(factor, replaced(inner))
            case Ratio(numerator, denominator):
                return divide(replaced(numerator), replaced(denominator))
            case Maximum(arguments):
                return maximum(*map(replaced, arguments))
            case Minimum(arguments):
                return minimum(*map(replaced, arguments))
        return node

    if not has_changes(constraint.expression):
        return constraint
    return dataclasses.replace(constraint, expression=replaced(constraint.expression))


def size(expression: Expression) -> int:
    """How many nodes the expression has, written out; cheap where parts of it are shared.

    >>> size(absolute(RateOf("FPR") - RateOf("FNR")))
    10
    """
    known: dict[int, int] = {}

    def count(node: Expression) -> int:
        if id(node) not in known:
            known[id(node)] = 1 + sum(map(count, node.children))
        return known[id(node)]

    return count(expression)


def has_changes(expression: Expression) -> bool:
    """Whether a change against another model is in it."""
    return isinstance(expression, ChangeOf) or any(map(has_changes, expression.children))


def merge_terms(expression: Expression) -> tuple[Terms, float]:
    """An expression as  sum_k coefficient_k * term_k + constant, equal terms merged.

    Terms are rates and nodes that are not linear (ratios, max, min). Complements are merged, too:
    TNR, TPR, NPR, ACC, PPV and NPV are one minus FPR, FNR, PPR, ERR, FDR and FOR here. A rate whose
    coefficient cancels stays with coefficient 0, so that it is still known to be needed.

    >>> merge_terms(2 * RateOf("FPR") + RateOf("TNR"))  # TNR = 1 - FPR
    ({RateOf(rate='FPR', group=None): 1.0}, 1.0)
    """
    terms: Terms = {}
    constants: list[float] = []

    def collect(node: Expression, factor: float) -> None:
        match node:
            case Number(value):
                constants.append(factor * value)
            case Sum(parts):
                for part in parts:
                    collect(part, factor)
            case Scaled(by, inner):
                collect(inner, factor * by)
            case RateOf(("TNR" | "TPR" | "NPR" | "ACC" | "PPV" | "NPV") as name, group):
                constants.append(factor)
                collect(RateOf(RATES[name].complement or name, group), -factor)
            case _:
                terms[node] = terms.get(node, 0.0) + factor

    collect(expression, 1.0)
    return terms, math.fsum(constants)


def value_range(expression: Expression) -> Range:
    """(least, greatest) value that the expression could have, every rate being in [0, 1].

    By interval arithmetic, hence possibly wider than what is attained.

    >>> value_range(RateOf("FPR") - 2 * RateOf("FNR"))
    (-2.0, 1.0)
    >>> value_range(absolute(RateOf("FPR") - RateOf("FNR")))
    (0.0, 1.0)
    """
    return _range(expression, {})


def _range(expression: Expression, known: dict[int, Range]) -> Range:
    """`value_range`, each part of it once: the parts of a quotient are asked for twice.

    Args:
        expression: any.
        known: ids of nodes that live on in the expression -> their ranges.
    """
    if (found := known.get(id(expression))) is None:
        found = known[id(expression)] = _found_range(expression, known)
    return found


def _scaled(factor: float, ends: Range) -> Range:
    scaled = [factor * end if factor else 0.0 for end in ends]
    return min(scaled), max(scaled)


def _found_range(expression: Expression, known: dict[int, Range]) -> Range:
    match expression:
        case Number(value):
            return value, value
        case RateOf() | CurveOf():
            return 0.0, 1.0
        case ChangeOf():
            return -1.0, 1.0
        case Scaled(factor, inner):
            return _scaled(factor, _range(inner, known))
        case Ratio(numerator, denominator):
            (low, high), (least, most) = _range(numerator, known), _range(denominator, known)
            if low < 0 or least < 0:
                return -math.inf, math.inf
            above = high / least if least else math.inf
            # A part of the whole, like F1's, is at most 1.
            part = _merged_least(add(denominator, scale(-1.0, numerator)), known) >= 0
            return (low / most if most else 0.0), min(above, 1.0) if part else above
    ranges = [_range(child, known) for child in expression.children]
    lows: Sequence[float] = [low for low, _ in ranges]
    highs: Sequence[float] = [high for _, high in ranges]
    match expression:
        case Sum():
            return sum(lows), sum(highs)
        case Maximum():
            # One of e and -e is not negative: a gap, or what abs makes.
            least = 0.0 if _holds_opposites(expression.children) else -math.inf
            return max(*lows, least), max(highs)
        case Minimum():
            most = 0.0 if _holds_opposites(expression.children) else math.inf
            return min(lows), min(*highs, most)
    raise TypeError(f"not a rate expression: {expression!r}")


def _holds_opposites(arguments: Sequence[Expression]) -> bool:
    """Whether one of the arguments is minus another."""
    seen = set()
    for argument in arguments:
        terms, constant = merge_terms(argument)
        if (frozenset((term, -factor) for term, factor in terms.items()), -constant) in seen:
            return True
        seen.add((frozenset(terms.items()), constant))
    return False


def _merged_least(expression: Expression, known: dict[int, Range]) -> float:
    """The least value of an expression whose equal terms are merged."""
    terms, constant = merge_terms(expression)
    # Complements are merged into rates that are new here, and stand for nothing in `known`.
    ranges = (
        _scaled(factor, (0.0, 1.0) if isinstance(term, RateOf) else _range(term, known))
        for term, factor in terms.items()
        if factor
    )
    return sum(low for low, _ in ranges) + constant


def is_random(expression: Expression) -> bool:
    """Whether the expression depends on any rate (and not on numbers alone)."""
    return next(rates_in(expression), None) is not None
