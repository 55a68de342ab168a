"""Each notebook is a pair: a script that diffs, and the same as .ipynb, without stored output."""

from __future__ import annotations

import json
from pathlib import Path

import jupytext
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
SCRIPTS = sorted(FOLDER.glob("*.py"))


def test_there_are_three_and_each_has_its_twin():
    assert len(SCRIPTS) == 3
    assert [file.stem for file in SCRIPTS] == sorted(f.stem for f in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_the_pair_agrees(script):
    told = [
        [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in book.cells]
        for book in (jupytext.read(script), jupytext.read(script.with_suffix(".ipynb")))
    ]
    assert told[0] == told[1], f"make them agree: jupytext --sync {script.name}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_no_output_is_stored(script):
    cells = json.loads(script.with_suffix(".ipynb").read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_cells_are_short(script):
    cells = [cell for cell in jupytext.read(script).cells if cell.cell_type == "code"]
    assert max(len(cell.source.splitlines()) for cell in cells) <= 8
