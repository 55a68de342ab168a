"""Where Keras 3's `fit` cannot go, said in words before it fails in others.

Found with Keras 3.15 and TensorFlow 2.21: `fit` under MultiWorkerMirroredStrategy fails even for
plain models; under MirroredStrategy it fails with more than one step per execution or with
compilation by XLA. A loop of `strategy.run(optimizer.minimize)` inside tf.function goes everywhere.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

INSTEAD = (
    "use ConstrainedOptimizer.minimize in a loop of your own (strategy.run inside tf.function), "
    "which works with every strategy"
)


def require_supported(
    strategy: tf.distribute.Strategy, jit_compile: Any, steps_per_execution: int
) -> Any:
    """`jit_compile` as Keras can use it under the strategy.

    Args:
        strategy: the one that training will run under.
        jit_compile: True, False or "auto".
        steps_per_execution: as given to `compile`.

    Raises:
        ValueError: if `fit` cannot work; says what can.
    """
    name = type(strategy).__name__
    if isinstance(
        strategy,
        tf.distribute.MultiWorkerMirroredStrategy
        | tf.distribute.experimental.ParameterServerStrategy,
    ):
        # What tf.distribute calls it; the class itself has an older name.
        shown = name.replace("CollectiveAllReduceStrategy", "MultiWorkerMirroredStrategy")
        raise ValueError(f"Keras 3 cannot fit() under {shown}: {INSTEAD}")
    if strategy.num_replicas_in_sync == 1:
        return jit_compile
    if steps_per_execution != 1:
        raise ValueError(
            f"Keras 3 cannot fit() with steps_per_execution={steps_per_execution} under {name} of "
            f"{strategy.num_replicas_in_sync} replicas: leave it at 1, or {INSTEAD}"
        )
    if jit_compile is True:
        raise ValueError(
            f"Keras 3 cannot fit() with jit_compile=True under {name} of "
            f"{strategy.num_replicas_in_sync} replicas: leave it out, or {INSTEAD}"
        )
    return False
