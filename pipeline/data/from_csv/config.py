"""How tables are read and divided."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from fairgate.strict import Strict

SPLITS = ("train", "validation", "test")
EVERY = "*"
"""Of `missing`: in every column."""


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
    decimal: Literal[".", ","] = Field(
        ".",
        description="what stands before the fraction of a number in a CSV file, a point or a comma",
    )
    missing: tuple[str, ...] | dict[str, tuple[str, ...]] = Field(
        (),
        description="what stands for an unknown value, besides an empty field, in every column; or "
        "column -> what stands for one there ('*': in every column)",
    )
    replace: dict[str, str] = Field(
        default_factory=dict,
        description="fields that mean another, in every column: as written -> as meant",
    )
    recode: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="the same of single columns: column -> as written -> as meant",
    )
    dates: dict[str, str] = Field(
        default_factory=dict,
        description="columns of numeric that hold dates which are not written as 2024-02-29 -> how "
        "they are, as Python's strptime takes it; dates become days since 1970-01-01",
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

    def missing_in(self, column: str) -> tuple[str, ...]:
        """What stands for an unknown value in a column, besides what does in every one (EVERY)."""
        if isinstance(self.missing, dict):
            return self.missing.get(column, ())
        return self.missing if column == EVERY else ()

    @property
    def columns_named(self) -> dict[str, list[str]]:
        """Setting -> the columns that it is about."""
        own = [] if isinstance(self.missing, tuple) else [c for c in self.missing if c != EVERY]
        return {"missing": own, "recode": list(self.recode), "dates": list(self.dates)}

    @model_validator(mode="after")
    def _names_differ(self) -> CsvSettings:
        names = self.columns or ()
        for name in names:
            if not name or names.count(name) > 1:
                raise ValueError(f"columns: {name!r} is no name of one column: give each its own")
        return self
