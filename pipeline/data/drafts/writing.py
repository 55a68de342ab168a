"""The text of a drafted settings file, with the reasons beside what was guessed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from pipeline import sources, yaml12
from pipeline.data.drafts.draft import Draft

_LONGEST = 400
_TRAINED = 0.2  # of the gate's limit is what training aims at, so that the bound has room


def text(
    draft: Draft,
    name: str,
    files: Sequence[str],
    place: str,
    folder: str,
    schema: str,
    csv: dict[str, Any],
    command: str,
) -> str:
    """A settings file.

    Args:
      draft: what it says.
      name: of the pipeline.
      files: arguments of `data from-csv`.
      place: of the settings file itself.
      folder: where the dataset is made.
      schema: where its contract is drafted.
      csv: what stands under `data.csv`.
      command: how the command line is called.
    """
    n, yes = draft.rows
    of_them = "" if yes is None else f", of which {yes:,} are positive"
    rates = "TPR is the share of positive rows that are told Yes."
    rates = rates if yes is not None else "ERR is the share of rows that are told a wrong class."
    own = f"--settings {shlex.quote(place)}"
    lines = [
        f"# Drafted by `{command} init` of {n:,} rows{of_them}. What it guessed",
        "# is to be looked through: docs/own_dataset.md says what else can be said, docs/settings.md has",
        "# every setting.",
        "# The dataset is made by the first command, and a run, from data to verdict, is the second:",
        f"#   {command} data from-csv {shlex.join(files)} {own}",
        f"#   {command} run {own}",
        f"name: {_flow(name)}  # names the runs: runs/{name}/",
        f"model_name: {_flow(slug(draft.label['name']) or 'model')}  # names the served model",
        "data:",
        f"  path: {_flow(folder)}",
        f"  schema_file: {_flow(schema)}",
        "  csv:",
        *(f"    {key}: {_flow(value)}" for key, value in csv.items()),
        "  features:",
        *_inputs(draft),
        f"    # What is predicted. Rates are of it: {rates}",
        f"    label: {_flow(draft.label)}",
        "    # Who is compared. Models are measured by these columns, and do not see them; name one",
        "    # above, too, if they may.",
        "    groups:",
    ]
    for each in draft.groups:
        lines += _comment(each.notes, 6)
        lines.append(f"      {_flow(each.feature)}: {_flow(each.settings)}")
    if draft.unit is not None:
        lines += [
            "    # Whose row it is: bounds are over people then.",
            f"    unit: {_flow(draft.unit)}",
        ]
    if draft.weight is not None:
        column, largest = draft.weight
        lines += [
            "    # What a row counts, and what no weight of the population is over: the largest of the",
            "    # rows stands here, and should be known from the survey's design.",
            f"    weight: {_flow(column)}",
            f"    largest_weight: {largest:.9g}",
        ]
    lines += _constraints(draft)
    return "\n".join(lines) + "\n"


def slug(text: str) -> str:
    """A name as `name` and `model_name` want it; empty where nothing of the text can stay."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")


def _inputs(draft: Draft) -> list[str]:
    lines = [
        "    # What the model learns from: numbers are scaled, categories (and codes) told apart."
    ]
    if numbers := draft.inputs.numeric:
        lines.append("    numeric:")
        for name, scale in numbers.items():
            value = name if scale == "z_score" else {"name": name, "scale": scale}
            lines.append(f"      - {_flow(value)}")
    if draft.inputs.categorical:
        lines.append("    categorical:")
        lines += [f"      - {_flow(name)}" for name in draft.inputs.categorical]
    if draft.inputs.left_out:
        lines.append("    # Left out:")
        lines += _comment([f"  {_flow(n)}: {why}" for n, why in draft.inputs.left_out.items()], 4)
    return lines


def _constraints(draft: Draft) -> list[str]:
    lines = [
        "trainer:",
        "  network: tabular",
        "  # What training aims at: stricter than the gate, so that the gate's bound has room.",
        "  constraints:",
    ]
    for constraint, (limit, _) in draft.limits.items():
        lines.append(f"    - {_flow(constraint.format(limit=f'{_TRAINED * limit:g}'))}")
    lines += [
        "gate:",
        "  # What a model must be shown to keep, with 95% confidence, before it is pushed: limits that a",
        "  # test split of this size can show. docs/choosing_a_constraint.md helps to choose a rate.",
        "  constraints:",
    ]
    for constraint, (limit, shown) in draft.limits.items():
        if not shown:
            lines.append(
                "    # Too few test rows to show even this: more rows, or larger groups, are needed."
            )
        lines.append(f"    - {_flow(constraint.format(limit=f'{limit:g}'))}")
    return lines


def _flow(value: Any) -> str:
    """A value on one line."""
    dumped = yaml12.dump([sources.escape(value)], default_flow_style=True, width=1_000_000)
    return dumped.strip()[1:-1]


def _comment(sentences: Sequence[str], indent: int) -> list[str]:
    """Lines of a comment; a name may hold what no comment can."""
    shown = ("".join(c if c.isprintable() else " " for c in sentence) for sentence in sentences)
    return [f"{' ' * indent}# {sentence[:_LONGEST]}" for sentence in shown]
