"""Files and folders on the command line: how they are taken, and how shells complete them.

shtab reads what completes an option off it, and is only imported to print a script.
"""

from __future__ import annotations

import argparse


def file() -> dict[str, str]:
    """What completes the name of a file."""
    return {"bash": "_shtab_compgen_files", "zsh": "_files"}


def directory() -> dict[str, str]:
    """What completes the name of a folder."""
    return {"bash": "_shtab_compgen_dirs", "zsh": "_files -/"}


def place(text: str) -> str:
    """A file or a folder, as settings take it."""
    from pipeline import places

    try:
        return places.expanded(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
