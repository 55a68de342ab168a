"""The gate for any model: labels, answers, groups and constraints in, a judgement out.

The same gate as the pipeline's: `judge` takes what is in memory, `judge_files` reads files batch by
batch. What examples could promise before there is a model is in `planning`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fairgate import vocabulary
from fairgate.constraints import algebra
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.rates import Measured
from fairgate.constraints.units import UnitCounts, UnitMethod
from fairgate.data import answers, columns, files
from fairgate.data.columns import Batch
from fairgate.data.counting import Tally
from fairgate.data.grouping import crossings_named
from fairgate.data.groups import GroupFeature, declare
from fairgate.data.question import Question
from fairgate.errors import DataError, SettingsError
from fairgate.gate import attempts, checks, judging
from fairgate.gate import ledger as ledgers
from fairgate.gate.config import BetterThan, GateConfig
from fairgate.gate.judgement import BASELINE, Judgement
from fairgate.strict import in_words

MODEL = "model"
"""What the judged model is called in a judgement."""


@dataclass(frozen=True)
class Ledger:
    """Where attempts are counted, so that several models share the promise of one test set.

    Attributes:
      folder: of this machine; it is made when it is not there.
      attempts: how many different models may be judged on one test set.
      name: of this attempt, for whoever is refused later.

    While attempts are left and none has passed, a judgement is sealed: it holds no figures of the test
    data, and says so (see `fairgate.gate.attempts`). With one attempt nothing is sealed.

    Raises:
      SettingsError: no attempt is allowed.
    """

    folder: str | os.PathLike[str]
    attempts: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise SettingsError(f"attempts = {self.attempts}: at least one model is to be judged")

    def unseal(self, judgement: Judgement) -> None:
        """Ends the series of attempts on the judgement's test data, for good.

        No other model can then be judged on it. The models that were judged may be judged again, which
        costs nothing, and shows their figures.

        Raises:
          DataError: this ledger does not know the attempt, or cannot be written.
        """
        attempt = judgement.attempt
        if attempt is None:
            raise DataError("this judgement was counted in no ledger, so that nothing is sealed")
        with _usable(self):
            ledgers.unseal(os.fspath(self.folder), attempt.test_digest, self.name)


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
    better_than: BetterThan = "auto",
    ledger: Ledger | str | os.PathLike[str] | None = None,
    unit: Any = None,
    weight: Any = None,
    largest_unit: float | None = None,
    largest_weight: float | None = None,
    units: UnitMethod = "betting",
    records: Any = None,
    declared: Mapping[str, Any] | None = None,
    classes: Sequence[Any] = (),
) -> Judgement:
    """Judges a model by what it said of test examples that nobody used to train or to choose it.

    Arrays are lists, NumPy arrays, or series of pandas, Polars or Arrow.

    Args:
      labels: (n,) what is right: 1 and 0, true and false, yes and no; or any values, with `positive`.
      predictions: (n,) decisions, as labels are; or, with `threshold`, scores.
      groups: name of each group feature -> (n,) names of groups; or a data frame of such columns.
      constraints: lines of the constraint language over these groups, such as
        "max_gap(FPR, [sex]) <= 0.05".
      confidence: a model whose true value is over a limit passes with a probability of at most one minus
        this, in (0.5, 1).
      threshold: a score above it is a Yes.
      positive: the label's value that is a Yes, a range such as '>= 50000', or several of them.
      baseline: (n,) what another model said, to compare with; it decides nothing.
      minimum_accuracy: lowest accuracy that passes, held by its lower confidence bound.
      minimum_negatives: fewest negative examples of each group whose negatives a constraint is about.
      better_than: what the model is shown, by bounds, to be better than: "commonest", the commonest
        answer; "chance", a TPR over its FPR for everybody and in each group that a constraint is about
        (which "commonest" asks, too); or "nothing"; "auto": the commonest answer, but chance where more
        than four in five examples have the same label.
      ledger: where attempts are counted; a folder alone allows one attempt.
      unit: (n,) whose each example is, where people have several: bounds are then over people.
      weight: (n,) what each example counts, at least 0.
      largest_unit: the most examples that anybody has, known before; as many as the largest has here,
        unless it is given.
      largest_weight: what no weight is over, known before; weights need it.
      units: "betting" is guaranteed, "cluster_robust" approximate, by the central limit theorem.
      records: (n,) names of the examples, by which a ledger knows them again in any order; without them
        it knows them by the order of their labels.
      declared: features whose groups are several values, ranges or everything else of a column in
        `groups`, as `data.features.groups` has them: {"Age": {"name": "age", "values": {"Young": "<25",
        "Old": ">=25"}}}. A column that is declared about is no feature by itself.
      classes: the label's values, where it has more than two: labels and predictions are these, and
        constraints name one, as in "max_gap(TPR(high), [sex]) <= 0.1".

    Returns:
      The judgement; `blessed` says whether the model passed. It holds no figures while it is `sealed`.

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
    features = declare(declared or {})
    said = {"labels": labels, "predictions": predictions, "baseline": baseline}
    said |= {"unit": unit, "weight": weight, "records": records}
    free = {name: _free(name, table) for name in said}
    given = {
        free[name]: columns.series(name, column)
        for name, column in said.items()
        if column is not None
    }
    question = Question(
        free["labels"],
        free["predictions"],
        _features(table, features),
        None if baseline is None else free["baseline"],
        threshold,
        answers.positive_of(positive),
        None if unit is None else free["unit"],
        None if weight is None else free["weight"],
        largest_unit,
        largest_weight,
        None if records is None else free["records"],
        features,
        tuple(str(columns.text_of(each)) for each in classes),
    )
    asked = gate_config(
        constraints, confidence, minimum_accuracy, minimum_negatives, better_than, units=units
    )
    everything = given | table
    batches = columns.batches(
        {name: everything[name] for name in question.names},
        {name: everything[name] for name in question.numbers},
    )
    with vocabulary.speaking(vocabulary.ARGUMENTS):
        return judge_batches(batches, question, asked, ledger)


def _features(columns: Iterable[str], declared: Mapping[str, GroupFeature]) -> tuple[str, ...]:
    """What divides the examples: plain columns, and what is declared about others."""
    about = {of.name for of in declared.values()}
    plain = [name for name in columns if name not in about and name not in declared]
    return (*plain, *declared)


def judge_files(
    paths: Sequence[str | os.PathLike[str]],
    question: Question,
    asked: GateConfig,
    ledger: Ledger | str | os.PathLike[str] | None = None,
    progress: Callable[[int], None] | None = None,
    names: vocabulary.Vocabulary = vocabulary.ARGUMENTS,
    unseal: bool = False,
) -> Judgement:
    """Judges a model by files that hold one row for each test example.

    Args:
      paths: CSV files, JSON lines or Parquet files with the same columns.
      question: which columns hold what.
      asked: what is asked of the model; see `gate_config`.
      ledger: where attempts are counted.
      progress: called with the number of rows so far.
      names: of settings and test data, as whoever reads the judgement knows them.
      unseal: whether to end the series of attempts with this one, so that all is shown.

    Raises:
      DataError: a file cannot be read, or lacks a column; and as for `judge`.
    """
    read = files.batches(list(map(pathlib.Path, paths)), question.names, question.numbers)
    with vocabulary.speaking(names):
        return judge_batches(read, question, asked, ledger, progress, unseal)


def judge_batches(
    batches: Iterable[Batch],
    question: Question,
    asked: GateConfig,
    ledger: Ledger | str | os.PathLike[str] | None = None,
    progress: Callable[[int], None] | None = None,
    unseal: bool = False,
) -> Judgement:
    """Judges a model by batches of rows, in the names in force; all else as for `judge_files`."""
    # Constraints are read before an attempt is written down: a misspelt one costs nothing.
    tally, asked_of = counted_for(asked, batches, question, ledger is not None, progress)
    question = tally.question
    _require_another(asked_of, question)
    outcomes = {MODEL: _outcomes(tally, asked)}
    if ledger is not None and (known := judging.known_before(asked, tally.groups, outcomes)):
        return known
    if question.baseline is not None:
        outcomes[BASELINE] = _outcomes(tally, asked, baseline=True)
    if ledger is None:
        return judging.judge(asked, tally.groups, outcomes, warnings=tally.warnings)
    book = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
    meaning = repr((question.label, question.positive, sorted(question.groups)))
    if question.classes:
        meaning += repr(question.classes)
    if question.declared:
        meaning += repr(sorted((name, repr(of)) for name, of in question.declared.items()))
    if question.in_units:
        meaning += repr((question.unit, question.weight, asked.units))
    if any(algebra.has_changes(each.expression) for each in asked_of):
        # Beside another model it is another bound, which how the answers differ decides alone.
        differ = {str(group): of.against for group, of in outcomes[MODEL].items()}
        meaning += repr(sorted(differ.items()))
        if isinstance(counts := outcomes[MODEL], UnitCounts) and counts.against is not None:
            # And whose they are.
            of_all = counts.against[None]
            parts = of_all.places.tobytes() + of_all.cells.tobytes()
            meaning += hashlib.blake2b(parts, digest_size=8).hexdigest()
    ask = attempts.Question(
        tally.fingerprints.answers,
        attempts.asked(asked_of),
        hashlib.blake2b(meaning.encode(), digest_size=8).hexdigest(),
    )
    return _counted(book, tally, ask, asked, outcomes, unseal)


def _outcomes(tally: Tally, asked: GateConfig, baseline: bool = False) -> Measured:
    if tally.question.in_units:
        return tally.unit_outcomes(asked.units, baseline)
    return tally.outcomes(baseline)


def _require_another(constraints: Iterable[Constraint], question: Question) -> None:
    """Raises SettingsError for a constraint on a change that cannot be known."""
    for constraint in constraints:
        if not algebra.has_changes(constraint.expression):
            continue
        if question.baseline is None:
            raise SettingsError(
                f"{constraint}: this is about a change against another model: give its answers, too "
                "(baseline), such as those of the model that is served"
            )


def _counted(
    book: Ledger,
    tally: Tally,
    ask: attempts.Question,
    asked: GateConfig,
    outcomes: Mapping[str, Measured],
    unseal: bool,
) -> Judgement:
    """The judgement as an attempt that the ledger counts."""
    folder, records = os.fspath(book.folder), tally.fingerprints.records
    with _usable(book):
        said = ledgers.unheld(folder)
        attempt = ledgers.admit(folder, records, ask, asked.confidence, book.attempts, book.name)
        warnings = [*tally.warnings, *([] if said is None else [said])]
        found = judging.judge(asked, tally.groups, outcomes, attempt, warnings)
        if unseal:
            ledgers.unseal(folder, records.digest, book.name)
        settled = ledgers.settle(folder, records, attempt, found.blessed, book.name)
    return replace(found, attempt=settled)


@contextlib.contextmanager
def _usable(book: Ledger) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"ledger {os.fspath(book.folder)}: cannot be used: {error.strerror or error}. Give a folder "
            "that can be written to; nothing was judged"
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


def counted_for(
    asked: GateConfig,
    batches: Iterable[Batch],
    question: Question,
    digesting: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[Tally, list[Constraint]]:
    """As `count`, with the crossings that constraints name, and these; raises ConstraintError, too."""
    crossed = crossings_named(asked.constraints, question.groups)
    question = replace(question, groups=(*question.groups, *crossed))
    tally = count(batches, question, digesting, progress)
    asked_of = [check.constraint for check in checks.checks(asked, tally.groups)]
    tally.hide(set(crossed) - {group.feature for each in asked_of for group in each.groups()})
    return tally, asked_of


def gate_config(
    constraints: Sequence[str] | str,
    confidence: float = 0.95,
    minimum_accuracy: float = 0.0,
    minimum_negatives: int = 0,
    better_than: BetterThan = "auto",
    attempts: int = 1,
    units: UnitMethod = "betting",
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
            better_than=better_than,
            attempts=attempts,
            units=units,
        )
    except ValueError as error:
        raise SettingsError(in_words(error)) from None


def _free(name: str, taken: Iterable[str]) -> str:
    """A column's name that no group feature has."""
    taken = set(taken)
    while name in taken:
        name += "_"
    return name
