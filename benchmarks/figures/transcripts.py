"""Does what a page tells, in a folder of its own, and finds there what the page shows.

A page's commands begin with `./fairgate`, which is linked into that folder: they are run as they stand.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures.pages import REPOSITORY

SMALL = (
    "--set data.stand_in.images=6000 --set trainer.steps=600 --set trainer.snapshots=10 "
    "--set gate.minimum_negatives=20 --set gate.minimum_accuracy=0.6"
)
_COMMAND = re.compile(r"^\$ (?P<command>\./fairgate .*\n)(?P<output>(?:(?!\$ |```).*\n)*)", re.M)


@dataclass
class Place:
    """A folder in which the commands of a page are given."""

    folder: Path
    runs: dict[str, str] = field(default_factory=dict)
    """What a run is called here -> `<pipeline>/<run id>`."""

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "fairgate").symlink_to(REPOSITORY / "fairgate")

    def say(self, command: str, name: str = "", allowed: tuple[int, ...] = (0, 3)) -> str:
        """What a command prints; the run that it makes is remembered by `name`.

        Raises:
            RuntimeError: it ended with a status that is not allowed.
        """
        before = set(self._every())
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=os.environ | {"COLUMNS": "80"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode not in allowed:
            raise RuntimeError(
                f"{command}: ended with status {done.returncode}\n{done.stdout[-3000:]}"
            )
        self._remember(name, before)
        return done.stdout

    def stop(self, command: str, name: str) -> None:
        """Begins a run, and interrupts it when its first step is under way."""
        before = set(self._every())
        running = subprocess.Popen(
            shlex.split(command), cwd=self.folder, stdout=subprocess.PIPE, text=True
        )
        assert running.stdout is not None
        while "[3/" not in running.stdout.readline():
            if running.poll() is not None:
                raise RuntimeError(f"{command}: ended by itself")
        time.sleep(1)
        running.send_signal(signal.SIGTERM)  # a shell's background jobs are deaf to SIGINT
        running.communicate()
        if running.returncode != 128 + signal.SIGTERM:
            raise RuntimeError(f"{command}: was not stopped, but ended with {running.returncode}")
        self._remember(name, before)

    def pictures(self, number: int) -> None:
        """Takes the first pictures of the stand-in's test split out into `pictures`."""
        import tensorflow as tf

        [shard, *_] = sorted((self.folder / "data").rglob("*test*tfrecord*"))
        (self.folder / "pictures").mkdir()
        records = tf.data.TFRecordDataset(str(shard)).take(number).as_numpy_iterator()
        for index, record in enumerate(records):
            columns = tf.train.Example.FromString(record).features.feature
            file = self.folder / "pictures" / f"{index:02}.jpg"
            file.write_bytes(columns["image"].bytes_list.value[0])

    def _every(self) -> list[str]:
        found = (self.folder / "runs").glob("[!.]*/*/settings.yaml")
        return sorted(f"{file.parent.parent.name}/{file.parent.name}" for file in found)

    def _remember(self, name: str, before: set[str]) -> None:
        if name:
            [self.runs[name]] = set(self._every()) - before


def tour(folder: Path) -> dict[str, Any]:
    """Why the second run of the tour is blocked, as `explain` says of its constraint."""
    place = Place(folder)
    pushed, blocked = re.findall(
        r"^make run ARGS='(.*)' +# (?:PASSED|BLOCKED)$",
        (REPOSITORY / "docs/tour.md").read_text(),
        re.MULTILINE,
    )
    place.say(f"./fairgate run {pushed}", "pushed", allowed=(0,))
    place.say(f"./fairgate run {blocked}", "blocked", allowed=(3,))
    [reason] = re.findall(
        r"^max_gap.*\n(?: .*\n)+", place.say(f"./fairgate explain {place.runs['blocked']}"), re.M
    )
    return {"shown": "".join(f"{line.rstrip()}\n" for line in reason.splitlines())}


def command_line(folder: Path) -> dict[str, Any]:
    """Five runs, and what the page's commands say of them, which is put onto the page.

    One that drew a frontier, one that was interrupted, one that passed, one that did not, and one of
    another model, which the gate refused to look at.
    """
    place = Place(folder)
    place.say(f"./fairgate frontier {SMALL} --limits 0.1,0.05", "frontier")
    place.stop(f"./fairgate run {SMALL} --set gate.limit=0.25", "stopped")
    place.say(f"./fairgate run {SMALL} --set gate.limit=0.25", "pushed", allowed=(0,))
    place.say(f"./fairgate run {SMALL} --set gate.limit=0.05", "blocked", allowed=(3,))
    place.say(f"./fairgate run {SMALL} --set trainer.seed=1", "failed", allowed=(1,))
    place.pictures(12)
    return {"runs": place.runs, "page": lambda text, known: played(text, place, known)}


def played(text: str, place: Place, known: dict[str, str]) -> str:
    """A page's text with its runs called as they are now, and what its commands print below them.

    Args:
        text: of the page.
        place: where the runs are.
        known: name -> what the page calls that run.
    """
    for name, run in place.runs.items():
        text = text.replace(known[name], run)

    def said(found: re.Match[str]) -> str:
        printed = place.say(found["command"], allowed=(0, 1, 3)).rstrip()
        lines = (line.rstrip() for line in printed.splitlines())
        return f"$ {found['command']}" + "".join(f"{line}\n" for line in lines)

    return _COMMAND.sub(said, text)
