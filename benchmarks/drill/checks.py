"""What must hold whenever a run was killed, and when it has gone on to its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

from components.pusher import versions
from components.pusher.versions import Version


@dataclass
class Found:
    """How often what must not be was found; 0 everywhere is a pass.

    Attributes:
      half: versions that a model server could load and that are not whole.
      unblessed: versions of models that no gate passed.
      lost: models that were judged and pushed without an attempt in the ledger.
      double_attempts: questions that were asked twice, and counted twice.
      damaged: entries of the ledger that cannot be read, or numbers that are missing.
      double_pushes: versions that are the model of the version before.
      failed: runs that did not go on to their end, though nobody killed them.
      unmade: data that were not made whole, or of which half was left beside them.
      untold: full disks that were not told in a sentence with the way out.
      differing: verdicts that are not those of the undisturbed run.
      told: a sentence about each.
    """

    half: int = 0
    unblessed: int = 0
    lost: int = 0
    double_attempts: int = 0
    damaged: int = 0
    double_pushes: int = 0
    failed: int = 0
    unmade: int = 0
    untold: int = 0
    differing: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, what: str, sentence: str) -> None:
        """Counts one more."""
        setattr(self, what, getattr(self, what) + 1)
        self.told.append(f"{what}: {sentence}")


class Watcher:
    """Looks at a serving folder as a model server does: whatever has a number must be whole."""

    def __init__(self, folder: Path, found: Found):
        self._folder, self._found = folder, found
        self._whole: set[int] = set()

    def look(self) -> None:
        """Looks at the versions that are new since the last look."""
        for version in versions.every(str(self._folder)):
            if version.number in self._whole:
                continue
            self._whole.add(version.number)
            if version.record is None or version.is_damaged():
                self._found.add("half", f"{version.folder} is not whole")


def served(folder: Path, blessed: Container[str], found: Found) -> list[Version]:
    """All versions, after it was looked whether gates passed them and each was pushed once.

    Args:
      folder: of the versions.
      blessed: digests of the exports that gates passed.
    """
    there = versions.every(str(folder))
    for before, version in zip([None, *there], there, strict=False):
        files = version.files()
        if files not in blessed:
            found.add("unblessed", f"no gate passed {version.folder}")
        if before is not None and before.files() == files:
            found.add("double_pushes", f"{version.folder} is the model of {before.folder}")
    return there


def ledger(root: Path, models: Iterable[str], found: Found) -> None:
    """Looks whether each of `models` (`digests.model_digest`) has its one attempt."""
    asked: Counter[str] = Counter()
    files = sorted((root / "journal").glob("event-*.json"))
    for number, file in enumerate(files, start=1):
        try:
            event = json.loads(file.read_text())
            if file.name != f"event-{number:06d}.json":
                raise ValueError(f"number {number} is missing")
            if event["event"] == "attempt":
                asked[json.dumps(event["question"], sort_keys=True)] += 1
        except (OSError, ValueError, KeyError) as error:
            found.add("damaged", f"{file}: {error}")
    for question, times in asked.items():
        if times > 1:
            found.add("double_attempts", f"{times} entries for {question[:200]}")
    for model in models:
        if not any(model in question for question in asked):
            found.add("lost", f"no entry for the model {model}")


def verdict(file: Path, expected: dict[str, Any], found: Found) -> None:
    """Looks whether the figures are those of the undisturbed run, to the last digit."""
    tree = json.loads(file.read_text())
    for name in ("models", "gate", "checks", "attempt", "reasons", "outcome"):
        if tree[name] != expected[name]:
            found.add("differing", f"{name} in {file}: {tree[name]}, not {expected[name]}")


def blessed(home: Path) -> list[str]:
    """Digests of the exports that the gate of a pipeline passed, which is not running."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(home / "metadata.sqlite")
    blessings = mlmd.MetadataStore(config).get_artifacts_by_type("ModelBlessing")
    return [
        blessing.custom_properties["model_files"].string_value
        for blessing in blessings
        if blessing.custom_properties["blessed"].int_value == 1
    ]
