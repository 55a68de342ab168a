"""What the columns of a dataset mean: which are the inputs, the label, the groups.

Every part of the pipeline that touches an example reads it through this one description: ingestion
checks it, Transform turns it into training features, the trainer and the gate speak of its groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from fairgate.strict import Strict


def _reject_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(
            f"{value} is neither a number nor text (YAML reads yes, no, on and off so too): "
            'put text in quotes, such as "yes", or give the number that the column holds'
        )
    return value


# A raw value as it stands in a tf.Example: int64 or (as text) bytes.
RawValue = Annotated[int | str, BeforeValidator(_reject_truth)]


def _reject_brackets(name: str) -> str:
    if not name.strip() or any(character in name for character in "[]=\n"):
        raise ValueError(
            f"{name!r} is not usable as a name in constraints: names are not empty and hold none of [ ] ="
        )
    return name


GroupName = Annotated[str, AfterValidator(_reject_brackets)]


class ImageFeature(Strict):
    """The picture: its column, and the size at which networks see it."""

    name: str = Field("image", description="column that holds the encoded JPEG bytes")
    height: int = Field(28, ge=4, le=512, description="rows after resizing [pixels]")
    width: int = Field(28, ge=4, le=512, description="columns after resizing [pixels]")
    channels: int = Field(3, description="3 for colour, 1 for grey")

    @field_validator("channels")
    @classmethod
    def _grey_or_colour(cls, channels: int) -> int:
        if channels not in (1, 3):
            raise ValueError(f"{channels} is not a number of channels: give 3 (colour) or 1 (grey)")
        return channels

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the transformed picture."""
        return self.height, self.width, self.channels


def _name_alone(value: Any) -> Any:
    """A column that is given by its name alone."""
    return {"name": value} if isinstance(value, str) else value


class NumericFeature(Strict):
    """A column of numbers, one or none in each record; networks see it scaled."""

    name: str = Field(description="column that holds the number")
    scale: Literal["z_score", "log"] = Field(
        "z_score",
        description="z_score: (x - mean) / deviation; log: the same of sign(x) ln(1 + |x|), for sums "
        "of money and other numbers of very different size",
    )


class CategoricalFeature(Strict):
    """A column of names or codes, one or none in each record; networks see its index."""

    name: str = Field(description="column that holds the category")
    vocabulary: int = Field(
        1000,
        ge=1,
        description="most frequent values that get an index of their own; all others share one with "
        "records that have none",
    )


class LabelFeature(Strict):
    """The binary label: its column, and which raw value is the positive class."""

    name: str = Field("attributes/Smiling", description="column that holds the label")
    positive: RawValue = Field(1, description="raw value of the positive class")
    negative: RawValue = Field(0, description="raw value of the negative class")

    @model_validator(mode="after")
    def _two_values_of_one_type(self) -> LabelFeature:
        if self.positive == self.negative or type(self.positive) is not type(self.negative):
            raise ValueError(
                f"positive ({self.positive!r}) and negative ({self.negative!r}) must be two different "
                "values of the same type"
            )
        return self

    @property
    def values(self) -> tuple[RawValue, RawValue]:
        """(negative, positive): the raw value at index 1 is the positive class."""
        return self.negative, self.positive


class GroupFeature(Strict):
    """A column that divides the examples into named groups."""

    name: str = Field(description="column that holds the group")
    values: dict[GroupName, RawValue] = Field(description="name of each group -> its raw value")

    @model_validator(mode="after")
    def _distinct_values_of_one_type(self) -> GroupFeature:
        raw = list(self.values.values())
        if len(raw) < 2:
            raise ValueError(f"{len(raw)} group(s) named: a gap needs at least two")
        if len(set(raw)) != len(raw):
            raise ValueError(f"two groups share a raw value in {self.values}: give each its own")
        if len({type(value) for value in raw}) > 1:
            raise ValueError(f"raw values {raw} mix numbers and text: use one type")
        return self


class Features(Strict):
    """The columns of one dataset.

    What networks see is a picture, numbers, categories, or any of them together. The default is
    CelebA; where numbers or categories are named and no picture is, there is none.
    """

    image: ImageFeature | None = Field(
        default_factory=ImageFeature,
        description="the picture; none where numeric or categorical is given and this is not",
    )
    numeric: tuple[Annotated[NumericFeature, BeforeValidator(_name_alone)], ...] = Field(
        (), description="columns of numbers, each by its name alone or with how to scale it"
    )
    categorical: tuple[Annotated[CategoricalFeature, BeforeValidator(_name_alone)], ...] = Field(
        (), description="columns of names or codes, each by its name alone or with its vocabulary"
    )
    label: LabelFeature = Field(default_factory=LabelFeature, description="what is predicted")
    groups: dict[GroupName, GroupFeature] = Field(
        default_factory=lambda: {
            "Young": GroupFeature(name="attributes/Young", values={"Young": 1, "Not Young": 0})
        },
        description="group features by display name, as constraints and reports call them",
    )

    unit: str | None = Field(
        None,
        description="column that says whose example a record is (text or whole numbers), where people "
        "have several: the gate's bounds are then over people; unset: examples are independent draws",
    )
    largest_unit: int | None = Field(
        None,
        ge=1,
        description="where there is a unit, the most test examples that anybody can have; unset: as many "
        "as the largest has",
    )
    weight: str | None = Field(
        None,
        description="column of numbers that says what a record counts, at least 0, such as that of a "
        "survey: in training, in all rates that are shown, and in the gate's bounds; unset: each counts "
        "one",
    )
    largest_weight: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="where there is a weight, what no weight of the population is over, known before the "
        "test split is looked at: the gate's bounds are for weights up to it",
    )

    @model_validator(mode="before")
    @classmethod
    def _a_table_needs_no_picture(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "image" in given:
            return given
        table = given.get("numeric") or given.get("categorical")
        return given | {"image": None} if table else given

    @model_validator(mode="after")
    def _inputs_make_sense(self) -> Features:
        columns = self.input_columns
        if not columns:
            raise ValueError(
                "nothing to learn from: name at least one of image, numeric and categorical"
            )
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise ValueError(
                f"column {twice[0]!r} is named twice among image, numeric and categorical: name it once"
            )
        if self.label.name in columns:
            raise ValueError(
                f"the label {self.label.name!r} is among the inputs: a network would read the answer. "
                "Take it out of numeric and categorical"
            )
        taken = {self.label.name, *(group.name for group in self.groups.values())}
        if self.unit in taken | {column.name for column in self.numeric}:
            raise ValueError(
                f"the unit {self.unit!r} is the label, a group or a number, too: name the column that "
                "says whose example a record is"
            )
        self._check_weight(taken)
        for feature, group in self.groups.items():
            is_text = isinstance(next(iter(group.values.values())), str)
            if is_text and group.name in [column.name for column in self.numeric]:
                raise ValueError(
                    f"column {group.name!r} is in numeric, but groups.{feature}.values says that it "
                    "holds text: name it in categorical instead"
                )
        return self

    def _check_weight(self, taken: set[str]) -> None:
        if self.weight is None:
            if self.largest_weight is not None:
                raise ValueError(
                    f"largest_weight = {self.largest_weight:g} is given without weight: name the column "
                    "that says what a record counts, or leave largest_weight out"
                )
            return
        if self.weight in taken | set(self.input_columns) | {self.unit}:
            raise ValueError(
                f"the weight {self.weight!r} is the label, a group, an input or the unit, too: a weight "
                "only says what a record counts; name a column of its own"
            )
        if self.largest_weight is None:
            raise ValueError(
                f"weight = {self.weight!r} is given without largest_weight: of weights without a largest "
                "nothing can be promised. Give what no weight of the population is over"
            )

    @field_validator("groups")
    @classmethod
    def _at_least_one(cls, groups: dict[str, GroupFeature]) -> dict[str, GroupFeature]:
        if not groups:
            raise ValueError(
                "no group feature is named: fairness is measured between groups, name one"
            )
        return groups

    @property
    def input_columns(self) -> list[str]:
        """Raw columns that networks see, in order: picture, numbers, categories."""
        names = [] if self.image is None else [self.image.name]
        names += [column.name for column in self.numeric]
        return names + [column.name for column in self.categorical]

    @property
    def slices_unit(self) -> str | None:
        """The column, among those by which models are judged, that says whose example a record is.

        Where records have weights and nobody has several, each is of its own; the column then tells their
        order.
        """
        return SLICES_UNIT if self.unit or self.weight else None

    @property
    def slices_weight(self) -> str | None:
        """The column, among those by which models are judged, that says what a record counts."""
        return None if self.weight is None else SLICES_WEIGHT

    @property
    def has_table(self) -> bool:
        """Whether there are numbers or categories."""
        return bool(self.numeric or self.categorical)

    @property
    def group_names(self) -> dict[str, list[str]]:
        """Display name of each group feature -> the names of its groups, in order."""
        return {feature: list(group.values) for feature, group in self.groups.items()}

    def membership_columns(self) -> list[tuple[str, str]]:
        """(feature, group) of every membership column, in the order all components use."""
        return [(feature, name) for feature, names in self.group_names.items() for name in names]


def require_network_fits(network: str, features: Features) -> None:
    """Raises ValueError where the built-in `network` has no use for the inputs of `features`.

    A network of the user's own (`module:function`) takes what it is given.
    """
    if network in ("cnn", "resnet") and features.image is None:
        raise ValueError(
            f"{network!r} looks at pictures, but data.features has no image; for numeric and "
            "categorical columns set trainer.network to tabular or mlp"
        )
    if network == "tabular" and features.image is not None:
        raise ValueError(
            "'tabular' sees numeric and categorical columns, but data.features has an image; set "
            "trainer.network to mlp, cnn or resnet (they take columns too), or data.features.image "
            "to null"
        )


def require_groups_are_inputs(names: Iterable[str], features: Features) -> None:
    """Raises ValueError where the column of one of the group features `names` is no input of the model.

    Whoever is judged is judged by the inputs alone, so that the group would not be known.
    """
    for name in names:
        column = features.groups[name].name
        if column not in features.input_columns:
            raise ValueError(
                f"per_group judges people by the threshold of their group, but {column!r}, the column of "
                f"{name!r}, is no input of the model, which does not know the group where it is served: "
                f"name {column!r} in data.features.categorical (or numeric), or set trainer.thresholds "
                "to one"
            )


def transformed_group(feature: str) -> str:
    """Column of the transformed examples that holds the group index of `feature`."""
    return f"group/{feature}"


TRANSFORMED_IMAGE = "image_bytes"
TRANSFORMED_LABEL = "label"
TRANSFORMED_WEIGHT = "fairgate_weight"
# Beside group features under their own names, which hold no brackets, in what a model says of examples.
SLICES_LABEL = "[label]"
SLICES_UNIT = "[unit]"
SLICES_WEIGHT = "[weight]"
TRANSFORMED_NUMERIC = "numeric"
TRANSFORMED_CATEGORICAL = "categorical"
