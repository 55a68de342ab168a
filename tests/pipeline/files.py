"""Files that tests hand to the pipeline."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, text: str) -> str:
    """Writes a file and returns its path, as the command line takes it."""
    path.write_text(text)
    return str(path)
