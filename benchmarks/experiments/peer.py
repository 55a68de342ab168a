"""fairlearn in a process of its own environment, which stays for many questions."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.peers.process import Process
from components.constrained_trainer.examples.data import Split
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
        self._process = Process(python, "benchmarks.experiments.fairlearn_server")

    def ask(self, question: dict[str, np.ndarray]) -> np.ndarray:
        """(number of bounds, m) probabilities of saying Yes.

        Raises:
            RuntimeError: with what fairlearn said.
        """
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder, name) for name in ("question.npz", "answer.npy")]
            np.savez(paths[0], **question)
            try:
                self._process.ask(*paths)
            except RuntimeError as error:
                raise RuntimeError(f"fairlearn: {error}") from None
            return np.load(paths[1])
