"""fairlearn in a process of its own environment, which stays for many questions."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.peers.environments import ROOT
from components.constrained_trainer.data import Split
from fairgate.constraints.expressions import Constraint, rates_in

# Rates that fairlearn's moments compare between groups.
MOMENTS = {"ACC": "ErrorRateParity", "ERR": "ErrorRateParity"}
MOMENTS |= {"FPR": "FalsePositiveRateParity", "TNR": "FalsePositiveRateParity"}
MOMENTS |= {"TPR": "TruePositiveRateParity", "FNR": "TruePositiveRateParity"}
MOMENTS |= {"PPR": "DemographicParity", "NPR": "DemographicParity"}

# Shares of the slack that are tried as the bound on a group's distance from everyone.
SHARES = (1.0, 0.3)


def moment_for(constraint: Constraint) -> tuple[str, str]:
    """(name of the moment, group feature) nearest to a constraint.

    Raises:
        ValueError: it is not about one rate of fairlearn's, between groups of one feature.
    """
    moments = {MOMENTS.get(getattr(rate, "rate", "")) for rate in rates_in(constraint.expression)}
    features = {group.feature for group in constraint.groups()}
    everyone = any(rate.group is None for rate in rates_in(constraint.expression))
    if len(moments) != 1 or None in moments or len(features) != 1 or everyone:
        raise ValueError(
            f"fairlearn has no moment for {constraint}: it compares one of {', '.join(MOMENTS)} "
            "between the groups of one feature"
        )
    return moments.pop(), features.pop()


def question_for(
    constraint: Constraint, training: Split, x: np.ndarray, asked: np.ndarray
) -> dict[str, np.ndarray]:
    """What `fairlearn_server` reads.

    fairlearn bounds the distance of each group's rate from everyone's. The constraint's slack (its
    limit, or 1 minus a limit from below) is the number nearest to that; shares of it are tried too.

    Args:
        constraint: of the experiment.
        training: labels and groups.
        x: (n, d) features of `training`.
        asked: (m, d) features that decisions are wanted for.
    """
    moment, feature = moment_for(constraint)
    slack = constraint.limit if constraint.sense == "<=" else 1 - constraint.limit
    columns = [i for i, group in enumerate(training.groups) if group.feature == feature]
    return {
        "x": x,
        "y": training.labels.astype(int),
        "groups": training.memberships[:, columns].argmax(axis=1),
        "asked": asked,
        "moment": np.array(moment),
        "bounds": slack * np.array(SHARES),
    }


class Fairlearn:
    """Answers questions; the process starts with the first one.

    Args:
        python: of the environment, `benchmarks.peers.environments.python_of("modern")`.
    """

    def __init__(self, python: Path):
        self._python = python
        self._process: subprocess.Popen[str] | None = None

    def ask(self, question: dict[str, np.ndarray]) -> np.ndarray:
        """(number of bounds, m) probabilities of saying Yes.

        Raises:
            RuntimeError: with what fairlearn said.
        """
        process = self._running()
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(Path(folder, name)) for name in ("question.npz", "answer.npy")]
            np.savez(paths[0], **question)
            process.stdin.write(json.dumps(paths) + "\n")
            process.stdin.flush()
            reply = process.stdout.readline()
            if not reply:
                self._process = None
                raise RuntimeError("fairlearn's process ended without an answer")
            problem = json.loads(reply)
            if problem:
                raise RuntimeError(f"fairlearn: {problem}")
            return np.load(paths[1])

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            command = [self._python, "-W", "ignore", "-m"]
            self._process = subprocess.Popen(
                [*command, "benchmarks.experiments.fairlearn_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
        return self._process
