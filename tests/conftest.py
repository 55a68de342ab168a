"""What tests of several rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from components.constrained_trainer import devices


def pytest_configure(config: pytest.Config) -> None:
    """Two logical devices, before anything uses TensorFlow."""
    (device,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For several processes (`make test`): what shares a fixture stays in one of them.

    A file's tests stay together, and so do whole runs of the pipeline, which start first because
    they take longest.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_sharing(item)))
    items.sort(key=lambda item: _sharing(item) != "e2e")


def _sharing(item: pytest.Item) -> str:
    room, *_ = item.path.relative_to(Path(__file__).parent).parts
    return room if room in ("e2e", "deploy") else str(item.path)


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    """A strategy over two devices; one for all tests, because two would meet in their collectives."""
    return devices.strategy("cpu:2")
