"""Shared by the tests of the constrained-optimization library."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Two logical devices, for strategies."""
    (device,) = tf.config.list_physical_devices("CPU")
    # Too late in a run where another folder's modules have used TensorFlow when they were imported:
    # the tests of strategies skip then.
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(
            device, [tf.config.LogicalDeviceConfiguration()] * 2
        )


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    """A strategy over two devices; one for all tests, because two would meet in their collectives."""
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    if len(devices) < 2:
        pytest.skip("TensorFlow was in use before it could be given two devices")
    return tf.distribute.MirroredStrategy(devices[:2])


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
