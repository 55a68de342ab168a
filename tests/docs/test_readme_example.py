"""The README's example of training runs as it stands, keeps its constraint, and prints what is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
_LINE = re.compile(r"limit ([\d.]+), (\w+) *: error rate ([\d.]+), false positive rate ([\d.]+)")
NEAR = 0.01
"""How far rates may be from those shown: machines round differently, and training amplifies it."""


def example() -> tuple[str, str]:
    """The first snippet that imports `fairgate.optimization`, and what is shown below it."""
    found = re.search(
        r"^```python\n(import[^`]*?fairgate\.optimization.*?)^```\n\n```\n(.*?)^```$",
        (REPOSITORY / "README.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert found is not None
    return found[1], found[2]


def rates(printed: str) -> dict[tuple[float, str], tuple[float, float]]:
    """Error rate and false positive rate by limit and group."""
    found = _LINE.findall(printed)
    return {(float(limit), group): (float(e), float(fpr)) for limit, group, e, fpr in found}


@pytest.mark.slow
def test_the_example_of_training_keeps_its_constraint_and_prints_what_is_shown(tmp_path):
    code, shown = example()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    printed = rates(done.stdout)
    assert len(printed) == len(done.stdout.splitlines()) == 4

    limit, unlimited = min(printed)[0], max(printed)[0]
    assert printed[limit, "old"][1] <= limit
    assert printed[unlimited, "old"][1] > 2 * limit

    expected = rates(shown)
    assert printed.keys() == expected.keys()
    for which, pair in expected.items():
        assert printed[which] == pytest.approx(pair, abs=NEAR), which


def test_the_example_is_short():
    code, _ = example()
    assert len([line for line in code.splitlines() if line.strip()]) <= 26
