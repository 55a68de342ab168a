"""Snippets of pages that are mostly words print what is shown below them.

    python -m tests.docs.test_snippets choosing_a_constraint.md

writes into a page what its snippets and commands print.
"""

from __future__ import annotations

import sys

import pytest

from tests.docs.test_judge_page import REPOSITORY, played, require_what_is_shown, write

PAGES = {"choosing_a_constraint.md": 1}
"""Page -> how many outputs it shows, at least."""


@pytest.mark.parametrize("page", PAGES)
def test_everything_prints_what_the_page_shows(page, tmp_path):
    found = played((REPOSITORY / "docs" / page).read_text(), tmp_path)
    assert require_what_is_shown(found) >= PAGES[page]


if __name__ == "__main__":
    write(REPOSITORY / "docs" / sys.argv[1])
