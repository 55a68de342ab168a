"""Two runs side by side: what was set, what they were given, what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from fairgate.gate import tables, words
from fairgate.gate.judgement import CONSTRAINED, GateRow, ModelResult, document_of
from pipeline.command_line import documents
from pipeline.results.runs import Run

NAMES = ("A", "B")
# Where a run's files go decides nothing.
_PLACES = ("runs", "serving")
# What `typed.IsSecret` marks; whoever compares loads no settings.
SECRET = ("beam_arguments", "component_beam_arguments")
_NOT_SHOWN = "(not shown: it may hold secrets)"
_DATA, _TEST = "data, ", "data, test split"


@dataclass(frozen=True)
class Comparison:
    """Pairs, the first run's before the second's; None where a run has none.

    Attributes:
      runs: both.
      settings: path -> values, of those that differ.
      versions: what (a split of the data, the code, a library) -> its digest or version, where known.
      gate: left side of each constraint -> its rows.
      models: of the run's constrained models.
      splits: what rows and models were measured on, in words: while the test split of a run is sealed,
        the validation split.
    """

    runs: tuple[Run, Run]
    settings: dict[str, tuple[Any, Any]]
    versions: dict[str, tuple[str | None, str | None]]
    gate: dict[str, tuple[GateRow | None, GateRow | None]]
    models: tuple[ModelResult | None, ModelResult | None]
    splits: tuple[str, str]


def compare(first: Run, second: Run) -> Comparison:
    """What differs between two runs, and how they came out."""
    pair = (first, second)
    settings = _paired(*(_flat(run.settings) for run in pair))
    return Comparison(
        runs=pair,
        settings={
            path: (_NOT_SHOWN, _NOT_SHOWN) if path.split(".")[0] in SECRET else values
            for path, values in settings.items()
            if values[0] != values[1] and path not in _PLACES
        },
        versions=_paired(*map(_versions, pair)),
        gate=_paired(*map(_gate, pair)),
        models=tuple(  # type: ignore[arg-type]
            None if run.verdict is None else run.verdict.measured.models.get(CONSTRAINED)
            for run in pair
        ),
        splits=tuple(  # type: ignore[arg-type]
            "the test split" if run.verdict is None else run.verdict.split for run in pair
        ),
    )


def document(comparison: Comparison) -> dict[str, Any]:
    """What --json prints."""
    return {
        "runs": [documents.summary(run) for run in comparison.runs],
        "settings": comparison.settings,
        "versions": {
            name: {"values": values, "equal": equal(values)}
            for name, values in comparison.versions.items()
        },
        "gate": {
            name: [None if row is None else asdict(row) for row in rows]
            for name, rows in comparison.gate.items()
        },
        "models": [None if model is None else document_of(model) for model in comparison.models],
        "splits": comparison.splits,
    }


def show(comparison: Comparison, console: Console) -> None:
    """The same for people."""
    for name, run in zip(NAMES, comparison.runs, strict=True):
        console.print(Text.assemble((name, "bold"), f"  {run.name}  ", tables.outcome(run.state)))
    console.print()
    _show_settings(comparison, console)
    _show_versions(comparison, console)
    alike = len(set(comparison.splits)) == 1
    names = [
        name if alike else f"{name}, on {split}"
        for name, split in zip(NAMES, comparison.splits, strict=True)
    ]
    for name, split, run in zip(NAMES, comparison.splits, comparison.runs, strict=True):
        if run.verdict is not None and run.verdict.sealed:
            console.print(f"The test split of {name} is sealed: its figures are of {split}.")
    for expression, rows in comparison.gate.items():
        _show_gate(expression, names, rows, console)
    models = {
        name: model
        for name, model in zip(names, comparison.models, strict=True)
        if model is not None
    }
    if models:
        where = f", on {comparison.splits[0]}" if alike else ""
        console.print(tables.groups_table(f"The constrained models{where}", "run", models))


def _show_settings(comparison: Comparison, console: Console) -> None:
    if not comparison.settings:
        console.print("All settings are equal.")
        return
    made = tables.table("Settings that differ")
    made.add_column("setting", no_wrap=True)
    for name in NAMES:
        made.add_column(name, overflow="fold")
    for path, values in comparison.settings.items():
        made.add_row(path, *(Text(said(value)) for value in values))
    console.print(made)


def _show_versions(comparison: Comparison, console: Console) -> None:
    known = {name: equal(values) for name, values in comparison.versions.items()}
    data = {
        name.removeprefix(_DATA).removesuffix(" split"): equal
        for name, equal in known.items()
        if name.startswith(_DATA)
    }
    same = [name for name, equal in data.items() if equal]
    other = [name for name, equal in data.items() if equal is False]
    unknown = [name for name, equal in data.items() if equal is None] or ([] if data else ["all"])
    told = [
        f"{', '.join(names)}: {what}"
        for names, what in ((same, "equal"), (other, "different"), (unknown, "not known of both"))
        if names
    ]
    console.print(Text.assemble(("Data  ", "bold"), "; ".join(told)))
    changed = [
        f"{name} ({' -> '.join(str(value) for value in comparison.versions[name])})"
        for name, equal in known.items()
        if equal is False and not name.startswith(_DATA) and name != "settings"
    ]
    if changed:
        console.print(Text.assemble(("Also different  ", "bold"), ", ".join(changed)))
    console.print()


def _show_gate(
    expression: str,
    names: Sequence[str],
    rows: tuple[GateRow | None, GateRow | None],
    console: Console,
) -> None:
    made = tables.table(f"Gate: {expression}")
    for column in ("run", "value", "bound", "confidence", "limit", ""):
        made.add_column(column, justify="left" if column in ("run", "") else "right")
    for name, row in zip(names, rows, strict=True):
        if row is None:
            made.add_row(name, *[""] * 4, Text("not asked", "dim"))
            continue
        made.add_row(
            name,
            tables.number(row.value),
            tables.number(row.bound),
            words.percent(row.confidence),
            f"{row.sense} {row.limit:g}",
            tables.outcome(row.outcome),
        )
    console.print(made)


def _paired(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (first.get(key), second.get(key)) for key in {**first, **second}}


def _flat(tree: Any, path: str = "") -> dict[str, Any]:
    """Path -> value; a list is one value, because its order may mean something."""
    if not isinstance(tree, Mapping) or not tree:
        return {path: tree}
    found: dict[str, Any] = {}
    for key, inner in tree.items():
        found |= _flat(inner, f"{path}.{key}" if path else str(key))
    return found


def _versions(run: Run) -> dict[str, str]:
    """What is known of what the run was made of; the test split by its records, not by its files."""
    if run.verdict is None or run.verdict.attempt is None:
        return {}
    return run.versions | {_TEST: run.verdict.attempt.test_digest}


def _gate(run: Run) -> dict[str, GateRow]:
    if run.verdict is None:
        return {}
    return {words.expression_of(row.constraint): row for row in run.verdict.measured.gate}


def equal(values: tuple[Any, Any]) -> bool | None:
    """Whether both are known and the same; None where one is not known."""
    return None if None in values else values[0] == values[1]


def said(value: Any) -> str:
    """A setting's value in words."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) if value else "(none)"
    return "(none)" if value is None else str(value)
