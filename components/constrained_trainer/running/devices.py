"""Where training runs: one strategy for a CPU, a GPU, several, or several workers."""

from __future__ import annotations

import contextlib
import functools
import json
import os

import tensorflow as tf

from fairgate.errors import SettingsError

# A GPU's memory has room for a split, and nothing else to do with it. A CPU's own memory would grow with
# the data for steps that are no faster than the system keeps the file in what memory is free.
_RESIDENT_GB = {"CPU": 0.25, "GPU": 4.0}


# One for all trainings of a process: two strategies over the same devices would wait for each other.
@functools.cache
def strategy(devices: str) -> tf.distribute.Strategy:
    """The strategy of the setting `trainer.devices`.

    With a cluster of several workers in the environment variable TF_CONFIG (as Vertex AI's and
    Kubeflow's training jobs set it) all of them train together; this must then come before any other
    use of TensorFlow in the process.

    Args:
      devices: auto, cpu, gpu, cpu:N or gpu:N. `cpu` leaves the GPUs of the machine to others, as far
        as TensorFlow has not taken them yet. `cpu:N` makes N logical devices of one CPU: for trying out
        what several do.

    Raises:
      SettingsError: there are not so many devices, or it is too late for several workers.
    """
    kind, _, number = devices.partition(":")
    if _workers() > 1:
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError as error:
            raise SettingsError(
                f"trainer.devices: TF_CONFIG names {_workers()} workers, but TensorFlow was used "
                f"before they could be joined: {error}"
            ) from error
    if kind == "auto":
        kind = "gpu" if gpus() else "cpu"
        number = str(gpus() or 1)
    names = _devices(kind.upper(), int(number or 1), devices)
    if len(names) > 1:
        return tf.distribute.MirroredStrategy(names)
    if kind == "cpu" and gpus():
        try:
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError:  # TensorFlow has started, and has them
            return tf.distribute.OneDeviceStrategy("CPU:0")
    return tf.distribute.get_strategy()


def placed(scope: tf.distribute.Strategy) -> contextlib.AbstractContextManager[object]:
    """Makes and runs what follows where `scope` trains, if that is not where TensorFlow puts things.

    A strategy of one device sees to its variables alone. Constants and calls would go to the first GPU,
    and XLA takes no variables of another device than its own.
    """
    if isinstance(scope, tf.distribute.OneDeviceStrategy):
        return tf.device(scope.extended.worker_devices[0])
    return contextlib.nullcontext()


def resident_gb(asked: float | str, scope: tf.distribute.Strategy) -> float:
    """Up to what size [GB] a split is kept where `scope` trains, by `trainer.resident_gb`."""
    return _RESIDENT_GB[kind_of(scope)] if isinstance(asked, str) else asked


def gpus() -> int:
    """How many GPUs TensorFlow may use in this process."""
    return len(tf.config.get_visible_devices("GPU"))


def kind_of(scope: tf.distribute.Strategy) -> str:
    """CPU or GPU: what `scope` trains on."""
    if scope.num_replicas_in_sync == 1 and not isinstance(scope, tf.distribute.OneDeviceStrategy):
        return "GPU" if gpus() else "CPU"
    return "GPU" if "GPU" in scope.extended.worker_devices[0] else "CPU"


def several_workers() -> bool:
    """Whether TF_CONFIG joins this process to others."""
    return _workers() > 1


def of_first_replica(scope: tf.distribute.Strategy, value: int) -> int:
    """The value that the first of all workers gives here; each of them must come by.

    What a worker decides by its own clock is not what the others decide, and workers that do not
    enter the same sums wait for each other for ever.
    """
    return _summed(scope, value, of_first_only=True)


def any_worker(scope: tf.distribute.Strategy, condition: bool) -> bool:
    """Whether `condition` holds for one of the workers at least; each of them must come by."""
    return _summed(scope, int(condition), of_first_only=False) > 0


def _summed(scope: tf.distribute.Strategy, value: int, of_first_only: bool) -> int:
    """The sum of the values that the replicas give, or of the first one's alone."""
    if not _is_of_several_workers(scope):
        return value

    def one() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        counts = tf.equal(context.replica_id_in_sync_group, 0) if of_first_only else True
        own = tf.where(counts, tf.constant(value, tf.int64), tf.constant(0, tf.int64))
        return context.all_reduce(tf.distribute.ReduceOp.SUM, own)

    return int(scope.experimental_local_results(scope.run(one))[0])


def is_chief() -> bool:
    """Whether this process writes the results: the only one, worker 0, or the chief."""
    task = json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {})
    workers_only = "chief" not in _cluster()
    return task.get("type", "chief") == "chief" or (
        workers_only and task.get("type") == "worker" and int(task.get("index", 0)) == 0
    )


def describe(scope: tf.distribute.Strategy) -> str:
    """In words, for the log: what trains."""
    replicas = scope.num_replicas_in_sync
    if _workers() > 1:
        return f"{_workers()} workers, {replicas} {kind_of(scope)} replicas"
    return f"1 {kind_of(scope)}" if replicas == 1 else f"{replicas} {kind_of(scope)} devices"


def _is_of_several_workers(scope: tf.distribute.Strategy) -> bool:
    return isinstance(scope, tf.distribute.MultiWorkerMirroredStrategy) and _workers() > 1


def _cluster() -> dict[str, list[str]]:
    return json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {})


def _workers() -> int:
    return sum(len(_cluster().get(kind, [])) for kind in ("chief", "master", "worker"))


def _devices(kind: str, number: int, setting: str) -> list[str]:
    physical = tf.config.get_visible_devices(kind)
    if kind == "CPU" and number > 1:
        try:
            tf.config.set_logical_device_configuration(
                physical[0], [tf.config.LogicalDeviceConfiguration()] * number
            )
        except RuntimeError:  # TensorFlow has started; its devices are what they are
            physical = tf.config.list_logical_devices("CPU")
        else:
            physical = tf.config.list_logical_devices("CPU")
    if len(physical) < number:
        raise SettingsError(
            f"trainer.devices = {setting!r}: there are {len(physical)} {kind} devices; give auto, or "
            "a number of them that exists"
        )
    return [f"{kind}:{index}" for index in range(number)]
