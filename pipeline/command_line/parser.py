"""The commands and their options. Light: what a command needs is imported when it is given."""

from __future__ import annotations

import argparse

from fairgate import command_line as library
from fairgate.options import Parser
from pipeline.called import called
from pipeline.command_line import data_options, initial
from pipeline.command_line.completing import directory as _directory
from pipeline.command_line.completing import file as _file
from pipeline.command_line.completing import place as _place
from pipeline.command_line.shared_options import (
    add_json,
    add_run,
    add_settings,
    add_verbose,
    of_runs,
)


def make() -> Parser:
    """The whole command line: the pipeline's commands, and the library's."""
    parser = Parser(
        prog=called(),
        description="Trains a classifier under fairness constraints and pushes it only if its measured "
        "fairness gap passes the gate.",
        epilog="exit status of run: 0 pushed, 3 blocked by the gate (or passed and not served, as "
        "somebody went back from the model), anything else a failure "
        "(1 it failed, 2 what was asked makes no sense, 130 interrupted, 143 and 129 ended by SIGTERM "
        "and SIGHUP); of show and explain: that of "
        "the run they are about; of judge: 0 passed, 3 blocked, 1 it could not judge; of all others: 0 "
        "done, or a failure as above",
    )
    library.add_version(parser)
    commands = parser.add_subparsers(metavar="COMMAND")

    def add(
        name: str, function: str, description: str, listed: bool = True
    ) -> argparse.ArgumentParser:
        told = {"help": description} if listed else {}
        command = commands.add_parser(name, description=description, **told)
        command.set_defaults(command=f"pipeline.command_line.{function}")
        add_json(command)
        return command

    run = add("run", "working:run", "run the whole pipeline on this machine, from data to verdict")
    run.add_argument(
        "--if-new",
        action="store_true",
        help="run only if data, settings or code are new since a run that ended, or what it pushed is no "
        "longer served; else say so, and end with status 0",
    )
    frontier = add(
        "frontier",
        "working:frontier",
        "train at one limit after another, and draw accuracy against the constraint's value",
    )
    frontier.add_argument(
        "--limits",
        metavar="NUMBER,...",
        help="limits that take the place of those in trainer.constraints, one after another "
        "(default: 0.2,0.1,0.05,0.02,0.01)",
    )
    tune = add(
        "tune",
        "working:tune",
        "search for better settings of the training, and write them into a settings file",
    )
    _add_tune(tune)
    initial.add_options(
        add("init", "starting:init", "look at a table, and write a settings file for it that runs")
    )
    data = add("data", "working:data", "make the synthetic stand-in for CelebA")
    settings = add("settings", "working:settings", "print every setting and its value, as YAML")
    settings.add_argument(
        "--reference",
        action="store_true",
        help="print what every setting means, as docs/settings.md has it",
    )
    for command in (run, frontier, tune, data, settings):
        add_settings(command, default=[])
    for command in (run, frontier, tune):
        add_verbose(command)
    makers = data.add_subparsers(metavar="from-csv, from-pictures")
    data_options.add_from_csv(makers)
    data_options.add_from_pictures(makers)

    show = add(
        "show", "looking:show", "show the verdict of a run, and where its report and model are"
    )
    runs = add("runs", "looking:runs", "list all runs, the newest first; remove some of them")
    _add_keeping(runs)
    opened = add("open", "keeping:open_report", "open the report of a run in the browser")
    explain = add(
        "explain", "looking:explain", "say in sentences why a run was blocked, or why not"
    )
    compare = add(
        "compare", "looking:compare", "show two runs side by side: settings, data, gate, groups"
    )
    unseal = add(
        "unseal",
        "sealing:unseal",
        "end a series of attempts, and show the figures of the test split that were sealed",
    )
    evidence = add(
        "evidence",
        "proving:sign",
        "write what was promised of a run, for auditors; sign it with --key",
    )
    verify = add(
        "verify", "proving:verify", "check evidence: its signature, and what lies beside it"
    )
    for command, whose in (
        (evidence, "private key that signs"),
        (verify, "public key that signed"),
    ):
        command.add_argument(
            "--key", type=_place, metavar="FILE", help=f"{whose}, as PEM (Ed25519)"
        ).complete = _file()  # type: ignore[attr-defined]
    verify.add_argument(
        "file", type=_place, metavar="FILE", help="evidence.json, or the folder of a run"
    ).complete = _file()  # type: ignore[attr-defined]
    for command in (show, opened, explain, unseal, evidence):
        add_run(command, nargs="?", help="run to look at (default: the newest one)")
    add_run(compare, nargs=2, help="runs to compare")
    compare.add_argument(
        "--report",
        nargs="?",
        const="",
        type=lambda text: text and _place(text),
        metavar="FILE",
        help="write the comparison as a page (default: into the second run's folder)",
    ).complete = _file()  # type: ignore[attr-defined]
    predict = add(
        "predict",
        "predicting:predict",
        "ask the pushed model about your own pictures or rows",
    )
    serve = add("serve", "predicting:serve", "the former name of predict", listed=False)
    for command in (predict, serve):
        _add_predict(command)
    add_verbose(unseal)
    for command in (show, opened, runs, explain, compare, unseal, evidence, predict, serve):
        command.add_argument(
            "--runs",
            type=_place,
            default="runs",
            metavar="FOLDER",
            help="folder for runs (default: runs)",
        ).complete = _directory()  # type: ignore[attr-defined]

    serving = add("serving", "serving:listed", "list the versions of a model, or go back to one")
    _add_serving(serving)

    completion = commands.add_parser(
        "completion",
        help="print a script that completes this command line in a shell",
        description='Prints a script for a shell: bash users put  eval "$(fairgate completion bash)"  '
        "into their .bashrc, zsh users the same with zsh after compinit.",
    )
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(command="pipeline.command_line.working:completion", json=False)
    library.add_commands(commands)
    _add_run_to_monitor(commands.choices["monitor"])
    return parser


def _add_run_to_monitor(monitor: argparse.ArgumentParser) -> None:
    """The library's command, and a run whose promise is watched."""
    monitor.set_defaults(command="pipeline.command_line.watching:monitor")
    monitor.add_argument(
        "--run",
        metavar="RUN",
        help="run whose promise is watched: takes the gate's constraints, limits and confidence, the "
        "groups, and the label's column and positive value; what is given besides comes first",
    ).complete = of_runs()  # type: ignore[attr-defined]
    monitor.add_argument(
        "--runs", default="runs", metavar="FOLDER", help="folder for runs (default: runs)"
    ).complete = _directory()  # type: ignore[attr-defined]


def _add_tune(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Trains with other settings again and again, within a budget, and compares them on the "
        "validation split: best is what the gate is predicted to pass with the least error. The "
        "test split is not asked. What is searched are the learning rate, weight decay, batch size "
        "and steps of the training, the multipliers' step sizes, and the limits of constraints that "
        "the gate shares; a setting that has a number in your settings stays. Stopped, it goes on "
        "when it is called again."
    )
    command.add_argument(
        "--trials", type=int, metavar="NUMBER", help="trials in all, those before a stop included"
    )
    command.add_argument(
        "--seconds",
        type=float,
        metavar="NUMBER",
        help="time of all trials together, without that of preparing the data",
    )
    command.add_argument(
        "--write",
        type=_place,
        metavar="FILE",
        help="where your settings go, with what was found (default: tuned.yaml in the run's folder)",
    ).complete = _file()  # type: ignore[attr-defined]


def _add_serving(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Lists the versions of a model that a model server sees, or goes back to an older one, which "
        "becomes the newest version as a copy: a server loads it by itself, and no run undoes it. A run "
        "that comes to the model which was served until then says that it passed and is not served, with "
        "exit status 3."
    )
    actions = command.add_subparsers(metavar="list, roll-back", required=True)
    listed = actions.add_parser("list", help="list the versions, the newest first")
    back = actions.add_parser("roll-back", help="make a copy of a version the newest one")
    back.add_argument("version", type=int, metavar="VERSION", help="number of the version")
    for action, function in ((listed, "listed"), (back, "roll_back")):
        action.set_defaults(command=f"pipeline.command_line.serving:{function}")
        add_settings(action, default=[])
        action.add_argument(
            "--folder",
            type=_place,
            metavar="FOLDER",
            help="folder of all versions (default: serving and model_name of the settings)",
        ).complete = _directory()  # type: ignore[attr-defined]
        add_json(action, default=argparse.SUPPRESS)


def _add_predict(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "source",
        type=_place,
        metavar="FOLDER",
        help="a JPEG or PNG picture, or a folder of them; for a model of a table, a CSV or Parquet file "
        "with its columns",
    ).complete = _file()
    command.add_argument(
        "--model",
        type=_place,
        metavar="FOLDER",
        help="model to ask: one version, or the folder of all of them (default: the one that the newest "
        "run pushed)",
    ).complete = _directory()
    command.add_argument(
        "--run",
        metavar="RUN",
        help="run whose model is asked, and whose settings say what its columns are",
    ).complete = of_runs()
    add_verbose(command)


def _add_keeping(runs: argparse.ArgumentParser) -> None:
    what = runs.add_mutually_exclusive_group()
    what.add_argument(
        "--html",
        nargs="?",
        const="",
        type=lambda text: text and _place(text),
        metavar="FILE",
        help="write a page of all runs, with their verdicts over time (default: index.html in the "
        "folder for runs)",
    ).complete = _file()  # type: ignore[attr-defined]
    what.add_argument(
        "--remove",
        nargs="+",
        metavar="RUN",
        help="take these runs away for good, by their whole names; with the last one of a pipeline its "
        "artifacts go, too. Attempts stay counted, and models stay served",
    ).complete = of_runs()  # type: ignore[attr-defined]
