"""docs/monitoring.md is true: its snippets run, and its commands print what is shown.

    python -m tests.docs.test_monitoring_page

writes into the page what the snippets and commands print.
"""

from __future__ import annotations

import pytest

from tests.docs.test_judge_page import REPOSITORY, played, require_what_is_shown, write

PAGE = REPOSITORY / "docs/monitoring.md"


@pytest.mark.slow
def test_everything_prints_what_the_page_shows(tmp_path):
    assert require_what_is_shown(played(PAGE.read_text(), tmp_path)) >= 7
    for made in ("monitor.json", "over_time.html", "in_python.json"):
        assert (tmp_path / made).stat().st_size, made


if __name__ == "__main__":
    write(PAGE)
