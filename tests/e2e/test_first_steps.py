"""A newcomer's walk: the commands of docs/first_steps.md, copied from the page alone, do what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_pages import blocks

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "first_steps.md"

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[int, str]]]:
    """The folder of the walk, and the exit status and the output of each command, in order."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "fairgate").symlink_to(REPOSITORY / "fairgate")
    [program] = blocks(PAGE, "python")
    (folder / re.findall(r"# (\w+\.py)", program)[0]).write_text(program)
    ended = {}
    lines = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    assert lines[0] == "make setup"
    for line in lines[1:]:
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env=os.environ | {"COLUMNS": "80", "CUDA_VISIBLE_DEVICES": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
        )
        ended[line] = ran.returncode, " ".join(ran.stdout.split())
    return folder, ended


def said(walked: tuple[Path, dict[str, tuple[int, str]]], command: str) -> tuple[int, str]:
    """Of the only command that has these words."""
    [found] = [ended for line, ended in walked[1].items() if command in line]
    return found


def test_every_command_ends_as_the_page_says(walked):
    statuses = {line: status for line, (status, _) in walked[1].items()}
    blocked = [line for line in statuses if "trainer.constraints=[]" in line or "explain" in line]
    assert len(statuses) == 10 and len(blocked) == 2
    assert statuses == dict.fromkeys(statuses, 0) | dict.fromkeys(blocked, 3)


def test_the_first_run_is_blocked_and_explained(walked):
    assert "BLOCKED: nothing was pushed" in said(walked, "trainer.constraints=[]")[1]
    explained = said(walked, "explain")[1]
    assert "max_gap(TPR, [Sex]) <= 0.1" in explained and "sealed" in explained


def test_the_second_run_passes_and_its_model_answers(walked):
    folder, _ = walked
    assert "PASSED: pushed to serving/repaid/" in said(walked, "loans/settings.yaml --set gate")[1]
    [version] = (folder / "serving" / "repaid").iterdir()
    assert (version / "saved_model.pb").exists()
    answers = json.loads((folder / "predictions.json").read_text())
    assert len(answers["predictions"]) == 20000
    listed = said(walked, "fairgate runs")[1]
    assert "blocked" in listed and "pushed" in listed


def test_somebody_elses_model_is_judged_and_watched(walked):
    assert "PASSED: the model may be served" in said(walked, "judge")[1]
    assert "max_gap(TPR, [sex]) <= 0.1" in said(walked, "monitor")[1]
    assert (walked[0] / "monitor.json").stat().st_size
