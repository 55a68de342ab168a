"""A small pipeline to be killed: some hundred pictures, two short trainings, a gate that they pass."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.tiny_dataset import World, write_dataset

_SIZES = {"train": 400, "validation": 300, "test": 400}


@dataclass(frozen=True)
class Place:
    """A pipeline: its data, its settings, its runs.

    Attributes:
      folder: of the drill, which pipelines share.
      name: of the pipeline.
      seed: of its data and its training.
    """

    folder: Path
    name: str
    seed: int = 0

    @property
    def home(self) -> Path:
        """The folder of its runs."""
        return self.folder / "runs" / self.name

    @property
    def ledger(self) -> Path:
        """Where the attempts of all pipelines here are counted."""
        return self.folder / "runs" / "ledger"

    @property
    def serving(self) -> Path:
        """The versions, of all pipelines here."""
        return self.folder / "serving" / "happy"

    @property
    def arguments(self) -> list[str]:
        """The command line of a run."""
        return ["run", "--settings", str(self.folder / f"{self.name}.yaml")]

    def make(self, data: Path) -> Place:
        """Writes the settings; `data` are made where they are not there."""
        world = World()
        if not data.exists():
            write_dataset(data, world, _SIZES, seed=self.seed)
        settings = {
            "name": self.name,
            "model_name": self.serving.name,
            "runs": str(self.folder / "runs"),
            "serving": str(self.serving.parent),
            "data": {
                "path": str(data),
                "schema_file": str(data / "schema.pbtxt"),
                "features": world.features.model_dump(mode="json"),
            },
            "trainer": {
                "constraints": ["max_gap(FPR, [Team]) <= 0.05"],
                "steps": 120,
                "snapshots": 3,
                "batch_size": 32,
                "learning_rate": 0.003,
                "checkpoint_seconds": 1,
                "seed": self.seed,
            },
            "gate": {
                # Told in no time what it takes to pass, which is looked up in every run.
                "constraints": ["FPR | [Red] <= 0.9"],
                "minimum_negatives": 20,
                "better_than": "nothing",
            },
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(settings, sort_keys=False)
        (self.folder / f"{self.name}.yaml").write_text(text)
        return self

    def newest_verdict(self) -> Path:
        """verdict.json of the newest run that has one."""
        return max(self.home.glob("*/verdict.json"))

    def verdict(self) -> dict[str, Any]:
        """What it holds."""
        tree: dict[str, Any] = json.loads(self.newest_verdict().read_text())
        return tree

    def remove(self) -> None:
        """Removes the whole folder of the drill."""
        shutil.rmtree(self.folder)
