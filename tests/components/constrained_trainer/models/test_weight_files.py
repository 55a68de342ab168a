"""Files of weights: what was written is read, in its order."""

from __future__ import annotations

import numpy as np
import pytest

from components.constrained_trainer.models import weight_files

# More than ten, of which weight_10 must not come before weight_2; one is a scalar, one is empty.
WEIGHTS = [np.full((index, 2), index, np.float32) for index in range(11)] + [np.float16(0.5)]


def test_weights_come_back_in_their_order_and_the_others_by_name(tmp_path):
    file = str(tmp_path / "not there yet" / "weights.npz")
    weight_files.write(file, WEIGHTS, step=7, excess=np.array([np.inf]))
    weights, others = weight_files.read(file)
    for found, given in zip(weights, WEIGHTS, strict=True):
        np.testing.assert_array_equal(found, given, strict=isinstance(given, np.ndarray))
        assert found.dtype == given.dtype
    assert set(others) == {"step", "excess"}
    assert int(others["step"]) == 7 and others["excess"].tolist() == [np.inf]


def test_weights_alone_have_nothing_beside_them(tmp_path):
    file = str(tmp_path / "weights.npz")
    weight_files.write(file, [])
    assert weight_files.read(file) == ([], {})


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    file = str(tmp_path / "weights.npz")
    weight_files.write(file, WEIGHTS)

    def full(*arguments, **options):
        raise OSError("no space left on device")

    monkeypatch.setattr(weight_files.tf.io.gfile, "rename", full)
    with pytest.raises(OSError, match="no space left"):
        weight_files.write(file, [np.zeros(1)])
    assert len(weight_files.read(file)[0]) == len(WEIGHTS)
