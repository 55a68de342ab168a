"""Whole runs of the pipeline through its command line, and what they leave behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import yaml

from tests.tiny_dataset import World

REPOSITORY = Path(__file__).parents[2]
# The nodes of the pipeline, in the order that they run in.
NODES = (
    "ImportExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "Transform",
    "ConstrainedTrainer.baseline",
    "ConstrainedTrainer.constrained",
    "Evaluator",
    "Report",
    "Pusher",
)


@dataclass(frozen=True)
class Workplace:
    """A folder with a dataset, its settings file, and room for runs and served models."""

    folder: Path
    world: World

    def __post_init__(self) -> None:
        names = list(self.world.groups)
        features = self.world.features.model_dump(mode="json")
        gap = "max_gap(FPR, [Team])"
        settings = {
            "name": "tiny",
            "model_name": "happy",
            "runs": str(self.folder / "runs"),
            "serving": str(self.folder / "serving"),
            "data": {
                "path": str(self.data),
                "schema_file": str(self.data / "schema.pbtxt"),
                "features": features,
            },
            "trainer": {
                "constraints": [f"{gap} <= 0.02"],
                "steps": 300,
                "snapshots": 6,
                "batch_size": 64,
                "learning_rate": 0.003,
            },
            # A few hundred test examples promise little: a wide limit is what they can keep.
            "gate": {
                "constraints": [f"{gap} <= {0.3 if len(names) == 2 else 0.45}"],
                "minimum_accuracy": 0.6,
                "minimum_negatives": 20,
            },
        }
        self.settings.write_text(yaml.safe_dump(settings, sort_keys=False))

    @property
    def data(self) -> Path:
        """The folder of the shards."""
        return self.folder / "data"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "settings.yaml"

    @property
    def home(self) -> Path:
        """The folder of this pipeline's runs."""
        return self.folder / "runs" / "tiny"

    def arguments(self, assignments: Sequence[str]) -> list[str]:
        """The command line of a run with `assignments` over the settings file."""
        sets = [part for assignment in assignments for part in ("--set", assignment)]
        return ["run", "--settings", str(self.settings), *sets]

    @property
    def ledger(self) -> Path:
        """Where attempts are counted, of all pipelines here."""
        return self.folder / "runs" / "ledger"

    def run(self, *assignments: str, first: bool = True) -> Run:
        """One run in this process; the `first` on its test split, whatever was judged there before."""
        from pipeline.__main__ import main

        before = self.run_folders()
        with contextlib.ExitStack() as stack:
            if first:
                # Tests train many models for one test split. What ML Metadata knows of them stays as it
                # is: another artifact is another input.
                shutil.rmtree(self.ledger, ignore_errors=True)
                stack.enter_context(mock.patch("pipeline.running.counted.require_known"))
            output = stack.enter_context(captured())
            status = main(self.arguments(assignments))
        new = [folder for folder in self.run_folders() if folder not in before]
        return Run(status, output[0], new[-1] if new else None, self)

    def start(self, *assignments: str) -> subprocess.Popen[str]:
        """One run in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *self.arguments(assignments)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def copy(self, folder: Path) -> Workplace:
        """A workplace of its own with the same data."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.data, folder / "data")
        return Workplace(folder, self.world)

    def run_folders(self) -> list[Path]:
        """The folders of all runs so far, oldest first."""
        found = (self.folder / "runs").glob("*/*/settings.yaml")
        return sorted((file.parent for file in found), key=lambda folder: folder.name)

    def served(self) -> dict[str, bytes]:
        """Every file below the serving folder, with its contents."""
        serving = self.folder / "serving"
        return {
            str(path.relative_to(serving)): path.read_bytes()
            for path in sorted(serving.rglob("*"))
            if path.is_file()
        }

    def versions(self) -> list[Path]:
        """What a model server would load: the numbered folders, oldest first."""
        model = self.folder / "serving" / "happy"
        found = model.iterdir() if model.is_dir() else []
        return sorted((p for p in found if p.name.isdigit()), key=lambda path: int(path.name))

    def executions(self) -> dict[str, list[str]]:
        """Node -> last known state of each of its executions, in order (COMPLETE, CACHED, FAILED)."""
        import ml_metadata as mlmd
        from ml_metadata.proto import metadata_store_pb2

        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(self.home / "metadata.sqlite")
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
        store = mlmd.MetadataStore(config)
        states: dict[str, list[str]] = {}
        for context in store.get_contexts_by_type("node"):
            executions = sorted(
                store.get_executions_by_context(context.id), key=lambda execution: execution.id
            )
            states[context.name.removeprefix("tiny.")] = [
                metadata_store_pb2.Execution.State.Name(execution.last_known_state)
                for execution in executions
            ]
        return states

    def worked(self, before: dict[str, list[str]]) -> set[str]:
        """The nodes that did work (and were not re-used) since `before`."""
        return {
            node
            for node, states in self.executions().items()
            if any(state != "CACHED" for state in states[len(before.get(node, [])) :])
        }


@dataclass(frozen=True)
class Table:
    """A folder with a table that is made a dataset, its settings, its runs and what is served.

    Half of the rows are men, who need less skill for a high income; `counts` says what a row counts,
    which is more where the skill is high.
    """

    folder: Path

    def __post_init__(self) -> None:
        rng = np.random.default_rng(2)
        skill, man = rng.normal(size=2000), np.arange(2000) % 2 == 0
        high = skill + np.where(man, 0.5, -0.5) + 0.5 * rng.normal(size=2000) > 0.2
        table = pd.DataFrame(
            {
                "skill": skill.round(3),
                "hours": rng.integers(20, 60, 2000),
                "sex": np.where(man, "M", "F"),
                "income": np.where(high, "high", "low"),
                "counts": np.clip(rng.gamma(4, 0.25, 2000) + 0.5 * (skill > 0), 0.1, 4.0).round(2),
            }
        )
        table.to_csv(self.folder / "people.csv", index=False)
        gap = "max_gap(FPR, [Gender])"
        settings = {
            "name": "table",
            "model_name": "income",
            "runs": str(self.runs),
            "serving": str(self.folder / "serving"),
            "data": {
                "path": str(self.data),
                "schema_file": str(self.folder / "schema.pbtxt"),
                "csv": {"shares": {"train": 0.4, "validation": 0.25, "test": 0.35}},
                "features": {
                    "numeric": ["skill", "hours"],
                    "label": {"name": "income", "positive": "high", "negative": "low"},
                    "groups": {"Gender": {"name": "sex", "values": {"Male": "M", "Female": "F"}}},
                    "weight": "counts",
                    "largest_weight": 4.0,
                },
            },
            "trainer": {
                "network": "tabular",
                "constraints": [f"{gap} <= 0.05"],
                "steps": 150,
                "snapshots": 3,
                "learning_rate": 0.02,
                "selection": {"rated_by": "gate"},
            },
            "gate": {"constraints": [f"{gap} <= 0.4"], "minimum_accuracy": 0.55},
        }
        self.settings.write_text(yaml.safe_dump(settings, sort_keys=False))

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "settings.yaml"

    @property
    def data(self) -> Path:
        """The folder of the shards."""
        return self.folder / "data"

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.folder / "runs"

    def run(self, *assignments: str, settings: Sequence[Path] = ()) -> int:
        """Runs the pipeline, with more `settings`; the data are made first, where they are not there."""
        from pipeline.__main__ import main

        options = ["--settings", str(self.settings)]
        if not self.data.exists():
            made = main(["data", "from-csv", str(self.folder / "people.csv"), *options])
            assert made == 0
        options += [part for file in settings for part in ("--settings", str(file))]
        return main(["run", *options, *(part for each in assignments for part in ("--set", each))])

    def on_new_test_data(self) -> None:
        """As if they were: a pass ends the series of attempts on those that are there."""
        forget(self.runs)

    @property
    def verdicts(self) -> list[Path]:
        """Of all runs, oldest first."""
        return sorted(self.runs.glob("table/*/verdict.json"))

    @property
    def newest(self) -> Path:
        """The folder of the run that was started last."""
        return max(file.parent for file in self.runs.glob("table/*/run.log"))

    @property
    def verdict(self) -> dict[str, Any]:
        """Of that run."""
        return json.loads((self.newest / "verdict.json").read_text(), parse_constant=_refuse)

    @property
    def versions(self) -> list[Path]:
        """What a model server would load, oldest first."""
        return sorted(self.folder.glob("serving/income/*"), key=lambda path: int(path.name))

    def served(self) -> dict[str, bytes]:
        """Every file below the serving folder, with its contents."""
        files = sorted(self.folder.glob("serving/**/*"))
        return {str(path): path.read_bytes() for path in files if path.is_file()}


@dataclass(frozen=True)
class Run:
    """What one run showed and left."""

    status: int
    output: str
    folder: Path | None
    place: Workplace

    @property
    def verdict(self) -> dict[str, Any]:
        """verdict.json."""
        return json.loads((self.folder / "verdict.json").read_text(), parse_constant=_refuse)

    @property
    def steps(self) -> dict[str, str]:
        """Step -> how it came out (done, reused), from steps.json."""
        return {
            step["name"]: step["outcome"]
            for step in json.loads((self.folder / "steps.json").read_text())
        }

    @property
    def log(self) -> str:
        """run.log."""
        return (self.folder / "run.log").read_text(errors="replace")

    @property
    def words(self) -> str:
        """The output with every run of white space as one space: free of line breaks."""
        return " ".join(self.output.split())


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} in verdict.json")


def forget(runs: Path) -> None:
    """As if nothing had been judged there: neither the ledger nor ML Metadata knows of an attempt."""
    shutil.rmtree(runs / "ledger", ignore_errors=True)
    for file in runs.glob("*/metadata.sqlite"):
        with contextlib.closing(sqlite3.connect(file)) as known, known:
            known.execute("DELETE FROM ArtifactProperty WHERE name = 'model_digest'")


@contextlib.contextmanager
def captured() -> Iterator[list[str]]:
    """Collects what is printed, by file descriptor and then by Python."""
    # absl keeps the standard error that it finds when it is loaded: that must outlive this context.
    import absl.logging  # noqa: F401

    result: list[str] = []
    printed = io.StringIO()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                yield result
        finally:
            for descriptor, target in zip(saved, (1, 2), strict=True):
                os.dup2(descriptor, target)
                os.close(descriptor)
            file.seek(0)
            result.append(file.read().decode(errors="replace") + printed.getvalue())
