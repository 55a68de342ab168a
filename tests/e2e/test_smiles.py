"""The main job on real photographs, when they are there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.__main__ import main
from tests.e2e.runs import REPOSITORY

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# The full job takes 1500 steps to 0.90 and more; a third of them is enough to see that it learns.
STEPS = 500


def photographs() -> Path:
    """The folder of the SMILEs TFRecords: FAIRGATE_SMILES, or beside the repository."""
    return Path(os.environ.get("FAIRGATE_SMILES", REPOSITORY / "../shared/data/smiles")).resolve()


@pytest.mark.skipif(
    not photographs().is_dir(),
    reason="no photographs here: set FAIRGATE_SMILES to the folder of the SMILEs TFRecords",
)
def test_the_main_job_on_real_photographs(tmp_path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)  # the settings name the schema from there
    sets = [
        f"data.path={photographs()}",
        f"runs={tmp_path}/runs",
        f"serving={tmp_path}/serving",
        f"trainer.steps={STEPS}",
        "trainer.snapshots=5",
    ]
    arguments = ["run", "--settings", "schemas/smiles/settings.yaml"]
    status = main([*arguments, *[part for item in sets for part in ("--set", item)]])
    [folder] = [path.parent for path in (tmp_path / "runs" / "smiles").glob("*/settings.yaml")]
    assert status in (0, 3), (folder / "run.log").read_text(errors="replace")[-4000:]
    verdict = json.loads((folder / "verdict.json").read_text())
    model = verdict["models"]["constrained"]
    assert model["accuracy"] >= 0.88
    # Dark is the darkest quarter, by how it was made.
    dark, light = (model["groups"][name]["examples"] for name in ("Dark", "Light"))
    assert dark / (dark + light) == pytest.approx(0.25, abs=0.03)
    [row] = verdict["gate"]
    assert 0 <= row["value"] < row["upper_bound"] < 1
    # Whatever the verdict is, it is carried out, and it has its reasons.
    served = list((tmp_path / "serving").rglob("saved_model.pb"))
    assert len(served) == verdict["pushed"] == verdict["blessed"] == (status == 0)
    assert (verdict["reasons"] == []) == verdict["blessed"]
