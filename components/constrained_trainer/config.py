"""The settings of one training run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from components.features import Strict

# By name, so that a settings checker need not load Keras; `networks.NETWORKS` has the functions.
BUILT_IN_NETWORKS = ("mlp", "cnn", "resnet", "tabular")


class MultiplierConfig(Strict):
    """The player that sets the weights of the constraints (the dual player)."""

    regret: Literal["swap", "external"] = Field(
        "swap", description="regret that the player minimises"
    )
    update: Literal["multiplicative", "additive"] = Field(
        "multiplicative", description="how the weights move"
    )
    learning_rate: float = Field(1.0, gt=0, description="step size of the player")
    initial_radius: float | None = Field(
        0.3, gt=0, le=1, description="share of the weight that starts at the constraints, about"
    )


class TrainingConfig(Strict):
    """What ConstrainedTrainer does, apart from the data it is given.

    The defaults train the reference network of the CelebA tutorials to convergence on 80,000 images.
    """

    network: str = Field(
        "mlp",
        description="mlp (flatten, 64 ReLU, 1), cnn (small convolutional), resnet (residual, for 64x64 "
        "to 224x224), tabular (embeddings, 64, 32, 1), or module:function",
    )
    constraints: tuple[str, ...] = Field(
        ("max_gap(FPR, [Young]) <= 0.01",),
        description="lines of the constraint language; none trains an unconstrained model",
    )
    objective: Literal["hinge", "cross_entropy"] = Field(
        "hinge", description="loss that stands in for the error rate"
    )
    steps: int = Field(3000, ge=1, description="minibatch steps")
    batch_size: int = Field(256, ge=1, description="examples per step, drawn with replacement")
    learning_rate: float = Field(
        1e-3, gt=0, description="initial step size of Adam, decayed to zero by a cosine"
    )
    snapshots: int = Field(
        30, ge=1, description="snapshots taken at equal distances and rated on the validation split"
    )
    multipliers: MultiplierConfig = Field(
        default_factory=MultiplierConfig, description="the dual player"
    )
    denominator_lower_bound: float = Field(
        1e-3, gt=0, lt=1, description="smallest share of examples a rate may be taken over"
    )
    seed: int = Field(0, ge=0, description="seeds the initial weights and the minibatches")

    @field_validator("network")
    @classmethod
    def _built_in_or_named_by_module(cls, network: str) -> str:
        module, colon, function = network.partition(":")
        if network not in BUILT_IN_NETWORKS and not (module and colon and function):
            raise ValueError(
                f"no such network; expected one of {', '.join(BUILT_IN_NETWORKS)}, or module:function"
            )
        return network

    @model_validator(mode="after")
    def _a_step_for_every_snapshot(self) -> TrainingConfig:
        if self.snapshots > self.steps:
            raise ValueError(f"snapshots ({self.snapshots}) cannot exceed steps ({self.steps})")
        return self
