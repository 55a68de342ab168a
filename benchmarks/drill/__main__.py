"""Kills runs of a small pipeline again and again, and looks what they leave: all counts must be 0.

python -m benchmarks.drill [--kills 60] [--runs 30] [--full 30] [--seed 0] [--at "FILE: TEXT"]
                           [--minutes 60] [--output FILE]

Whole runs are killed from nothing to the push, of one pipeline and of two at once, and two trained
pipelines that push again and again at once; each run that was killed is gone on with, to the next kill.
The other kills are of parts alone, seconds for each: the same data made by two commands at once, and the
attempt and the push of two pipelines at once on one ledger and one serving folder, with files in the
place of a model. A third comes right before a line of source that has a name, a third before one that is
drawn of those that an undisturbed run goes through, and a third at a random moment.

With --full, a whole run, the making of data and all other commands that write lie on a small disk (in
memory, mounted in a namespace of the drill's own) that becomes full at the beginning of each step, right
before a line with a name, or one that is drawn. Each must say so in a sentence, with exit status 1; then
room is made, and the same command is given again until it is done. The exit status is 1 if anything was
found.
"""

from __future__ import annotations

import argparse
import functools
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.drill import disk, full, kills, page
from benchmarks.drill.drill import Drill

# Kills of one pipeline on its way from nothing to the push.
_OF_A_CHAIN = 40
# Shares of the kills of parts that are of data; of those of whole runs that are of two that push.
_OF_DATA, _OF_ROUNDS = 0.1, 0.2
_MEGABYTES = 64  # of the disk that becomes full


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drill", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, metavar="NUMBER")
    parser.add_argument("--runs", type=int, metavar="NUMBER", help="of them of whole runs (half)")
    parser.add_argument(
        "--full", type=int, default=30, metavar="NUMBER", help="full disks of a run (30); 0: none"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="NUMBER")
    parser.add_argument(
        "--at", action="append", metavar="FILE: TEXT", help="lines in the place of those with names"
    )
    parser.add_argument("--minutes", type=float, default=24 * 60, help="ends when they are over")
    parser.add_argument(
        "--work", type=Path, help="folder for all that is made (default: a new one)"
    )
    parser.add_argument("--output", type=Path, help="a Markdown file for what was found")
    options = parser.parse_args()
    of_runs = options.kills // 2 if options.runs is None else options.runs
    if 0 < options.kills < 6 or not options.kills >= of_runs >= 0:
        parser.error("--kills must be 0 or at least 6, and --runs no more than that")
    for name in options.at or ():
        try:
            kills.require_there(name)
        except ValueError as error:
            parser.error(f"--at {error}")
    if options.full:
        if not disk.may_mount():
            parser.error(
                "--full: this machine lets nobody mount in a namespace of their own (unshare --user "
                "--mount): use another one, or give --full 0"
            )
        disk.enter(["-m", "benchmarks.drill", *sys.argv[1:]])
    work = options.work or Path(tempfile.mkdtemp(prefix="fairgate-drill-"))
    work.mkdir(parents=True, exist_ok=True)
    _say(f"in {work}")
    began = time.monotonic()
    until = began + 60 * options.minutes
    drill = Drill(work, random.Random(options.seed), until, options.at or kills.NAMED, _say)
    text = ""
    for _ in _phases(drill, of_runs, options.kills - of_runs, options.full):
        text = page.text(drill, time.monotonic() - began)
        if options.output is not None:
            options.output.write_text(text, encoding="utf-8")
    print(text)
    return 1 if drill.found.told else 0


def _phases(drill: Drill, of_runs: int, of_parts: int, of_full: int) -> Iterator[None]:
    """The drill, part by part, so that what was found is there whenever it is stopped."""
    drill.data(round(_OF_DATA * of_parts))
    yield
    if of_runs or of_full:
        _say("two undisturbed runs first")
        drill.prepare()
        _say("they are there")
    if of_full:
        small = disk.Disk(drill.work / "small", _MEGABYTES)
        for phase in (full.data, functools.partial(full.run, count=of_full), full.commands):
            phase(drill, small)
            yield
    if not of_runs:
        drill.parts(of_parts - len(drill.kills["parts"]))
        yield
        return
    number, of_chains = 0, round((1 - _OF_ROUNDS) * of_runs)
    while (left := of_chains - len(drill.kills["runs"])) > 0 and time.monotonic() < drill.until:
        number += 1
        pipelines = 1 + number % 2
        drill.chain(number, pipelines, max(6, min(left, pipelines * _OF_A_CHAIN)))
        yield
        # As far with the parts as with the whole runs.
        due = round(of_parts * len(drill.kills["runs"]) / of_runs)
        drill.parts(due - len(drill.kills["parts"]))
        yield
    drill.rounds(of_runs - len(drill.kills["runs"]))
    yield
    drill.parts(of_parts - len(drill.kills["parts"]))
    yield


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
