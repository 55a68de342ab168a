"""Where a run is killed: at a line of source that has a name, at one that is drawn, or at a moment."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tfx

REPOSITORY = Path(__file__).resolve().parents[2]
_TFX = Path(tfx.__file__).parent

NAMED = (
    # The push: what is copied, compared, renamed, and told.
    "components/pusher/versions.py: fcntl.flock(held",
    "components/pusher/versions.py: tf.io.gfile.makedirs(target)",
    "components/pusher/versions.py: tf.io.gfile.copy(",
    "components/pusher/versions.py: _require(staging",
    "components/pusher/versions.py: _write(staging",
    "components/pusher/versions.py: os.rename(staging, final)",
    "components/pusher/versions.py: _sync(folder)",
    "components/pusher/versions.py: return number, final",
    "components/pusher/versions.py: return Version(number, final, record)",
    "components/pusher/executor.py: self._MarkPushed(",
    "components/pusher/executor.py: pushed.set_string_custom_property(TOLD",
    # The gate: the attempt is written down before the test split is asked, and what came of it after.
    "src/fairgate/gate/files.py: os.fsync(",
    "src/fairgate/gate/files.py: os.link(partial, file)",
    "src/fairgate/gate/files.py: os.unlink(partial)",
    "src/fairgate/gate/ledger.py: kept = _keep(root, records",
    "src/fairgate/gate/journal.py: self.files.create(file",
    "src/fairgate/gate/journal.py: self._seal(number, digest)",
    "src/fairgate/gate/journal.py: self.files.create(_seal_file(",
    "components/evaluator/executor.py: set_confidence(config",
    "components/evaluator/executor.py: [blessing] = ",
    "components/evaluator/executor.py: settled = ledger.settle(",
    "components/evaluator/executor.py: stamp = Stamp(",
    # Checkpoints, and what they are removed for: the trained model.
    "components/constrained_trainer/running/checkpoints.py: self._manager.save(",
    "components/constrained_trainer/models/weight_files.py: tf.io.gfile.rename(partial",
    "components/constrained_trainer/executor.py: _export(result",
    "components/constrained_trainer/executor.py: folders.remove(folder)",
    # Other results.
    "components/example_gen/executor.py: splits.copy_kept(",
    "components/example_gen/executor.py: examples.set_string_custom_property(splits.TEST_DIGEST",
    "components/statistics_gen/executor.py: group_sizes.write(",
    "components/report/executor.py: file.write(text)",
    "tfx/orchestration/portable/launcher.py: self._publish_successful_execution(",
    # Data.
    "pipeline/data/synthetic_celeba/generation.py: file.write(framed(",
    "pipeline/data/synthetic_celeba/generation.py: layout.write_descriptions(",
    "pipeline/data/unfinished.py: shutil.rmtree(left",
    "pipeline/data/unfinished.py: unfinished.chmod(",
    "pipeline/data/unfinished.py: unfinished.replace(folder)",
    # What is kept of results and runs.
    "src/fairgate/documents.py: stream.write(content)",
    "src/fairgate/documents.py: partial.replace(file)",
    "pipeline/running/runner.py: LocalDagRunner().run_with_ir(",
    "pipeline/running/runner.py: done = _execution(",
    "pipeline/running/contents.py: write_text(self._file",
    "pipeline/running/local.py: folder.mkdir()",
    "pipeline/running/local.py: write_text(folder / SETTINGS_FILE",
    "pipeline/running/local.py: verdict.write(",
    "pipeline/running/local.py: write_steps(",
    "pipeline/results/report.py: write_text(report",
    "pipeline/results/report.py: evidence.write(",
)
"""Lines right before and right after what must be one operation: FILE: how the line begins."""

# Of what is drawn, most is from where something is written that must be whole.
_CRITICAL = (
    "components/pusher/",
    "components/evaluator/",
    "fairgate/gate/journal.py",
    "fairgate/gate/ledger.py",
    "fairgate/gate/files.py",
    "fairgate/documents.py",
    "pipeline/running/contents.py",
    "pipeline/data/",
    "pipeline/running/runner.py",
    "pipeline/running/local.py",
    "pipeline/results/report.py",
    "tfx/orchestration/",
)
_CRITICAL_SHARE = 0.7

Lines = dict[str, dict[str, list[int]]]
"""Stage -> file -> lines that an undisturbed run goes through there."""


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
      stage: the step of the run that it is in.
      file, line: it comes right before this line is carried out the `nth` time in the stage.
      nth: from 1.
      after: or it comes this long after the beginning of the stage [s].
      kind: named, drawn or moment.
    """

    stage: str
    kind: str
    file: str = ""
    line: int = 0
    nth: int = 1
    after: float | None = None

    @property
    def place(self) -> str:
        """The line, as people look for it."""
        if self.after is not None:
            return f"{self.after:.2f} s after it began"
        return f"{shown(self.file)}: {text_of(self.file, self.line)}"


def in_scope(file: str) -> bool:
    """Whether lines of `file` are ours, or those of TFX that publish what we made."""
    path = Path(file)
    if path.suffix != ".py":
        return False
    if path.is_relative_to(REPOSITORY):
        top = path.relative_to(REPOSITORY).parts[0]
        return top in ("components", "pipeline", "src")
    return path.is_relative_to(_TFX / "orchestration")


def shown(file: str) -> str:
    """A path without what is this machine's."""
    path = Path(file)
    for root, name in ((REPOSITORY, ""), (_TFX, "tfx")):
        if path.is_relative_to(root):
            return str(Path(name) / path.relative_to(root))
    return path.name


@functools.cache
def _texts(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines()


def text_of(file: str, line: int) -> str:
    """What stands in that line."""
    return _texts(file)[line - 1].strip()


def named(name: str, lines: Lines) -> list[Kill]:
    """A kill in each stage that goes through the line that is called `name`.

    Args:
      name: FILE: how the line begins.
      lines: of an undisturbed run.

    Raises:
      ValueError: no stage goes through such a line.
    """
    path, _, beginning = name.partition(": ")
    found = [
        Kill(stage, "named", file, number)
        for stage, files in lines.items()
        for file, numbers in files.items()
        if shown(file) == path
        for number in numbers
        if text_of(file, number).startswith(beginning)
    ]
    if not found or not beginning:
        raise ValueError(
            f"{name!r}: an undisturbed run goes through no line that is called so. Give FILE: TEXT, "
            "the file from the root of the repository, and how the line begins"
        )
    return found


def require_there(name: str) -> None:
    """Raises ValueError unless there is a line of source that is called `name`: FILE: how it begins."""
    path, _, beginning = name.partition(": ")
    file = (_TFX.parent if path.startswith("tfx/") else REPOSITORY) / path
    if not beginning or not file.is_file():
        raise ValueError(f"{name!r}: give FILE: TEXT, the file from the root of the repository")
    if not any(line.strip().startswith(beginning) for line in _texts(str(file))):
        raise ValueError(f"{name!r}: no line of {path} begins like that")


def is_met(name: str, lines: Lines) -> bool:
    """Whether a run goes through the line that is called `name`."""
    try:
        return bool(named(name, lines))
    except ValueError:
        return False


def plan(
    lines: Lines,
    seconds: Mapping[str, float],
    kills: int,
    draw: random.Random,
    names: Sequence[str] = NAMED,
) -> list[Kill]:
    """Kills for one pipeline, in the order of its stages: a third of each kind.

    Args:
      lines: of an undisturbed run.
      seconds: stage -> how long it took.
      kills: how many.
      draw: what is random.
      names: the lines to take for the third that is named; all of them are there.
    """
    chosen = [
        draw.choice(named(draw.choice(names), lines)) for _ in range(kills - 2 * (kills // 3))
    ]
    stages = list(lines)
    for _ in range(kills // 3):
        chosen.append(drawn(draw.choice(stages), lines, draw))
        stage = draw.choice(stages)
        chosen.append(Kill(stage, "moment", after=draw.uniform(0, seconds[stage])))
    draw.shuffle(chosen)
    return sorted(chosen, key=lambda kill: stages.index(kill.stage))


def drawn(stage: str, lines: Lines, draw: random.Random) -> Kill:
    found = [(file, line) for file, numbers in lines[stage].items() for line in numbers]
    critical = [each for each in found if any(part in shown(each[0]) for part in _CRITICAL)]
    file, line = draw.choice(critical if critical and draw.random() < _CRITICAL_SHARE else found)
    return Kill(stage, "drawn", file, line, nth=draw.choice((1, 1, 2, 3)))
