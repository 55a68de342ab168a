"""One constraint as a picture: the limit, and how far from it value and bound are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairgate.report.charts import Chart
from fairgate.report.drawing import (
    STYLES,
    WIDTH,
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

_LEFT, _RIGHT, _STEP = 10, 14, 34


@dataclass(frozen=True)
class Measured:
    """A model under the constraint.

    Attributes:
      name: of the model or the run.
      style: of its colour and marker.
      value: as measured; None: not known.
      bound: the confidence bound on the side that could break the limit; None: not known.
      limit: its own; None: that of the picture.
    """

    name: str
    style: int
    value: float | None
    bound: float | None
    limit: float | None = None


def against(
    title: str, rows: Sequence[Measured], limit: float, is_upper: bool, confidence: str
) -> Chart | None:
    """Values, the bounds that they reach to, and the limit; None where nothing is known.

    Args:
      title: the constraint in words.
      rows: what is held against the limit, one below the other.
      limit: of the constraint.
      is_upper: whether the limit is not to be exceeded, or not to be fallen below.
      confidence: of the bounds, such as "95%".
    """
    numbers = [x for row in rows for x in (row.value, row.bound) if finite(x)]
    if not numbers:
        return None
    limits = [limit] + [row.limit for row in rows if row.limit is not None]
    low, high = padded([*numbers, *limits])
    # The whole way from nothing is seen where that is not far.
    high += 0.08 * (high - low)
    ends = (0.0, high) if 0 <= low < 0.6 * high else (low, high)
    to_x = scale(ends, _LEFT, WIDTH - _RIGHT)
    top, bottom = 20, 26 + _STEP * len(rows)
    edge = to_x(limit)
    start, width = (to_x(ends[0]), edge - to_x(ends[0])) if is_upper else (edge, to_x(high) - edge)
    parts = [
        f'<rect class="kept" x="{start}" y="{top}" width="{short(width)}" height="{bottom - top}"/>'
    ]
    for x in ticks(ends):
        parts.append(
            f'<line class="grid" x1="{to_x(x)}" x2="{to_x(x)}" y1="{bottom}" y2="{bottom + 4}"/>'
            f'<text class="tick" x="{to_x(x)}" y="{bottom + 16}" text-anchor="middle">{tick(x)}</text>'
        )
    anchor = "end" if edge > WIDTH * 0.7 else "start" if edge < WIDTH * 0.3 else "middle"
    parts.append(
        f'<line class="limit" x1="{edge}" x2="{edge}" y1="{top - 4}" y2="{bottom}"/>'
        f'<text class="name" x="{edge}" y="12" text-anchor="{anchor}">limit {limit:g}</text>'
    )
    for place, row in enumerate(rows):
        y = top + 24 + _STEP * place
        parts.append(
            f'<text class="tick over" x="{_LEFT}" y="{y - 10}">{escape(_said(row))}</text>'
        )
        if not (finite(row.value) or finite(row.bound)):
            continue
        words = _whole(row, is_upper, confidence)
        parts.append(f'<g class="s{row.style % STYLES}"><title>{escape(words)}</title>')
        if finite(row.value) and finite(row.bound):
            x1, x2 = to_x(row.value), to_x(row.bound)
            parts.append(f'<line class="interval" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>')
        if finite(row.bound):
            x2 = to_x(row.bound)
            parts.append(f'<line class="bound" x1="{x2}" x2="{x2}" y1="{y - 6}" y2="{y + 6}"/>')
        if finite(row.value):
            parts.append(marker(row.style, to_x(row.value), y))
        parts.append("</g>")
    sense = "at most" if is_upper else "at least"
    summary = "; ".join(_whole(row, is_upper, confidence) for row in rows)
    return Chart(title, svg(parts, title, f"{sense} {limit:g} is allowed; {summary}", bottom + 22))


def _said(row: Measured) -> str:
    known = f"{row.value:.4f}" if finite(row.value) else "unknown"
    own = "" if row.limit is None else f", limit {row.limit:g}"
    bound = f" → {row.bound:.4f}" if finite(row.bound) else ""
    return f"{cut(row.name, 24)}  {known}{bound}{own}"


def _whole(row: Measured, is_upper: bool, confidence: str) -> str:
    value = f"measured {row.value:.4f}" if finite(row.value) else "not measured"
    side = "at most" if is_upper else "at least"
    known = finite(row.bound)
    bound = f"{side} {row.bound:.4f} with {confidence} confidence" if known else "no bound is known"
    return f"{row.name}: {value}, {bound}"
