"""Every game that should find the solutions of `benchmarks.duals.problems`, with what it takes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from benchmarks.duals.problems import Optimistic
from fairgate.optimization.games import (
    Formulation,
    Lagrangian,
    MultiplierModel,
    PILagrangian,
    ProxyLagrangian,
    feature_multipliers,
)


@dataclass(frozen=True)
class Game:
    """A variant, with what it takes to solve all problems.

    Attributes:
        rate: of the model's optimistic steps; the convex combinations of `ProxyLagrangian` scale
            its gradient down.
        steps: of both players.
        settles: with plain steps of both players, also where the problem has no curvature.
        averaged: compare the mean over all steps, not the last one. A multiplier model needs it:
            |x| makes a multiplier of 0 bounce by its rate times the slack, so the rate must decay.
    """

    make: Callable[[], Formulation]
    rate: float = 0.1
    steps: int = 6000
    averaged: bool = False
    settles: bool = False


def by_features(rate: Any) -> Formulation:
    model = keras.Sequential(
        [keras.Input([3]), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    outputs, variables = feature_multipliers(model, np.eye(3))
    return MultiplierModel(3, outputs, variables, optimizer=keras.optimizers.SGD(rate))


def proxy(regret: Any, update: Any, normalize: bool) -> Game:
    fast = regret == "swap" and update == "multiplicative"

    def make() -> Formulation:
        # A multiplicative weight never falls below minimum_radius / n.
        options = {"minimum_radius": 1e-5, "normalize": normalize}
        return ProxyLagrangian(
            3, regret, update, optimizer=Optimistic(0.5 if fast else 0.2), **options
        )

    return Game(make, rate=0.3 if fast or not normalize else 0.1)


GAMES: Mapping[str, Game] = {
    "Lagrangian": Game(lambda: Lagrangian(3, optimizer=Optimistic(0.2))),
    "Lagrangian with a radius": Game(lambda: Lagrangian(3, 3.0, optimizer=Optimistic(0.2))),
    "Lagrangian with a dual scale": Game(
        lambda: Lagrangian(3, optimizer=Optimistic(0.04), dual_scale=5.0)
    ),
    # Plain steps: the controller does what optimism does for the others.
    "PI": Game(lambda: PILagrangian(3, optimizer=0.1), settles=True),
    "PI with a radius": Game(
        lambda: PILagrangian(3, maximum_radius=3.0, optimizer=0.1), settles=True
    ),
    "PI with scales": Game(
        lambda: PILagrangian(3, scale=[1.0, 0.5, 0.75], optimizer=0.1), settles=True
    ),
    "PI of a running mean": Game(
        lambda: PILagrangian(3, smoothing=0.5, optimizer=0.1), settles=True
    ),
    "multiplier model": Game(
        lambda: by_features(keras.optimizers.schedules.InverseTimeDecay(0.2, 300, 1)),
        steps=500_000,
        averaged=True,
    ),
} | {
    f"{regret} {update}{' normalized' * normalize}": proxy(regret, update, normalize)
    for regret in ("swap", "external")
    for update in ("multiplicative", "additive")
    for normalize in (False, True)
}
