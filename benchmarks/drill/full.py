"""Runs on a small disk that is full from a chosen moment on, until somebody makes room."""

from __future__ import annotations

import functools
import itertools
import os
import random
import shlex
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.drill import checks, kills, victim
from benchmarks.drill.checks import Watcher
from benchmarks.drill.disk import Disk
from benchmarks.drill.drill import Drill, Victim
from benchmarks.drill.kills import Kill, Lines
from benchmarks.drill.parts import MAKING, digest_of
from benchmarks.drill.place import Place
from components.pusher import versions
from pipeline.data.synthetic_celeba import generation

_LOOK = 0.02  # [s] between two looks of the watcher
# Bytes that are left where it becomes full a little later: in the middle of a file, or of the next.
_LEFT = (0, 0, 4_096, 16_384, 65_536, 262_144)


def run(drill: Drill, disk: Disk, count: int) -> None:
    """A whole run from nothing to the push, whose disk becomes full `count` times and more.

    Once at the beginning of each step; the other times right before a line with a name, or one that is
    drawn. Room is made each time, and the same command given again, until it has gone on to its end.
    """
    name, seed = drill.places[0].name, drill.places[0].seed
    place = Place(disk.folder / "place", name, seed).make(drill.work / f"data-{seed}")
    work = functools.partial(_inside, disk.folder, place.arguments)
    plan = _plan(drill.lines, count, drill.draw, drill.names)
    _until_it_ends(drill, disk, Victim("run", _outside(drill), work, plan), place.serving)
    drill.look([place])  # the digits of another disk, too


def data(drill: Drill, disk: Disk) -> None:
    """The same for the making of data, which must come out as they do undisturbed, byte by byte."""
    arguments = ["data", "--set", f"data.stand_in.images={generation.MINIMUM_IMAGES}"]
    undisturbed, made = drill.work / "undisturbed-making", disk.folder / "making"
    lines, _ = drill.undisturbed(undisturbed, functools.partial(_inside, undisturbed, arguments))
    made.mkdir()
    plan = _plan(lines, 6, drill.draw, drill.names)
    work = functools.partial(_inside, made, arguments)
    _until_it_ends(drill, disk, Victim(MAKING, _outside(drill), work, plan), None)
    if digest_of(made / "data") != digest_of(undisturbed / "data"):
        drill.found.add("unmade", f"{made} and what lies beside it")


def commands(drill: Drill, disk: Disk) -> None:
    """What else writes, on a disk that is full from the beginning on, or a little later; after `run`."""
    place = Place(disk.folder / "place", drill.places[0].name, drill.places[0].seed)
    for name, arguments in _others(place, drill.places[1], disk.folder / "others").items():
        plan = [Kill(victim.START, "moment", after=0.0)] * len(_LEFT)
        work = functools.partial(_inside, disk.folder, arguments)
        each = Victim(name, _outside(drill), work, plan)
        _until_it_ends(drill, disk, each, place.serving, once=True)
    checks.ledger(disk.folder / "others" / "ledger", [], drill.found)
    # Those that went back to the first version made one more.
    if (
        len(there := versions.every(str(place.serving))) != 3
        or there[0].files() != there[2].files()
    ):
        drill.found.add("double_pushes", f"{len(there)} versions in {place.serving}, not 3")


def _others(place: Place, beside: Place, folder: Path) -> dict[str, list[str]]:
    """The other commands that write, each after those that it needs."""
    folder.mkdir()
    table, settings = folder / "answers.csv", folder / "of-table.yaml"
    draw = np.random.default_rng(0)
    team = draw.choice(["Red", "Blue"], 1_000)
    label, age = draw.integers(0, 2, 1_000), draw.integers(18, 80, 1_000)
    answer = np.where(draw.random(1_000) < 0.05, 1 - label, label)
    rows = (",".join(map(str, row)) for row in zip(age, team, label, answer, strict=True))
    table.write_text("age,team,label,answer\n" + "\n".join(rows) + "\n")
    [first] = versions.every(str(place.serving))
    [other] = versions.every(str(beside.serving))[-1:]
    assert other.record is not None
    versions.add(str(place.serving), other.folder, other.record)
    run, *_ = (each.parent.name for each in place.home.glob("*/verdict.json"))
    columns = "--label label --prediction answer --group team"
    promise = ["--constraint", "max_gap(FPR, [team]) <= 0.2"]
    lines = {
        "judge": f"{columns} --better-than nothing --ledger {folder}/ledger --report {folder}/r.html",
        "monitor": f"{columns}=Red,Blue --state {folder}/state.json --picture {folder}/picture.svg",
        "init": f"--yes --label label --groups team --settings-only --force --write {settings} {table}",
        "data from-csv": f"--settings {settings} --set data.path={folder}/made {table}",
        "tune": f"--trials 1 {shlex.join(place.arguments[1:])}",
        "frontier": f"--limits 0.1 {shlex.join(place.arguments[1:])}",
        "serving roll-back": f"{first.number} --folder {place.serving}",
        "evidence": f"{run} --runs {place.home.parent}",
        "runs --html": f"{folder}/runs.html --runs {place.home.parent}",
        "runs --remove": f"{run} --runs {place.home.parent}",
    }
    asked = {name: [*name.split(), *shlex.split(line)] for name, line in lines.items()}
    asked["judge"] += [*promise, "--verdict", f"{folder}/v.json", str(table)]
    asked["monitor"] += [*promise, "--events", f"{folder}/events.jsonl", str(table)]
    asked["data from-csv"] += ["--set", f"data.schema_file={folder}/made.pbtxt"]
    return asked


def _outside(drill: Drill) -> Path:
    """Where logs are, which must not become full."""
    folder = drill.work / "full"
    folder.mkdir(exist_ok=True)
    return folder


def _until_it_ends(
    drill: Drill, disk: Disk, each: Victim, serving: Path | None, once: bool = False
) -> None:
    """Gives a command again until nothing of its plan is left and it is done, or is done `once`."""
    watcher = None if serving is None else Watcher(serving, drill.found)
    for turn in itertools.count():
        before = _count(serving)
        begins = each.log.stat().st_size if each.log.exists() else 0
        left = _LEFT[turn % len(_LEFT)] if once else drill.draw.choice(_LEFT)
        each.start(functools.partial(disk.fill, left))
        while (status := each.ended()) is None:
            time.sleep(_LOOK)
            if watcher is not None:
                watcher.look()
        full = each.killed_by()
        disk.make_room()
        if full is None:
            drill.require_well(status, each.log, "full")
            return
        if full.stage == victim.START and each.name != "run":
            full = replace(full, stage=each.name)
        drill.kills["full"].append(full)
        drill.say(f"full {len(drill.kills['full'])}: {full.stage}, {full.place}, {left} bytes left")
        with open(each.log, encoding="utf-8", errors="replace") as stream:
            stream.seek(begins)
            said = " ".join(stream.read().split())
        if status == 0:  # whatever came after it needed no room
            drill.in_spite += 1
            if once:
                return
        elif fault := _fault(status, said, disk.folder, _count(serving) > before):
            drill.found.add("untold", f"{full.stage}, {full.place}: {fault}, see {each.log}")


def _count(serving: Path | None) -> int:
    return 0 if serving is None else len(versions.every(str(serving)))


def _fault(status: int, said: str, folder: Path, pushed: bool) -> str:
    """What is wrong with how a run ended whose disk was full; empty where it is all as it must be.

    Args:
      status: its exit status.
      said: what is on the terminal, on one line.
      folder: of the disk.
      pushed: whether there is a version that was not there before.
    """
    if status != 1:
        return f"exit status {status}"
    if "Traceback" in said:
        return "a traceback"
    if pushed and "was pushed before" not in said:
        return "not told that its model was pushed"
    if f"{folder}" not in said or "no room left to write" not in said or "Make room" not in said:
        return "no sentence that names the place, what happened and the way out"
    return ""


def _plan(lines: Lines, count: int, draw: random.Random, names: Sequence[str]) -> list[Kill]:
    chosen = [Kill(stage, "moment", after=0.0) for stage in lines]
    met = [name for name in names if kills.is_met(name, lines)]
    for number in range(max(0, count - len(chosen))):
        if number % 2:
            chosen.append(kills.drawn(draw.choice(list(lines)), lines, draw))
        else:
            chosen.append(draw.choice(kills.named(draw.choice(met), lines)))
    return sorted(chosen, key=lambda kill: list(lines).index(kill.stage))


def _inside(folder: Path, arguments: Sequence[str]) -> int:
    """`fairgate ARGUMENTS` in `folder`, where its temporary files go, too."""
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    os.chdir(folder)
    return victim.command(arguments)
