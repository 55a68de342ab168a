"""The tables about the monitor in docs/promise.md, from what was found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.gate.simulation import interval

BEGIN = "<!-- written by `python -m benchmarks.gate monitor`: begin -->"
END = "<!-- end -->"

Row = Mapping[str, object]


def write(page: Path, lives: Sequence[Row], breaks: Sequence[Row], seed: int) -> None:
    """Puts the section between the markers of the page.

    Args:
      page: with the markers.
      lives: `name`, `line`, `records`, and for each of `drawn`, `monitored` and `looked_at` how many of
        `draws_NAME` had an alarm.
      breaks: `rates`, `share`, `after`, and `found`: records to the alarm, null where there was none.
      seed: of the draws.

    Raises:
      ValueError: the page has no markers.
    """
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page.name} needs the lines {BEGIN!r} and {END!r} around its tables")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    page.write_text(f"{before}{section(lives, breaks, seed)}{after}")


def section(lives: Sequence[Row], breaks: Sequence[Row], seed: int) -> str:
    """The markers and what is between them."""
    first = lives[0]
    lines = [
        BEGIN,
        f"Lives of {first['records']:,} records at the limit, delta 0.05, seed {seed}, looked at after "
        "every record. In brackets 95% intervals (Clopper and Pearson).",
        "",
        "| truth | constraint | false alarms | by the monitor itself | a test for one look |",
        "|---|---|---|---|---|",
    ]
    for row in lives:
        cells = [_share(row, name) for name in ("drawn", "monitored", "looked_at")]
        lines.append(f"| {row['name']} | `{row['line']}` | {' | '.join(cells)} |")
    lines += [
        "",
        "Records from a break to its alarm, limit 0.05, every record a negative:",
        "",
        "| rates | in a | broken after | half of the alarms within | nine in ten within | draws |",
        "|---|---|---|---|---|---|",
    ]
    for row in breaks:
        found = sorted(math.inf if n is None else n for n in row["found"])  # type: ignore[attr-defined]
        half, most = (found[math.ceil(q * len(found)) - 1] for q in (0.5, 0.9))
        rates = " and ".join(f"{rate:g}" for rate in row["rates"])  # type: ignore[attr-defined]
        lines.append(
            f"| {rates} | {row['share']:.0%} | {row['after']:,} | {_number(half)} | {_number(most)} | "
            f"{len(found)} |"
        )
    return "\n".join([*lines, END])


def _share(row: Row, name: str) -> str:
    shown, draws = row[name], row[f"draws_{name}"]
    low, high = interval(shown, draws)  # type: ignore[arg-type]
    return f"{shown / draws:.2%} of {draws:,} ({low:.2%} to {high:.2%})"  # type: ignore[operator]


def _number(records: float) -> str:
    return f"{records:,.0f}" if math.isfinite(records) else "more"
