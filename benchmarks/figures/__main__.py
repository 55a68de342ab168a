"""Measures the figures of the first page, and writes what measured them onto all pages."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks import figures as package
from benchmarks.figures import notebooks, pages, pictures, transcripts

FIRST, TIMES = "README.md", "docs/pipeline.md"
TOLD = {"docs/tour.md": transcripts.tour, "docs/command_line.md": transcripts.command_line}
"""Page -> what does in a folder what it tells."""
SAME = {"docs/reading_a_block.md": "docs/tour.md"}
"""Page -> the page whose output it shows, too."""
FOLDER = Path("build/figures")
_SHOWN = ("blessed", "pushed", "pushed_model", "outcome", "gate", "models", "reasons")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--run", type=Path, help="the folder of a default run, which is taken as it is"
    )
    which.add_argument("--measured", help="a page whose figures its own command has just written")
    which.add_argument("--pages", action="store_true", help="only writes the pages")
    which.add_argument("--page", choices=TOLD, help="a page that tells a story, which is done anew")
    which.add_argument("--pictures", action="store_true", help="only makes the pictures")
    which.add_argument("--notebooks", action="store_true", help="only executes the notebooks")
    given = parser.parse_args(arguments)
    every = not any(vars(given).values())
    if given.measured:
        keep(given.measured, {})
    for page in TOLD if every else [given.page] if given.page else []:
        tell(page)
    report = None
    if every or given.run:
        run = given.run or default_run()
        of_run(run)
        report = run / "report.html"
    pages.write()
    if every or given.notebooks:
        notebooks.make(pages.read()["docs/command_line.md"]["runs"])
    if every or given.run or given.pictures:
        pictures.make(report)


def of_run(run: Path) -> None:
    """Keeps the figures and the times of a default run."""
    verdict = json.loads((run / "verdict.json").read_text())
    if verdict["pushed_model"]:  # as `make run` says it, whose folder is the repository
        verdict["pushed_model"] = verdict["pushed_model"].removeprefix(f"{FOLDER}/")
    keep(FIRST, {"verdict": {name: verdict[name] for name in _SHOWN}})
    if (run / "steps.json").exists():
        keep(TIMES, {"table": pages.times(json.loads((run / "steps.json").read_text()))})


def tell(page: str) -> None:
    """Does what a page tells, and keeps and writes what it shows of that."""
    known = pages.read()[page].get("runs", {})
    found = TOLD[page](FOLDER / Path(page).stem)
    played = found.pop("page", None)
    keep(page, found)
    if played is not None:
        file = pages.REPOSITORY / page
        file.write_text(played(file.read_text(), known))
    for other in (other for other, source in SAME.items() if source == page):
        keep(other, found)


def default_run() -> Path:
    """Runs what `make run` runs, in a folder of its own; returns the folder of the run.

    Raises:
      subprocess.CalledProcessError: the run failed. A block is none.
    """
    places = ["--set", f"runs={FOLDER / 'runs'}", "--set", f"serving={FOLDER / 'serving'}"]
    ended = subprocess.run(["./fairgate", "run", *places], cwd=pages.REPOSITORY)
    if ended.returncode not in (0, 3):
        ended.check_returncode()
    return max((pages.REPOSITORY / FOLDER / "runs").glob("*/*/verdict.json")).parent


def keep(page: str, found: dict[str, Any]) -> None:
    """Writes into measured.json what was found for a page, and when and on what."""
    measured = pages.read()
    if page not in measured:
        raise SystemExit(
            f"{page} has no figures in {pages.MEASURED.name}: add its command there first"
        )
    measured[page] |= {
        "date": datetime.date.today().isoformat(),
        "version": importlib.metadata.version("fairgate"),
        "machine": machine(),
    } | found
    pages.MEASURED.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n")


def machine() -> str:
    """What this machine is, without its name."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores ({platform.machine()}) with {memory:.0f} GB of memory"


if __name__ == "__main__":
    main()
