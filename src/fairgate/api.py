"""The gate for any model: labels, answers, groups and constraints in, a judgement out.

The same gate as the pipeline's: `judge` takes what is in memory, `judge_files` reads files batch by
batch, and `power` says what a number of examples could promise before there is a model.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairgate import vocabulary
from fairgate.constraints import language
from fairgate.constraints.rates import Group
from fairgate.data import columns, files
from fairgate.data.columns import Batch
from fairgate.data.counting import Question, Tally
from fairgate.errors import DataError, SettingsError
from fairgate.gate import advice, attempts, checks, judging, ledger
from fairgate.gate.advice import Promise
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import BASELINE, Judgement
from fairgate.gate.prediction import Size, sizes_of

MODEL = "model"
"""What the judged model is called in a judgement."""


@dataclass(frozen=True)
class Ledger:
    """Where attempts are counted, so that several models share the promise of one test set.

    Attributes:
      folder: of this machine; it is made when it is not there.
      attempts: how many different models may be judged on one test set.
      name: of this attempt, for whoever is refused later.

    Raises:
      SettingsError: no attempt is allowed.
    """

    folder: str | os.PathLike[str]
    attempts: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise SettingsError(f"attempts = {self.attempts}: at least one model is to be judged")


def judge(
    labels: Any,
    predictions: Any,
    *,
    groups: Any,
    constraints: Sequence[str] | str,
    confidence: float = 0.95,
    threshold: float | None = None,
    positive: Any = None,
    baseline: Any = None,
    minimum_accuracy: float = 0.0,
    minimum_negatives: int = 0,
    ledger: Ledger | str | os.PathLike[str] | None = None,
) -> Judgement:
    """Judges a model by what it said of test examples that nobody used to train or to choose it.

    Arrays are lists, NumPy arrays, or series of pandas, Polars or Arrow.

    Args:
      labels: (n,) what is right: 1 and 0, true and false, yes and no; or any values, with `positive`.
      predictions: (n,) decisions, as labels are; or, with `threshold`, scores.
      groups: name of each group feature -> (n,) names of groups; or a data frame of such columns.
      constraints: lines of the constraint language over these groups, such as
        "max_gap(FPR, [sex]) <= 0.05".
      confidence: how sure it must be that a model that passes keeps every limit, in (0.5, 1).
      threshold: a score above it is a Yes.
      positive: the label's value that is a Yes.
      baseline: (n,) what another model said, to compare with; it decides nothing.
      minimum_accuracy: lowest accuracy that passes.
      minimum_negatives: fewest negative examples of each group that pass.
      ledger: where attempts are counted; a folder alone allows one attempt.

    Returns:
      The judgement; `blessed` says whether the model passed.

    Raises:
      ConstraintError: a constraint cannot be read, names no group that there is, or needs scores.
      DataError: the columns are not equally long, or a value is missing or has no meaning.
      SettingsError: the confidence or another number is out of its range.
      AttemptsUsedUp: the ledger has no attempt left for this model.

    >>> judgement = judge(
    ...     labels=[0, 1] * 500,
    ...     predictions=[0, 1, 0, 1, 0, 1, 1, 1, 0, 0] * 100,
    ...     groups={"team": ["red", "red", "blue", "blue"] * 250},
    ...     constraints=["max_gap(FPR, [team]) <= 0.1"],
    ... )
    >>> judgement.blessed, round(judgement.gate[0].value, 3), round(judgement.gate[0].upper_bound, 3)
    (True, 0.0, 0.06)
    """
    table = {name: columns.series(name, column) for name, column in columns.table(groups).items()}
    said = {"labels": labels, "predictions": predictions, "baseline": baseline}
    free = {name: _free(name, table) for name in said}
    given = {
        free[name]: columns.series(name, column)
        for name, column in said.items()
        if column is not None
    }
    question = Question(
        free["labels"],
        free["predictions"],
        tuple(table),
        None if baseline is None else free["baseline"],
        threshold,
        columns.text_of(positive),
    )
    asked = gate_config(constraints, confidence, minimum_accuracy, minimum_negatives)
    everything = given | table
    batches = columns.batches(
        {name: everything[name] for name in question.names},
        {name: everything[name] for name in question.numbers},
    )
    with vocabulary.speaking(vocabulary.ARGUMENTS):
        return judge_batches(batches, question, asked, ledger)


def judge_files(
    paths: Sequence[str | os.PathLike[str]],
    question: Question,
    asked: GateConfig,
    ledger: Ledger | str | os.PathLike[str] | None = None,
    progress: Callable[[int], None] | None = None,
    names: vocabulary.Vocabulary = vocabulary.ARGUMENTS,
) -> Judgement:
    """Judges a model by files that hold one row for each test example.

    Args:
      paths: CSV files, JSON lines or Parquet files with the same columns.
      question: which columns hold what.
      asked: what is asked of the model; see `gate_config`.
      ledger: where attempts are counted.
      progress: called with the number of rows so far.
      names: of settings and test data, as whoever reads the judgement knows them.

    Raises:
      DataError: a file cannot be read, or lacks a column; and as for `judge`.
    """
    read = files.batches(list(map(pathlib.Path, paths)), question.names, question.numbers)
    with vocabulary.speaking(names):
        return judge_batches(read, question, asked, ledger, progress)


def judge_batches(
    batches: Iterable[Batch],
    question: Question,
    asked: GateConfig,
    ledger: Ledger | str | os.PathLike[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Judgement:
    """Judges a model by batches of rows, in the names in force; all else as for `judge_files`."""
    tally = count(batches, question, ledger is not None, progress)
    # Read before an attempt is written down: a misspelt constraint costs nothing.
    asked_of = [check.constraint for check in checks.checks(asked, tally.groups)]
    attempt = None
    if ledger is not None:
        book = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
        meaning = repr((question.label, question.positive, sorted(question.groups)))
        attempt = admitted(
            book,
            tally.digest_of_examples(),
            attempts.Question(
                tally.digest_of_answers(),
                attempts.asked(asked_of),
                hashlib.blake2b(meaning.encode(), digest_size=8).hexdigest(),
            ),
            asked.confidence,
        )
    outcomes = {MODEL: tally.outcomes()}
    if question.baseline is not None:
        outcomes[BASELINE] = tally.outcomes(baseline=True)
    return judging.judge(asked, tally.groups, outcomes, attempt)


def admitted(
    book: Ledger, examples: str, question: attempts.Question, confidence: float
) -> attempts.Attempt:
    """The attempt that the ledger counts; AttemptsUsedUp or DataError where it does not."""
    folder = os.fspath(book.folder)
    try:
        return ledger.admit(folder, examples, question, confidence, book.attempts, book.name)
    except OSError as error:
        raise DataError(
            f"ledger {folder}: cannot be used: {error.strerror or error}. Give a folder that can be "
            "written to; nothing was judged"
        ) from None


def count(
    batches: Iterable[Batch],
    question: Question,
    digesting: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Counts all batches; DataError where a value is missing or has no meaning, or there are no rows."""
    if not question.groups:
        raise DataError("no group feature is named: fairness is measured between groups, name one")
    tally = Tally(question, digesting)
    for batch in batches:
        tally.add(batch)
        if progress is not None:
            progress(tally.rows)
    tally.check()
    return tally


def gate_config(
    constraints: Sequence[str] | str,
    confidence: float = 0.95,
    minimum_accuracy: float = 0.0,
    minimum_negatives: int = 0,
    attempts: int = 1,
) -> GateConfig:
    """What is asked of a model; arguments as for `judge`.

    Raises:
      SettingsError: a number is out of its range, or there is no constraint.
    """
    lines = (constraints,) if isinstance(constraints, str) else tuple(constraints)
    try:
        return GateConfig(
            constraints=lines,
            confidence=confidence,
            minimum_accuracy=minimum_accuracy,
            minimum_negatives=minimum_negatives,
            attempts=attempts,
        )
    except ValueError as error:
        raise SettingsError(_in_words(error)) from None


def power(
    examples: Mapping[str, Mapping[str, tuple[int, int]]],
    constraints: Sequence[str] | str,
    confidence: float = 0.95,
) -> list[Promise]:
    """What a number of test examples could promise of each constraint.

    Args:
      examples: group feature -> group -> (negatives, positives), each feature over the same examples.
      constraints: lines of the constraint language.
      confidence: of the promise, in (0.5, 1).

    Raises:
      ConstraintError: a constraint cannot be read, or names no group that there is.
      DataError: there are no examples, or the features do not hold equally many.
      SettingsError: the confidence is out of its range.

    >>> examples = {"sex": {"Female": (900, 100), "Male": (900, 100)}}
    >>> [promise] = power(examples, "FPR | [Male] <= 0.1")
    >>> promise.limits[0.05]
    0.07
    """
    sizes: dict[Any, Size] = {}
    totals = {}
    for feature, members in examples.items():
        for name, pair in members.items():
            if not _is_pair_of_counts(pair):
                raise DataError(
                    f"[{feature}={name}]: expected (negatives, positives), two whole numbers of at "
                    f"least 0, got {pair!r}"
                )
            sizes[Group(feature, name)] = Size(pair[1], pair[0])
        totals[feature] = tuple(map(sum, zip(*members.values(), strict=True)))
    if len(set(totals.values())) != 1 or not sum(next(iter(totals.values()))):
        told = "; ".join(f"{feature}: {total}" for feature, total in totals.items()) or "none"
        raise DataError(
            f"every group feature divides the same examples, of which there must be some: got {told} "
            "(negatives, positives)"
        )
    negatives, positives = next(iter(totals.values()))
    sizes[None] = Size(positives, negatives)
    return promises(
        sizes, {f: list(m) for f, m in examples.items()}, gate_config(constraints, confidence)
    )


def read_sizes(paths: Sequence[str | os.PathLike[str]]) -> dict[str, dict[str, tuple[int, int]]]:
    """Feature -> group -> (negatives, positives), of tables with these four columns.

    Raises:
      DataError: a file cannot be read, lacks a column, or holds what is no number of examples.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for path in paths:
        for batch in files.batches(
            [pathlib.Path(path)], ("feature", "group"), ("negatives", "positives")
        ):
            rows = zip(*(batch.names[name].codes for name in ("feature", "group")), strict=True)
            for row, codes in enumerate(rows):
                feature, group = (
                    batch.names[name].values[code] if code != columns.MISSING else ""
                    for name, code in zip(("feature", "group"), codes, strict=True)
                )
                counts = [float(batch.numbers[name][row]) for name in ("negatives", "positives")]
                if not feature or not group or not all(c >= 0 and c.is_integer() for c in counts):
                    raise DataError(
                        f"{path}: row {row + 1} is no feature, group and numbers of examples: "
                        f"{feature or 'none'}, {group or 'none'}, {counts[0]:g}, {counts[1]:g}"
                    )
                if group in found.setdefault(feature, {}):
                    raise DataError(f"{path}: row {row + 1} gives [{feature}={group}] again")
                found[feature][group] = (int(counts[0]), int(counts[1]))
    return found


def power_of_files(
    paths: Sequence[str | os.PathLike[str]],
    label: str,
    groups: Sequence[str],
    asked: GateConfig,
    positive: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Promise]:
    """As `power`, of the labels and groups in files; what a model said of them is not looked at."""
    # The label stands in for a prediction: only its numbers are used.
    question = Question(label, label, tuple(groups), positive=positive)
    read = files.batches(list(map(pathlib.Path, paths)), question.names)
    tally = count(read, question, progress=progress)
    return promises(sizes_of(tally.outcomes()), tally.groups, asked)


def promises(
    sizes: Mapping[Any, Size], groups: Mapping[str, Sequence[str]], asked: GateConfig
) -> list[Promise]:
    """A promise for each constraint that is asked."""
    constraints = [language.parse(line, groups, from_counts=True) for line in asked.constraints]
    return [advice.promise(each, sizes, asked.confidence_of_each) for each in constraints]


def _is_pair_of_counts(pair: Any) -> bool:
    return (
        isinstance(pair, tuple | list)
        and len(pair) == 2
        and all(isinstance(count, int | np.integer) and count >= 0 for count in pair)
    )


def _free(name: str, taken: Iterable[str]) -> str:
    """A column's name that no group feature has."""
    taken = set(taken)
    while name in taken:
        name += "_"
    return name


def _in_words(error: ValueError) -> str:
    """What pydantic found wrong, a line for each field."""
    found = getattr(error, "errors", None)
    if found is None:
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'gate'} = {each['input']!r}: {each['msg']}"
        if each["loc"]
        else str(each["msg"]).removeprefix("Value error, ")
        for each in found()
    )
