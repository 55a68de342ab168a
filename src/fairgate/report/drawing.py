"""What charts are drawn of: scales, ticks, markers, and the SVG around them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeGuard

import markupsafe
from markupsafe import Markup

from fairgate.visible import visible

WIDTH = 360
STYLES = 8  # series classes in the style sheet
Scale = Callable[[float], float]


def escape(text: str) -> Markup:
    """For markup, as it is shown."""
    return markupsafe.escape(visible(text))


def marker(style: int, x: float, y: float) -> str:
    """A ring, a disc, a square or a diamond by the style, so that black and white tells them apart."""
    match style % 4:
        case 0:
            return f'<circle class="hollow" cx="{short(x)}" cy="{short(y)}" r="4"/>'
        case 1:
            return f'<circle class="full" cx="{short(x)}" cy="{short(y)}" r="4.2"/>'
        case 2:
            at = f'x="{short(x - 3.6)}" y="{short(y - 3.6)}"'
            return f'<rect class="full" {at} width="7.2" height="7.2"/>'
        case _:
            return f'<path class="full" d="M{short(x)} {short(y - 5)}l5 5l-5 5l-5 -5z"/>'


def svg(parts: Sequence[str], title: str, summary: str, height: float) -> Markup:
    """The parts as one picture that says in words what is to be seen."""
    return Markup(
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {height}" '
        f'aria-label="{escape(title)}: {escape(summary)}">{"".join(parts)}</svg>'
    )


def scale(values: tuple[float, float], start: float, end: float) -> Scale:
    """From values to places on an axis, to a tenth of a pixel."""
    low, high = values
    span = (high - low) or 1.0
    return lambda value: round(start + (end - start) * (value - low) / span, 1)


def padded(values: Sequence[float]) -> tuple[float, float]:
    """A range with all values in it and a little room around."""
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 0.05 * abs(high) or 0.5
    # A rate is never below 0: the axis starts there rather than under it.
    return (0.0 if 0 <= low < 2 * margin else low - margin), high + margin


def ticks(ends: tuple[float, float], count: int = 5) -> list[float]:
    """Round numbers in [low, high], about `count`."""
    low, high = ends
    raw = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def tick(value: float) -> str:
    """A number beside an axis."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{round(value, 6):g}"


def finite(value: float | None) -> TypeGuard[float]:
    """Whether there is such a number."""
    return value is not None and math.isfinite(value)


def short(value: float) -> str:
    """A place with one decimal."""
    return f"{value:.1f}"


def cut(name: str, most: int = 44) -> str:
    """A name that fits on a row."""
    return name if len(name) <= most else name[: most - 1] + "…"
