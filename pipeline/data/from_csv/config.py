"""How tables are read and divided."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from fairgate.strict import Strict

SPLITS = ("train", "validation", "test")


class Shares(Strict):
    """How large each split is. A split that has files of its own takes no part."""

    train: float = Field(0.8, gt=0, description="share of the train split")
    validation: float = Field(0.1, gt=0, description="share of the validation split")
    test: float = Field(0.1, gt=0, description="share of the test split")

    def among(self, splits: tuple[str, ...]) -> dict[str, float]:
        """The shares of `splits`, scaled to a sum of 1."""
        shares = {split: float(getattr(self, split)) for split in splits}
        return {split: share / sum(shares.values()) for split, share in shares.items()}


def _tab(delimiter: Any) -> Any:
    return "\t" if delimiter == "\\t" else delimiter


class CsvSettings(Strict):
    """The CSV or Parquet files that `data from-csv` makes data.path of; a run does not read them."""

    columns: tuple[str, ...] | None = Field(
        None, description="names of all columns; unset: the first line of each file has them"
    )
    delimiter: Annotated[str, BeforeValidator(_tab)] = Field(
        ",", min_length=1, max_length=1, description="what separates fields; \\t is a tab"
    )
    comment: str | None = Field(
        None, min_length=1, description="lines that start with this are left out"
    )
    missing: tuple[str, ...] = Field(
        (), description="what stands for an unknown value, besides an empty field"
    )
    replace: dict[str, str] = Field(
        default_factory=dict, description="fields that mean another: as written -> as meant"
    )
    shares: Shares = Field(
        default_factory=Shares, description="division of files that are not said to be a split"
    )
    together: str | None = Field(
        None,
        description="column whose equal values stay in one split, such as a person's number; "
        "unset: that of data.features.unit, and without one rows are divided so that label and groups "
        "are equally frequent in every split",
    )
    seed: int = Field(0, ge=0, description="same seed, same division")

    @model_validator(mode="after")
    def _names_differ(self) -> CsvSettings:
        names = self.columns or ()
        for name in names:
            if not name or names.count(name) > 1:
                raise ValueError(f"columns: {name!r} is no name of one column: give each its own")
        return self
