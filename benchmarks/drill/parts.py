"""The steps that must not be cut in half, alone: the making of data, the ledger's attempt, the push.

What a run spends minutes on before is left out: models are some files, whose judgement is always a pass.
The data, the ledger, the Pusher and what they write are those of a run, so that hundreds of kills take
minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.evaluator import digests
from components.evaluator.files import FILES
from components.evaluator.stamp import Stamp
from components.example_gen.splits import TEST_DIGEST
from components.pusher.executor import Executor
from fairgate.documents import write_text
from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import Attempt, Question
from fairgate.records import Records
from pipeline.data import unfinished
from pipeline.data.synthetic_celeba import generation
from pipeline.running import terminal

MAKING = "Make data"
_FILES = {"saved_model.pb": 50_000, "variables/variables.index": 500, "assets/vocabulary": 2_000}
_FILES |= {f"variables/variables.data-0000{shard}-of-00004": 200_000 for shard in range(4)}
_GATE = "g" * 32


@dataclass(frozen=True)
class Candidate:
    """A model that is judged and pushed.

    Attributes:
      folder: of the drill, which pipelines share.
      name: of the pipeline.
      number: of the model, which has test data of its own.
    """

    folder: Path
    name: str
    number: int

    @property
    def serving(self) -> Path:
        """The versions of all models."""
        return self.folder / "serving" / "happy"

    @property
    def ledger(self) -> Path:
        """Where all attempts are counted."""
        return self.folder / "ledger"

    @property
    def model(self) -> str:
        """Stands for `digests.model_digest`."""
        return _digest(f"model {self.name} {self.number}")

    def judge_and_push(self) -> int:
        """Does both, or what of both is left; the exit status is 0."""
        files = digests.files_digest(str(self._export()))
        blessed = self.folder / "blessed" / files
        display = terminal.Display(Console(file=io.StringIO()), steps=2)
        with display:
            with display.step("Evaluator"):
                if not blessed.exists():  # else it comes from the cache
                    self._judge()
                    blessed.parent.mkdir(exist_ok=True)
                    write_text(blessed, self.model)
            with display.step("Pusher"):
                self._push(files)
        return 0

    def _judge(self) -> Attempt:
        question = Question(self.model, ("max_gap(FPR, [Team])",), _digest("meaning"))
        records = self._records()
        asked = (str(self.ledger), records)
        attempt = ledger.admit(*asked, question, 0.95, 1, self.name, FILES)
        return ledger.settle(*asked, attempt, True, self.name, FILES)

    def _push(self, files: str) -> None:
        model, blessing = standard_artifacts.Model(), standard_artifacts.ModelBlessing()
        examples, pushed = standard_artifacts.Examples(), standard_artifacts.PushedModel()
        model.uri = str(self._export().parent)
        blessing.set_int_custom_property("blessed", 1)
        split = self._records().digest
        attempt = Attempt(1, 1, 0.95, 0.05, split)
        Stamp(self.model, files, _GATE, attempt).write(blessing)
        examples.set_string_custom_property(TEST_DIGEST, split)
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(self.serving))
        )
        Executor().Do(
            {"model": [model], "model_blessing": [blessing], "examples": [examples]},
            {"pushed_model": [pushed]},
            {
                "push_destination": proto_utils.proto_to_json(destination),
                "custom_config": "null",
                "gate": _GATE,
            },
        )

    def _records(self) -> Records:
        draw = np.random.default_rng([self.number, len(self.name), ord(self.name[0])])
        hashes = draw.integers(0, 2**63, 1000, dtype=np.uint64)
        return Records.of(_digest(f"split {self.name} {self.number}"), hashes)

    def _export(self) -> Path:
        """The folder of its files, which are made where they are not there."""
        export = self.folder / "models" / f"{self.name}-{self.number}" / "Format-Serving"
        draw = np.random.default_rng([self.number, ord(self.name[0])])
        for name, size in _FILES.items():
            file = export / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(draw.bytes(size))
        return export


@dataclass(frozen=True)
class Making:
    """The stand-in for CelebA, as little of it as there can be.

    Attributes:
      folder: of the drill, which commands share.
      number: of the data.
    """

    folder: Path
    number: int

    @property
    def data(self) -> Path:
        """What is made."""
        return self.folder / f"data-{self.number:05d}"

    def make(self) -> int:
        """As `fairgate data`: nothing is done where they are there, or another command was faster."""
        display = terminal.Display(Console(file=io.StringIO()), steps=1)
        with display, display.step(MAKING), contextlib.suppress(DataError):
            if not unfinished.is_made(self.data):
                generation.generate(self.data, generation.MINIMUM_IMAGES, processes=1)
        return 0

    def digest(self) -> str:
        """Of all that lies beside the data and in them; the same for all that were made whole."""
        return digest_of(self.folder, f"*{self.data.name}*/**/*")


def digest_of(folder: Path, pattern: str = "**/*") -> str:
    """Of the names and the contents of files in `folder`."""
    found = hashlib.sha256()
    for file in sorted(folder.glob(pattern)):
        if file.is_file():
            found.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}".encode())
    return found.hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
