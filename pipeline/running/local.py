"""Runs the pipeline on this machine: progress while it runs, the verdict when it ends."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console

from components import compiled, progress
from fairgate import no_room
from fairgate.documents import to_json, write_text
from fairgate.errors import DataError, FairGateError, SettingsError
from fairgate.gate.judgement import CONSTRAINED
from pipeline import compared, places
from pipeline.called import called
from pipeline.data.unfinished import is_made
from pipeline.results import ending, runs
from pipeline.results.runs import FAILURE_FILE, LOG_FILE, SETTINGS_FILE, STEPS_FILE, Run
from pipeline.results.verdict import VERDICT_FILE, Verdict
from pipeline.running import elsewhere, loading, measured, terminal
from pipeline.settings import Settings, dump

if TYPE_CHECKING:  # its neighbours load TensorFlow
    from components.report.data import ReportData

PUSHED, FAILED, BLOCKED = 0, 1, 3


@dataclass(frozen=True)
class Ended:
    """Work that has ended: its exit status, and the folder it left."""

    status: int
    folder: pathlib.Path


def run(settings: Settings, verbose: bool = False) -> Ended:
    """Runs the whole pipeline; the exit status is 0 pushed, 3 blocked, 1 failed.

    Leaves `runs/<name>/<run id>/` with verdict.json, report.html, model_card.md and .html,
    settings.yaml, steps.json and run.log.

    Raises:
      DataError: data.path is not there.
      SettingsError: a folder cannot be written, another run is using it, or there is no model to
        compare with where one is asked for.
    """
    elsewhere.require_known(settings)
    _require_there(settings)
    asked, settings = settings, compared.resolved(settings)
    if not places.is_address(settings.serving):
        _require_writable("serving", pathlib.Path(settings.serving))
        model = pathlib.Path(settings.serving, settings.model_name)
        if model.exists():
            _require_writable("serving", model)

    def work(run_id: str, folder: pathlib.Path, console: Console) -> int:
        verdict, steps, made = _run_steps(settings, asked, run_id, folder, console)
        verdict.write(folder / VERDICT_FILE)
        write_steps(steps, folder)
        from pipeline.results import report

        report.publish(made, folder, verdict, [asdict(step) for step in steps])
        console.print()
        console.print(terminal.steps_table(steps))
        ending.show(Run(folder), verdict, console)
        return PUSHED if verdict.pushed else BLOCKED

    def consequence(run_id: str) -> str:
        pushed = _pushed_by(run_id, settings)
        return f"Its model was pushed before: {pushed}." if pushed else "Nothing was pushed."

    return in_run_folder(settings, work, "run", consequence, verbose)


def in_run_folder(
    settings: Settings,
    work: Callable[[str, pathlib.Path, Console], int],
    what: str,
    consequence: str | Callable[[str], str],
    verbose: bool,
) -> Ended:
    """Does `work` in a new folder of runs, alone there; the exit status is 1 if it fails.

    Args:
      settings: kept in the folder.
      work: given the run id, the folder and a console, returns the exit status.
      what: names the work in the first line.
      consequence: what a failure means, said with it; or what tells that of the run id then.
      verbose: whether to show all that libraries print, which otherwise goes to run.log.

    Raises:
      DataError: data.path is not there.
      SettingsError: the folder cannot be written, or another run is using it.
    """
    _require_there(settings)
    home = pathlib.Path(settings.runs, settings.name)
    _require_writable("runs", home)
    run_id = runs.next_id(home, datetime.datetime.now())
    folder = home / run_id
    log = folder / LOG_FILE
    with contextlib.ExitStack() as stack:
        stack.enter_context(_only_run_in(home, run_id))
        stack.enter_context(compiled.kept_in(home / compiled.FOLDER))
        folder.mkdir()
        try:
            write_text(folder / SETTINGS_FILE, dump(settings), private=True)
        except OSError:
            folder.rmdir()  # without settings it is no run
            raise
        console = stack.enter_context(terminal.quiet(str(log), verbose))
        console.print(f"FairGate {what} {settings.name}/{run_id}", style="bold")

        def failed(cause: str, details: str) -> Ended:
            _keep_failure(folder, cause)
            console.print(f"\nFAILED: {cause}", style="red", markup=False, soft_wrap=True)
            means = consequence if isinstance(consequence, str) else consequence(run_id)
            console.print(f"{means} {details}", markup=False, soft_wrap=True)
            return Ended(FAILED, folder)

        try:
            return Ended(work(run_id, folder, console), folder)
        except FairGateError as error:
            return failed(_no_room(error, settings, folder) or str(error), f"Log: {log}")
        except Exception as error:
            with contextlib.suppress(OSError):  # the log has no room either
                traceback.print_exc()
            said = f"{type(error).__name__}: {error}".strip()[:2000]
            return failed(
                _no_room(error, settings, folder) or said,
                f"The log has the details: {log} (or run again with --verbose)",
            )


def make_stand_in(settings: Settings) -> None:
    """Makes the synthetic stand-in for CelebA that `settings` ask for."""
    from pipeline.data import synthetic_celeba

    stand_in = settings.data.stand_in
    synthetic_celeba.generate(
        pathlib.Path(settings.data.folder),
        images=stand_in.images,
        seed=stand_in.seed,
        progress=lambda done, total: progress.report(done, total, f"{done:,} of {total:,} images"),
        pictures=stand_in.pictures,
    )


def write_steps(steps: list[terminal.Step], folder: pathlib.Path) -> None:
    """Writes steps.json: time, of parts too, memory and outcome of each step."""
    write_text(folder / STEPS_FILE, to_json([asdict(step) for step in steps], indent=1) + "\n")


@contextlib.contextmanager
def displaying(settings: Settings, console: Console, steps: int) -> Iterator[terminal.Display]:
    """Shows steps, the first of which make the stand-in where it is missing, and load TFX.

    Args:
      settings: what is run.
      console: where.
      steps: how many come after these.
    """
    _require_schema(settings.data.contract)
    make_data = settings.data.path is None and not is_made(pathlib.Path(settings.data.folder))
    try_network = ":" in settings.trainer.network
    first = try_network + make_data + 1 + measured.waits(settings)
    display = terminal.Display(console, steps=first + steps)
    with display, progress.listening(display.report, display.time):
        if try_network:
            with display.step("Try the network"):
                from components.constrained_trainer.models import trying

                trying.require_usable(settings.trainer, settings.data.features)
        loaded = None
        if make_data:
            with display.step("Make synthetic stand-in"):
                from pipeline.data import synthetic_celeba  # noqa: F401  (before others are loaded)

                loaded = loading.Loading()
                make_stand_in(settings)
        with display.step("Load TFX"):
            if loaded is not None:
                loaded.finish()
            _check_inputs(settings)
            from pipeline.running import memory, runner  # noqa: F401

            memory.settle()
        yield display


def measure(settings: Settings, folder: pathlib.Path, display: terminal.Display) -> Settings:
    """The settings with what the training split decides, which the run's folder keeps.

    Raises:
      DataError: the split cannot be read.
      SettingsError: the groups are none then.
    """
    if not measured.waits(settings):
        return settings
    with display.step("Measure groups"):
        settings = measured.resolved(settings)
        for sentence in measured.sentences(settings):
            display.note(sentence)
    write_text(folder / SETTINGS_FILE, dump(settings), private=True)
    return settings


def _run_steps(
    settings: Settings, asked: Settings, run_id: str, folder: pathlib.Path, console: Console
) -> tuple[Verdict, list[terminal.Step], ReportData]:
    """The verdict, the steps, and what the report shows."""
    resolves = settings.trainer.warm_start == "blessed"
    compares = settings.gate.compare_with != compared.BASELINE
    with displaying(settings, console, steps=10 + resolves + compares + 1) as display:
        from components.report.gathering import history
        from pipeline.results import evaluation, outcomes, report
        from pipeline.running import basis, runner

        # Before anything is read: what changes while it runs is new to the next run.
        basis.keep(basis.of(asked), folder)
        settings = measure(settings, folder, display)
        outcome = runner.run(settings, run_id, display)
        with display.step("Read verdict"):
            # What was said before the model was there, of the ledger and of other models, does not belong
            # to it.
            said = [
                note.text
                for step in display.steps
                for note in step.notes
                if step.name == runner.CONSTRAINED
            ]
            if isinstance(outcome, outcomes.Unsolved):
                trained = outcome.trainings.get(CONSTRAINED)
                verdict = evaluation.without_solution(
                    settings,
                    run_id,
                    {} if trained is None else history(trained),
                    outcome.warnings,
                    said,
                    outcome.why,
                )
                made = report.without_evaluation(settings, verdict, outcome)
            else:
                verdict = evaluation.read_verdict(
                    settings,
                    run_id,
                    outcome.evaluation,
                    outcome.blessed,
                    outcome.pushed_model,
                    outcome.attempt,
                    outcome.warnings,
                    said,
                    history(outcome.training),
                )
                verdict = replace(verdict, not_served=outcome.not_served)
                made = report.read(outcome.report)
                verdict = report.with_validation(verdict, made)
    return verdict, display.steps, made


def _pushed_by(run_id: str, settings: Settings) -> str:
    """The version that this run has made, where it went as far; else empty."""
    # Where Pusher was never loaded nothing was pushed; and another thread may be loading it (`loading`).
    if "components.pusher.versions" not in sys.modules:
        return ""
    with contextlib.suppress(Exception):  # what cannot be looked at is no further failure
        from components.pusher import versions

        for version in versions.every(os.path.join(settings.serving, settings.model_name)):
            if version.record is not None and version.record.run == run_id:
                return version.folder
    return ""


def _require_there(settings: Settings) -> None:
    """Raises DataError for a data.path that is no folder on this machine: before anything is loaded."""
    folder = settings.data.path
    if folder is None or places.is_address(folder) or os.path.isdir(folder):
        return
    what = "a file, not a folder" if os.path.exists(folder) else "no such folder"
    from_csv = f"{called()} data from-csv FILE"
    raise DataError(
        f"data.path = {folder!r}: {what}. Give a folder of TFRecord shards, such as a TFDS-prepared "
        f"celeb_a/2.1.0, make one of a table ({from_csv}), or leave data.path unset for the synthetic "
        "stand-in"
    )


def _check_inputs(settings: Settings) -> None:
    """Raises DataError for missing data before anything heavy starts."""
    from components.example_gen.splits import list_splits

    elsewhere.require_reachable(settings)
    list_splits(settings.data.folder, settings.data.splits.patterns())
    elsewhere.require_writable(settings)


def _require_schema(file: str) -> None:
    """Raises DataError unless `file` holds a TFMD Schema as text."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    if places.is_address(file):
        return  # it is read as soon as TensorFlow's file system is there
    if not pathlib.Path(file).is_file():
        raise DataError(
            f"data.schema_file = {file!r}: no such file; give a TFMD Schema as text, such as "
            "schemas/celeba/schema.pbtxt"
        )
    try:
        text_format.Parse(pathlib.Path(file).read_text(encoding="utf-8"), schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError, OSError) as error:
        raise DataError(
            f"data.schema_file = {file!r}: not a TFMD Schema as text: {error}. Correct it; "
            "schemas/celeba/schema.pbtxt shows how one looks"
        ) from None


def _require_writable(field: str, folder: pathlib.Path) -> None:
    """Raises SettingsError unless files can be made in `folder`, which is made where it is missing."""
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"{field}: cannot write in {str(folder)!r}: {error.strerror}. Give the folder write "
            f"permission, or another one with --set {field}=FOLDER"
        ) from None


def _keep_failure(folder: pathlib.Path, error: str) -> None:
    """Says in the run's folder why it has no verdict, if there is room for that."""
    with contextlib.suppress(OSError):
        write_text(folder / FAILURE_FILE, to_json({"error": error}, indent=None) + "\n")


def _no_room(error: BaseException, settings: Settings, folder: pathlib.Path) -> str | None:
    """The sentence about a full disk, where that is what went wrong; whoever says it in what words."""
    named = no_room.place(error)
    if named is None and not isinstance(error, FairGateError):
        # Whoever fails on a full disk may say something else: that a file cannot be opened.
        named = no_room.full_one(settings.runs, settings.serving) or None
    if named is None:
        return None
    where = pathlib.Path(named or folder.parent)
    ways = {
        settings.serving: "--set serving=FOLDER",
        settings.runs: "--set runs=FOLDER",
        settings.data.folder: "",  # it follows from what is made
        os.curdir: "--set runs=FOLDER",
    }
    # Libraries give whole paths where settings have relative ones.
    inside = (
        ways[each]
        for each in ways
        if where.absolute().is_relative_to(pathlib.Path(each).absolute())
    )
    way = next(inside, "TMPDIR=FOLDER in the environment")
    other = f", or give another folder with {way}," if way else ""
    return no_room.sentence(
        str(where), f"Make room{other} and run again: what was finished is re-used"
    )


@contextlib.contextmanager
def _only_run_in(home: pathlib.Path, run_id: str) -> Iterator[None]:
    """Holds a lock that the system releases however the process ends, and says in it who holds it."""
    with runs.locked(home) as lock:
        if lock is None:
            raise SettingsError(
                f"another run is using {home}; wait for it, or choose another --set name=NAME"
            )
        lock.truncate(0)
        lock.write(run_id)
        lock.flush()
        yield
