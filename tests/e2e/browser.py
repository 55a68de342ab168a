"""A browser for tests of pages, and how the Fairness Indicators element is read in it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest


@contextlib.contextmanager
def launch() -> Iterator[Any]:
    """Chromium as the system has it; skips the test where there is none."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container's root has no sandbox to put it in; the pages are ours.
        running = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield running
        running.close()


def shown_rates(indicators: Any) -> dict[str, list[str]]:
    """Slice -> the numbers of the element's table at false positive rate: baseline, constrained.

    Args:
      indicators: the element's frame.
    """
    from playwright.sync_api import expect

    # The element draws its first metric before the gate's is ticked.
    board = indicators.locator("fairness-metrics-table:visible")
    expect(board).to_have_count(1)
    expect(indicators.locator("fairness-metrics-board")).to_contain_text("false_positive_rate")
    names = board.locator(".table-feature-column")
    expect(names).to_have_count(4)  # the heading's, and one for each slice of two groups
    return dict(
        names.evaluate_all(
            """names => names.map(name => [
                name.textContent.trim(),
                [...name.parentElement.querySelectorAll(".table-entry")].map(
                    entry => entry.textContent.trim())])"""
        )
    )


def require_rates_of(verdict: dict[str, Any], shown: dict[str, list[str]]) -> None:
    """Asserts that the numbers of `shown_rates` are a verdict's, for everybody and both teams."""
    for name, of in (("Overall", None), ("Team:Red", "Red"), ("Team:Blue", "Blue")):
        for number, model in zip(shown[name][:2], ("baseline", "constrained"), strict=True):
            result = verdict["models"][model]
            fpr = (result if of is None else result["groups"][of])["fpr"]
            # The element shows three digits.
            assert float(number) == pytest.approx(fpr, abs=5.1e-4), (name, model)
