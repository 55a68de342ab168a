"""What a monitor has found, for people."""

from __future__ import annotations

from fairgate.gate import words
from fairgate.monitoring.monitor import Alarm, Monitor


def alarm_sentence(alarm: Alarm) -> str:
    """An alarm in words: what, since when, how sure."""
    name = words.plain(words.expression_of(alarm.constraint))
    at_least, beyond = ("at least", "over") if "<=" in alarm.constraint else ("at most", "under")
    if alarm.bound is None:
        what = f"{alarm.constraint} is broken"
        piece = alarm.piece.removesuffix(" <= 0")
        measured = f"{piece}, which is to be at most 0, was {alarm.excess:.4f} as measured"
        bound = f"at least {alarm.excess_bound:.4f}"
    else:
        what = f"{name} is {beyond} its limit of {alarm.limit:g}"
        measured = f"it was {words.number(alarm.value)} as measured"
        bound = f"{at_least} {words.number(alarm.bound)}"
    return (
        f"{what[0].upper()}{what[1:]}: shown by record {alarm.record:,}. Since record {alarm.since:,} "
        f"{measured}; with {words.percent(alarm.confidence)} confidence it was {bound}."
    )


def sentence(monitor: Monitor) -> str:
    """How it stands, in words."""
    if monitor.alarms:
        return "The promise is broken. " + " ".join(map(alarm_sentence, monitor.alarms))
    if not monitor.records:
        return "No record was seen yet."
    lines = len(monitor.constraints)
    kept = "that the limit is kept" if lines == 1 else f"that the {lines} limits are kept"
    return (
        f"After {monitor.records:,} records nothing shows that a limit is broken. This does not prove "
        f"{kept}."
    )
