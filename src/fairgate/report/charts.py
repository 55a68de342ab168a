"""Charts as inline SVG, small enough to be read at their own size on a phone.

Colours are classes that the page's style sheet sets for light and for dark; series differ in dash and
marker too, for those who see colours differently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

import markupsafe
from markupsafe import Markup

from fairgate.visible import visible

WIDTH, HEIGHT = 360, 240
_RIGHT, _TOP, _BOTTOM = 12, 10, 38
_STYLES = 8  # series classes in the style sheet
_Scale = Callable[[float], float]


def escape(text: str) -> Markup:
    """For markup, as it is shown."""
    return markupsafe.escape(visible(text))


@dataclass(frozen=True)
class Series:
    """A line through points; `low` and `high`, where given, are drawn as intervals."""

    name: str
    points: Sequence[tuple[float, float | None]]
    style: int = 0
    intervals: Sequence[tuple[float, float]] = ()
    dots: bool = False
    line: bool = True
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Chart:
    """A finished chart: the SVG, and the legend's entries as (style, name)."""

    title: str
    svg: Markup
    legend: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A row of a dot-and-interval chart: (style, value, low, high) for each model."""

    name: str
    dots: Sequence[tuple[int, float | None, float, float]]


def lines(
    title: str,
    series: Sequence[Series],
    x_name: str,
    y_name: str,
    summary: str,
    *,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    marks: Sequence[tuple[float, float, int, str]] = (),
    vertical: Sequence[tuple[float, int]] = (),
    level: float | None = None,
    diagonal: bool = False,
) -> Chart | None:
    """A line chart; None where no series has a point.

    Args:
      title: heading of the chart.
      series: what is drawn.
      x_name: of the axis.
      y_name: of the axis.
      summary: what is to be seen, in words.
      x_range: of the axis; from the points by default.
      y_range: of the axis; from the points by default.
      marks: (x, y, style, words) of rings around points.
      vertical: (x, style) of dashed vertical lines.
      level: y of a horizontal line.
      diagonal: whether to draw y = x.
    """
    known = [(x, y) for s in series for x, y in s.points if _finite(x) and _finite(y)]
    if not known:
        return None
    ends = [value for s in series for pair in s.intervals for value in pair if _finite(value)]
    xs = x_range or _padded([x for x, _ in known])
    levels = [level] if level is not None else []
    ys = y_range or _padded([y for _, y in known if y is not None] + ends + levels)
    # Room for the axis' name and the longest number beside it.
    left = 26 + 6.2 * max(len(_tick(y)) for y in _ticks(ys))
    to_x = _scale(xs, left, WIDTH - _RIGHT)
    to_y = _scale(ys, HEIGHT - _BOTTOM, _TOP)
    parts = _axes(xs, ys, to_x, to_y, left, x_name, y_name)
    if level is not None:
        y = to_y(level)
        parts.append(
            f'<line class="level" x1="{_n(left)}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        )
    if diagonal:
        low, high = max(xs[0], ys[0]), min(xs[1], ys[1])
        parts.append(
            f'<line class="level" x1="{to_x(low)}" y1="{to_y(low)}" x2="{to_x(high)}" y2="{to_y(high)}"/>'
        )
    for x, style in vertical:
        parts.append(
            f'<line class="chosen s{style % _STYLES}" x1="{to_x(x)}" x2="{to_x(x)}" '
            f'y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        )
    for each in series:
        parts += _drawn(each, to_x, to_y)
    for x, y, style, words in marks:
        parts.append(
            f'<circle class="ring s{style % _STYLES}" cx="{to_x(x)}" cy="{to_y(y)}" r="6">'
            f"<title>{escape(words)}</title></circle>"
        )
    legend = [(s.style, s.name) for s in series]
    return Chart(title, _svg(parts, title, summary, HEIGHT), legend)


def dots(title: str, rows: Sequence[Row], summary: str) -> Chart | None:
    """Values with their intervals, a row for each group; None where nothing is known."""
    known = [v for row in rows for _, value, *ends in row.dots if value is not None for v in ends]
    if not known:
        return None
    low, high = _padded(known)
    xs = max(0.0, low), min(1.0, high)
    step = 30 + 13 * max(len(row.dots) for row in rows)
    height = 14 + step * len(rows) + 22
    to_x = _scale(xs, 10, WIDTH - 14)
    bottom = height - 24
    parts = [
        f'<line class="grid" x1="{to_x(x)}" x2="{to_x(x)}" y1="4" y2="{bottom}"/>'
        f'<text class="tick" x="{to_x(x)}" y="{bottom + 15}" text-anchor="middle">{_tick(x)}</text>'
        for x in _ticks(xs)
    ]
    for index, row in enumerate(rows):
        top = 16 + index * step
        parts.append(f'<text class="name" x="10" y="{top}">{escape(_cut(row.name))}</text>')
        for position, (style, value, low, high) in enumerate(row.dots):
            if value is None:
                continue
            y = top + 12 + 13 * position
            words = f"{row.name}: {value:.4f}, 95% interval {low:.4f} to {high:.4f}"
            parts.append(
                f'<g class="s{style % _STYLES}"><title>{escape(words)}</title>'
                f'<line class="interval" x1="{to_x(low)}" x2="{to_x(high)}" y1="{y}" y2="{y}"/>'
                f"{_marker(style, to_x(value), y)}</g>"
            )
    return Chart(title, _svg(parts, title, summary, height))


def bars(title: str, rows: Sequence[tuple[str, int, int]], summary: str) -> Chart | None:
    """(name, negatives, positives) as stacked bars; None where there is no example."""
    most = max((no + yes for _, no, yes in rows), default=0)
    if not most:
        return None
    height = 8 + 40 * len(rows)
    parts = []
    for index, (name, no, yes) in enumerate(rows):
        top = 18 + 40 * index
        total = no + yes
        share = f", {yes / total:.0%} positive" if total else ""
        split = 10 + (WIDTH - 24) * no / most
        end = 10 + (WIDTH - 24) * total / most
        parts.append(
            f'<text class="name" x="10" y="{top}">{escape(_cut(name))}'
            f'<tspan class="tick"> {total:,}{share}</tspan></text>'
            f'<rect class="bar no" x="10" y="{top + 5}" height="12" width="{_n(split - 10)}"/>'
            f'<rect class="bar yes" x="{_n(split)}" y="{top + 5}" height="12" '
            f'width="{_n(end - split)}"/>'
        )
    return Chart(title, _svg(parts, title, summary, height))


def swatch(style: int) -> Markup:
    """A legend's piece of a series."""
    return Markup(
        f'<svg class="swatch s{style % _STYLES}" viewBox="0 0 28 12" width="28" height="12" '
        f'aria-hidden="true"><line class="line" x1="1" x2="27" y1="6" y2="6"/>'
        f"{_marker(style, 14, 6)}</svg>"
    )


def _drawn(each: Series, to_x: _Scale, to_y: _Scale) -> list[str]:
    style = each.style % _STYLES
    parts = [f'<g class="s{style}"><title>{escape(each.name)}</title>']
    if each.line:
        path, pen = [], "M"
        for x, y in each.points:
            if not (_finite(x) and _finite(y)):
                pen = "M"
                continue
            path.append(f"{pen}{to_x(x)} {to_y(y)}")
            pen = "L"
        parts.append(f'<path class="line" d="{"".join(path)}"/>')
    for index, (x, y) in enumerate(each.points):
        if not (_finite(x) and _finite(y)):
            continue
        if each.intervals:
            low, high = each.intervals[index]
            parts.append(
                f'<line class="interval" x1="{to_x(x)}" x2="{to_x(x)}" '
                f'y1="{to_y(low)}" y2="{to_y(high)}"/>'
            )
        if each.dots:
            parts.append(_marker(style, to_x(x), to_y(y)))
        if each.labels:
            parts.append(
                f'<text class="tick" x="{_n(to_x(x) - 7)}" y="{_n(to_y(y) - 6)}" '
                f'text-anchor="end">'
                f"{escape(each.labels[index])}</text>"
            )
    return [*parts, "</g>"]


def _marker(style: int, x: float, y: float) -> str:
    """A ring, a disc, a square or a diamond by the style, so that black and white tells them apart."""
    match style % 4:
        case 0:
            return f'<circle class="hollow" cx="{_n(x)}" cy="{_n(y)}" r="4"/>'
        case 1:
            return f'<circle class="full" cx="{_n(x)}" cy="{_n(y)}" r="4.2"/>'
        case 2:
            return (
                f'<rect class="full" x="{_n(x - 3.6)}" y="{_n(y - 3.6)}" width="7.2" height="7.2"/>'
            )
        case _:
            return f'<path class="full" d="M{_n(x)} {_n(y - 5)}l5 5l-5 5l-5 -5z"/>'


def _axes(
    xs: tuple[float, float],
    ys: tuple[float, float],
    to_x: _Scale,
    to_y: _Scale,
    left: float,
    x_name: str,
    y_name: str,
) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for y in _ticks(ys):
        parts.append(
            f'<line class="grid" x1="{_n(left)}" x2="{right}" y1="{to_y(y)}" y2="{to_y(y)}"/>'
            f'<text class="tick" x="{_n(left - 5)}" y="{to_y(y) + 4}" text-anchor="end">{_tick(y)}</text>'
        )
    for x in _ticks(xs, count=4):
        parts.append(
            f'<text class="tick" x="{to_x(x)}" y="{bottom + 15}" text-anchor="middle">{_tick(x)}</text>'
        )
    parts.append(f'<line class="axis" x1="{_n(left)}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    parts.append(
        f'<text class="axis-name" x="{_n((left + right) / 2)}" y="{HEIGHT - 5}" text-anchor="middle">'
        f"{escape(x_name)}</text>"
        f'<text class="axis-name" transform="translate(11 {(_TOP + bottom) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_name)}</text>'
    )
    return parts


def _svg(parts: Sequence[str], title: str, summary: str, height: float) -> Markup:
    return Markup(
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {height}" '
        f'aria-label="{escape(title)}: {escape(summary)}">{"".join(parts)}</svg>'
    )


def _scale(values: tuple[float, float], start: float, end: float) -> _Scale:
    low, high = values
    span = (high - low) or 1.0
    return lambda value: round(start + (end - start) * (value - low) / span, 1)


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 0.05 * abs(high) or 0.5
    # A rate is never below 0: the axis starts there rather than under it.
    return (0.0 if 0 <= low < 2 * margin else low - margin), high + margin


def _ticks(ends: tuple[float, float], count: int = 5) -> list[float]:
    """Round numbers in [low, high], about `count`."""
    low, high = ends
    raw = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _tick(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{round(value, 6):g}"


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _n(value: float) -> str:
    return f"{value:.1f}"


def _cut(name: str, most: int = 44) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
