"""The next training starts from the last model that passed the gate."""

from __future__ import annotations

import numpy as np
import pytest

from components.constrained_trainer import serving
from components.pusher import versions

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MODELS = "artifacts/ConstrainedTrainer.constrained/model"


def weights(folder) -> list[np.ndarray]:
    with np.load(folder / "weights.npz") as arrays:
        return [arrays[name] for name in sorted(arrays)]


def newest(place):
    return max((place.home / MODELS).iterdir(), key=lambda path: int(path.name))


def test_the_head_of_the_last_blessed_model_is_trained_as_a_mixture(passed, place):
    before = set((place.home / MODELS).iterdir())
    again = place.run()  # the newest blessed model is the first run's, whatever ran in between
    assert again.status == 0
    blessed = min((place.home / MODELS).iterdir(), key=lambda path: int(path.name))
    run = place.run(
        "trainer.warm_start=blessed",
        "trainer.layers=head",
        "trainer.selection.choose=distribution",
        "trainer.steps=60",
        "trainer.snapshots=6",
    )
    assert run.status in (0, 3), run.output
    assert run.steps["LatestBlessedModel"] == "done"
    assert run.steps["ConstrainedTrainer.constrained"] == "done"
    made = newest(place)
    assert made not in before
    *body, head, bias = weights(made)
    *started, old_head, old_bias = weights(blessed)
    for one, two in zip(body, started, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(head, old_head) and not np.array_equal(bias, old_bias)
    assert (made / "Format-Serving" / "saved_model.pb").is_file()


def test_the_head_of_the_served_model_is_trained_and_what_is_served_is_known_to_the_cache(
    passed, place
):
    asked = (
        "trainer.warm_start=served",
        "trainer.layers=head",
        "trainer.steps=40",
        "trainer.snapshots=4",
        # Blocked, so that the same is served when it runs again.
        "gate.constraints.0=max_gap(FPR, [Team]) <= 0.001",
    )
    newest_version = versions.every(str(place.folder / "serving" / "happy"))[-1].folder
    run = place.run(*asked)
    assert run.status == 3, run.output
    assert run.steps["ConstrainedTrainer.constrained"] == "done"
    *body, head, _ = weights(newest(place))
    *served, old_head, _ = serving.weights(newest_version)
    for one, two in zip(body, served, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(head, old_head)
    assert place.run(*asked).steps["ConstrainedTrainer.constrained"] == "reused"
