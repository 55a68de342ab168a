"""Constraints of the language as constraints on minibatches, for all that it can say.

    texts = ["max_gap(PPV, [Young]) <= 0.1", "F1 >= 0.8"]
    constraints = [
        from_language(parse(text, groups), context, {group: lambda b: b["groups"][:, 0], ...})
        for text in texts
    ]
    problem = RateMinimizationProblem(error_rate(context), constraints)

Constraints that are intersections of linear ones become those, without any slack variable.
Elsewhere quotients become `ratio`, max and min `largest` and `smallest`, AUC and its kin the rates
of `thresholds`; `trainable.pieces` says what cannot be trained on, without TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairgate.constraints import expressions as syntax
from fairgate.constraints.classes import GENERAL, regardless
from fairgate.constraints.rates import RATES, Group
from fairgate.optimization import trainable
from fairgate.optimization.problems import rates, thresholds
from fairgate.optimization.problems.contexts import Context
from fairgate.optimization.problems.expression import Constraint, Expression
from fairgate.optimization.problems.operations import largest, ratio, smallest

# Thresholds of an area: the mean over 20 midpoints is within about 0.01 of smooth curves' areas.
BINS = 20

CURVES: Mapping[str, Callable[..., Expression]] = {
    "AUC": thresholds.roc_auc,
    "PR_AUC": thresholds.pr_auc,
    "recall_at_precision": thresholds.recall_at_precision,
    "precision_at_recall": thresholds.precision_at_recall,
}


def from_language(
    constraint: syntax.Constraint,
    context: Context,
    members: Mapping[Group, Any],
    bins: int = BINS,
    classes: Sequence[str] = (),
) -> list[Constraint]:
    """The constraint over a context, named by its text; linear ones without any slack variable.

    Args:
        constraint: from `language.parse`.
        context: everyone; with labels.
        members: the predicate of every group that the constraint names, as for `Context.subset`;
            a pair of them over a split context.
        bins: of AUC and PR_AUC, as for `roc_auc`: the area is a mean over so many thresholds, with
            a constraint (PR_AUC: two) for each.
        classes: names of the classes, in the order of the scores, of a multiclass context.

    Returns:
        Constraints that hold together if (and, up to slack variables, only if) this one does; none
        if it always holds.

    Raises:
        ValueError: if a group is missing from `members`, or a class from `classes`.
        NotTrainableError: (a ValueError) for a divisor that may be negative, or a constraint that
            no classifier can meet.
    """
    translation = _Translation(context, members, bins, classes)
    pieces = trainable.pieces(constraint)
    made = []
    for place, piece in enumerate(pieces):
        value = translation.expression(piece.expression)
        held = value <= piece.limit if piece.sense == "<=" else value >= piece.limit
        name = constraint.text if len(pieces) == 1 else f"{constraint.text} [{place}]"
        made.append(held.named(name))
    return made


class _Translation:
    def __init__(
        self, context: Context, members: Mapping[Group, Any], bins: int, classes: Sequence[str]
    ) -> None:
        self._bins = bins
        self._classes = list(classes)
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
                return self._of_rate(name, self._subset(regardless(group)), group)
            case syntax.CurveOf(measure, group, target):
                parameter = self._bins if target is None else target
                return CURVES[measure](self._subset(group), parameter)
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
                return largest([self._rate(argument) for argument in arguments])
            case syntax.Minimum(arguments):
                return smallest([self._rate(argument) for argument in arguments])
        raise TypeError(f"not a rate expression: {node!r}")

    def _of_rate(self, name: str, context: Context, group: Group | None) -> Expression:
        """A rate; of one class against the rest where the group is seen so."""
        if group is None or not group.of:
            return getattr(rates, RATES[name].long_name)(context)  # type: ignore[no-any-return]
        if group.of not in self._classes:
            raise ValueError(f"no class {group.of!r}; the classes are {self._classes}")
        if name in GENERAL:  # right about this class: those of it, and those of none of it
            parts = ("TPP", "TNP") if name == "ACC" else ("FNP", "FPP")
            one, other = (self._of_rate(part, context, group) for part in parts)
            return one + other
        place = self._classes.index(group.of)
        return getattr(rates, RATES[name].long_name)(context, place)  # type: ignore[no-any-return]

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
