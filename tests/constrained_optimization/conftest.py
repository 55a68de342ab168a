"""Shared by the tests of the constrained-optimization library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Two logical devices for strategies, and few threads: the tests are many small operations."""
    (device,) = tf.config.list_physical_devices("CPU")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every warning in a test of this folder is an error."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"))


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """Inputs and outputs of the reference implementation (Google Research, 2021), case by case.

    Random inputs are multiples of 1/4096, so exact in float32; outputs are float32.
    """
    return json.loads((HERE / "fixtures" / "reference.json").read_text())
