"""Sentences about a verdict, for people who do not read constraints."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fairgate import vocabulary

RATES = {
    "FPR": "false positive rate",
    "FNR": "false negative rate",
    "TPR": "true positive rate",
    "TNR": "true negative rate",
    "ACC": "accuracy",
    "ERR": "error rate",
    "PPR": "rate of positive decisions",
    "NPR": "rate of negative decisions",
    "PPV": "precision",
    "NPV": "negative predictive value",
    "FDR": "false discovery rate",
    "FOR": "false omission rate",
}
_CLASS = r"(?:\((?P<of>\w+|\[(?:\\.|[^\]\\])+\])\))?"
_RATE = rf"(?P<rate>[A-Z0-9_]+){_CLASS}"
# A name as constraints write it: brackets and backslashes in it have a backslash before them.
_NAME = r"(?:\\.|[^\]\\])+"
_FEATURE = rf"\[(?P<feature>{_NAME})\]"
_GROUP = rf"\[(?:[^\]=\\]+=)?(?P<group>{_NAME})\]"
_GAP = re.compile(rf"max_gap\({_RATE}, {_FEATURE}\)")
_ALONE = re.compile(_RATE)
_OF_GROUP = re.compile(rf"{_RATE} \| {_GROUP}")
_CHANGE = re.compile(rf"change\({_RATE}(?: \| {_GROUP})?\)")
_MOST_CHANGE = re.compile(rf"max_change\({_RATE}, {_FEATURE}\)")


def _read(name: str) -> str:
    """A name as people gave it."""
    return re.sub(r"\\(.)", r"\1", name)


def expression_of(constraint: str) -> str:
    """The left side of a constraint, whatever its names hold.

    >>> expression_of("FPR | [age=x >= 50] <= 0.1")
    'FPR | [age=x >= 50]'
    """
    return re.split(r"\s(?:<=|>=)\s(?!.*[<>]=)", constraint, flags=re.DOTALL)[0]


def plain(expression: str) -> str:
    """An expression of the constraint language in words where it is a common one, else as it stands.

    >>> plain("max_gap(FPR, [sex])")
    'the largest gap in false positive rate between the groups of sex'
    >>> plain(r"FPR | [a\\[1\\]]")
    'the false positive rate of a[1]'
    >>> plain("max_gap(TPR(A), [sex])")
    'the largest gap in true positive rate for class A between the groups of sex'
    """
    if match := _GAP.fullmatch(expression):
        rate = _rate(match)
        return f"the largest gap in {rate} between the groups of {_read(match['feature'])}"
    if match := _OF_GROUP.fullmatch(expression):
        return f"the {_rate(match)} of {_read(match['group'])}"
    if match := _MOST_CHANGE.fullmatch(expression):
        rate = _rate(match)
        of = _read(match["feature"])
        return f"the largest change in {rate} against the baseline in a group of {of}"
    if match := _CHANGE.fullmatch(expression):
        whom = f" of {_read(match['group'])}" if match["group"] else ""
        return f"the change in {_rate(match)}{whom} against the baseline"
    if (match := _ALONE.fullmatch(expression)) and match["rate"] in RATES:
        return f"the {_rate(match)}"
    return expression


def _rate(match: re.Match[str]) -> str:
    """A rate in words, and the class that it is of."""
    rate = RATES.get(match["rate"], match["rate"])
    of = match["of"]
    if of is None:
        return rate
    return f"{rate} for class {_read(of[1:-1] if of.startswith('[') else of)}"


def short(piece: str) -> str:
    """A piece of a constraint, in a legend: "FPR of Young - FPR of Not Young ≤ 0.01"."""
    piece = re.sub(
        rf"([A-Z]+{_CLASS}) \| {_GROUP}",
        lambda found: f"{found[1]} of {_read(found['group'])}",
        piece,
    )
    piece = re.sub(r" - ([\d.e-]+) <= 0$", r" <= \1", piece)
    return piece.replace("<=", "≤").replace(">=", "≥").replace(" - ", " − ")  # noqa: RUF001


def indicator(constraint: str) -> str:
    """The Fairness Indicators metric of the first rate in a constraint."""
    known = {rate: name.replace(" ", "_") for rate, name in RATES.items()}
    known |= {"PPR": "positive_rate", "NPR": "negative_rate", "NPV": "false_omission_rate"}
    rates = [rate for rate in re.findall(r"[A-Z]{3}", constraint) if rate in known]
    return known[rates[0]] if rates else "false_positive_rate"


def percent(confidence: float) -> str:
    """95%, 99.75%: never rounded up to a promise that was not made.

    >>> percent(0.95), percent(0.99999)
    ('95%', '99.99%')
    """
    return f"{math.floor(confidence * 1e4 + 1e-6) / 100:g}%"


def number(value: float | None, digits: int = 4) -> str:
    """As the verdict writes it."""
    return "unknown" if value is None else f"{value:.{digits}f}"


def check_number(value: float | None, bound: float | None, limit: float) -> str:
    """The value of a further check: a count of examples, where it has no bound and its limit is a count.

    >>> check_number(1234, None, 20), check_number(0.94, None, 0.1), check_number(0.8, 0.7, 0)
    ('1,234', '0.9400', '0.8000')
    """
    is_count = value is not None and bound is None and limit == int(limit)
    return f"{value:,.0f}" if is_count else number(value)


def bound_of(row: Mapping[str, Any]) -> float | None:
    """The bound on the side that could break the limit."""
    bound: float | None = row["upper_bound"]
    return bound if bound is not None else row["lower_bound"]


def outcome(verdict: Mapping[str, Any]) -> str:
    """Passed, or Blocked and which kind of block it is; or that there was no model to ask about.

    >>> outcome({"blessed": False, "outcome": "undecided", "gate": [{}]})
    'Blocked: undecided'
    """
    if verdict["blessed"]:
        return "Passed"
    if has_no_solution(verdict):
        return "No solution found"
    found = verdict.get("outcome")
    return f"Blocked: {found}" if found in _MEANINGS else "Blocked"


def has_no_solution(verdict: Mapping[str, Any]) -> bool:
    """Whether the test data were not asked, as no model was worth it.

    What earlier versions call so has rows of the gate, and is a block.
    """
    return verdict.get("outcome") == "no solution found" and not verdict["gate"]


def meaning(verdict: Mapping[str, Any]) -> str:
    """What kind of block it is, as a sentence; empty after a pass, and where that is not known."""
    return _MEANINGS.get(verdict.get("outcome") or "", "")


_MEANINGS = {
    "over the limit": "Over the limit: what the gate asks is shown not to hold, so that the model must "
    "change.",
    "undecided": "Undecided: it is neither shown that the model keeps what the gate asks nor that it "
    "does not, so that more examples would tell.",
}


def sentence(verdict: Mapping[str, Any]) -> str:
    """The verdict in one sentence."""
    if is_sealed(verdict):
        blocked = f"The gate blocked the model, {not_served(verdict)}"
        return f"{blocked}; the figures of the test data are sealed."
    failed = [row for row in verdict["gate"] if not row["passed"]]
    if verdict["blessed"]:
        consequence = (
            f"and the model was pushed to {verdict['pushed_model']}"
            if verdict.get("pushed_model")
            else "but it is not served"
            if verdict.get("not_served")
            else "so the model may be served"
        )
        row = verdict["gate"][0]
        if len(verdict["gate"]) > 1:
            count = len(verdict["gate"])
            every = "both" if count == 2 else f"all {count}"
            kept = f"{every} constraints of the gate keep their limits"
        else:
            kept = _holds(row)
        return f"With {percent(row['confidence'])} confidence {kept}, {consequence}."
    if failed and len(verdict["reasons"]) <= 1:
        return f"{_breaks(failed[0])}, {not_served(verdict)}."
    if (count := len(verdict["reasons"])) > 1:
        return f"The model failed {count} checks of the gate, {not_served(verdict)}."
    [reason] = verdict["reasons"] or ["the gate did not let the model pass"]
    return f"{reason[0].upper()}{reason[1:]}, {not_served(verdict)}."


def cost(said: Sequence[str]) -> str:
    """What got worse for a group, as a sentence; empty where nothing is shown to have.

    >>> cost(["the false negative rate of Male rose", "so did another"])
    'Next to the baseline the false negative rate of Male rose; so did another.'
    """
    return f"Next to the baseline {'; '.join(said)}." if said else ""


def sampling(told: Mapping[str, Any]) -> str:
    """What the bounds took for independent draws, in a sentence.

    >>> sampling({"units": None})
    'Examples are taken as independent draws: where people have several, name the unit.'
    >>> sampling({"units": 120, "most": 7.0, "weighted": False, "method": "betting"})
    'Bounds are over 120 units, of at most 7 examples each, which may resemble each other.'
    """
    units = told.get("units")
    if units is None:
        return "Examples are taken as independent draws: where people have several, name the unit."
    of = "with weights of at most" if told["weighted"] else "of at most"
    each = f"{told['most']:g} together" if told["weighted"] else f"{told['most']:g} examples each"
    found = f"Bounds are over {units:,} units, {of} {each}, which may resemble each other"
    if told["method"] == "cluster_robust":
        return f"{found}; they are cluster-robust, which is approximate: no guarantee."
    return f"{found}."


def not_served(verdict: Mapping[str, Any]) -> str:
    """What follows from a block: in a run, which pushes models, and elsewhere."""
    return "so nothing was pushed" if "pushed" in verdict else "so the model should not be served"


def _holds(row: Mapping[str, Any]) -> str:
    name = plain(expression_of(row["constraint"]))
    if row["upper_bound"] is not None:
        return f"{name} is at most {number(bound_of(row))}, within its limit of {row['limit']:g}"
    return f"{name} is at least {number(bound_of(row))}, not under its limit of {row['limit']:g}"


def _breaks(row: Mapping[str, Any]) -> str:
    name = plain(expression_of(row["constraint"]))
    bound = bound_of(row)
    if bound is None:
        return f"Nothing can be promised about {name}"
    upper = row["upper_bound"] is not None
    could, beyond = ("as large", "over") if upper else ("as small", "under")
    other = row.get("opposite_bound")
    if other is not None and (other > row["limit"] if upper else other < row["limit"]):
        least = "at least" if upper else "at most"
        return (
            f"With {percent(row['confidence'])} confidence {name} is {least} {number(other)}, {beyond} "
            f"its limit of {row['limit']:g}"
        )
    return (
        f"{name[0].upper()}{name[1:]} could be {could} as {number(bound)} "
        f"(at {percent(row['confidence'])} confidence), {beyond} its limit of {row['limit']:g}"
    )


def attempt(verdict: Mapping[str, Any]) -> str:
    """Which model this was on its test split, where that is counted."""
    counted = verdict.get("attempt") or {}
    if counted.get("of", 1) <= 1:
        return ""
    return f"{counted['number']} of {counted['of']} on {vocabulary.now().these_test_data}"


def of_validation(sentence: str) -> str:
    """A sentence about the test split, said of the validation split.

    >>> of_validation("this many test examples of the test split")
    'this many validation examples of the validation split'
    """
    return re.sub(r"\btest (split|examples|data)", r"validation \1", sentence)


def is_sealed(verdict: Mapping[str, Any]) -> bool:
    """Whether the figures of the test data are withheld."""
    return bool((verdict.get("attempt") or {}).get("sealed"))


def sealed(verdict: Mapping[str, Any]) -> str:
    """Why the figures of the test data are withheld."""
    counted = verdict["attempt"]
    return (
        f"attempt {counted['number']} of {counted['of']} was blocked, and while attempts are left "
        "nothing else is shown of the test data: whoever saw its figures could fit the next model to "
        "them, and the promise would not hold for it"
    )


def when_sealed(verdict: Mapping[str, Any]) -> str:
    """What can be done after a sealed block."""
    attempt = verdict["attempt"]
    return (
        "Improve the model by validation data, or let the test data grow: another model, or this one on "
        f"test data with new examples beside these, is the next of {attempt['of']} attempts. The figures "
        "are shown once a model passes, after the last attempt, or when the series is ended to see them "
        "(unseal), after which no other model can be judged on these examples."
    )
