"""What the columns of a table mean: as options say, as a person answers, or as is guessed."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fairgate.errors import SettingsError

if TYPE_CHECKING:
    from pipeline.data.drafts.columns import Column, Look
    from pipeline.data.drafts.grouping import Grouping


_MOST_CLASSES = 12
_EACH = "each is a class"


@dataclass
class Meant:
    """What was chosen.

    Attributes:
      label: what stands under `data.features.label`.
      groups: the group features.
      unit: column that says whose row it is.
      weight: column that says what a row counts.
      notes: sentences about guesses that a person should look at.
    """

    label: dict[str, Any]
    groups: list[Grouping]
    unit: str | None = None
    weight: str | None = None
    notes: list[str] = field(default_factory=list)


def may_ask(options: argparse.Namespace) -> bool:
    """Whether somebody is there to answer, and wants to."""
    if options.yes or options.json or sys.stdin is None:
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


def choose(look: Look, options: argparse.Namespace, ask: bool) -> Meant:
    """What the columns mean.

    Args:
      look: the table.
      options: with what was said already: label, positive, groups, unit, weight.
      ask: whether a person is asked what was not said; else it is guessed.

    Raises:
      SettingsError: an option names what is not there, or what nobody said cannot be guessed.
    """
    from pipeline.data.drafts import draft, guesses

    notes: list[str] = []
    column = _label(look, options.label, ask, notes)
    positive = options.positive or _positive(column, ask, notes)
    label = draft.label_of_classes(column) if positive is None else draft.label(column, positive)
    rest = [each for each in look.columns if each.name != column.name]
    groups = _groups(rest, options.groups, ask, notes)
    used = {column.name, *(each.settings["name"] for each in groups)}
    rest = [each for each in rest if each.name not in used]
    unit = guesses.unit(rest) if options.unit is None else _named(look, options.unit, "--unit")
    weight = None if options.weight is None else _named(look, options.weight, "--weight")
    if unit is not None and unit.missing:
        raise SettingsError(
            f"--unit {unit.name}: {unit.missing:,} rows have no value there; each row has to be "
            "somebody's"
        )
    if weight is not None and (not weight.is_numeric or weight.missing or weight.numbers.min() < 0):
        raise SettingsError(f"--weight {weight.name}: expected a number of at least 0 in every row")
    if unit is not None and options.unit is None:
        notes.append(f"unit (whose row it is): {unit.name}, a guess")
    maybe = guesses.weight(rest)
    if weight is None and maybe is not None:
        notes.append(
            f"column '{maybe.name}' looks like the weight of a survey: --weight '{maybe.name}' "
            "makes rows count so much"
        )
    return Meant(
        label,
        groups,
        None if unit is None else unit.name,
        None if weight is None else weight.name,
        notes,
    )


def _label(look: Look, said: str | None, ask: bool, notes: list[str]) -> Column:
    from pipeline.data.drafts import guesses

    if said is not None:
        column = _named(look, said, "--label")
        if len(column.values) < 2:
            raise SettingsError(f"--label {said}: the column holds fewer than two values")
        return column
    found = guesses.labels(look.columns)
    if ask:
        return _asked_label(look, found[0].column.name if found else None)
    if not guesses.is_clear(found):
        shown = ", ".join(each.column.name for each in found[:8]) or "none"
        raise SettingsError(
            f"which column is the label (what is predicted) cannot be guessed: columns of two values are "
            f"{shown}. Say it with --label COLUMN"
        )
    notes.append(f"label (what is predicted): {found[0].column.name}, a guess (--label)")
    return found[0].column


def _positive(column: Column, ask: bool, notes: list[str]) -> list[str] | None:
    """The values that are Yes; None where each is a class of its own."""
    from pipeline.data.drafts import guesses

    several = 2 < len(column.values) <= _MOST_CLASSES
    if several and not ask:
        notes.append(
            f"classes: the {len(column.values)} values of {column.name} (--positive VALUE makes two)"
        )
        return None
    if len(column.values) > 2 and not ask:
        shown = ", ".join(map(repr, column.values[:8]))
        more = ", ..." if len(column.values) > 8 else ""
        raise SettingsError(
            f"label {column.name!r} has {len(column.values):,} values ({shown}{more}). Say which are "
            "Yes: --positive VALUE (may be repeated), or a range such as --positive '>=50000'"
        )
    guess, is_said = guesses.positive(column)
    if ask:
        said = _asked_positive(column, _EACH if several else guess)
        return None if said == _EACH and several else [said]
    doubt = "" if is_said else ": nothing says so but that it is rarer"
    notes.append(f"positive (Yes): {column.name} = {guess}, a guess{doubt} (--positive)")
    return [guess]


def _groups(
    columns: Sequence[Column], said: Sequence[str] | None, ask: bool, notes: list[str]
) -> list[Grouping]:
    from pipeline.data.drafts import grouping, guesses

    guessed = {each.name: kind for kind, each in guesses.groups(columns).items()}
    by_name = {each.name: each for each in columns}
    if said:
        names = [name for text in said for name in _parted(text, by_name)]
    elif ask:
        names = _asked_groups(columns, list(guessed))
    else:
        names = list(guessed)
    found: list[Grouping] = []
    for name in dict.fromkeys(names):
        column = by_name[name]
        feature = guessed.get(name) or grouping.feature_name(name)
        if set(map(str, grouping.raw(column.values))) == {"0", "1"}:
            feature = grouping.feature_name(name)  # 1 is what the column is called
        taken = [each.feature for each in found]
        feature = feature if feature not in taken else f"{feature} ({name})"
        made = grouping.of(column, feature)
        if made is not None:
            found.append(made)
            if not said and not ask:
                others = filter(None, [made.settings.get("others")])
                shown = ", ".join([*made.settings["values"], *others])
                notes.append(f"groups: [{feature}] of column {name} ({shown}), a guess (--groups)")
            notes += [f"[{feature}]: {note}" for note in made.notes]
        elif said or ask:
            raise SettingsError(
                f"--groups {name}: no two groups of it hold a twentieth of the rows, so that nothing "
                "could be shown of them"
            )
    if not found:
        few = [each.name for each in columns if 2 <= len(each.values) <= 12]
        raise SettingsError(
            "which columns make the groups that are compared cannot be guessed. Say it with --groups "
            f"COLUMN,...: columns of few values are {', '.join(few[:12]) or 'none'}"
        )
    return found


def _parted(text: str, known: dict[str, Column]) -> list[str]:
    names = [text] if text in known else [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        _require(name, list(known), "--groups")
    return names


def _named(look: Look, name: str, option: str) -> Column:
    _require(name, [column.name for column in look.columns], option)
    column = look.named(name)
    assert column is not None, "it was required"
    return column


def _require(name: str, known: Sequence[str], option: str) -> None:
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known[:20])}"
    raise SettingsError(f"{option} {name}: no column of that name; {hint}")


# Of a person.


def _asked_label(look: Look, guess: str | None) -> Column:
    from rich.prompt import Prompt
    from rich.text import Text

    from fairgate.consoles import VisibleConsole

    console = VisibleConsole()
    for column in look.columns:
        shown = ", ".join(column.values[:4]) + (", ..." if len(column.values) > 4 else "")
        console.print(
            Text.assemble("  ", (column.name, "bold"), f"  {len(column.values):,}: {shown}")
        )
    while True:
        name = Prompt.ask("Which column is predicted (the label)?", default=guess, console=console)
        column = look.named(name or "")
        if column is not None and len(column.values) > 1:
            return column
        console.print("A column with at least two values is expected.")


def _asked_positive(column: Column, guess: str) -> str:
    from rich.prompt import Prompt

    from pipeline.data.drafts import draft

    while True:
        said = Prompt.ask(
            f"Which value of {column.name} is Yes (a value, or a range such as >=50000)?",
            default=guess,
        )
        if said == _EACH and guess == _EACH:
            return said
        try:
            draft.label(column, [said])
        except SettingsError as error:
            print(error)
        else:
            return said


def _asked_groups(columns: Sequence[Column], guessed: Sequence[str]) -> list[str]:
    from rich.prompt import Prompt

    known = {column.name: column for column in columns}
    while True:
        said = Prompt.ask(
            "Which columns make the groups that are compared (COLUMN,...)?",
            default=",".join(guessed) or None,
        )
        try:
            if names := _parted(said or "", known):
                return names
        except SettingsError as error:
            print(error)
