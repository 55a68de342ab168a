"""What the gate is predicted to say: the same on every machine, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
PROGRAM = """
from fairgate.constraints import language
from fairgate.constraints.rates import Counts, Group
from fairgate.gate.prediction import Size, predicted_bound

names = ["first", "second", "third"]
constraint = language.parse("max_gap(FPR, [G]) <= 0.1", {"G": names})
counts = {Group("G", n): Counts(tp=50, fp=9 + 4 * i, tn=70, fn=10) for i, n in enumerate(names)}
counts[None] = Counts(tp=150, fp=39, tn=210, fn=30)
sizes = {group: Size(each.positives, each.negatives) for group, each in counts.items()}
print(predicted_bound(constraint, counts, sizes, 0.05))
"""


def test_a_prediction_does_not_depend_on_how_python_hashes_names():
    said = set()
    for seed in range(4):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": "src"}
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(float(result.stdout))
    assert len(said) == 1 and 0 < said.pop() < 1
