"""Advice in words: what the test split can promise, and what would let a blocked model pass."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fairgate import vocabulary
from fairgate.constraints.expressions import Constraint, RateOf, rates_in
from fairgate.constraints.rates import Group, Measured
from fairgate.gate import checks, power
from fairgate.gate.checks import Groups
from fairgate.gate.config import GateConfig
from fairgate.gate.prediction import Sizes
from fairgate.gate.samples import labels_needed, more_examples
from fairgate.gate.words import percent

# Shares that a model may well have: of errors, and of Yes where decisions are compared.
_ERRORS = (0.02, 0.05, 0.1)
_DECISIONS = (0.1, 0.3, 0.5)
# 4 times out of 5.
_MISS = 0.2
_HARDLY = "this gate can hardly be passed"


def before_training(gate: GateConfig, groups: Groups, sizes: Sizes) -> list[str]:
    """For each constraint of the gate, the limits that a model without any gap would pass.

    Only denominators of the test split are used: how many examples of each group and label it has.
    They are the same for every model, and the gate's bounds hold given them: looking at them spends
    nothing of the promise.

    Args:
      gate: the gate's settings.
      groups: display name of each group feature -> the names of its groups.
      sizes: examples of each group and label on the test split.
    """
    return [
        str(promise(check.constraint, sizes, gate.confidence_of_each))
        for check in checks.checks(gate, groups)
    ]


def is_warning(sentence: str) -> bool:
    """Whether advice from before training says that a gate can hardly be passed."""
    return _HARDLY in sentence


def when_blocked(
    gate: GateConfig, confidence: float, groups: Groups, counts: Measured
) -> list[str]:
    """For each constraint that did not pass, what would help; and what it takes to ask again.

    Args:
      gate: the gate's settings.
      confidence: what the model was judged at.
      groups: display name of each group feature -> the names of its groups.
      counts: outcomes of the blocked model on the test split.
    """
    delta = _delta(confidence)
    sentences = []
    for check in checks.checks(gate, groups):
        constraint = check.constraint
        today = power.limit_today(constraint, counts, delta)
        if math.isnan(constraint.value(counts)) or constraint.is_satisfied(today):
            continue  # without examples the reason says all; what passed needs no help
        sentences.append(_more(constraint, counts, delta))
        if math.isfinite(today):
            sentences.append(
                f"{constraint.with_limit(today)} could be promised of this very model today, at "
                f"{percent(confidence)} confidence."
            )
    if sentences:
        sentences.append(
            "A limit is decided for reasons other than this result, and asking again honestly takes "
            "new test data."
        )
    return sentences


def _delta(confidence: float) -> float:
    """Without the dust of binary fractions (1 - 0.95 is not 0.05): what was bounded stays known."""
    return round(1 - confidence, 12)


@dataclass(frozen=True)
class Promise:
    """What a number of test examples could promise of one constraint, before any model is judged.

    Attributes:
      constraint: of the gate.
      confidence: of its bound, in (0, 1).
      limits: by a model without any gap, known by its share of errors (or of Yes, where decisions are
        compared): the tightest limit that it passes 4 times in 5. NaN where nothing can be measured.
      of_decisions: whether the shares are of Yes.
      scarcest: in words, the examples that the bound depends on most.
    """

    constraint: Constraint
    confidence: float
    limits: dict[float, float]
    of_decisions: bool
    scarcest: str

    def __str__(self) -> str:
        names = vocabulary.now()
        what = f"{self.constraint}: the {names.test_data} {names.has} {self.scarcest}"
        if any(map(math.isnan, self.limits.values())):
            return f"{what}. Nothing can be measured there: {_HARDLY}."
        kept = [s for s, limit in self.limits.items() if self.constraint.is_satisfied(limit)]
        does = "says Yes to" if self.of_decisions else "errs on"
        down = "down" if self.constraint.sense == "<=" else "up"
        rates = _or(f"{share:.0%}" for share in self.limits)
        limits = _or(f"{limit:g}" for limit in self.limits.values())
        sentence = (
            f"{what}. At {percent(self.confidence)} confidence, a model that {does} {rates} "
            f"of every group passes 4 times in 5 {down} to a limit of {limits}."
        )
        if not kept:
            return f"{sentence} With {self.constraint.limit:g}, {_HARDLY}: give it more test data."
        if len(kept) < len(self.limits):
            most = _or(f"{share:.0%}" for share in kept)
            return f"{sentence} With {self.constraint.limit:g}, {most} is what it takes."
        return sentence


def promise(constraint: Constraint, sizes: Sizes, confidence: float) -> Promise:
    """What test examples could promise of a constraint.

    Args:
      constraint: of the gate.
      sizes: examples of each group and label, and at None of everybody.
      confidence: of the bound, in (0, 1).
    """
    decisions = _is_of_decisions(constraint)
    limits = {}
    for share in _DECISIONS if decisions else _ERRORS:
        model = power.even_model(constraint.expression, share)
        limit = power.limit_to_pass(constraint, model, sizes, _delta(confidence), _MISS)
        # Rounded outwards, so that what is told does pass.
        limits[share] = _outwards(constraint, limit)
    return Promise(constraint, confidence, limits, decisions, _scarcest(constraint, sizes))


def _more(constraint: Constraint, counts: Measured, delta: float) -> str:
    added = more_examples(constraint, counts, delta)
    if added is None:
        if constraint.is_satisfied(constraint.value(counts)):
            return f"{constraint} is too near to the measured value for any number of examples."
        return (
            f"More examples alone will not let {constraint} pass: the measured value is beyond the "
            "limit, so that the model must change."
        )
    number = f"{_two_digits(added.examples):,}"
    if added.group is None and constraint.groups():
        whom = f"{added.label} over all groups ({added.factor:.1f} times each)"
    else:
        of = f" of {_name(added.group)}" if added.group else ""
        whom = f"{added.label}{of} ({added.factor:.1f} times as many)"
    return (
        f"{constraint} would pass with about {number} more {whom} in the {vocabulary.now().test_data}, "
        "if the rates stay as they were measured."
    )


def _scarcest(constraint: Constraint, sizes: Sizes) -> str:
    """ "920 negatives of [Not Young], the fewest": what the bound depends on most."""
    labels = labels_needed(constraint)
    found = [
        (getattr(sizes[group], label) if group in sizes else 0, label, group)
        for group, label in labels.items()
        if group is not None
    ]
    if not found:
        [label] = labels.values()
        return f"{getattr(sizes[None], label):,} {label}"
    number, label, group = min(found, key=lambda each: each[0])
    fewest = ", the fewest" if len(found) > 1 else ""
    return f"{number:,} {label} of {_name(group)}{fewest}"


def _is_of_decisions(constraint: Constraint) -> bool:
    """Whether it compares how often a model says Yes, whatever is right."""
    return any(
        isinstance(rate, RateOf) and rate.rate in power.DECISION_RATES
        for rate in rates_in(constraint.expression)
    )


def _outwards(constraint: Constraint, limit: float) -> float:
    if not math.isfinite(limit):
        return limit
    away = math.ceil if constraint.sense == "<=" else math.floor
    return away(limit * 1000) / 1000


def _two_digits(number: int) -> int:
    """Rounded up to two digits: nobody collects 1,237 examples."""
    unit = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // unit) * unit


def _name(group: Group) -> str:
    return f"[{group.name}]"


def _or(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
