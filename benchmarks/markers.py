"""Pages whose tables stand between two markers, and are written by a command."""

from __future__ import annotations

from pathlib import Path


def fill(page: Path, begin: str, end: str, section: str) -> None:
    """Puts a section, its markers with it, in the place of the one that is there.

    Raises:
        ValueError: if the page has no markers.
    """
    text = page.read_text()
    if begin not in text or end not in text:
        raise ValueError(f"{page.name} needs the lines {begin!r} and {end!r} around its tables")
    before, after = text.partition(begin)[0], text.partition(end)[2]
    page.write_text(f"{before}{section}{after}")
