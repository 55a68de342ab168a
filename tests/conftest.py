"""What tests of several rooms share."""

from __future__ import annotations

import pytest
import tensorflow as tf

from components.constrained_trainer import devices


def pytest_configure(config: pytest.Config) -> None:
    """Two logical devices, before anything uses TensorFlow."""
    (device,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    """A strategy over two devices; one for all tests, because two would meet in their collectives."""
    return devices.strategy("cpu:2")
