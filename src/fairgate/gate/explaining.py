"""Why a model was blocked, or why it passed: in sentences, with the counts behind them.

Reads what a judgement says; decides nothing, and loads neither TensorFlow nor SciPy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fairgate import vocabulary
from fairgate.gate import words
from fairgate.gate.judgement import (
    BASELINE,
    EVERYBODY,
    CheckRow,
    GateRow,
    GroupResult,
    Judgement,
    Outcome,
)


@dataclass(frozen=True)
class Outcomes:
    """How many examples of a group came out how."""

    tp: int
    fp: int
    tn: int
    fn: int

    @classmethod
    def of(cls, result: GroupResult, label: str = "") -> Outcomes:
        """The whole numbers that the rates of `result` were made of.

        Args:
          result: of a group.
          label: a class, which then counts as positive; empty: where there are several, to be right does.
        """
        if label:
            found = result.classes[label]
            others = result.examples - found.examples
            tp = round((found.tpr or 0.0) * found.examples)
            fp = round((found.fpr or 0.0) * others)
            return cls(tp=tp, fp=fp, tn=others - fp, fn=found.examples - tp)
        if result.classes:
            right = round((result.accuracy or 0.0) * result.examples)
            return cls(tp=right, fp=0, tn=0, fn=result.examples - right)
        positives = result.examples - result.negatives
        fp = round((result.fpr or 0.0) * result.negatives)
        fn = round((result.fnr or 0.0) * positives)
        return cls(tp=positives - fn, fp=fp, tn=result.negatives - fp, fn=fn)


@dataclass(frozen=True)
class Count:
    """What a rate of a group was counted of: `part` of `whole`, in words `what`."""

    group: str
    rate: str
    part: int
    whole: int
    what: str

    @property
    def value(self) -> float | None:
        """The rate; None where there is nothing to count."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class Reasoning:
    """One constraint of the gate: whether it was kept, in sentences, and what was counted for it."""

    constraint: str
    passed: bool
    outcome: Outcome
    sentences: list[str]
    counts: list[Count]


@dataclass(frozen=True)
class Step:
    """A command to try next, and what for."""

    command: str
    purpose: str


@dataclass(frozen=True)
class Explanation:
    """All that there is to say.

    Attributes:
      sentence: the verdict in one sentence.
      meaning: of a block: whether the model must change, or more examples would tell; else empty.
      constraints: of the gate, those that blocked first.
      cost: what got worse for a group, next to the baseline.
      others: what else blocked.
      kept: what else was asked of the model, and is kept.
      advice: what would help, as the run itself said it.
      next: what to try.
    """

    sentence: str
    meaning: str
    constraints: list[Reasoning]
    cost: str
    others: list[str]
    kept: list[str]
    advice: list[str]
    next: list[Step]


def explain(
    judgement: Judgement,
    groups: Mapping[str, Sequence[str]],
    next_steps: Sequence[Step] = (),
) -> Explanation:
    """The explanation of a judgement.

    Args:
      judgement: what the gate said.
      groups: display name of each group feature -> the names of its groups.
      next_steps: commands to try.
    """
    rows = sorted(judgement.gate, key=lambda row: row.passed)
    asked = tuple(row.constraint for row in rows)
    document = judgement.as_document()
    return Explanation(
        sentence=words.sentence(document),
        meaning=words.meaning(document),
        constraints=[
            Reasoning(
                row.constraint,
                row.passed,
                row.outcome,
                _sentences(row),
                counts(row, judgement, groups),
            )
            for row in rows
        ],
        cost=words.cost(judgement.cost),
        # Where nothing was asked, the sentence says why.
        others=[
            reason
            for reason in judgement.reasons
            if (rows or judgement.outcome != "no solution found") and not reason.startswith(asked)
        ],
        kept=_kept(judgement),
        advice=judgement.advice,
        next=list(next_steps),
    )


def _sentences(row: GateRow) -> list[str]:
    name = words.plain(words.expression_of(row.constraint))
    name, test_data = name[0].upper() + name[1:], vocabulary.now().test_data
    if row.value is None:
        return [
            f"{name} could not be measured: a group that it needs has no examples for its rate, or a "
            "divisor is 0."
        ]
    confidence = words.percent(row.confidence)
    if row.bound is None or row.margin is None:
        return [
            f"{name} is {words.number(row.value)} on the {test_data}, but nothing can be promised of it "
            f"at {confidence} confidence: its divisor could be 0 or negative."
        ]
    most, beyond = ("at most", "over") if row.sense == "<=" else ("at least", "under")
    side = "within" if row.margin >= 0 else beyond
    sentences = [
        f"{name} is {words.number(row.value)} on the {test_data}; with {confidence} confidence it is "
        f"{most} {words.number(row.bound)}, which is {words.number(abs(row.margin))} {side} the limit of "
        f"{row.limit:g}."
    ]
    if not row.passed:
        sentences.append(
            "The measured value itself keeps the limit: what is missing is certainty, and that takes "
            "more test examples of the groups counted below."
            if row.value_is_within
            else f"Even the bound on the other side, {words.number(row.opposite_bound)}, breaks the "
            "limit: the model must change."
            if row.outcome == "over the limit"
            else "The measured value itself breaks the limit, though so few examples do not show that "
            "the true one does: more of them would tell."
        )
    if row.baseline_value is not None:
        bound = row.baseline_bound
        known = "" if bound is None else f" ({most} {words.number(bound)})"
        sentences.append(f"The baseline has {words.number(row.baseline_value)}{known}.")
    return sentences


def counts(row: GateRow, judgement: Judgement, groups: Mapping[str, Sequence[str]]) -> list[Count]:
    """What the constraint's rates were counted of, in the order in which it names them.

    Args:
      row: the constraint.
      judgement: with the outcomes of the model that was judged.
      groups: display name of each group feature -> the names of its groups.
    """
    model = judgement.outcomes
    found: dict[tuple[str, str, str], Count] = {}
    for rate, label, group in _rates_in(words.expression_of(row.constraint), groups, model.groups):
        result = model if group == EVERYBODY else model.groups.get(group)
        if rate not in _COUNTED or result is None or (label and label not in result.classes):
            continue
        part, whole, what = _COUNTED[rate]
        outcomes = Outcomes.of(result, label)
        name = rate
        if label:
            written = label if re.fullmatch(r"\w+", label) else f"[{label}]"
            name, what = f"{rate}({written})", _of_class(what, label)
        count = Count(group, name, part(outcomes), whole(outcomes), what)
        found.setdefault((rate, label, group), count)
    return list(found.values())


_Counting = Callable[[Outcomes], int]
# Rate -> what is counted, of what, and how that is said.
_COUNTED: dict[str, tuple[_Counting, _Counting, str]] = {
    "FPR": (lambda o: o.fp, lambda o: o.fp + o.tn, "negatives were told Yes"),
    "TNR": (lambda o: o.tn, lambda o: o.fp + o.tn, "negatives were told No"),
    "FNR": (lambda o: o.fn, lambda o: o.fn + o.tp, "positives were told No"),
    "TPR": (lambda o: o.tp, lambda o: o.fn + o.tp, "positives were told Yes"),
    "ACC": (lambda o: o.tp + o.tn, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told right"),
    "ERR": (lambda o: o.fp + o.fn, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told wrong"),
    "PPR": (lambda o: o.tp + o.fp, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told Yes"),
    "NPR": (lambda o: o.tn + o.fn, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told No"),
    "PPV": (lambda o: o.tp, lambda o: o.tp + o.fp, "of those told Yes are positive"),
    "FDR": (lambda o: o.fp, lambda o: o.tp + o.fp, "of those told Yes are negative"),
    "NPV": (lambda o: o.tn, lambda o: o.tn + o.fn, "of those told No are negative"),
    "FOR": (lambda o: o.fn, lambda o: o.tn + o.fn, "of those told No are positive"),
}


def _of_class(what: str, label: str) -> str:
    """What is counted, where a class stands for positive and all others for negative.

    >>> _of_class("positives were told No", "A"), _of_class("of those told Yes are negative", "A")
    ('of class A were told another', 'of those told A are of another class')
    """
    words_of = {
        "negatives": "others",
        "positives": f"of class {label}",
        "Yes": label,
        "No": "another",
        "positive": f"of class {label}",
        "negative": "of another class",
    }
    return " ".join(words_of.get(word, word) for word in what.split(" "))


_BRACKET = r"\[((?:\\.|[^\]\\])*)\]"
_CLASS = rf"(?:\(\s*(?:(\w+)|{_BRACKET})\s*\))?"
_NAMED_RATE = re.compile(
    rf"max_(?:gap|change)\(\s*(?P<gap>\w+?){_CLASS}\s*,\s*{_BRACKET}\s*\)"
    rf"|(?P<rate>[A-Z]{{3}}){_CLASS}(?:\s*\|\s*{_BRACKET})?"
)


def _rates_in(
    expression: str, features: Mapping[str, Sequence[str]], known: Iterable[str]
) -> list[tuple[str, str, str]]:
    """(rate, class, group) of every rate that an expression names; the group as the verdict calls it.

    The class is empty where the rate is of none.
    """
    found = []
    for match in _NAMED_RATE.finditer(expression):
        if match["gap"]:
            feature = _plain(match[4])
            groups = [(feature, name) for name in features.get(feature, ())]
        else:
            feature, _, name = _plain(match[8] or "").rpartition("=")
            of = [each for each, names in features.items() if name in names]
            groups = [(feature or next(iter(of), ""), name)]
        rate = match["gap"] or match["rate"]
        of_gap, of_rate = (match[place] or match[place + 1] or "" for place in (2, 6))
        label = _plain(of_gap or of_rate)
        shown = (_shown(*group, known) if group[1] else EVERYBODY for group in groups)
        found += [(rate, label, name) for name in shown]
    return found


def _plain(bracket: str) -> str:
    return re.sub(r"\\(.)", r"\1", bracket).strip()


def _shown(feature: str, name: str, known: Iterable[str]) -> str:
    """As the verdict calls the group: with its feature only where two features have one of that name."""
    return f"{feature}={name}" if f"{feature}={name}" in known else name


def _kept(judgement: Judgement) -> list[str]:
    """What else the gate asks, and the model keeps."""
    return [_kept_check(row, judgement) for row in judgement.checks if row.passed]


def _kept_check(row: CheckRow, judgement: Judgement) -> str:
    if row.bound is None:
        value = words.check_number(row.value, row.bound, row.limit)
        return f"{row.name}: {value}, at least {row.limit:,g}"
    of_baseline = ""
    if row.name == "accuracy" and (baseline := judgement.models.get(BASELINE)) is not None:
        of_baseline = f"; the baseline's is {words.number(baseline.accuracy)}"
    return (
        f"{row.name}: {words.number(row.value)}, which is at least {words.number(row.bound)}, and not "
        f"under {row.limit:g}{of_baseline}"
    )
