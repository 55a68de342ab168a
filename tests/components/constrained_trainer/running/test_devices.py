"""Which devices train, and who writes."""

from __future__ import annotations

import gc
import json
import os
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.running import devices
from components.constrained_trainer.training import train
from fairgate.errors import SettingsError
from tests.components.constrained_trainer.toy import AS_TRAINED, biased_split

SPLIT = biased_split(600, 1)
CONFIG = TrainingConfig(
    network="tests.components.constrained_trainer.toy:dropout_network",
    constraints=("max_gap(FPR, [G]) <= 0.04",),
    steps=30,
    batch_size=32,
    snapshots=2,
    selection=AS_TRAINED,
)


@pytest.fixture(scope="module")
def second() -> tf.distribute.Strategy:
    """A device that TensorFlow puts nothing on by itself, as the CPU is where there is a GPU."""
    return tf.distribute.OneDeviceStrategy("CPU:1")


@pytest.mark.parametrize("setting", ["auto", "cpu", "cpu:1"])
def test_one_device_needs_no_strategy(setting):
    assert devices.strategy(setting).num_replicas_in_sync == 1


def test_on_a_cpu_no_more_is_kept_than_a_little_unless_a_number_is_given():
    scope = devices.strategy("cpu")
    assert devices.resident_gb("auto", scope) == 0.25
    assert devices.resident_gb(3.0, scope) == 3.0


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


@pytest.mark.parametrize("jit", ["on", "off"])
def test_a_training_is_where_its_strategy_is_and_nowhere_else(second, jit):
    """Variables, examples, and all that is computed; XLA refuses variables of another device."""
    config = CONFIG.model_copy(update={"jit": jit})
    made: list[tf.Variable] = []

    def kept(create, **arguments):
        made.append(create(**arguments))
        return made[-1]

    before = {id(each) for each in _tensors()}
    living: set[str] = set()

    def look(moment) -> None:
        living.update(each.device[-5:] for each in _tensors() if id(each) not in before)

    with tf.variable_creator_scope(kept):
        there = train(SPLIT, SPLIT, config, look, scope=second)
    assert made and {each.device[-5:] for each in made} == {"CPU:1"}
    assert living == {"CPU:1"}
    here = train(SPLIT, SPLIT, config)
    for one, two in zip(here.snapshots, there.snapshots, strict=True):
        for a, b in zip(one.weights, two.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def _tensors() -> list[tf.Tensor]:
    """Those with values that are alive."""
    kind = type(tf.constant(0))
    return [each for each in gc.get_objects() if isinstance(each, kind)]


def test_the_place_of_a_training_is_told(second, two_replicas):
    assert devices.kind_of(second) == devices.kind_of(two_replicas) == "CPU"
    assert devices.describe(second) == "1 CPU"


@pytest.mark.gpu
def test_a_cpu_is_trained_on_beside_a_gpu():
    """TensorFlow has started, with the GPU: what is asked of it now must go by its place."""
    tf.config.list_logical_devices()
    assert devices.kind_of(devices.strategy("auto")) == "GPU"
    scope = devices.strategy("cpu")
    assert devices.kind_of(scope) == "CPU"
    config = CONFIG.model_copy(update={"jit": "on", "devices": "cpu"})
    result = train(SPLIT, SPLIT, config)
    assert {variable.value.device[-5:] for variable in result.model.variables} == {"CPU:0"}


@pytest.mark.gpu
def test_a_gpus_memory_is_taken_as_it_is_needed():
    total = tf.random.normal([1000, 1000], dtype=tf.float32)
    assert float(tf.reduce_sum(tf.square(total))) > 0
    assert tf.config.experimental.get_memory_info("GPU:0")["current"] < 100e6
    assert _memory_of_this_process() < 4e9


def _memory_of_this_process() -> float:
    """Of the GPU [bytes], as its driver counts."""
    query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    lines = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
    used = {int(pid): float(megabytes) for pid, megabytes in (line.split(",") for line in lines)}
    return used.get(os.getpid(), 0.0) * 1e6


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
