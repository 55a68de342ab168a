"""Runs that are killed again and again, alone and two at once on one serving folder, and looked at."""

from __future__ import annotations

import functools
import math
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.drill import checks, kills, victim
from benchmarks.drill.checks import Found, Watcher
from benchmarks.drill.kills import Kill, Lines
from benchmarks.drill.parts import Candidate, Making
from benchmarks.drill.place import Place
from benchmarks.drill.victim import Work

_LOOK = 0.02  # [s] between two looks of the watcher
_NAMES = ("alpha", "beta")
# What two pipelines that share a serving folder meet in, once they are trained.
_MEETING = ("Pusher", "Read verdict")
# Candidates of each pipeline that share a folder, and kills of each.
_TOGETHER, _OF_EACH = 8, 6


@dataclass
class Victim:
    """What is killed, and what is left of its plan.

    Attributes:
      name: of the pipeline.
      folder: for its log, and for what says what killed it.
      work: what it does.
      plan: in the order of its stages.
    """

    name: str
    folder: Path
    work: Work
    plan: list[Kill]
    process: int = 0

    @property
    def told(self) -> Path:
        """Where its process says what killed it."""
        return self.folder / f"{self.name}.told"

    @property
    def log(self) -> Path:
        """All that it printed."""
        return self.folder / f"{self.name}.log"

    def start(self, strike: Callable[[], None] = victim.kill) -> None:
        """Starts it, or starts it again."""
        self.told.unlink(missing_ok=True)
        self.process = victim.start(self.work, self.log, self.plan, self.told, strike)

    def ended(self) -> int | None:
        """Its exit status, -9 where it was killed; None while it goes on."""
        process, status = os.waitpid(self.process, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if process else None

    def killed_by(self) -> Kill | None:
        """What it was killed at; that, and all stages before, are no longer in its plan."""
        if not self.told.exists():
            return None
        number = int(self.told.read_text())
        kill = self.plan[number]
        missed = [each for each in self.plan[:number] if each.stage == kill.stage]
        self.plan = missed + self.plan[number + 1 :]
        return kill


@dataclass
class Drill:
    """The drill.

    Attributes:
      work: folder for all of it.
      draw: what is random.
      until: no kill comes later (`time.monotonic`).
      names: of the lines that are named.
      say: told of each kill.
      found: what must not be.
      kills: each one that came, of whole runs and of parts of them alone; and each disk that became full.
      in_spite: how often something went on to its end on a full disk.
      at_once: how many of them came while two pipelines were at work on one serving folder.
      ended: how often something went on to its end.
    """

    work: Path
    draw: random.Random
    until: float = math.inf
    names: Sequence[str] = kills.NAMED
    say: Callable[[str], None] = print
    found: Found = field(default_factory=Found)
    kills: dict[str, list[Kill]] = field(
        default_factory=lambda: {"runs": [], "parts": [], "full": []}
    )
    at_once: int = 0
    in_spite: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    batches: int = field(default=0, init=False)
    of_parts: tuple[Lines, dict[str, float]] | None = field(default=None, init=False)

    def data(self, count: int) -> None:
        """The same data made by two commands at once, which are killed until `count` kills came."""
        first = Making(self.work / "undisturbed-data", 0)
        lines, seconds = self.undisturbed(first.folder, first.make)
        del lines[victim.START]  # which is that of a run
        whole = first.digest()
        number = 0
        until = len(self.kills["parts"]) + count
        while len(self.kills["parts"]) < until and time.monotonic() < self.until:
            number += 1
            making = Making(self.work / "data", number)
            making.folder.mkdir(exist_ok=True)
            victims = [
                Victim(name, making.folder, making.make, self._plan(lines, seconds, _OF_EACH))
                for name in _NAMES
            ]
            self._kill(victims, None, "parts")
            if making.digest() != whole:
                self.found.add("unmade", f"{making.data} and what lies beside it")

    def parts(self, count: int) -> None:
        """Attempt and push alone, of two pipelines at once, killed until `count` kills came."""
        first = Candidate(self.work / "undisturbed-parts", _NAMES[0], 0)
        if self.of_parts is None:
            self.of_parts = self.undisturbed(first.folder, first.judge_and_push)
            del self.of_parts[0][victim.START]
        until = len(self.kills["parts"]) + count
        while len(self.kills["parts"]) < until and time.monotonic() < self.until:
            self.batches += 1
            folder = self.work / f"parts-{self.batches}"
            folder.mkdir()
            candidates = []
            for number in range(1, _TOGETHER + 1):
                both = [Candidate(folder, name, number) for name in _NAMES]
                candidates += both
                victims = [
                    Victim(
                        each.name,
                        folder,
                        each.judge_and_push,
                        self._plan(*self.of_parts, _OF_EACH),
                    )
                    for each in both
                ]
                self._kill(victims, Watcher(both[0].serving, self.found), "parts")
                if len(self.kills["parts"]) >= until:
                    break
            blessed = [file.name for file in (folder / "blessed").iterdir()]
            checks.served(candidates[0].serving, blessed, self.found)
            models = [each.model for each in candidates]
            checks.ledger(candidates[0].ledger, models, self.found)

    def prepare(self) -> None:
        """Two undisturbed runs: what lines they go through, and which figures they come to."""
        victim.load()
        self.places = [
            Place(self.work / "undisturbed", name, seed).make(self.work / f"data-{seed}")
            for seed, name in enumerate(_NAMES)
        ]
        first, second = self.places
        command = functools.partial(victim.command, first.arguments)
        self.lines, self.seconds = self.undisturbed(first.folder, command)
        # What it has loaded, all that follow have.
        victim.load(first.folder / "undisturbed.told")
        self._end(second)
        self.expected: dict[str, dict[str, Any]] = {
            place.name: place.verdict() for place in self.places
        }

    def chain(self, number: int, pipelines: int, count: int) -> None:
        """Whole runs from nothing to the push, `pipelines` at once, to be killed `count` times in all.

        A run that was killed is gone on with, to the next kill: each costs no more than a step.
        """
        folder = self.work / f"chain-{number}"
        places = [
            Place(folder, place.name, place.seed).make(self.work / f"data-{place.seed}")
            for place in self.places[:pipelines]
        ]
        victims = [
            self._of(place, self._plan(self.lines, self.seconds, count // pipelines))
            for place in places
        ]
        before = len(self.found.told)
        self._kill(victims, Watcher(places[0].serving, self.found), "runs")
        self.look(places)
        if len(self.found.told) == before:
            places[0].remove()

    def rounds(self, count: int) -> None:
        """Two trained pipelines that push into one folder, again and again at once, killed meanwhile."""
        watcher = Watcher(self.places[0].serving, self.found)
        meeting = {stage: self.lines[stage] for stage in _MEETING}
        before = len(self.kills["runs"])
        while len(self.kills["runs"]) - before < count and time.monotonic() < self.until:
            victims = [
                self._of(place, self._plan(meeting, self.seconds, 3)) for place in self.places
            ]
            self._kill(victims, watcher, "runs", again=False)
        for place in self.places:
            self._end(place)
        watcher.look()
        self.look(self.places)

    def _kill(
        self, victims: Sequence[Victim], watcher: Watcher | None, what: str, again: bool = True
    ) -> None:
        """Starts all at once, and each of them `again` when it was killed, until all have ended."""
        for each in victims:
            each.start()
        going = list(victims)
        while going:
            time.sleep(_LOOK)
            if watcher is not None:
                watcher.look()
            for each in list(going):
                status = each.ended()
                if status is None:
                    continue
                killed = each.killed_by() if status == -signal.SIGKILL else None
                if killed is None:  # or by somebody else, who had no business here
                    self.require_well(status, each.log, what)
                    going.remove(each)
                    continue
                self.kills[what].append(killed)
                self.at_once += len(victims) > 1
                self.say(f"{what} {len(self.kills[what])}: {killed.stage}, {killed.place}")
                if again:
                    if time.monotonic() > self.until:
                        each.plan = []  # it goes on to its end
                    each.start()
                else:
                    going.remove(each)
        if watcher is not None:
            watcher.look()

    def _plan(self, lines: Lines, seconds: dict[str, float], count: int) -> list[Kill]:
        return kills.plan(
            lines,
            seconds,
            count,
            self.draw,
            [name for name in self.names if kills.is_met(name, lines)],
        )

    def undisturbed(self, folder: Path, work: Work) -> tuple[Lines, dict[str, float]]:
        folder.mkdir(parents=True, exist_ok=True)
        log, told = folder / "undisturbed.log", folder / "undisturbed.told"
        process = victim.record(work, log, told)
        if status := os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
            raise RuntimeError(f"undisturbed, it ended with status {status}: see {log}")
        return victim.recorded(told)

    def _of(self, place: Place, plan: list[Kill]) -> Victim:
        work = functools.partial(victim.command, place.arguments)
        return Victim(place.name, place.folder, work, plan)

    def _end(self, place: Place) -> None:
        """One run, which nobody kills."""
        last = self._of(place, [])
        last.start()
        status = os.waitstatus_to_exitcode(os.waitpid(last.process, 0)[1])
        self.require_well(status, last.log, "runs")

    def look(self, places: Sequence[Place]) -> None:
        """Looks at all that pipelines have left which have come to their end.

        Args:
          places: where they were, which share a serving folder.
        """
        blessed = {digest for place in places for digest in checks.blessed(place.home)}
        there = checks.served(places[0].serving, blessed, self.found)
        models = {each.record.model for each in there if each.record is not None}
        checks.ledger(places[0].ledger, models, self.found)
        for place in places:
            checks.verdict(place.newest_verdict(), self.expected[place.name], self.found)

    def require_well(self, status: int, log: Path, what: str) -> None:
        self.ended[what] += 1
        if status:
            self.found.add("failed", f"exit status {status}, see {log}")
