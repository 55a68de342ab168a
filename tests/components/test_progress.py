"""Reports of progress reach whoever listens, and the log when nobody does."""

from __future__ import annotations

import pytest
from absl import logging

from components import progress


@pytest.fixture
def logged(monkeypatch):
    lines = []
    monkeypatch.setattr(logging, "info", lambda text, *values: lines.append(text % values))
    return lines


def test_a_listener_hears_every_report_and_the_log_none(logged):
    heard = []
    with progress.listening(lambda *report: heard.append(report)):
        progress.report(1, 10, "reading")
        progress.report(2, 0, "of unknown length")
    assert heard == [(1, 10, "reading"), (2, 0, "of unknown length")] and logged == []


def test_without_a_listener_reports_go_to_the_log(logged):
    progress.report(3, 10, "steps")
    assert logged == ["3/10 steps"]


def test_a_listener_hears_nothing_after_its_context_even_after_an_error(logged):
    heard = []
    with pytest.raises(RuntimeError), progress.listening(lambda *report: heard.append(report)):
        raise RuntimeError
    progress.report(1, 1, "late")
    assert heard == [] and logged == ["1/1 late"]


def test_listeners_inside_one_another_all_hear(logged):
    outer, inner = [], []
    with progress.listening(lambda *report: outer.append(report)):
        with progress.listening(lambda *report: inner.append(report)):
            progress.report(1, 2, "both")
        progress.report(2, 2, "outer")
    assert (len(outer), len(inner)) == (2, 1)


def test_what_a_part_took_reaches_a_timer_or_the_log(logged):
    heard = []
    with progress.listening(lambda *report: None, lambda *time: heard.append(time)):
        progress.took("compiling", 2.5)
    progress.took("compiling", 0.04)
    assert heard == [("compiling", 2.5)] and logged == ["compiling took 0.0 s"]
