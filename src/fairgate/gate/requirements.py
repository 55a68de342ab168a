"""What a gate asks of every model besides its constraints: enough examples, accuracy, and some use.

A model that is fair because it is useless keeps every limit on a gap. A model of some use

    errs less than the commonest answer,   and has   TPR > FPR   over everybody and in each group

that a constraint is about, and gives the rarer of its answers at least a tenth as often as the rarer
label comes up. The first two are shown by bounds. The first is McNemar's exact test, one-sided,
against either constant answer. Beside "No to everybody" a model is right where it tells Yes to a positive
and wrong where it tells Yes to a negative: it errs less exactly if more than half of those whom it tells
Yes are positive, and given how many these are, the positives among them are binomial. Beside "Yes to
everybody" the same holds of those whom it tells No. Both are asked, so that nobody has to know which
answer is the commoner one. Of a label with several classes each class is such a constant answer c: where
the model answers otherwise, it is right or c is (or neither, which says nothing), and of those where just
one is right the model must be for more than half.

Where nearly everybody has the same label (`resolved`), the first is not asked unless somebody wants it:
a model that finds three quarters of a rare disease has more false alarms than hits. Labels alone decide
that, so that it takes nothing from any bound.

No share of delta goes to any of this. A model passes only if *everything* that is asked is shown, each at
the full delta. If one of them is truly not so, the model passes only if the bound of that one errs, which
has probability at most delta, whatever the others do (an intersection-union test: Berger, Technometrics
24 (1982), 295-300). Asking for more never lets a model pass that would not have passed before.

Sources: McNemar, Psychometrika 12 (1947), 153-157; Clopper and Pearson, Biometrika 26 (1934), 404-413.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fairgate import bounds, vocabulary
from fairgate.constraints.classes import answers, seen_as
from fairgate.constraints.expressions import Constraint, RateOf, rates_in
from fairgate.constraints.rates import RATES, Counts, Group, Measured
from fairgate.constraints.units import rows_of
from fairgate.gate import words
from fairgate.gate.config import BetterThan, GateConfig
from fairgate.gate.judgement import CheckRow, Outcome, shown_name

_HALF = 0.5
# Of the examples: fewer of the rarer label, and few useful models err less than the commonest answer.
_RARE_LABEL = 0.2
# Of what comes up: one answer to almost everybody says next to nothing, however right it is.
_RARE_ANSWER = 0.1


def _way_out() -> str:
    return f"{vocabulary.now().setting('better_than')} says what is asked"


def rows(
    gate: GateConfig,
    constraints: Sequence[Constraint],
    groups: Mapping[str, Sequence[str]],
    counts: Measured,
    confidence: float,
) -> list[CheckRow]:
    """A row for each thing that is asked.

    Args:
      gate: what is asked.
      constraints: of the gate, parsed.
      groups: display name of each group feature -> the names of its groups.
      counts: outcomes of the model.
      confidence: of each bound, in (0, 1).
    """
    found = [*enough_examples(gate.minimum_negatives, constraints, groups, counts)]
    everyone = counts[None]
    if not everyone.examples:
        return found
    if gate.minimum_accuracy:
        found.append(_accuracy(counts, gate.minimum_accuracy, confidence))
    if one := list(_one_answer(counts)):
        return [*found, *one]
    return [*found, *_of_use(gate.better_than, constraints, groups, counts, confidence)]


def known_before(
    gate: GateConfig,
    constraints: Sequence[Constraint],
    groups: Mapping[str, Sequence[str]],
    counts: Measured,
) -> list[CheckRow]:
    """What fails by the examples alone, or by the answers alone; arguments as for `rows`."""
    found = [*enough_examples(gate.minimum_negatives, constraints, groups, counts)]
    return [row for row in found if not row.passed] + list(_one_answer(counts))


def is_useful(
    better_than: BetterThan, constraints: Sequence[Constraint], counts: Measured, confidence: float
) -> bool:
    """Whether a model is shown to be of the use that is asked; arguments as for `rows`."""
    return all(row.passed for row in _of_use(better_than, constraints, {}, counts, confidence))


def resolved(better_than: BetterThan, counts: Measured) -> BetterThan:
    """What is asked of a model on such examples, whatever it says of them.

    >>> resolved("auto", {None: Counts(30, 0, 70, 0)}), resolved("auto", {None: Counts(9, 0, 90, 1)})
    ('commonest', 'chance')
    """
    if better_than != "auto":
        return better_than
    others = _but_the_commonest(counts, lambda each: each.positives)
    return "chance" if others < _RARE_LABEL * counts[None].examples else "commonest"


def groups_needed(constraints: Iterable[Constraint], denominator: str = "") -> list[Group]:
    """The groups that constraints are about, each once; of one denominator alone, if it is given.

    >>> from fairgate.constraints import parse
    >>> gap = parse("max_gap(TPR, [sex]) <= 0.1", {"sex": ["Female", "Male"]})
    >>> len(groups_needed([gap])), groups_needed([gap], "negatives")
    (2, [])
    """
    found: dict[Group, None] = {}
    for constraint in constraints:
        for rate in rates_in(constraint.expression):
            of = RATES[rate.rate].denominator if isinstance(rate, RateOf) else ""
            if rate.group is not None and denominator in ("", of):
                found[rate.group] = None
    return list(found)


def enough_examples(
    minimum: int,
    constraints: Sequence[Constraint],
    groups: Mapping[str, Sequence[str]],
    counts: Measured,
) -> Iterator[CheckRow]:
    """What is asked of the examples alone, so that it is known before any model is.

    Each group that a constraint is about is there, and has `minimum` negatives where a constraint has a
    rate of them.
    """
    names = vocabulary.now()
    for group in groups_needed(constraints):
        if group not in counts or not counts[group].examples:
            reason = (
                f"the {names.test_data} {names.has} no examples of {_group(group)}: its rates are "
                "unknown"
            )
            yield _row(f"examples of {_name(group, groups)}", 0, None, 1, "undecided", reason)
    if not minimum:
        return
    rows = rows_of(counts)
    for group in groups_needed(constraints, "negatives"):
        if group in counts and counts[group].examples:
            negatives = int(rows[group].negatives)
            reason = (
                f"{_group(group)} has {negatives} negative examples in the {names.test_data}, fewer "
                f"than {names.setting('minimum_negatives')} = {minimum}"
            )
            outcome: Outcome = "passed" if negatives >= minimum else "undecided"
            yield _row(
                f"negatives of {_name(group, groups)}", negatives, None, minimum, outcome, reason
            )


def the_one_answer(counts: Measured) -> str | None:
    """Yes or No (or a class), if a model says nothing else; None if it says several.

    >>> the_one_answer({None: Counts(tp=0, fp=0, tn=90, fn=10)})
    'No'
    """
    said = [answer for answer, times in answers(counts).items() if times]
    if len(said) > 1:
        return None
    return said[0] if said else "No"


def _one_answer(counts: Measured) -> Iterator[CheckRow]:
    if said := the_one_answer(counts):
        reason = f"the model answers {said} to every example: its gap says nothing about fairness"
        yield _row("different answers", 1, None, 2, "over the limit", reason)


def _accuracy(counts: Measured, floor: float, confidence: float) -> CheckRow:
    value, bound, outcome = _share(RateOf("ACC"), counts, floor, confidence)
    reason = (
        f"accuracy {value:.4f}, at least {bound:.4f} at {words.percent(confidence)} confidence, is under "
        f"{vocabulary.now().setting('minimum_accuracy')} = {floor}"
    )
    return _row("accuracy", value, bound, floor, outcome, reason)


def _of_use(
    better_than: BetterThan,
    constraints: Sequence[Constraint],
    groups: Mapping[str, Sequence[str]],
    counts: Measured,
    confidence: float,
) -> Iterator[CheckRow]:
    better_than = resolved(better_than, counts)
    if better_than == "commonest":
        yield _commonest(counts, confidence)
    if better_than != "nothing":
        yield _says_something(counts)
        for group in (None, *groups_needed(constraints)):
            if group in counts and counts[group].positives and counts[group].negatives:
                yield _tells_apart(group, groups, counts, confidence)


def _commonest(counts: Measured, confidence: float) -> CheckRow:
    """The less sure of both comparisons."""
    if None in counts and (classes := _classes(counts)):
        return _commonest_class(counts, classes, confidence)
    rates = {"No": "PPV", "Yes": "NPV"}
    shown = {
        answer: _share(RateOf(rate), counts, _HALF, confidence) for answer, rate in rates.items()
    }
    answer = min(shown, key=lambda each: shown[each][1])
    value, bound, outcome = shown[answer]
    everyone = rows_of(counts)[None]
    right, differ = everyone.trials(rates[answer])
    errors = everyone.fp + everyone.fn
    constant = everyone.positives if answer == "No" else everyone.negatives
    reason = (
        f"the model is not shown to err less than the answer {answer} to everybody: it errs on "
        f"{int(errors):,} of {int(everyone.examples):,}, that answer on {int(constant):,}; of the "
        f"{int(differ):,} where they differ the model is right on {int(right):,} ({_way_out()})"
    )
    name = f"share of its answers other than {answer} that are right"
    return _row(name, value, bound, _HALF, outcome, reason)


def _classes(counts: Measured) -> list[str]:
    return [group.of for group in counts if group is not None and group.of and not group.feature]


def _commonest_class(counts: Measured, classes: Sequence[str], confidence: float) -> CheckRow:
    """The least sure of the comparisons with each class as the answer to everybody."""
    right = counts[None].tp
    found = []
    for name in classes:
        of = counts[seen_as(None, name)]
        # Where just one of the two is right: the model, or the constant answer.
        where: dict[Group | None, Counts] = {None: Counts(tp=right - of.tp, fp=of.fn, tn=0, fn=0)}
        found.append((name, where[None], *_share(RateOf("PPV"), where, _HALF, confidence)))
    name, where_one_is, value, bound, outcome = min(found, key=lambda each: each[3])
    everyone, constant = counts[None], counts[seen_as(None, name)]
    reason = (
        f"the model is not shown to err less than the answer {name} to everybody: it errs on "
        f"{int(everyone.fn):,} of {int(everyone.examples):,}, that answer on "
        f"{int(constant.negatives):,}; of the {int(where_one_is.tp + where_one_is.fp):,} where just one "
        f"of them is right it is the model on {int(where_one_is.tp):,} ({_way_out()})"
    )
    said = f"share that is right, where either it or {name} for everybody is"
    return _row(said, value, bound, _HALF, outcome, reason)


def _says_something(counts: Measured) -> CheckRow:
    """Of the examples as they are: a share of answers is no rate of a population."""
    said = _but_the_commonest(counts, lambda each: each.tp + each.fp)
    labels = _but_the_commonest(counts, lambda each: each.positives)
    value = said / labels if labels else math.inf
    reason = (
        f"the model gives {said:,.0f} of {counts[None].examples:,.0f} examples another answer than its "
        f"commonest, and {labels:,.0f} have another label than the commonest: one answer to almost "
        f"everybody says next to nothing ({_way_out()})"
    )
    name = "rarer answers given, for each example with a rarer label"
    outcome: Outcome = "passed" if value >= _RARE_ANSWER else "over the limit"
    return _row(name, value, None, _RARE_ANSWER, outcome, reason)


def _but_the_commonest(counts: Measured, of: Callable[[Counts], float]) -> float:
    """The examples of all classes but the largest, as `of` counts a class against the rest."""
    everyone = counts[None]
    if classes := _classes(counts):
        return everyone.examples - max(of(counts[seen_as(None, name)]) for name in classes)
    return min(of(everyone), everyone.examples - of(everyone))


def _tells_apart(
    group: Group | None, groups: Mapping[str, Sequence[str]], counts: Measured, confidence: float
) -> CheckRow:
    delta = round(1.0 - confidence, 12)
    difference = RateOf("TPR", group) - RateOf("FPR", group)
    tpr, fpr = counts[group].rate("TPR"), counts[group].rate("FPR")
    bound = bounds.lower_bound(difference, counts, delta)
    outcome: Outcome = "passed" if bound > 0 else "undecided"
    if tpr < fpr and bounds.upper_bound(difference, counts, delta) < 0:
        outcome = "over the limit"
    whom = "everybody" if group is None else _name(group, groups)
    if group is not None and group.of:
        reason = (
            f"the model is not shown to say {group.of} more often to those of {whom} who are "
            f"{group.of} than to the others: TPR {tpr:.4f}, FPR {fpr:.4f} ({_way_out()})"
        )
        return _row(f"TPR - FPR of {whom}", tpr - fpr, bound, 0.0, outcome, reason)
    reason = (
        f"the model is not shown to say Yes more often to the positives of {whom} than to the negatives: "
        f"TPR {tpr:.4f}, FPR {fpr:.4f} ({_way_out()})"
    )
    return _row(f"TPR - FPR of {whom}", tpr - fpr, bound, 0.0, outcome, reason)


def _share(
    rate: RateOf, counts: Measured, limit: float, confidence: float
) -> tuple[float, float, Outcome]:
    """A rate, its lower bound, and whether it is shown to keep the limit, or to be under it."""
    delta = round(1.0 - confidence, 12)
    value = counts[None].rate(rate.rate)
    if math.isnan(value):
        return value, 0.0, "undecided"
    bound = bounds.lower_bound(rate, counts, delta)
    if bound >= limit:
        return value, bound, "passed"
    under = value < limit and bounds.upper_bound(rate, counts, delta) < limit
    return value, bound, "over the limit" if under else "undecided"


def _row(
    name: str,
    value: float,
    bound: float | None,
    limit: float,
    outcome: Outcome,
    reason: str,
) -> CheckRow:
    return CheckRow(
        name=name,
        value=value if math.isfinite(value) else None,
        bound=bound,
        limit=limit,
        outcome=outcome,
        reason="" if outcome == "passed" else reason,
    )


def _name(group: Group, groups: Mapping[str, Sequence[str]]) -> str:
    if not (groups and group.feature):
        return group.words
    return Group(group.feature, shown_name(group.feature, group.name, groups), group.of).words


def _group(group: Group) -> str:
    return f"group {group.words}" if group.feature else group.words
