"""The settings of one training run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from fairgate.constraints.units import UnitMethod
from fairgate.strict import Strict

# By name, so that a settings checker need not load Keras; `networks.NETWORKS` has the functions.
BUILT_IN_NETWORKS = ("mlp", "cnn", "resnet", "tabular")


# `steps: auto` is never more: they train the networks here to convergence.
MOST_STEPS = 3000

# A number, or what fits the data: `resolving.resolve` finds it before training.
Auto = Literal["auto"]
Augmentation = Literal["none", "flip", "flip_and_shift"]
_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]
_Count = Annotated[int, Field(ge=1)]


class MultiplierConfig(Strict):
    """The player that sets the weights of the constraints (the dual player)."""

    formulation: Literal["pi_lagrangian", "proxy_lagrangian", "lagrangian"] = Field(
        "pi_lagrangian",
        description="the game: multipliers under a PI controller, which do not swing; weights that sum "
        "to one; or multipliers that plain gradient steps move",
    )
    regret: Literal["swap", "external"] = Field(
        "swap", description="regret that the player minimises (proxy_lagrangian)"
    )
    update: Literal["multiplicative", "additive"] = Field(
        "multiplicative", description="how the weights move (proxy_lagrangian)"
    )
    learning_rate: _Positive | Auto = Field(
        "auto",
        description="step size of the player per model step (pi_lagrangian: of the integral); auto: "
        "by the number of steps and by the examples of the rarest set that a constraint needs",
    )
    proportional: _NotNegative | Auto = Field(
        "auto",
        description="weight per unit of violation, as it is now (pi_lagrangian); auto: by the examples "
        "of the rarest set that a constraint needs",
    )
    smoothing: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="share of the running mean of violations that stays at each of the player's steps "
        "(pi_lagrangian)",
    )
    maximum: float = Field(
        10.0,
        gt=0,
        description="most that the multipliers may sum to, so that a constraint that nothing can meet "
        "does not drown the objective, which weighs 1 (lagrangian; pi_lagrangian: relative to the share "
        "of the rarest set that a constraint needs)",
    )
    initial_radius: float | None = Field(
        0.3,
        gt=0,
        le=1,
        description="share of the weight that starts at the constraints, about (proxy_lagrangian)",
    )
    watch: Literal["auto", "validation", "training", "both"] = Field(
        "auto",
        description="the examples that the player sees; auto: validation, or both where it has few "
        "examples of a set that a constraint needs",
    )
    every: _Count | Auto = Field(
        "auto",
        description="model steps per step of the player, which is made as much longer; auto: so that "
        "its examples cost little",
    )
    batch_share: _Positive | Auto = Field(
        "auto",
        description="examples that the player sees at each of its steps, as a share of batch_size (all "
        "there are at the most; its steps go through all of them in turn); auto: by the rarest set "
        "that a constraint needs",
    )


class SelectionConfig(Strict):
    """Which of the snapshots becomes the model."""

    choose: Literal["best", "distribution", "ranked", "last"] = Field(
        "best",
        description="best: the snapshot and threshold with the least error that are estimated to keep "
        "the constraints with some room, by the validation split and, where it is small, by training "
        "examples too, which count for less the more the network remembers of them; "
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
    units: UnitMethod = Field("betting", description="how the gate's bounds over units are taken")


class TrainingConfig(Strict):
    """What ConstrainedTrainer does, apart from the data it is given.

    What is `auto` is derived from the data before training (`resolving`); a number overrides it.
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
    objective: Literal["auto", "hinge", "cross_entropy"] = Field(
        "auto",
        description="loss that stands in for the error rate; auto: hinge for pictures, cross_entropy "
        "for tables",
    )
    steps: _Count | Auto = Field(
        "auto", description=f"minibatch steps; auto: {MOST_STEPS}, less for few examples"
    )
    batch_size: _Count | Auto = Field(
        "auto",
        description="examples per step over all devices, drawn with replacement; auto: 256, or more "
        "where a constraint needs a rare set",
    )
    batches: Literal["proportional", "balanced", "per_group"] = Field(
        "proportional",
        description="minibatches as the data is; balanced over group x label; or half of it, and the "
        "other half in equal parts from each group. Examples are weighted so that rates stay true",
    )
    augmentation: Augmentation = Field(
        "none",
        description="what is done to pictures each time they are learnt from, on the device: half of "
        "them mirrored, or also all shifted by up to an eighth; for what stays true in a mirror",
    )
    learning_rate: float = Field(
        1e-3, gt=0, description="initial step size of Adam, decayed to zero by a cosine"
    )
    weight_decay: _NotNegative | Auto = Field(
        "auto",
        description="penalty on half the squared weights of the layers (not on their biases); auto: "
        "16 over the number of training examples, so that small tables are not memorised",
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
    thresholds: Literal["one", "per_group"] = Field(
        "one",
        description="one: the same threshold for everybody; per_group: each group of the constraints has "
        "its own, the best that a linear program finds on the validation split, and a draw by the "
        "example's bytes decides where that is needed. The groups must be inputs of the model, and the "
        "law must allow that people are judged by them",
    )
    warm_start: Literal["none", "baseline", "blessed", "served"] = Field(
        "none",
        description="start of the constrained model: fresh weights, the baseline's, those of the last "
        "blessed model, or of the served one, the newest version in the serving folder (the baseline's "
        "while there is none)",
    )
    layers: Literal["all", "head"] = Field(
        "all",
        description="head: freeze the warm start but for its last layer, whose inputs are computed once",
    )
    devices: str = Field(
        "auto",
        pattern=r"^(auto|(cpu|gpu)(:[1-9]\d*)?)$",
        description="auto: every GPU of this worker and, with TF_CONFIG, of the others, else the CPU, "
        "which a short training of a small network takes anyway; cpu, gpu; gpu:2 for two of them",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="arithmetic of the network; the multipliers stay float32"
    )
    jit: Literal["auto", "on", "off"] = Field(
        "auto",
        description="XLA; auto: on from so many steps that it pays for compiling (1000 on a CPU, 3000 on "
        "a GPU, 10000 there with convolutions), except for convolutions on a CPU and for several devices",
    )
    resident_gb: _NotNegative | Auto = Field(
        "auto",
        description="a split up to this size is kept on the device, a larger one read as needed [GB]; "
        "auto: 4 on a GPU, 0.25 on a CPU, where it would be in memory beside the file",
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
        steps = MOST_STEPS if self.steps == "auto" else self.steps
        if self.snapshots > steps:
            raise ValueError(f"snapshots ({self.snapshots}) cannot exceed steps ({steps})")
        if self.thresholds == "per_group" and (
            self.selection.choose != "best" or self.selection.thresholds != "any"
        ):
            raise ValueError(
                "thresholds: per_group is the choice of a linear program over the thresholds of every "
                "snapshot: leave selection.choose at best and selection.thresholds at any"
            )
        if self.layers == "head" and self.warm_start == "none":
            raise ValueError(
                "layers: head trains the last layer of a model that is there: set warm_start to "
                "baseline, blessed or served"
            )
        if self.layers == "head" and self.augmentation != "none":
            raise ValueError(
                f"augmentation: {self.augmentation} changes pictures at each step, and layers: head "
                "looks at them once, before the first: set one of the two"
            )
        return self

    @property
    def unconstrained(self) -> TrainingConfig:
        """The same training without constraints, from fresh weights: that of the baseline."""
        free = {"constraints": (), "thresholds": "one", "warm_start": "none", "layers": "all"}
        return self.model_copy(update=free)
