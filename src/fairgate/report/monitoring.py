"""What a monitor has seen over time, as a page that opens offline."""

from __future__ import annotations

import math

import fairgate
from fairgate.constraints.expressions import Constraint
from fairgate.gate import words
from fairgate.monitoring.monitor import Alarm, Monitor
from fairgate.monitoring.sentences import sentence
from fairgate.report import charts
from fairgate.report.charts import Chart, Series
from fairgate.report.pages import PAGES, style

_STRETCHES = 25
"""Points of a line of measured values: of more, each would be of few records and tell little."""


def monitor_page(monitor: Monitor, title: str) -> str:
    """The monitor as HTML: how each constraint stands, its e-value and its value over time.

    Args:
      monitor: what has been watched.
      title: where the records came from.
    """
    return PAGES.get_template("monitor.html.j2").render(
        broken=bool(monitor.alarms),
        sentence=sentence(monitor),
        title=title,
        records=monitor.records,
        left_out=sorted(monitor.left_out.items()),
        confidence=words.percent(monitor.confidence),
        rows=[
            {
                "constraint": row.constraint,
                "value": row.value,
                "bound": row.bound,
                "limit": row.limit,
                "sense": "≥" if ">=" in row.constraint else "≤",
                "e_value": f"{row.e_value:.2f}" if row.e_value < 1000 else f"{row.e_value:.1e}",
                "needed": f"{row.needed:g}",
                "record": row.alarm.record if row.alarm else None,
            }
            for row in monitor.watched()
        ],
        charts=[_evidence(monitor), *_values(monitor)],
        style=style(),
        version=fairgate.__version__,
    )


def _evidence(monitor: Monitor) -> Chart | None:
    history, needed = monitor.history, monitor.needed
    series = [
        Series(
            words.short(str(constraint)),
            [
                (record, logs[index] / math.log(10))
                for record, logs in zip(history.records, history.log_e_values, strict=True)
            ],
            style=index + 1,
        )
        for index, constraint in enumerate(monitor.constraints)
    ]
    return charts.lines(
        "Evidence that the promise is broken",
        series,
        "records",
        "log10 of the e-value",
        f"the alarm is at {needed:g}, the dashed line",
        level=math.log10(needed),
    )


def _values(monitor: Monitor) -> list[Chart | None]:
    alarms = {alarm.constraint: alarm for alarm in monitor.alarms}
    stretches = monitor.history.stretches(_STRETCHES)
    drawn = []
    for index, constraint in enumerate(monitor.constraints):
        points = [(record, _known(constraint.value(counts))) for record, counts in stretches]
        alarm = alarms.get(str(constraint))
        drawn.append(
            charts.lines(
                f"{words.short(str(constraint))}, stretch by stretch",
                [Series("as measured", points, style=index + 1)],
                "records",
                "value",
                _summary(constraint, alarm),
                level=constraint.limit,
                vertical=[(alarm.record, index + 1)] if alarm else (),
            )
        )
    return drawn


def _summary(constraint: Constraint, alarm: Alarm | None) -> str:
    shown = f"; the alarm was at record {alarm.record:,}" if alarm else ""
    return f"measured over the records up to each point; the limit is {constraint.limit:g}{shown}"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
