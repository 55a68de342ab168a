"""docs/library_on_real_data.md is true, where the two files of UCI Adult are at hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "library_on_real_data.md"
ADULT = Path(os.environ.get("FAIRGATE_ADULT", REPOSITORY / "../shared/data/adult")).resolve()
_NUMBER = re.compile(r"(?<![\w.])\d+\.\d+")


@pytest.mark.slow
@pytest.mark.skipif(
    not (ADULT / "adult.test").exists(),
    reason="UCI Adult is not here: set FAIRGATE_ADULT to the folder of adult.data and adult.test",
)
def test_the_program_prints_what_is_shown(tmp_path):
    text = PAGE.read_text()
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    [shown] = re.findall(r"^```\n(baseline.*?)^```", text, re.DOTALL | re.MULTILINE)
    for name in ("adult.data", "adult.test"):
        (tmp_path / name).symlink_to(ADULT / name)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ran.returncode == 0, ran.stderr
    printed = ran.stdout
    assert _NUMBER.sub("#", printed) == _NUMBER.sub("#", shown)
    # Machines round differently, and training amplifies it.
    found, expected = (list(map(float, _NUMBER.findall(text))) for text in (printed, shown))
    assert found == pytest.approx(expected, abs=0.03)
