"""The notebooks with what they put out, as pages of the site: docs/executed/.

    make figures ARGS="--notebooks"     # on the runs that were made for docs/command_line.md

Interactive elements, of a megabyte each, and photographs are left out; a notebook of one's own has them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures.playing import REPOSITORY

FOLDER = Path("docs/executed")
RUNS = REPOSITORY / "build/figures/command_line/runs"
EXECUTED: dict[str, tuple[str, dict[str, str]]] = {
    "1_inspect_a_run": ("pushed", {}),
    "3_why_blocked": ("blocked", {"change": ""}),  # which runs nothing anew
}
"""Notebook -> which of the runs of docs/command_line.md it is about, and further parameters."""

_LEFT_OUT = "*An interactive element or photographs, which are not on this page.*"
_ELEMENT = re.compile(r"<iframe\b|data:image/jpeg")


def make(runs: Mapping[str, str]) -> None:
    """Executes the notebooks and writes their pages.

    Args:
      runs: name -> `<pipeline>/<run id>` below `RUNS`.

    Raises:
      subprocess.CalledProcessError: a cell failed.
    """
    with tempfile.TemporaryDirectory() as name:
        for notebook, (run, parameters) in EXECUTED.items():
            file = Path(name) / f"{notebook}.ipynb"
            given = {"run": str(RUNS / runs[run]), "runs": str(RUNS)} | parameters
            told = [word for key, value in given.items() for word in ("-r", key, value)]
            command = [sys.executable, "-m", "papermill", f"{notebook}.ipynb", str(file), *told]
            subprocess.run(command, cwd=REPOSITORY / "notebooks", check=True)
            page = REPOSITORY / FOLDER / f"{notebook}.md"
            page.parent.mkdir(exist_ok=True)
            text = "\n\n".join(parts(json.loads(file.read_text()), notebook))
            page.write_text(text.replace(str(RUNS.parent), ".") + "\n")


def parts(notebook: Mapping[str, Any], name: str) -> Iterator[str]:
    """The cells of an executed notebook as Markdown, the heading first; not its parameters."""
    first = True
    for cell in notebook["cells"]:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            yield source
            if first:
                yield (
                    f"*This is `notebooks/{name}.ipynb`, executed by `make figures` on a run of "
                    "[the command line](../command_line.md)'s page. The data are synthetic.*"
                )
                first = False
        elif "injected-parameters" not in cell.get("metadata", {}).get("tags", []):
            yield f"```python\n{source}\n```"
        for output in cell.get("outputs", []):
            if shown := _shown(output):
                yield shown


def _shown(output: Mapping[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        html = "".join(data["text/html"])
        if _ELEMENT.search(html):
            return _LEFT_OUT
        # A blank line would end the HTML for Markdown.
        return re.sub(r"\n\s*\n", "\n", html).strip()
    text = "".join(data.get("text/plain", "") or output.get("text", "")).rstrip()
    return f"```\n{text}\n```" if text and output.get("name") != "stderr" else ""
