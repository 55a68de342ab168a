"""The frontier of the small dataset, drawn from what a run before it left."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from pipeline.__main__ import main

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_frontier_re_uses_the_data_of_a_run_and_pushes_nothing(passed, place):
    before, served, folders = place.executions(), place.served(), place.run_folders()
    arguments = ["--set", "trainer.steps=90", "--set", "trainer.snapshots=3"]
    limits = ["--limits", "0.05,0.1"]
    assert main(["frontier", "--settings", str(place.settings), *arguments, *limits]) == 0
    [folder] = [folder for folder in place.run_folders() if folder not in folders]
    assert place.worked(before) == set() and place.served() == served
    assert place.executions()["Evaluator"] == before["Evaluator"]  # it ended at Transform
    frontier = json.loads((folder / "frontier.json").read_text())
    assert [point["limit"] for point in frontier["points"]] == [None, 0.1, 0.05]
    for point in frontier["points"]:
        [measured] = point["measured"]
        assert measured["expression"] == "max_gap(FPR, [Team])"
        assert 0 <= measured["value"] < measured["bound"] and 0.5 < point["accuracy"] < 1
    with Image.open(folder / "frontier.png") as picture:
        assert picture.size == (1100, 720)
