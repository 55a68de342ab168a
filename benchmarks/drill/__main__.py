"""Kills runs of a small pipeline again and again, and looks what they leave: all counts must be 0.

python -m benchmarks.drill [--kills 60] [--seed 0] [--at "FILE: TEXT"] [--minutes 60] [--output FILE]

Half of the kills are of the attempt and the push alone, of two pipelines at once on one ledger and one
serving folder, with files in the place of a model: seconds for each. The others are of whole runs: from
nothing to the push, of one pipeline and of two at once, and of two trained pipelines that push again and
again at once. A third comes right before a line of source that has a name, a third before one that is
drawn of those that an undisturbed run goes through, and a third at a random moment. --parts-only leaves
whole runs out. The exit status is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.drill import kills, page
from benchmarks.drill.drill import Drill

_OF_A_CHAIN = 24


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drill", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, metavar="NUMBER")
    parser.add_argument("--seed", type=int, default=0, metavar="NUMBER")
    parser.add_argument(
        "--at", action="append", metavar="FILE: TEXT", help="lines in the place of those with names"
    )
    parser.add_argument("--minutes", type=float, default=24 * 60, help="ends when they are over")
    parser.add_argument(
        "--work", type=Path, help="folder for all that is made (default: a new one)"
    )
    parser.add_argument("--output", type=Path, help="a Markdown file for what was found")
    parser.add_argument("--parts-only", action="store_true", help="leaves whole runs out")
    options = parser.parse_args()
    if options.kills < 6:
        parser.error("--kills must be at least 6")
    work = options.work or Path(tempfile.mkdtemp(prefix="fairgate-drill-"))
    work.mkdir(parents=True, exist_ok=True)
    _say(f"in {work}")
    began = time.monotonic()
    until = began + 60 * options.minutes
    drill = Drill(work, random.Random(options.seed), until, options.at or kills.NAMED, _say)
    text = ""
    for _ in _phases(drill, options.kills, options.parts_only):
        text = page.text(drill, time.monotonic() - began)
        if options.output is not None:
            options.output.write_text(text, encoding="utf-8")
    print(text)
    return 1 if drill.found.told else 0


def _phases(drill: Drill, count: int, parts_only: bool) -> Iterator[None]:
    """The drill, part by part, so that what was found is there whenever it is stopped."""
    of_runs = 0 if parts_only else count - count // 2
    drill.parts(count - of_runs)
    yield
    if parts_only:
        return
    _say("two undisturbed runs first")
    drill.prepare()
    _say("they are there")
    half_time = (time.monotonic() + drill.until) / 2
    number = 0
    while len(drill.kills["runs"]) < of_runs // 2 and time.monotonic() < half_time:
        number += 1
        some = min(_OF_A_CHAIN, of_runs // 2 - len(drill.kills["runs"]))
        drill.chain(number, pipelines=1 + number % 2, count=max(some, 6))
        yield
    drill.rounds(of_runs - len(drill.kills["runs"]))
    yield


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
