"""The settings of one training run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from fairgate.strict import Strict

# By name, so that a settings checker need not load Keras; `networks.NETWORKS` has the functions.
BUILT_IN_NETWORKS = ("mlp", "cnn", "resnet", "tabular")


class MultiplierConfig(Strict):
    """The player that sets the weights of the constraints (the dual player)."""

    formulation: Literal["proxy_lagrangian", "lagrangian"] = Field(
        "proxy_lagrangian", description="the game: weights that sum to one, or free multipliers"
    )
    regret: Literal["swap", "external"] = Field(
        "swap", description="regret that the player minimises (proxy_lagrangian)"
    )
    update: Literal["multiplicative", "additive"] = Field(
        "multiplicative", description="how the weights move (proxy_lagrangian)"
    )
    learning_rate: float = Field(1.0, gt=0, description="step size of the player")
    initial_radius: float | None = Field(
        0.3,
        gt=0,
        le=1,
        description="share of the weight that starts at the constraints, about (proxy_lagrangian)",
    )
    watch: Literal["validation", "training"] = Field(
        "validation", description="the split whose minibatches the player sees"
    )
    every: int = Field(
        2, ge=1, description="model steps per step of the player, which is made as much longer"
    )
    batch_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="size of the player's minibatches on the validation split, as a share of batch_size",
    )


class SelectionConfig(Strict):
    """Which of the snapshots becomes the model."""

    choose: Literal["best", "distribution", "ranked", "last"] = Field(
        "best",
        description="best: the snapshot and threshold with the least error that keep the constraints; "
        "distribution: the best mixture of them, served as a stochastic classifier; ranked: the "
        "published heuristic, which trades error for violation by their ranks; last",
    )
    thresholds: Literal["any", "own"] = Field(
        "any",
        description="any: each snapshot is also looked at with other thresholds of its score (the served "
        "model carries the chosen one, so that it decides at probability 0.5); own: as it was trained",
    )
    rated_by: Literal["value", "upper_bound", "gate"] = Field(
        "value",
        description="constraints on the validation split: as measured, or by their upper confidence "
        "bound, so that a lucky snapshot is not chosen; gate: by whether the gate's constraints are "
        "predicted to pass, and then by error alone (as measured where no gate follows)",
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="of the upper bound")
    pass_probability: float = Field(
        0.8, gt=0, lt=1, description="with which a snapshot must pass the gate to be predicted to"
    )


class GateTarget(Strict):
    """What the gate will ask of the model, as far as a snapshot can be chosen by it."""

    constraints: tuple[str, ...] = Field(description="lines of the constraint language")
    confidence: float = Field(gt=0, lt=1, description="of the gate's bounds")
    minimum_accuracy: float = Field(0.0, ge=0, le=1, description="of the gate")


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
    batch_size: int = Field(
        256, ge=1, description="examples per step over all devices, drawn with replacement"
    )
    batches: Literal["proportional", "balanced", "per_group"] = Field(
        "proportional",
        description="minibatches as the data is; balanced over group x label; or half of it, and the "
        "other half in equal parts from each group. Examples are weighted so that rates stay true",
    )
    learning_rate: float = Field(
        1e-3, gt=0, description="initial step size of Adam, decayed to zero by a cosine"
    )
    snapshots: int = Field(
        30, ge=1, description="snapshots taken at equal distances and rated on the validation split"
    )
    multipliers: MultiplierConfig = Field(
        default_factory=MultiplierConfig, description="the dual player"
    )
    selection: SelectionConfig = Field(
        default_factory=SelectionConfig, description="which snapshot becomes the model"
    )
    warm_start: Literal["none", "baseline", "blessed"] = Field(
        "none",
        description="start of the constrained model: fresh weights, the baseline's, or those of the "
        "last blessed model (the baseline's while there is none)",
    )
    layers: Literal["all", "head"] = Field(
        "all",
        description="head: freeze the warm start but for its last layer, whose inputs are computed once",
    )
    devices: str = Field(
        "auto",
        pattern=r"^(auto|(cpu|gpu)(:[1-9]\d*)?)$",
        description="auto: every GPU of this worker and, with TF_CONFIG, of the others, else the CPU; "
        "cpu, gpu; gpu:2 for two of them",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="arithmetic of the network; the multipliers stay float32"
    )
    jit: Literal["auto", "on", "off"] = Field(
        "auto",
        description="XLA; auto: on, except for convolutions on a CPU and for several devices",
    )
    resident_gb: float = Field(
        4.0,
        ge=0,
        description="a split up to this size is kept on the device, a larger one read as needed [GB]",
    )
    checkpoint_seconds: float = Field(
        30.0,
        ge=0,
        description="a checkpoint at least this often; a stopped training resumes from it",
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
    def _fits_together(self) -> TrainingConfig:
        if self.snapshots > self.steps:
            raise ValueError(f"snapshots ({self.snapshots}) cannot exceed steps ({self.steps})")
        if self.layers == "head" and self.warm_start == "none":
            raise ValueError(
                "layers: head trains the last layer of a model that is there: set warm_start to "
                "baseline or blessed"
            )
        return self
