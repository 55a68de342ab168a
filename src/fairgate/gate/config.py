"""The settings of the gate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from fairgate.strict import Strict

BetterThan = Literal["auto", "commonest", "chance", "nothing"]
"""What a model is shown to be better than, before it passes."""


class GateConfig(Strict):
    """What a model must show on the test split before it is pushed."""

    constraints: tuple[str, ...] = Field(
        ("max_gap(FPR, [Young]) <= 0.05",),
        description="lines of the constraint language, each held by its confidence bound",
    )
    limit: float | None = Field(
        None, description="replaces the limit of the constraint (where there is just one)"
    )
    confidence: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="a model whose true value is over a limit passes with a probability of at most one "
        "minus this",
    )
    attempts: int = Field(
        1,
        ge=1,
        description="how many different models may be judged on one test split; "
        "they share 1 - confidence, and the split is sealed until one passes",
    )
    units: Literal["betting", "cluster_robust"] = Field(
        "betting",
        description="bounds over units, where the data have a unit or weights: betting is guaranteed, "
        "cluster_robust is approximate and needs fewer units",
    )
    compare_with: str = Field(
        "baseline",
        min_length=1,
        description="the model that is `baseline` in the gate's constraints and in tables: baseline "
        "(that of this run, trained without constraints), served (the newest version in the serving "
        "folder), or the folder of a model that this pipeline has pushed",
    )
    minimum_accuracy: float = Field(
        0.0,
        ge=0,
        le=1,
        description="lowest accuracy that may pass, held by its lower confidence bound",
    )
    minimum_negatives: int = Field(
        100,
        ge=0,
        description="fewest negative examples on the test split of each group whose negatives a "
        "constraint has a rate of",
    )
    better_than: BetterThan = Field(
        "auto",
        description="what a model is shown, by bounds, to be better than: the commonest answer, by its "
        "errors; or chance, by a TPR over its FPR, which both ask of everybody and of each group that a "
        "constraint is about; or nothing; auto: the commonest answer, but chance where more than four in "
        "five test examples have the same label",
    )

    @property
    def confidence_of_each(self) -> float:
        """What each attempt is judged at, while these settings stay."""
        return 1 - (1 - self.confidence) / self.attempts

    @model_validator(mode="after")
    def _at_least_one_constraint(self) -> GateConfig:
        if not self.constraints:
            raise ValueError(
                "no constraint is given: a gate without thresholds would pass nothing; "
                'give at least one, such as "max_gap(FPR, [Young]) <= 0.05"'
            )
        if self.limit is not None and len(self.constraints) > 1:
            raise ValueError(
                f"limit ({self.limit}) would replace the limits of {len(self.constraints)} constraints: "
                "write the limits into the constraints instead"
            )
        return self
