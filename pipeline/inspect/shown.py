"""What a notebook cell can end with: tables, charts, interactive elements, pictures, sentences.

Everything is HTML that holds its own data and fetches nothing. Charts are pictures (an `img` of SVG), so
that neither JupyterLab's style sheet nor its sanitizer changes them.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fairgate.report import charts as report_charts
from fairgate.report import pages
from fairgate.report.charts import Chart
from fairgate.visible import visible

_WIDTH = 360  # of a chart [pixels]


def escape(text: str) -> str:
    """For markup, as it is shown."""
    return html.escape(visible(text))


class Table(pd.DataFrame):
    """A DataFrame that is shown with four digits, thousands and a caption, and without its index.

    Rows that repeat the first column's value leave it blank.
    """

    _metadata = ("caption",)
    caption = ""

    @property
    def _constructor(self) -> Callable[..., Table]:
        return Table

    def captioned(self, caption: str) -> Table:
        """This table, named."""
        self.caption = caption
        return self

    def _repr_html_(self) -> str:
        head = "".join(f"<th{_side(self[name])}>{escape(str(name))}</th>" for name in self.columns)
        body, before = [], None
        for row in self.itertuples(index=False, name=None):
            cells = [_cell(value) for value in row]
            if cells and cells[0] == before and len(cells) > 1:
                cells[0] = ""
            else:
                before = cells[0] if cells else None
            body.append(
                "<tr>"
                + "".join(
                    f"<td{_side(self[name])}>{cell}</td>"
                    for name, cell in zip(self.columns, cells, strict=True)
                )
                + "</tr>"
            )
        caption = f"<caption {_CAPTION}>{escape(self.caption)}</caption>" if self.caption else ""
        return (
            f'<div style="overflow-x:auto"><table style="margin:0 0 .8em">{caption}'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        )


_CAPTION = (
    'style="caption-side:top;text-align:left;font-weight:600;padding:.2em 0;white-space:nowrap"'
)


def _side(column: pd.Series) -> str:
    numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return f' style="text-align:{"right" if numbers else "left"};vertical-align:top"'


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return "–"  # noqa: RUF001
    if isinstance(value, bool):
        return "✓" if value else "✕"
    if isinstance(value, float):
        # Rates are below 2; whole numbers above are counts that came as floats.
        return f"{value:,.0f}" if value >= 2 and value.is_integer() else f"{value:.4f}"
    if isinstance(value, int):
        return f"{value:,}"
    return escape(str(value))


@dataclass(frozen=True)
class Charts:
    """Charts side by side, as the report draws them."""

    charts: Sequence[Chart] = field(repr=False)
    note: str = ""

    def _repr_html_(self) -> str:
        figures = "".join(_figure(chart) for chart in self.charts)
        note = (
            f'<p style="margin:.2em 0 0;color:#55606e">{escape(self.note)}</p>' if self.note else ""
        )
        return (
            '<div style="background:#fff;color:#1b2430;padding:.6em;max-width:84em">'
            f'<div style="display:flex;flex-wrap:wrap;gap:1em 1.2em">{figures}</div>{note}</div>'
        )


def _figure(chart: Chart) -> str:
    words = re.search(r'aria-label="([^"]*)"', chart.svg)
    legend = "".join(
        f'<span style="margin-right:1.1em;white-space:nowrap"><img alt="" src="{_picture(swatch)}" '
        f'style="vertical-align:middle;display:inline"> {escape(name)}</span>'
        for swatch, name in ((report_charts.swatch(style), name) for style, name in chart.legend)
    )
    below = f'<div style="font-size:.9em">{legend}</div>' if len(chart.legend) > 1 else ""
    return (
        f'<figure style="margin:0;width:{_WIDTH}px;max-width:100%">'
        f'<figcaption style="font-weight:600;margin-bottom:.2em">{escape(chart.title)}</figcaption>'
        f'<img style="width:100%" alt="{words[1] if words else ""}" src="{_picture(chart.svg)}">'
        f"{below}</figure>"
    )


def _picture(svg: str) -> str:
    """An SVG of the report, with the rules that colour it, as the source of an `img`."""
    # Escaped text is Markup, which would escape the tags put in here.
    tag, rest = str(svg).split(">", 1)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', tag)
    assert box is not None
    tag = re.sub(r' (width|height)="\d+"', "", tag)
    size = f'xmlns="http://www.w3.org/2000/svg" width="{box[1]}" height="{box[2]}"'
    alone = f"{tag} {size}><style>{_chart_style()}</style>{rest}"
    return "data:image/svg+xml;base64," + base64.b64encode(alone.encode()).decode()


def _chart_style() -> str:
    """The report's style sheet in its light colours: a picture cannot know what is around it."""
    style = re.sub(r"@media [^{]*\{.*?\n\}\n", "", pages.style(), flags=re.DOTALL)
    # The colours, and from the first rule of a drawing to the last: each picture has them all.
    colours, drawing = style[: style.index("* {")], style[style.index("svg.chart") :]
    style = colours + drawing[: drawing.index(".against")]
    style = style.replace("color-scheme: light dark;", "color-scheme: light;")
    style += "svg,svg.chart{width:auto;max-width:none;font-family:system-ui,sans-serif}"
    return style.replace("&", "&amp;").replace("<", "&lt;")


@dataclass(frozen=True)
class Element:
    """One of the report's interactive elements, in a frame that can reach nothing.

    The frame holds the element's own document: TFMA's and TFDV's widgets draw nothing in JupyterLab 4.
    """

    title: str
    document: str = field(repr=False)
    height: int = 960

    def _repr_html_(self) -> str:
        if not self.document:
            return (
                f"<p>{escape(self.title)}: the package that has this element is not installed.</p>"
            )
        return (
            f'<div><iframe title="{escape(self.title)}" sandbox="allow-scripts" '
            f'style="width:100%;height:{self.height}px;border:1px solid #d5dbe1;background:#fff" '
            f'srcdoc="{html.escape(self.document)}"></iframe></div>'
        )


@dataclass(frozen=True)
class Pictures:
    """Pictures with a line or two below each, in named rows.

    Attributes:
      rows: (name, [(JPEG in base64, caption)]).
    """

    rows: Sequence[tuple[str, Sequence[tuple[str, str]]]] = field(repr=False)

    def _repr_html_(self) -> str:
        parts = []
        for name, pictures in self.rows:
            shown = "".join(
                f'<figure style="margin:0;width:84px"><img alt="{escape(f"{name}: {caption}")}" '
                f'style="width:84px;border-radius:4px" src="data:image/jpeg;base64,{jpeg}">'
                '<figcaption style="font-size:.8em;line-height:1.25;white-space:pre-line">'
                f"{escape(caption)}</figcaption></figure>"
                for jpeg, caption in pictures
            )
            parts.append(
                f'<div style="margin:.7em 0 .2em;font-weight:600">{escape(name)}</div>'
                f'<div style="display:flex;flex-wrap:wrap;gap:.6em">{shown}</div>'
            )
        return "".join(parts)


@dataclass(frozen=True)
class Banner:
    """A verdict: what came out, in one sentence, and facts below it."""

    outcome: str
    good: bool
    sentence: str
    facts: Sequence[tuple[str, str]] = ()

    def _repr_html_(self) -> str:
        edge, ground = ("#17693f", "#e7f5ec") if self.good else ("#a3221b", "#fdeceb")
        facts = "".join(
            f'<span style="margin-right:1.6em"><span style="color:#55606e">{escape(name)}:</span> '
            f"{escape(value)}</span>"
            for name, value in self.facts
        )
        return (
            f'<div style="border-left:6px solid {edge};background:{ground};color:#1b2430;'
            'padding:.7em 1em;border-radius:3px;max-width:60em">'
            f'<div style="color:{edge};font-weight:700;letter-spacing:.04em">'
            f"{'✓' if self.good else '✕'} {escape(self.outcome.upper())}</div>"
            f'<div style="font-size:1.2em;line-height:1.4;margin:.15em 0 .35em">'
            f"{escape(self.sentence)}</div><div>{facts}</div></div>"
        )


@dataclass(frozen=True)
class Sentences:
    """Sentences, one below the other; or what to say where there is none."""

    sentences: Sequence[str]
    otherwise: str = ""

    def _repr_html_(self) -> str:
        if not self.sentences:
            return f"<p>{escape(self.otherwise)}</p>"
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
        return f'<ul style="max-width:60em">{items}</ul>'
