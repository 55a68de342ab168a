"""Constraints of the language as constraints on minibatches, for all that it can say.

    texts = ["max_gap(PPV, [Young]) <= 0.1", "F1 >= 0.8"]
    constraints = [
        from_language(parse(text, groups), context, {group: lambda b: b["groups"][:, 0], ...})
        for text in texts
    ]
    problem = RateMinimizationProblem(error_rate(context), constraints)

Where `linear.linearize` clears a quotient against its limit or refuses, this uses slack variables:
quotients become `ratio`, max and min become `upper_bound` and `lower_bound`, and so any sum of them
can be trained on, as long as every max is kept low and every min high.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.constrained_optimization import expressions as syntax
from components.constrained_optimization.algebra import as_quotient
from components.constrained_optimization.errors import NotTrainableError
from components.constrained_optimization.linear import linearize
from components.constrained_optimization.problems import rates
from components.constrained_optimization.problems.contexts import Context
from components.constrained_optimization.problems.expression import (
    Constraint,
    Expression,
    UnboundedError,
)
from components.constrained_optimization.problems.operations import lower_bound, ratio, upper_bound
from components.constrained_optimization.rates import RATES, Group


def from_language(
    constraint: syntax.Constraint, context: Context, members: Mapping[Group, Any]
) -> list[Constraint]:
    """The constraint over a context, named by its text; linear ones without any slack variable.

    Args:
        constraint: from `language.parse`.
        context: everyone; with labels.
        members: the predicate of every group that the constraint names, as for `Context.subset`;
            a pair of them over a split context.

    Returns:
        Constraints that hold together if (and, up to slack variables, only if) this one does.

    Raises:
        ValueError: if a group is missing from `members`.
        NotTrainableError: (a ValueError) for a max that must be large, or a min that must be small.
    """
    translation = _Translation(context, members)
    try:
        pieces = [piece.as_expression() <= 0.0 for piece in linearize(constraint)]
    except NotTrainableError:
        pieces = [constraint]
    made = []
    for place, piece in enumerate(pieces):
        value = translation.expression(piece.expression)
        held = value <= piece.limit if piece.sense == "<=" else value >= piece.limit
        name = constraint.text if len(pieces) == 1 else f"{constraint.text} [{place}]"
        try:
            held.expression.resolve()
        except UnboundedError as error:
            raise NotTrainableError(
                constraint.text, str(piece.expression), str(error), "max with '<=', min with '>='"
            ) from error
        made.append(held.named(name))
    return made


class _Translation:
    def __init__(self, context: Context, members: Mapping[Group, Any]) -> None:
        self._context = context
        self._members = members
        # One context per group, so that rates over it share their denominators.
        self._subsets: dict[Group | None, Context] = {None: context}

    def expression(self, node: syntax.Expression) -> Any:
        """The node over the context; a number stays one."""
        match node:
            case syntax.Number(value):
                return value
            case syntax.RateOf(name, group):
                quotient = as_quotient(node)
                if quotient is not node:
                    return self.expression(quotient)
                make = getattr(rates, RATES[name].long_name)
                return make(self._subset(group))
            case syntax.Sum(terms):
                total: Any = 0.0
                for term in terms:
                    total = total + self.expression(term)
                return total
            case syntax.Scaled(factor, inner):
                return factor * self.expression(inner)
            case syntax.Ratio(numerator, denominator):
                return ratio(self._rate(numerator), self._rate(denominator))
            case syntax.Maximum(arguments):
                return upper_bound([self._rate(argument) for argument in arguments])
            case syntax.Minimum(arguments):
                return lower_bound([self._rate(argument) for argument in arguments])
        raise TypeError(f"not a rate expression: {node!r}")

    def _rate(self, node: syntax.Expression) -> Expression:
        """The same, as an expression even if it is a number."""
        value = self.expression(node)
        return value if isinstance(value, Expression) else Expression({}, float(value))

    def _subset(self, group: Group | None) -> Context:
        if group not in self._subsets:
            if group not in self._members:
                known = [str(each) for each in self._members]
                raise ValueError(f"no members of the group {group}; the groups are {known}")
            given = self._members[group]  # type: ignore[index]
            predicates = given if isinstance(given, tuple) else (given,)
            self._subsets[group] = self._context.subset(*predicates)
        return self._subsets[group]
