"""A training that is to start from a blessed model whose weights are gone."""

from __future__ import annotations

import numpy as np
from tfx.types import standard_artifacts

from components.constrained_trainer import executor
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.models import weight_files


def model(folder, value: float):
    folder.mkdir()
    weight_files.write(str(folder / executor.WEIGHTS_FILE), [np.full(2, value, np.float32)])
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    return artifact


def test_it_starts_from_the_baseline_and_says_so(tmp_path):
    inputs = {
        "base_model": [model(tmp_path / "baseline", 1.0)],
        "blessed_model": [model(tmp_path / "blessed", 2.0)],
    }
    config = TrainingConfig(warm_start="blessed")
    assert executor._start(inputs, config, None)[0][0] == 2.0
    assert executor._gone(inputs, config) == ""
    (tmp_path / "blessed" / executor.WEIGHTS_FILE).unlink()
    assert executor._start(inputs, config, None)[0][0] == 1.0
    said = executor._gone(inputs, config)
    assert str(tmp_path / "blessed") in said and "trainer.warm_start=baseline" in said
    assert executor._gone(inputs, TrainingConfig(warm_start="baseline")) == ""
    assert executor._gone(inputs | {"blessed_model": []}, config) == "", "none was blessed yet"
