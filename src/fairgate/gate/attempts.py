"""How several models share one test split, so that the promise holds for all of them together.

The gate promises P(a model is pushed although a constraint's true value is beyond its limit) <= delta,
delta = 1 - confidence, for **one** model that was chosen without the test split. Train, look at the
verdict, change something and train again: the next model was chosen with it. Each attempt t is therefore
judged at a delta_t of its own, and by the union bound all is well as long as

    delta_1 + delta_2 + ... <= delta.

Here delta_t = (delta - spent) / (attempts - attempts made), which is delta / attempts for each while
nothing is changed.

Several constraints of one gate need no such sharing. A model passes only if *every* bound is within its
limit. If constraint i is truly violated, its bound must lie on the wrong side of the true value for the
model to pass, which happens with probability at most delta_t, whatever the other constraints do.

The same model judged again costs nothing, and neither does another limit where there is one constraint:
its bound knows of no limit, so one error of one bound is all that could let it pass. Other constraints,
or several with other limits, are other bounds: then the same model is another attempt.

Pure functions; `ledger` keeps the entries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairgate import vocabulary
from fairgate.errors import FairGateError

if TYPE_CHECKING:
    from fairgate.constraints.expressions import Constraint

# Less than this is nothing: what is left of sums of decimal fractions in binary.
_NOTHING = 1e-9


class AttemptsUsedUp(FairGateError):
    """The promise does not reach to this model on this test split."""


@dataclass(frozen=True)
class Question:
    """What one attempt asks of the test split.

    Attributes:
      model: digest of the model.
      constraints: what is bounded: lines, without their limit where there is just one.
      meaning: digest of what the label and the groups in them are.
    """

    model: str
    constraints: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class Entry:
    """One attempt, as the ledger keeps it; `delta` is what it may cost at most."""

    number: int
    question: Question
    delta: float
    run: str
    when: str


@dataclass(frozen=True)
class Attempt:
    """One attempt, as the verdict tells it; `confidence` is what its bounds were taken at."""

    number: int
    of: int
    confidence: float
    delta_total: float
    test_digest: str


def asked(constraints: Sequence[Constraint]) -> tuple[str, ...]:
    """What a gate takes bounds of, sorted: its constraints, or one alone without its limit."""
    if len(constraints) == 1:
        return (f"{constraints[0].expression} {constraints[0].sense}",)
    return tuple(sorted(map(str, constraints)))


def delta_of(confidence: float) -> float:
    """1 - confidence, without the dust of binary fractions (1 - 0.95 is not 0.05)."""
    return round(1.0 - confidence, 12)


def known(entries: Sequence[Entry], question: Question) -> Entry | None:
    """The attempt that asked the same before."""
    return next((entry for entry in entries if entry.question == question), None)


def share(
    entries: Sequence[Entry], question: Question, confidence: float, attempts: int
) -> tuple[int, float]:
    """Number and delta of the attempt that asks `question`.

    A known question keeps its number and its delta, less where the settings now allow less:
    spent by others + delta_t <= delta always holds.

    Args:
      entries: attempts on the same test split so far, whole and in order.
      question: what is asked now.
      confidence: of the promise over all attempts.
      attempts: how many there may be.

    Raises:
      AttemptsUsedUp: with who was judged, what it cost, and the ways out.

    >>> first = Question("a model", ("FPR",), "a meaning")
    >>> share([], first, confidence=0.95, attempts=5)
    (1, 0.01)
    >>> made = [Entry(1, first, 0.01, "a run", "2026-11-01")]
    >>> share(made, first, confidence=0.95, attempts=5)  # the same again costs nothing
    (1, 0.01)
    """
    total = delta_of(confidence)
    same = known(entries, question)
    left = total - math.fsum(entry.delta for entry in entries if entry is not same)
    if left <= _NOTHING or (same is None and len(entries) >= attempts):
        raise AttemptsUsedUp(_refusal(entries, confidence, attempts))
    if same is not None:
        return same.number, min(same.delta, left)
    return len(entries) + 1, left / (attempts - len(entries))


def warning(entries: Sequence[Entry], confidence: float, attempts: int) -> str | None:
    """One line, if any model that was not judged yet will be refused."""
    left = delta_of(confidence) - math.fsum(entry.delta for entry in entries)
    if len(entries) < attempts and left > _NOTHING:
        return None
    names = vocabulary.now()
    return (
        f"{_models(entries)} judged on {names.these_test_data} already, and "
        f"{names.setting('attempts')} = {attempts} with {names.setting('confidence')} = {confidence:g} "
        "allows no other: the gate will refuse a model that differs"
    )


def _refusal(entries: Sequence[Entry], confidence: float, attempts: int) -> str:
    names, total = vocabulary.now(), delta_of(confidence)
    spent = math.fsum(entry.delta for entry in entries)
    made = "; ".join(
        f"attempt {entry.number}, run {entry.run or 'without a name'}, {entry.when[:10]}, "
        f"spent {_figure(entry.delta)}"
        for entry in entries
    )
    return (
        f"the gate did not look at this model: {_models(entries)} judged on "
        f"{names.these_test_data} already ({made}): {_figure(spent)} of the {_figure(total)} that "
        f"{names.setting('confidence')} = {confidence:g} leaves for errors, and "
        f"{names.setting('attempts')} = {attempts}. One more, chosen after those verdicts, "
        "could pass by luck, and the promise would not hold. "
        f"Ways out: test data that no model was judged on{names.new_test_data}"
        f"{_weaker_promise(len(entries), spent, attempts)}"
        "; or the model and constraints of before, which cost nothing"
    )


def _weaker_promise(made: int, spent: float, attempts: int) -> str:
    """The arithmetic of more attempts at a lower confidence, if there is any left to lower."""
    more = max(attempts, made + 1)
    total = round(spent * more / made, 12) if made else 0.0
    if not 0 < total < 0.5:
        return ""
    left = total - spent
    each = left / (more - made)
    names = vocabulary.now()
    return (
        f"; or a weaker promise over all of them, such as {names.setting('attempts')}={more} with "
        f"{names.setting('confidence')}={1 - total:.6g}: {_figure(total)} - {_figure(spent)} = "
        f"{_figure(left)} would be left, and the next model be judged at {1 - each:.6g}"
    )


def _models(entries: Sequence[Entry]) -> str:
    models = len({entry.question.model for entry in entries})
    return "1 model was" if models == 1 else f"{models} models were"


def _figure(delta: float) -> str:
    return f"{delta:.4g}"
