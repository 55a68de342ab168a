"""Charts as inline SVG, small enough to be read at their own size on a phone.

Colours are classes that the page's style sheet sets for light and for dark; series differ in dash and
marker too, for those who see colours differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from fairgate.report.drawing import (
    STYLES,
    WIDTH,
    Scale,
    cut,
    escape,
    finite,
    marker,
    padded,
    scale,
    short,
    svg,
    tick,
    ticks,
)

HEIGHT = 240
_RIGHT, _TOP, _BOTTOM = 12, 10, 38


@dataclass(frozen=True)
class Series:
    """A line through points.

    Attributes:
      name: in the legend.
      points: (x, y); of those without a y nothing is drawn.
      style: of its colour, dash and marker.
      intervals: (low, high) of y of each point.
      reaches: x up to which a bar runs from each point, such as its bound.
      dots: whether the points have markers.
      line: whether a line joins them.
      labels: of the points, kept clear of each other.
    """

    name: str
    points: Sequence[tuple[float, float | None]]
    style: int = 0
    intervals: Sequence[tuple[float, float]] = ()
    dots: bool = False
    line: bool = True
    labels: Sequence[str] = ()
    reaches: Sequence[float | None] = ()


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
    counts: bool = False,
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
      counts: whether x counts something: nothing stands between two whole numbers.
    """
    known = [(x, y) for s in series for x, y in s.points if finite(x) and finite(y)]
    if not known:
        return None
    ends = [value for s in series for pair in s.intervals for value in pair if finite(value)]
    reached = [x for s in series for x in s.reaches if finite(x)]
    xs = x_range or padded([x for x, _ in known] + reached)
    levels = [level] if level is not None else []
    ys = y_range or padded([y for _, y in known if y is not None] + ends + levels)
    # Room for the axis' name and the longest number beside it.
    left = 26 + 6.2 * max(len(tick(y)) for y in ticks(ys))
    to_x = scale(xs, left, WIDTH - _RIGHT)
    to_y = scale(ys, HEIGHT - _BOTTOM, _TOP)
    parts = _axes(xs, ys, to_x, to_y, left, x_name, y_name, counts)
    if level is not None:
        y = to_y(level)
        parts.append(
            f'<line class="level" x1="{short(left)}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        )
    if diagonal:
        low, high = max(xs[0], ys[0]), min(xs[1], ys[1])
        parts.append(
            f'<line class="level" x1="{to_x(low)}" y1="{to_y(low)}" x2="{to_x(high)}" y2="{to_y(high)}"/>'
        )
    for x, style in vertical:
        parts.append(
            f'<line class="chosen s{style % STYLES}" x1="{to_x(x)}" x2="{to_x(x)}" '
            f'y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        )
    for each in series:
        parts += _drawn(each, to_x, to_y)
    parts += _labels(series, to_x, to_y, left)
    for x, y, style, words in marks:
        parts.append(
            f'<circle class="ring s{style % STYLES}" cx="{to_x(x)}" cy="{to_y(y)}" r="6">'
            f"<title>{escape(words)}</title></circle>"
        )
    legend = [(s.style, s.name) for s in series]
    return Chart(title, svg(parts, title, summary, HEIGHT), legend)


def dots(title: str, rows: Sequence[Row], summary: str) -> Chart | None:
    """Values with their intervals, a row for each group; None where nothing is known."""
    known = [v for row in rows for _, value, *ends in row.dots if value is not None for v in ends]
    if not known:
        return None
    low, high = padded(known)
    xs = max(0.0, low), min(1.0, high)
    step = 30 + 13 * max(len(row.dots) for row in rows)
    height = 14 + step * len(rows) + 22
    to_x = scale(xs, 10, WIDTH - 14)
    bottom = height - 24
    parts = [
        f'<line class="grid" x1="{to_x(x)}" x2="{to_x(x)}" y1="4" y2="{bottom}"/>'
        f'<text class="tick" x="{to_x(x)}" y="{bottom + 15}" text-anchor="middle">{tick(x)}</text>'
        for x in ticks(xs)
    ]
    for index, row in enumerate(rows):
        top = 16 + index * step
        parts.append(f'<text class="name" x="10" y="{top}">{escape(cut(row.name))}</text>')
        for position, (style, value, low, high) in enumerate(row.dots):
            if value is None:
                continue
            y = top + 12 + 13 * position
            words = f"{row.name}: {value:.4f}, 95% interval {low:.4f} to {high:.4f}"
            parts.append(
                f'<g class="s{style % STYLES}"><title>{escape(words)}</title>'
                f'<line class="interval" x1="{to_x(low)}" x2="{to_x(high)}" y1="{y}" y2="{y}"/>'
                f"{marker(style, to_x(value), y)}</g>"
            )
    return Chart(title, svg(parts, title, summary, height))


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
            f'<text class="name" x="10" y="{top}">{escape(cut(name))}'
            f'<tspan class="tick"> {total:,}{share}</tspan></text>'
            f'<rect class="bar no" x="10" y="{top + 5}" height="12" width="{short(split - 10)}"/>'
            f'<rect class="bar yes" x="{short(split)}" y="{top + 5}" height="12" '
            f'width="{short(end - split)}"/>'
        )
    return Chart(title, svg(parts, title, summary, height))


def swatch(style: int) -> Markup:
    """A legend's piece of a series."""
    return Markup(
        f'<svg class="swatch s{style % STYLES}" viewBox="0 0 28 12" width="28" height="12" '
        f'aria-hidden="true"><line class="line" x1="1" x2="27" y1="6" y2="6"/>'
        f"{marker(style, 14, 6)}</svg>"
    )


def _drawn(each: Series, to_x: Scale, to_y: Scale) -> list[str]:
    style = each.style % STYLES
    parts = [f'<g class="s{style}"><title>{escape(each.name)}</title>']
    if each.line:
        path, pen = [], "M"
        for x, y in each.points:
            if not (finite(x) and finite(y)):
                pen = "M"
                continue
            path.append(f"{pen}{to_x(x)} {to_y(y)}")
            pen = "L"
        parts.append(f'<path class="line" d="{"".join(path)}"/>')
    for index, (x, y) in enumerate(each.points):
        if not (finite(x) and finite(y)):
            continue
        if each.intervals:
            low, high = each.intervals[index]
            parts.append(
                f'<line class="interval" x1="{to_x(x)}" x2="{to_x(x)}" '
                f'y1="{to_y(low)}" y2="{to_y(high)}"/>'
            )
        if each.dots:
            parts.append(marker(style, to_x(x), to_y(y)))
        if each.reaches and finite(end := each.reaches[index]):
            at = to_y(y)
            parts.append(
                f'<line class="interval" x1="{to_x(x)}" x2="{to_x(end)}" y1="{at}" y2="{at}"/>'
                f'<line class="interval" x1="{to_x(end)}" x2="{to_x(end)}" y1="{short(at - 4)}" '
                f'y2="{short(at + 4)}"/>'
            )
    return [*parts, "</g>"]


def _labels(series: Sequence[Series], to_x: Scale, to_y: Scale, left: float) -> list[str]:
    """Each label at the first place beside its point that is free; with a thread where that is far."""
    dots = [(to_x(x), to_y(y)) for s in series for x, y in s.points if finite(x) and finite(y)]
    # A point is as large as its marker.
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in dots]
    parts = []
    for each in series:
        for label, (x, y) in zip(each.labels, each.points, strict=False):
            if not (label and finite(x) and finite(y)):
                continue
            at, width = (to_x(x), to_y(y)), 6.2 * len(label)
            places = [_beside(*at, width, *place) for place in _PLACES]
            inside = [
                box
                for box in places
                if box[0] >= left and box[2] <= WIDTH and box[1] >= 0 and box[3] <= HEIGHT - _BOTTOM
            ] or places
            box = min(inside, key=lambda box: sum(_meet(box, other) for other in taken))
            taken.append(box)
            if max(abs(box[0] - at[0]), abs(box[3] - at[1])) > 40 + width:
                parts.append(
                    f'<line class="grid" x1="{at[0]}" y1="{at[1]}" x2="{short((box[0] + box[2]) / 2)}" '
                    f'y2="{short(box[3])}"/>'
                )
            parts.append(
                f'<text class="tick" x="{short(box[0])}" y="{short(box[3] - 2.5)}">{escape(label)}</text>'
            )
    return parts


_Box = tuple[float, float, float, float]  # left, top, right, bottom
# (to the right, down) of a point, as shares of a label's width and of its height; the nearest first.
_PLACES = [
    (across, down * ring) for ring in (1, 2, 3, 4) for down in (-1, 1) for across in (-1, 1, 0)
]


def _beside(x: float, y: float, width: float, across: float, down: float) -> _Box:
    start = x - 7 - width if across < 0 else x + 7 if across > 0 else x - width / 2
    top = y + (7 + 12 * (down - 1) if down > 0 else -7 - 12 + 12 * (down + 1))
    return start, top, start + width, top + 12


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _axes(
    xs: tuple[float, float],
    ys: tuple[float, float],
    to_x: Scale,
    to_y: Scale,
    left: float,
    x_name: str,
    y_name: str,
    counts: bool,
) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for y in ticks(ys):
        parts.append(
            f'<line class="grid" x1="{short(left)}" x2="{right}" y1="{to_y(y)}" y2="{to_y(y)}"/>'
            f'<text class="tick" x="{short(left - 5)}" y="{to_y(y) + 4}" text-anchor="end">'
            f"{tick(y)}</text>"
        )
    for x in ticks(xs, count=4):
        if counts and x != round(x):
            continue
        parts.append(
            f'<text class="tick" x="{to_x(x)}" y="{bottom + 15}" text-anchor="middle">{tick(x)}</text>'
        )
    parts.append(
        f'<line class="axis" x1="{short(left)}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
    )
    parts.append(
        f'<text class="axis-name" x="{short((left + right) / 2)}" y="{HEIGHT - 5}" text-anchor="middle">'
        f"{escape(x_name)}</text>"
        f'<text class="axis-name" transform="translate(11 {(_TOP + bottom) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_name)}</text>'
    )
    return parts
