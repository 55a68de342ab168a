"""The dual updates that are compared. Each has one number to tune, its rate; the rest is given here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras

from benchmarks.duals.problems import Optimistic
from fairgate.optimization.games import Formulation, Lagrangian, PILagrangian, ProxyLagrangian

CONTROLLER = "PI controller (the default)"
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_RADIUS = 3.0  # the multipliers of no solution sum to more than 2.5
_SCHEDULE = 100  # steps after which a decaying rate has fallen by the root of 2


@dataclass(frozen=True)
class Update:
    """One way to move multipliers.

    Attributes:
        make: rate -> a game of three constraints.
        says: what it is, with its fixed numbers.
        averaged: its answer is the mean of the last half of what was played, not the last step.
    """

    make: Callable[[float], Formulation]
    says: str
    averaged: bool = False


class RootDecay(keras.optimizers.schedules.LearningRateSchedule):
    """rate / sqrt(1 + t / 100): steps that get small, but sum to as much as one likes."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step: int) -> object:
        return self.rate / keras.ops.sqrt(1.0 + keras.ops.cast(step, "float32") / _SCHEDULE)


UPDATES: Mapping[str, Update] = {
    "gradient ascent": Update(
        lambda rate: Lagrangian(3, optimizer=rate), "`Lagrangian`, plain steps (Cotter et al. 2019)"
    ),
    "gradient ascent, radius": Update(
        lambda rate: Lagrangian(3, _RADIUS, optimizer=rate),
        f"the same; the multipliers sum to at most {_RADIUS:g}",
    ),
    "gradient ascent, decay": Update(
        lambda rate: Lagrangian(3, optimizer=keras.optimizers.SGD(RootDecay(rate))),
        "the same without radius; the rate falls as 1 / sqrt(1 + t / 100)",
    ),
    "gradient ascent, averaged estimates": Update(
        lambda rate: Lagrangian(3, optimizer=keras.optimizers.SGD(0.1 * rate, momentum=0.9)),
        "the multipliers follow a running mean of the violations, 0.9 of which stays at each step",
    ),
    "gradient ascent, averaged play": Update(
        lambda rate: Lagrangian(3, optimizer=rate),
        "plain steps; model and multipliers are the mean of the last half of all steps",
        averaged=True,
    ),
    "optimistic ascent": Update(
        lambda rate: Lagrangian(3, optimizer=Optimistic(rate)),
        "each step is twice the gradient less the one before (Daskalakis et al. 2018)",
    ),
    "proxy-Lagrangian, multiplicative": Update(
        lambda rate: ProxyLagrangian(3, "swap", "multiplicative", optimizer=rate, normalize=True),
        "`ProxyLagrangian`, swap regret; normalized, so that the model's steps are as long as elsewhere",
    ),
    "proxy-Lagrangian, additive": Update(
        lambda rate: ProxyLagrangian(3, "swap", "additive", optimizer=rate, normalize=True),
        "the same with additive steps",
    ),
    "augmented Lagrangian": Update(
        lambda rate: PILagrangian(3, proportional=10 * rate, optimizer=rate),
        "`PILagrangian` without smoothing; its penalty is ten times the rate, so that ten steps of the "
        "model add what one step of the method of multipliers does",
    ),
    CONTROLLER: Update(
        lambda rate: PILagrangian(3, proportional=1.0, smoothing=0.5, optimizer=rate),
        "`PILagrangian`, proportional 1, about what the trainer derives from estimates as noisy as "
        "these, and its smoothing, 0.5",
    ),
    "PI controller, averaged play": Update(
        lambda rate: PILagrangian(3, proportional=1.0, smoothing=0.5, optimizer=rate),
        "the same; the mean of the last half, as the trainer's snapshots are of running means",
        averaged=True,
    ),
    "PI controller, smoother": Update(
        lambda rate: PILagrangian(3, proportional=1.0, smoothing=0.9, optimizer=rate),
        "the last step again, smoothing 0.9",
    ),
    "PI controller, gentler": Update(
        lambda rate: PILagrangian(3, proportional=0.3, smoothing=0.5, optimizer=rate),
        "proportional 0.3, smoothing 0.5",
    ),
}
