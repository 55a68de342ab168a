"""What tests of several rooms share."""

from __future__ import annotations

import gc
import os
from typing import Any

# Read when TensorFlow is loaded: object stores in tests are on this machine, and are asked again at once.
os.environ.setdefault("GCS_RETRY_CONFIG_INIT_DELAY_TIME_US", "10000")
os.environ.setdefault("GCS_RETRY_CONFIG_MAX_DELAY_TIME_US", "100000")

import pytest
import tensorflow as tf
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from components.constrained_trainer.running import devices


def pytest_configure(config: pytest.Config) -> None:
    """Two logical devices, before anything uses TensorFlow; nothing is asserted about absolute time.

    TensorFlow starts here, so that no test can hide a GPU from those that need it.
    """
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    (device,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    tf.config.list_logical_devices()


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there by now stays: no collection of garbage looks through it again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leaves out what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") and not devices.gpus():
        pytest.skip("there is no GPU")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """For several processes (`make test`): what shares a fixture stays in one of them."""
    return RoomScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first, so that all processes end at about the same time."""
    longest = ("e2e", "deploy", "tests/object_store/test_whole_run.py")
    rank = {name: number for number, name in enumerate(longest)}
    items.sort(key=lambda item: rank.get(room(item.nodeid), len(longest)))


class RoomScheduling(LoadScopeScheduling):
    """Deals out whole files, and all whole runs together."""

    def _split_scope(self, nodeid: str) -> str:
        return room(nodeid)


def room(nodeid: str) -> str:
    """ "e2e" or "deploy", whose tests share a fixture; elsewhere the file."""
    file = nodeid.partition("::")[0]
    folder = file.removeprefix("tests/").partition("/")[0]
    return folder if folder in ("e2e", "deploy") else file


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    """A strategy over two devices; one for all tests, because two would meet in their collectives."""
    return devices.strategy("cpu:2")
