"""The denominators of a game are those of the whole splits, however many rows are counted at once."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from components.constrained_trainer import training
from components.constrained_trainer.resolving import resolve
from components.constrained_trainer.running import game
from tests.components.constrained_trainer.toy import biased_split, linear_network
from tests.components.constrained_trainer.trainings import configured

LINES = ("max_gap(FPR, [G]) <= 0.05", "PPR | [G=a] <= 0.6", "error <= 0.4")


def counted(splits, piece: int, monkeypatch) -> tuple[np.ndarray, np.ndarray]:
    """The sums and the rows that they are over."""
    monkeypatch.setattr(game, "_PIECE", piece)
    keras.utils.set_random_seed(0)
    config = resolve(configured(), *splits, 1).config
    lines = training.parse(LINES, splits[0])
    made = game.make_game(linear_network((4, 4, 1)), lines, *splits, config)
    found = made.problem.denominators
    return found.sums.numpy(), found.rows.numpy()


@pytest.mark.parametrize("kept", ["numbers", "bytes"])
@pytest.mark.parametrize("piece", [1, 64, 300])
def test_pieces_add_up_to_the_whole(monkeypatch, piece, kept):
    splits = biased_split(300, 1), biased_split(100, 2)
    sums, rows = counted(splits, 2**20, monkeypatch)
    assert sums.size >= 4 and sums.max() > 1
    if kept == "bytes":
        splits = tuple(
            replace(each, labels=each.labels > 0, memberships=each.memberships > 0)
            for each in splits
        )
    found, over = counted(splits, piece, monkeypatch)
    np.testing.assert_array_equal(found / over, sums / rows)
