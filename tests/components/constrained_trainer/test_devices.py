"""Which devices train, and who writes."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from components.constrained_trainer import devices
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.training import train
from fairgate.errors import SettingsError
from tests.components.constrained_trainer.toy import biased_split


@pytest.mark.parametrize("setting", ["auto", "cpu", "cpu:1"])
def test_one_device_needs_no_strategy(setting):
    assert devices.strategy(setting).num_replicas_in_sync == 1


def test_two_devices_are_one_strategy_for_the_whole_process(two_replicas):
    assert two_replicas.num_replicas_in_sync == 2
    assert devices.strategy("cpu:2") is two_replicas
    assert devices.describe(two_replicas) == "2 CPU devices"


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
def test_devices_that_are_not_there_are_refused():
    with pytest.raises(SettingsError, match=r"trainer.devices = 'gpu:2': there are 0 GPU devices"):
        devices.strategy("gpu:2")
    with pytest.raises(ValueError, match="devices"):
        TrainingConfig(devices="tpu")


def test_minibatches_are_shared_equally(two_replicas):
    split = biased_split(100, 1)
    with pytest.raises(SettingsError, match=r"batch_size = 33 .* give a multiple of 2"):
        train(split, split, TrainingConfig(constraints=(), batch_size=33), scope=two_replicas)


@pytest.mark.parametrize(
    ("cluster", "task", "chief"),
    [
        ({}, None, True),
        ({"worker": ["a", "b"]}, ("worker", 0), True),
        ({"worker": ["a", "b"]}, ("worker", 1), False),
        ({"chief": ["a"], "worker": ["b"]}, ("chief", 0), True),
        ({"chief": ["a"], "worker": ["b"]}, ("worker", 0), False),
        ({"chief": ["a"], "evaluator": ["b"]}, ("evaluator", 0), False),
    ],
)
def test_one_worker_writes(monkeypatch, cluster, task, chief):
    config = {"cluster": cluster} | ({"task": {"type": task[0], "index": task[1]}} if task else {})
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert devices.is_chief() is chief
