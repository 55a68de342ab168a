"""How several models share one test split, so that the promise holds for all of them together.

The gate promises P(a model is pushed although a constraint's true value is beyond its limit) <= delta,
delta = 1 - confidence, for **one** model that was chosen without the test split. Attempt t of at most k
is judged at a delta_t of its own, with

    delta_1 + delta_2 + ... + delta_k <= delta,

delta_t = (delta - spent) / (attempts - attempts made), which is delta / attempts for each while nothing
is changed. That P(any false pass) <= delta is then a theorem, under a condition:

    Until a model passes, the test split tells nothing but "blocked"; and the series stops at the first
    pass.

For then attempt t is only made if all before it were blocked, so that what is asked in it, a model on a
set of records, is settled before the first look: there is one path of "blocked, blocked, ..." and a model
for each step of it, none of which depends on the test data. A false pass of the series is a false pass of
one of these k models, which have delta_t each: the union bound. With anything else in sight (a rate, a
bound, a threshold, a picture of a mistake) the next model is chosen by it, and this proves nothing:
docs/promise.md has the proof, and what such an adversary reaches.

Attempts are therefore **sealed** (`Attempt.sealed`): while some are left and none has passed, a judgement
holds no figures of its test data (`Judgement`). The series ends (`End`) with a pass, with the last
attempt, or because somebody wants to see; from then on all is shown, and no other model is judged.
With one attempt there is nothing to seal.

The proof asks for no more of the records than of the models. A test split may grow between attempts:
each attempt is a look, and delta_t the part of delta that is spent on it, as in group sequential tests
(K. K. G. Lan and D. L. DeMets, Biometrika 1983). The same model on a larger split is another attempt.

Several constraints of one gate need no such sharing. A model passes only if *every* bound is within its
limit. If constraint i is truly violated, its bound must lie on the wrong side of the true value for the
model to pass, which happens with probability at most delta_t, whatever the other constraints do.

The same model judged again on the same records costs nothing, and neither does another limit where there
is one constraint: its bound knows of no limit, so one error of one bound is all that could let it pass.
Other constraints, or several with other limits, are other bounds: then the same model is another attempt.

Pure functions; `ledger` keeps the entries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
      split: digest of the records that are asked.
    """

    model: str
    constraints: tuple[str, ...]
    meaning: str
    split: str = ""


@dataclass(frozen=True)
class Entry:
    """One attempt, as the ledger keeps it; `delta` is what it may cost at most."""

    number: int
    question: Question
    delta: float
    run: str
    when: str


Why = Literal["passed", "used up", "unsealed", "shown before"]


@dataclass(frozen=True)
class End:
    """The end of a series of attempts, as the ledger keeps it.

    Attributes:
      why: a model passed; the attempts were used up; somebody unsealed them; or an earlier version of
        FairGate, which sealed nothing, showed the figures of all of them.
      run: in which it ended.
      when: in ISO 8601.
    """

    why: Why
    run: str
    when: str


@dataclass(frozen=True)
class Attempt:
    """One attempt, as the verdict tells it.

    Attributes:
      number: which one it is on its test data, from 1.
      of: how many there may be.
      confidence: what its bounds were taken at.
      delta_total: what all attempts may cost together.
      test_digest: of the records.
      sealed: whether nothing may be shown of the test data but that the model was blocked.
    """

    number: int
    of: int
    confidence: float
    delta_total: float
    test_digest: str
    sealed: bool = False


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
    entries: Sequence[Entry],
    question: Question,
    confidence: float,
    attempts: int,
    end: End | None = None,
) -> tuple[int, float]:
    """Number and delta of the attempt that asks `question`.

    A known question keeps its number and its delta, less where the settings now allow less:
    spent by others + delta_t <= delta always holds.

    Args:
      entries: attempts on the same test data so far, whole and in order.
      question: what is asked now.
      confidence: of the promise over all attempts.
      attempts: how many there may be.
      end: of the series, if it has ended.

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
    none_left = left <= _NOTHING or (same is None and len(entries) >= attempts)
    if none_left or (same is None and end is not None):
        raise AttemptsUsedUp(_refusal(entries, confidence, attempts, end))
    if same is not None:
        return entries.index(same) + 1, min(same.delta, left)
    return len(entries) + 1, left / (attempts - len(entries))


def next_confidence(
    entries: Sequence[Entry], confidence: float, attempts: int, end: End | None = None
) -> float | None:
    """What a model that was not judged yet will be judged at; None: it will be refused.

    >>> next_confidence([], confidence=0.95, attempts=5)
    0.99
    """
    left = delta_of(confidence) - math.fsum(entry.delta for entry in entries)
    if end is not None or not _allows_another(entries, confidence, attempts):
        return None
    return round(1 - left / (attempts - len(entries)), 12)


def ended_by(
    entries: Sequence[Entry], confidence: float, attempts: int, passed: bool
) -> Literal["passed", "used up"] | None:
    """Why the series ends with a judgement that was just spoken; None: it goes on, sealed.

    Args:
      entries: attempts on the same test data so far, that of the judgement among them.
      confidence: of the promise over all attempts.
      attempts: how many there may be.
      passed: what was judged.
    """
    if passed:
        return "passed"
    return None if _allows_another(entries, confidence, attempts) else "used up"


def warning(
    entries: Sequence[Entry], confidence: float, attempts: int, end: End | None = None
) -> str | None:
    """One line, if any model that was not judged yet will be refused."""
    if end is None and _allows_another(entries, confidence, attempts):
        return None
    if end is not None:
        return f"{_ended(end)}: the gate will refuse a model that differs"
    names = vocabulary.now()
    return (
        f"{_models(entries)} judged on {names.these_test_data} already, and "
        f"{names.setting('attempts')} = {attempts} with {names.setting('confidence')} = {confidence:g} "
        "allows no other: the gate will refuse a model that differs"
    )


def _allows_another(entries: Sequence[Entry], confidence: float, attempts: int) -> bool:
    left = delta_of(confidence) - math.fsum(entry.delta for entry in entries)
    return len(entries) < attempts and left > _NOTHING


def _refusal(
    entries: Sequence[Entry], confidence: float, attempts: int, end: End | None = None
) -> str:
    names, total = vocabulary.now(), delta_of(confidence)
    spent = math.fsum(entry.delta for entry in entries)
    made = "; ".join(
        f"attempt {number}, run {entry.run or 'without a name'}, {entry.when[:10]}, "
        f"spent {_figure(entry.delta)}"
        for number, entry in enumerate(entries, start=1)
    )
    said = (
        f"the gate did not look at this model: {_models(entries)} judged on {names.these_test_data} "
        f"already, or on data that has records in common ({made}): {_figure(spent)} of the "
        f"{_figure(total)} that {names.setting('confidence')} = {confidence:g} leaves for errors, and "
        f"{names.setting('attempts')} = {attempts}. "
    )
    if end is not None:
        said += f"{_ended(end)}. "
    weaker = "" if end is not None else _weaker_promise(len(entries), spent, attempts)
    return (
        f"{said}One more, chosen after those verdicts, "
        "could pass by luck, and the promise would not hold. "
        f"Ways out: test data that no model was judged on{names.new_test_data}{weaker}"
        "; or the model and constraints of before, which cost nothing"
    )


def _ended(end: End) -> str:
    """Why no other model is judged."""
    run = f" of run {end.run}" if end.run else ""
    these = vocabulary.now().these_test_data
    why = {
        "passed": f"The model{run} passed, which ended the series: its figures were shown",
        "used up": f"The last attempt{run} ended the series: the figures of {these} were shown",
        "unsealed": f"The series was ended to see the figures of {these}",
        "shown before": f"The figures of {these} were shown by a version of FairGate that "
        "sealed nothing, which ends the series",
    }[end.why]
    return f"{why} ({end.when[:10]})"


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
