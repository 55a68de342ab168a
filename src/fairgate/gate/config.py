"""The settings of the gate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from fairgate.strict import Strict


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
        description="how sure it must be that a model that passes keeps its limits",
    )
    attempts: int = Field(
        1,
        ge=1,
        description="how many different models may be judged on one test split; "
        "they share 1 - confidence",
    )
    units: Literal["betting", "cluster_robust"] = Field(
        "betting",
        description="bounds over units, where the data have a unit or weights: betting is guaranteed, "
        "cluster_robust is approximate and needs fewer units",
    )
    minimum_accuracy: float = Field(
        0.8, ge=0, le=1, description="lowest accuracy on the test split that may pass"
    )
    minimum_negatives: int = Field(
        100, ge=0, description="fewest negative examples of each group on the test split"
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
