"""Recall_constraint_keras: the same by `compile` and `fit`

The model is an ordinary Keras model, before and after; the game around it is a Keras model too, whose
loss is the problem.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from benchmarks.examples import common, recall_constraint
from fairgate import optimization as co

OBJECTIVE = recall_constraint.OBJECTIVE
VIOLATION = recall_constraint.VIOLATION
STORED = {
    "unconstrained": common.Row(0.6310, 0.9 - 0.7816),
    "last": common.Row(0.7458, 0.9 - 0.9023),
}
NOTE = recall_constraint.NOTE


def run(seed: int, folder: Path | None, small: bool) -> common.Rows:
    splits = recall_constraint.drawn(seed)
    context = co.rate_context(lambda b: b.y_pred, labels=lambda b: b.y)
    constraints = [(co.recall(context) >= recall_constraint.RECALL).named("recall")]
    rows = {}
    for name, listed in (("unconstrained", []), ("last", constraints)):
        keras.utils.set_random_seed(seed)
        model = common.network(10)
        problem = co.RateMinimizationProblem(co.error_rate(context), listed)
        formulation = co.ProxyLagrangian(problem.num_constraints, optimizer=1.0)
        game = co.ConstrainedModel(model, problem, formulation)
        steps, epochs = 50, 6 if small else 40
        schedule = keras.optimizers.schedules.CosineDecay(0.1, steps * epochs)
        game.compile(keras.optimizers.Adam(schedule), jit_compile=True, steps_per_execution=steps)
        x, y = splits["train"]["x"], splits["train"]["y"]
        # 250 rows a minibatch; steps_per_execution runs an epoch in one compiled call.
        passes = np.tile(np.arange(len(x)), steps * 250 // len(x))
        game.fit(x[passes], y[passes], batch_size=250, epochs=epochs, verbose=0)
        found = common.measured(model, [model.get_weights()], splits, recall_constraint.measure)
        rows[name] = found.one(-1)
    return rows
