"""Runs the snippets and the commands of a page in order, and finds what it says that they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FAIRGATE = Path(sys.executable).parent / "fairgate"
ENVIRONMENT = {
    "PATH": f"{FAIRGATE.parent}:{os.defpath}",
    "PYTHONPATH": str(REPOSITORY / "src"),  # this checkout, whatever is installed
    "HOME": tempfile.gettempdir(),
    "COLUMNS": "80",
    "LANG": "C.UTF-8",
}
BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*\n)(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """What the page says is printed, and where that stands."""

    what: str
    start: int
    end: int
    output: str


def ran(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )


def run_python(code: str, folder: Path) -> str:
    """What a snippet prints."""
    file = folder / "snippet.py"
    file.write_text(code)
    done = ran([sys.executable, str(file)], folder)
    assert done.returncode == 0, f"{code}\n{done.stdout}"
    return done.stdout


def played(text: str, folder: Path, torch: bool = False) -> Iterator[tuple[Shown, str]]:
    """Runs snippets and commands in order; yields what is shown, and what was printed.

    Args:
      text: of the page.
      folder: where to run them.
      torch: whether to run the snippets that import torch, or all the others.
    """
    printed, status = None, 0
    for block in BLOCK.finditer(text):
        code = block["text"]
        if block["kind"] == "python":
            if named := re.match(r"# (\w+\.py)\n", code):
                (folder / named[1]).write_text(code)
            elif ("import torch" in code) == torch:
                printed = (code, run_python(code, folder))
                continue
        elif not block["kind"] and printed is not None and not code.startswith("$ "):
            yield Shown(printed[0], block.start("text"), block.end("text"), code), printed[1]
        elif code.startswith("$ ") and not torch:
            for found in _COMMAND.finditer(code):
                command = found["command"]
                if command == "echo $?\n":
                    output = f"{status}\n"
                else:
                    done = ran(["bash", "-c", command], folder)
                    output, status = done.stdout, done.returncode
                start = block.start("text") + found.start("output")
                yield Shown(command, start, start + len(found["output"]), found["output"]), output
        printed = None


def tidy(output: str) -> str:
    """Without what no reader sees: spaces at the ends of lines, and empty lines at the end."""
    lines = [line.rstrip() for line in output.rstrip().splitlines()]
    return "".join(f"{line}\n" for line in lines)
