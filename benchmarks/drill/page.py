"""What the drill found, as a page."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Iterator

from benchmarks.drill.drill import Drill
from benchmarks.drill.kills import Kill, shown, text_of

_MUST_NOT = {
    "half": "versions that a model server could load and that were not whole",
    "unblessed": "versions of models that no gate had passed",
    "double_pushes": "versions that were the model of the version before",
    "lost": "models that were pushed without an attempt in the ledger",
    "double_attempts": "questions to the test split that were counted twice",
    "damaged": "entries of the ledger that could not be read, or were missing",
    "failed": "runs that did not go on to their end",
    "unmade": "data that were not made whole, or of which half was left beside them",
    "differing": "verdicts that were not those of the undisturbed run, to the last digit",
}
_MUST_NOT_FULL = {
    "untold": "ends other than status 1 and a sentence that names the place and the way out",
    **_MUST_NOT,
}
_KINDS = {
    "named": "right before a line of source that has a name",
    "drawn": "right before a line that was drawn",
    "moment": "at a random moment of a step",
}


def text(drill: Drill, seconds: float) -> str:
    """Markdown: how often it was killed, where, and what was found."""
    return "\n".join(_lines(drill, seconds)) + "\n"


def _lines(drill: Drill, seconds: float) -> Iterator[str]:
    runs, parts = drill.kills["runs"], drill.kills["parts"]
    if runs or parts:
        yield from _killed(drill, runs, parts, seconds)
    if drill.kills["full"]:
        yield ""
        yield from _full(drill, drill.kills["full"], seconds)
    for sentence in drill.found.told:
        yield ""
        yield sentence


def _full(drill: Drill, full: list[Kill], seconds: float) -> Iterator[str]:
    yield "## Disks that were full"
    yield ""
    yield (
        f"{datetime.date.today()}, {os.cpu_count()} cores, {seconds / 60:.0f} minutes: a small disk that "
        f"held a whole run, its serving folder, the ledger and temporary files became full {len(full):,} "
        f"times; {drill.in_spite:,} times what was left to do needed no room. Room was made each time, "
        "and the same command given again, to its end. Made by `make drill`."
    )
    yield ""
    yield from _table(
        "found", {said: getattr(drill.found, n) for n, said in _MUST_NOT_FULL.items()}
    )
    yield ""
    yield from _table(
        "full in the step, or during the command", Counter(each.stage for each in full)
    )
    yield ""
    yield from _table("right before", dict(sorted(_named(full).items())))


def _killed(drill: Drill, runs: list[Kill], parts: list[Kill], seconds: float) -> Iterator[str]:
    yield "# Runs that were killed"
    yield ""
    yield (
        f"{datetime.date.today()}, {os.cpu_count()} cores, {seconds / 60:.0f} minutes: "
        f"{len(runs) + len(parts):,} times `kill -9`, {drill.at_once:,} of them while two pipelines "
        "were at work at once on one serving folder, or two commands made the same data. Of the making "
        "of data, the attempt and the push alone, with files in the place of a model, were "
        f"{len(parts):,}; they were done {drill.ended['parts']:,} times in the end. "
        + (
            f"Of whole runs were {len(runs):,}; {drill.ended['runs']:,} went on to their end. "
            if runs
            else "No whole run was killed this time (`--runs 0`). "
        )
        + "Made by `make drill`; `python -m benchmarks.drill --help` says what it does."
    )
    yield ""
    found = {n: said for n, said in _MUST_NOT.items() if runs or n != "differing"}
    yield from _table("found", {said: getattr(drill.found, n) for n, said in found.items()})
    yield ""
    kinds = Counter(kill.kind for kill in [*runs, *parts])
    yield from _table("killed", {said: kinds[kind] for kind, said in _KINDS.items()})
    for title, some in (("a whole run, in the step", runs), ("alone", parts)):
        if some:
            yield ""
            yield from _table(title, Counter(kill.stage for kill in some))
    yield ""
    yield from _table("right before", dict(sorted(_named([*runs, *parts]).items())))


def _named(some: list[Kill]) -> Counter[str]:
    return Counter(
        f"{shown(kill.file)}: `{text_of(kill.file, kill.line)}`"
        for kill in some
        if kill.kind == "named"
    )


def _table(title: str, counts: dict[str, int]) -> Iterator[str]:
    yield f"| {title} | times |"
    yield "|---|---:|"
    for name, count in counts.items():
        cell = name.replace("|", "\\|")
        yield f"| {cell} | {count:,} |"
