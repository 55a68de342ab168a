"""The command `monitor`, with what a run says of its promise."""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

from fairgate import watching
from fairgate.answers import Answer
from fairgate.data.answers import positive_of
from fairgate.errors import SettingsError
from fairgate.gate import checks
from pipeline.results import runs as all_runs
from pipeline.results.runs import Run
from pipeline.settings import Settings, load


def monitor(options: argparse.Namespace) -> Answer:
    """Watches a log; with --run, for what that run's gate promised."""
    if options.run is None:
        return watching.monitor(options)
    if options.judged:
        raise SettingsError("--run and --judged both say what is watched: give one of them")
    run = all_runs.find(pathlib.Path(options.runs), options.run)
    return watching.monitor(options, known(run, load([str(run.settings_file)])))


def known(run: Run, settings: Settings) -> dict[str, Any]:
    """What a run's settings say of what was promised, for `fairgate.watching.monitor`.

    Raises:
      SettingsError: the promise is one over units or weights, which no log has.
    """
    features = settings.data.features
    if features.label.classes:
        raise SettingsError(
            f"--run {run.name}: its label has several classes (data.features.label.classes), and a "
            "monitor watches answers of Yes and No. Say with --constraint, --group and --positive which "
            "class is watched against the rest"
        )
    for setting in ("unit", "weight"):
        column = getattr(features, setting)
        if column is not None:
            raise SettingsError(
                f"--run {run.name}: its gate's bounds are by data.features.{setting} = {column!r}, and "
                "a monitor takes the records of a log as independent, each counting one. Say with "
                "--constraint and --group what is watched if that is so in your log"
            )
    if features.label.others == "positive":
        raise SettingsError(
            f"--run {run.name}: its label is a Yes wherever it is not {features.label.negative!r}, which "
            "a monitor cannot be told: say with --positive which values are a Yes in your log"
        )
    groups = {name: list(members) for name, members in features.group_names.items()}
    asked = checks.checks(settings.gate, groups)
    return {
        # With gate.limit in its place.
        "constraints": [str(check.constraint) for check in asked],
        "groups": groups,
        "confidence": settings.gate.confidence,
        "label": features.label.name,
        "positive": positive_of(features.label.positive),
    }
