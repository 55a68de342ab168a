"""Advice in words: what the test split can promise, and what would let a blocked model pass."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from scipy.special import ndtri

from fairgate import bounds, vocabulary
from fairgate.constraints.algebra import has_changes
from fairgate.constraints.expressions import Constraint, RateOf, rates_in
from fairgate.constraints.rates import Group, Measured
from fairgate.constraints.units import UnitCounts
from fairgate.gate import checks, power, prediction, unit_draws
from fairgate.gate.checks import Groups
from fairgate.gate.config import GateConfig
from fairgate.gate.prediction import Sizes, sizes_of
from fairgate.gate.samples import Addition, labels_needed, more_examples
from fairgate.gate.words import percent
from fairgate.vocabulary import Vocabulary

# Shares that a model may well have: of errors, and of Yes where decisions are compared.
_ERRORS = (0.02, 0.05, 0.1)
_DECISIONS = (0.1, 0.3, 0.5)
# 4 times out of 5.
_MISS = 0.2
ALIKE = 0.1
"""Correlation of two outcomes of a unit that is supposed, where none is known."""
_HARDLY = "this gate can hardly be passed"


def before_training(
    gate: GateConfig,
    groups: Groups,
    examples: Sizes | UnitCounts,
    confidence: float | None = None,
) -> list[str]:
    """For each constraint of the gate, the limits that a model without any gap would pass.

    Only denominators of the test split are used: how many examples of each group and label it has.
    They are the same for every model, and the gate's bounds hold given them: looking at them spends
    nothing of the promise. Constraints of which the same is to be said share a sentence.

    Args:
      gate: the gate's settings.
      groups: display name of each group feature -> the names of its groups.
      examples: of each group and label on the test split; by unit, where bounds are over units or
        weights (of these outcomes only the labels count).
      confidence: what the next model will be judged at; None: each attempt's share by the settings.
    """
    confidence = gate.confidence_of_each if confidence is None else confidence
    promises = (
        promise(check.constraint, examples, confidence)
        for check in checks.checks(gate, groups)
        # What a change is bounded by, how many answers differ, no number of examples tells.
        if not has_changes(check.constraint.expression)
    )
    return _merged((each.constraint, f"{{}}: {each.said}") for each in promises)


def is_warning(sentence: str) -> bool:
    """Whether advice from before training says that a gate can hardly be passed."""
    return _HARDLY in sentence


def when_blocked(
    gate: GateConfig, confidence: float, groups: Groups, counts: Measured
) -> list[str]:
    """For the constraints that did not pass, what would help; and what it takes to ask again.

    Args:
      gate: the gate's settings.
      confidence: what the model was judged at.
      groups: display name of each group feature -> the names of its groups.
      counts: outcomes of the blocked model on the test split.
    """
    sentences = for_test_split(gate, confidence, groups, counts)
    names = vocabulary.now()
    if sentences:
        sentences.append(
            "A limit is not to be chosen by this result. To ask again, take new test data, or plan "
            f"several attempts before the first look ({names.setting('attempts')}); between them the "
            f"{names.test_data} may grow."
        )
    return sentences


def for_test_split(
    gate: GateConfig, confidence: float, groups: Groups, counts: Measured
) -> list[str]:
    """For each constraint that would not pass, what would help; arguments as for `when_blocked`."""
    delta = _delta(confidence)
    helping, today_passed = [], []
    for check in checks.checks(gate, groups):
        constraint = check.constraint
        today = power.limit_today(constraint, counts, delta)
        if math.isnan(constraint.value(counts)) or constraint.is_satisfied(today):
            continue  # without examples the reason says all; what passed needs no help
        helping += [(constraint, said) for said in _help(constraint, counts, delta)]
        if math.isfinite(today):
            today_passed.append(str(constraint.with_limit(today)))
    if not helping:
        return []
    sentences = _merged(helping)
    if today_passed:
        sentences.append(
            f"{_and(today_passed)} could be promised of this very model today, at {percent(confidence)} "
            "confidence."
        )
    return sentences


def _help(constraint: Constraint, counts: Measured, delta: float) -> list[str]:
    """What would help with one constraint; "{}" stands for it."""
    changes = has_changes(constraint.expression)
    if changes and constraint.is_satisfied(constraint.value(counts)):
        return [_more_of_all(constraint, counts, delta)]
    if constraint.is_satisfied(constraint.value(counts)):
        return [_more(constraint, counts, delta)]
    sides = bounds.lower_bound, bounds.upper_bound
    opposite = sides[constraint.sense == ">="](constraint.expression, counts, delta)
    if math.isfinite(opposite) and not constraint.is_satisfied(opposite):
        first = (
            "{}: the model must change. That it is beyond the limit is shown, and more examples would "
            "show it more clearly."
        )
    else:
        first = (
            "{}: the measured value is beyond the limit, though not shown to be. More examples would "
            "tell, and if the true value is the measured one, that the model must change."
        )
    return [first, *([] if changes else _without_gap(constraint, counts, delta))]


def _more_of_all(constraint: Constraint, counts: Measured, delta: float) -> str:
    """Of a change, whose margin falls with the root of the examples: how many times as many."""
    value = constraint.value(counts)
    margin = abs(prediction.bound_of(constraint, counts, delta) - value)
    slack = abs(constraint.limit - value)
    if not (slack > 0 and math.isfinite(margin)):
        return "{}: the limit is too near to the measured value for any number of examples."
    times = (margin * (1 + float(ndtri(1 - _MISS)) / -float(ndtri(delta))) / slack) ** 2
    return (
        "{} would pass 4 times in 5 with more test examples of every group (about "
        f"{times:.1f} times as many), if the true rates are those that were measured."
    )


def _without_gap(constraint: Constraint, counts: Measured, delta: float) -> list[str]:
    """What such examples can promise of a model with the same errors, evenly spread."""
    everyone = counts.get(None)
    if everyone is None or not (everyone.positives and everyone.negatives):
        return []
    model = power.ModelRates(fpr=everyone.rate("FPR"), tpr=everyone.rate("TPR"))
    alike = unit_draws.alike(constraint, counts) if isinstance(counts, UnitCounts) else 0.0
    examples = counts if isinstance(counts, UnitCounts) else sizes_of(counts)
    found = power.limit_to_pass(constraint, model, examples, delta, _MISS, alike=alike)
    limit = _outwards(constraint, found)
    if not math.isfinite(limit):
        return []
    least = "at least" if constraint.sense == "<=" else "at most"
    sentence = (
        f"{{}}: on {vocabulary.now().these_test_data} a model with the rates of this one (FPR "
        f"{model.fpr:.3f}, TPR {model.tpr:.3f}), the same in every group, passes 4 times in 5 if "
        f"the limit is {least} {limit:g}."
    )
    if not constraint.is_satisfied(limit):
        sentence += " So the model needs fewer errors as well, or more test data."
    return [sentence]


def _merged(said: Iterable[tuple[Constraint, str]]) -> list[str]:
    """The sentences with the constraints in the place of "{}": those of one wording together."""
    of: dict[str, list[str]] = {}
    for constraint, sentence in said:
        of.setdefault(sentence, []).append(str(constraint))
    return [sentence.replace("{}", _and(names), 1) for sentence, names in of.items()]


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
      names: what whoever asked calls settings and test data.
      units: how many people (units) these are of, where somebody has several; None: nobody has.
      alike: the correlation that two outcomes of a unit are supposed to have.
      most: the largest sum of weights that a unit (an example, where nobody has several) may have; None:
        examples count one each.
    """

    constraint: Constraint
    confidence: float
    limits: dict[float, float]
    of_decisions: bool
    scarcest: str
    names: Vocabulary = field(default_factory=vocabulary.now, compare=False, repr=False)
    units: int | None = None
    alike: float = 0.0
    most: float | None = None

    def __str__(self) -> str:
        return f"{self.constraint}: {self.said}"

    @property
    def _of_units(self) -> str:
        if self.units is None:
            return "" if self.most is None else f" (with weights of at most {self.most:g})"
        weights = "" if self.most is None else f" with weights of at most {self.most:g} together"
        return (
            f" (of {self.units:,} units{weights}; two outcomes of one are taken to have a correlation of "
            f"{self.alike:g})"
        )

    @property
    def said(self) -> str:
        """What is promised, in words."""
        what = f"the {self.names.test_data} {self.names.has} {self.scarcest}{self._of_units}"
        if any(map(math.isnan, self.limits.values())):
            return f"{what}. Nothing can be measured there: {_HARDLY}."
        kept = [s for s, limit in self.limits.items() if self.constraint.is_satisfied(limit)]
        does = "says Yes to" if self.of_decisions else "errs on"
        least = "at least" if self.constraint.sense == "<=" else "at most"
        rates = _or(f"{share:.0%}" for share in self.limits)
        limits = _or(f"{limit:g}" for limit in self.limits.values())
        sentence = (
            f"{what}. At {percent(self.confidence)} confidence, a model that {does} {rates} "
            f"of every group passes 4 times in 5 if the limit is {least} {limits}."
        )
        if not kept:
            return f"{sentence} With {self.constraint.limit:g}, {_HARDLY}: give it more test data."
        if len(kept) < len(self.limits):
            most = _or(f"{share:.0%}" for share in kept)
            return f"{sentence} The limit of {self.constraint.limit:g} needs a model that {does} {most}."
        return sentence


def promise(
    constraint: Constraint,
    examples: Sizes | UnitCounts,
    confidence: float,
    alike: float = ALIKE,
) -> Promise:
    """What test examples could promise of a constraint.

    Args:
      constraint: of the gate.
      examples: of each group and label, and at None of everybody; or by unit (of these outcomes only the
        labels count).
      confidence: of the bound, in (0, 1).
      alike: the correlation that two outcomes of a unit are supposed to have, in [0, 1).
    """
    decisions = _is_of_decisions(constraint)
    limits = {}
    units, most = None, None
    sizes = sizes_of(examples) if isinstance(examples, UnitCounts) else examples
    for share in _DECISIONS if decisions else _ERRORS:
        model = power.even_model(constraint.expression, share)
        limit = power.limit_to_pass(
            constraint, model, examples, _delta(confidence), _MISS, alike=alike
        )
        # Rounded outwards, so that what is told does pass.
        limits[share] = _outwards(constraint, limit)
    scarcest = _fewest(constraint, sizes)
    if isinstance(examples, UnitCounts):
        units = None if examples.apart else examples.units_of(scarcest[2])
        most = examples.most if examples.weighted else None
    told = _in_words(*scarcest, alone=len(labels_needed(constraint)) == 1)
    supposed = 0.0 if units is None else alike
    return Promise(
        constraint, confidence, limits, decisions, told, units=units, alike=supposed, most=most
    )


def _more(constraint: Constraint, counts: Measured, delta: float) -> str:
    added = more_examples(constraint, counts, delta, _MISS)
    if added is None:
        return "{}: the limit is too near to the measured value for any number of examples."
    number = f"{_two_digits(added.examples):,}"
    if added.group is None and constraint.groups():
        whom = f"{added.label} over all groups ({added.factor:.1f} times as many of each group)"
    else:
        of = f" of {_name(added.group)}" if added.group else ""
        whom = f"{added.label}{of} ({added.factor:.1f} times as many)"
    return (
        f"{{}} would pass 4 times in 5 with about {number} more {whom} in the "
        f"{vocabulary.now().test_data}, if the true rates are those that were measured"
        f"{_in_units(added, counts)}."
    )


def _in_units(added: Addition, counts: Measured) -> str:
    """ " (those of about 120 more units)" where examples come in units that count."""
    if not isinstance(counts, UnitCounts) or counts.apart:
        return ""
    units = _two_digits(math.ceil(counts.units_of(added.group) * (added.factor - 1)))
    return f"; these are the examples of about {units:,} more units, since bounds are over units"


def _fewest(constraint: Constraint, sizes: Sizes) -> tuple[int, str, Group | None]:
    """(920, "negatives", Not Young): what the bound depends on most."""
    labels = labels_needed(constraint)
    found = [
        (getattr(sizes[group], label) if group in sizes else 0, label, group)
        for group, label in labels.items()
        if group is not None or len(labels) == 1
    ]
    return min(found, key=lambda each: each[0])


def _in_words(number: int, label: str, group: Group | None, alone: bool) -> str:
    """ "920 negatives of [Not Young], the fewest"."""
    if group is None:
        return f"{number:,} {label}"
    return f"{number:,} {label} of {_name(group)}{'' if alone else ', the fewest'}"


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
    return group.words


def _or(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _and(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
