"""Searches for better settings of the training, and writes a settings file with what was found."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from components import progress
from components.constrained_trainer.search.budget import Budget
from components.constrained_trainer.search.search_space import with_settings
from fairgate.documents import to_json, write_text
from fairgate.errors import SettingsError
from pipeline.results.runs import TRIALS_FILE
from pipeline.running import local
from pipeline.running.terminal import Display
from pipeline.settings import Settings, dump
from pipeline.sweeps import training_data, trials

if TYPE_CHECKING:  # they load TensorFlow
    from components.constrained_trainer.search.tuning import Trial
    from pipeline.sweeps.training_data import TrainingData

CHART_FILE, TUNED_FILE = "trials.png", "tuned.yaml"
_FIRST_LINE = "# Found by fairgate tune"


def run(
    settings: Settings,
    budget: Budget,
    file: pathlib.Path | None = None,
    command: str = "fairgate",
    verbose: bool = False,
) -> local.Ended:
    """Searches within `budget`; the exit status is 0, or 1 if it failed.

    Leaves `runs/<name>/<run id>/` with trials.json, trials.png, tuned.yaml, settings.yaml, steps.json
    and run.log. Models are not kept, and nothing is pushed. What it needs to go on when it was stopped
    is in `runs/<name>/tuning`.

    Args:
      settings: where the search starts.
      budget: of the search.
      file: takes the place of tuned.yaml.
      command: how the command line is called.
      verbose: whether to show all that libraries print.

    Raises:
      SettingsError: a folder cannot be written, another run is using it, or `file` holds settings that
        no search has found.
    """
    if file is not None:
        _require_ours(file)

    def work(run_id: str, folder: pathlib.Path, console: Console) -> int:
        search = _Search(settings, budget, file or folder / TUNED_FILE, folder, console)
        try:
            with local.displaying(settings, console, steps=training_data.STEPS + 1) as display:
                _tune(search, local.measure(settings, folder, display), run_id, display)
            local.write_steps(display.steps, folder)
        finally:  # also of a search that was stopped
            search.show(command)
        return 0

    return local.in_run_folder(settings, work, "tune", "Trials that had ended are kept.", verbose)


def _require_ours(file: pathlib.Path) -> None:
    """Raises SettingsError where a file that a person wrote would be lost, or none can be written."""
    if not file.parent.is_dir():
        raise SettingsError(
            f"--write {file}: there is no folder {str(file.parent)!r}. Make it first"
        )
    if file.is_dir() or (
        file.exists() and not file.read_text(errors="replace").startswith(_FIRST_LINE)
    ):
        raise SettingsError(
            f"--write {file}: it is there already, and no search has written it. Give another name, or "
            "move it away"
        )


def _tune(search: _Search, settings: Settings, run_id: str, display: Display) -> None:
    from components import group_sizes
    from components.constrained_trainer.search.tuning import tune
    from components.constrained_trainer.selection.outlook import Outlook
    from pipeline.dag import gate_target

    with training_data.read(settings, run_id, display) as data, display.step("Search"):
        search.examples = len(data.splits[1])
        sizes = group_sizes.read(data.transformed.statistics, "test", settings.data.features)
        tune(
            *data.splits,
            settings.trainer,
            Outlook(gate_target(settings), sizes, settings.trainer.selection.pass_probability),
            search.budget,
            _journal(settings, data),
            search.keep,
            lambda share, message: progress.report(round(1000 * share), 1000, message),
            inputs=data.inputs,
        )


def _journal(settings: Settings, data: TrainingData) -> pathlib.Path:
    """The same file for the same search: of this data, these settings, this gate and this code."""
    from components.constrained_trainer import component
    from pipeline.dag import gate_target

    work = {
        "examples": data.transformed.examples.uri,
        "trainer": settings.trainer.model_dump(mode="json"),
        # A setting that was given is not searched, even if it was given its default.
        "given": settings.trainer.model_dump(mode="json", exclude_unset=True),
        "gate": gate_target(settings).model_dump(mode="json"),
        "code": component.fingerprint(settings.trainer),
    }
    digest = hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()[:16]
    return pathlib.Path(settings.runs, settings.name, "tuning", f"{digest}.journal")


@dataclass
class _Search:
    """What is kept and shown of a search.

    Attributes:
      file: for the settings found.
      examples: of the validation split.
      trials: that have ended; None before it is known whether there were any.
    """

    settings: Settings
    budget: Budget
    file: pathlib.Path
    folder: pathlib.Path
    console: Console
    examples: int = 0
    trials: list[Trial] | None = None

    def keep(self, ended: Sequence[Trial]) -> None:
        """Writes what there is, after each trial: whatever happens next, it stays."""
        first, self.trials = self.trials is None, list(ended)
        if not ended:
            return
        write_text(self.folder / TRIALS_FILE, to_json(self.record(), indent=1) + "\n")
        write_text(self.file, self.tuned(), private=True)
        went_on = f"The search was begun before: it goes on from trial {len(ended) + 1}."
        line = went_on if first else trials.sentence(ended[-1])
        self.console.print(line, markup=False, soft_wrap=True)

    @property
    def best(self) -> Trial:
        from components.constrained_trainer.search.tuning import best

        return best(self.trials)

    def record(self) -> dict[str, Any]:
        """What trials.json holds."""
        return {
            "split": "validation",
            "examples": self.examples,
            "budget": asdict(self.budget),
            "best": self.best.number,
            "settings": str(self.file),
            "trials": [asdict(trial) | {"passes": trial.passes} for trial in self.trials],
        }

    def tuned(self) -> str:
        """The user's settings with what was found, as YAML."""
        best, trainer = self.best, self.settings.trainer
        found = self.settings
        if best.changes:
            found = found.model_copy(update={"trainer": with_settings(trainer, best.changes)})
        said = [f"{_FIRST_LINE} in {self.folder}.", *trials.words(self.trials, self.best)]
        return "".join(f"# {line.removeprefix('# ')}\n" for line in said) + dump(
            found, given_only=True
        )

    def show(self, command: str) -> None:
        """Draws and prints what there is; nothing before the first trial has ended."""
        if not self.trials:
            return
        title = "Trials: error against what the gate asks"
        subtitle = (
            f"On the {self.examples:,} examples of the validation split, which was looked at by every "
            "trial. The test split was not asked."
        )
        print_ = self.console.print
        print_()
        print_(trials.table(self.trials, self.best))
        for line in trials.words(self.trials, self.best):
            print_(line, markup=False)
        print_(subtitle, style="dim")
        if trials.draw(self.trials, self.best, title, subtitle, self.folder / CHART_FILE):
            print_(f"Chart: {self.folder / CHART_FILE}", style="dim", soft_wrap=True)
        print_(f"Settings: {self.file}", style="dim", soft_wrap=True)
        print_(f"Next: {command} run --settings {self.file}", style="dim", soft_wrap=True)
