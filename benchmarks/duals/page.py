"""The tables of docs/duals.md."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import markers
from benchmarks.duals.comparing import CELLS, Best, ranks
from benchmarks.duals.playing import MODEL_RATE, NOISE, WITHIN, Result, median
from benchmarks.duals.problems import PROBLEMS
from benchmarks.duals.updates import UPDATES

BEGIN = "<!-- written by `python -m benchmarks.duals`: begin -->"
END = "<!-- end -->"


def write(page: Path, best: Mapping[str, Best], steps: int, seeds: int) -> None:
    """Puts the section between the markers of the page.

    Raises:
        ValueError: if the page has no markers.
    """
    markers.fill(page, BEGIN, END, section(best, steps, seeds))


def section(best: Mapping[str, Best], steps: int, seeds: int) -> str:
    """The markers and what is between them."""
    parts = [
        BEGIN,
        f"{steps:,} steps of both players; the model's rate is {MODEL_RATE:g}; noise of standard "
        f"deviation {NOISE:g} in each constraint that the multipliers see, {seeds} seeds.",
        "### Who is compared",
        "\n".join(_who(best)),
        "### Over all problems",
        "With exact constraints:",
        "\n".join(_over_all(best, 0.0)),
        "With noisy ones:",
        "\n".join(_over_all(best, NOISE)),
        "### By problem",
        *(_folded(title, best) for title in PROBLEMS),
        END,
    ]
    return "\n\n".join(parts)


def _who(best: Mapping[str, Best]) -> Iterator[str]:
    yield "| update | is | its best rate: exact | noisy |"
    yield "|---|---|---:|---:|"
    for name, each in best.items():
        rates = " | ".join(f"{rate:g}" for rate in each.rates.values())
        yield f"| {name} | {UPDATES[name].says} | {rates} |"


def _over_all(best: Mapping[str, Best], noise: float) -> Iterator[str]:
    limit = WITHIN[noise]
    heads = ("update", f"within {limit:g}", "distance", "farthest", "steps", "swing", "worst swing")
    yield f"| {' | '.join(heads)} | mean rank (of all) |"
    yield "|---|" + "---:|" * len(heads)
    places = ranks(best)
    for name in sorted(best, key=lambda name: places[name]):
        found = [best[name].results[cell] for cell in CELLS if cell[1] == noise]
        distances = [each.distance for each in found]
        near = sum(distance <= limit for distance in distances)
        middle = median(found)
        row = [
            name,
            f"{near} of {len(found)}",
            _number(statistics.median(distances)),
            _number(max(distances)),
            _steps(middle),
            _number(middle.swing),
            _number(max(each.swing for each in found)),
            f"{places[name]:.1f}",
        ]
        yield f"| {' | '.join(row)} |"


def _folded(title: str, best: Mapping[str, Best]) -> str:
    shown: list[Callable[[Result], str]] = [
        lambda each: _number(each.primal),
        lambda each: _number(each.dual),
        _steps,
        lambda each: _number(each.swing),
    ]
    lines = ["| update | primal | dual | steps | swing | noisy: primal | dual | steps | swing |"]
    lines.append("|---|" + "---:|" * 8)
    for name, each in best.items():
        cells = [show(each.results[title, noise]) for noise in WITHIN for show in shown]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    inside = "\n".join(lines)
    return f"<details><summary>{title}</summary>\n\n{inside}\n\n</details>"


def _number(value: float) -> str:
    """Three decimals: what the tests of the games ask for is a thousandth."""
    return "away" if value > 100 else f"{value:.3f}"


def _steps(result: Result) -> str:
    return "never" if math.isinf(result.steps) else f"{result.steps:,.0f}"
