"""What the columns of a dataset mean: which are the inputs, the label, the groups.

Every part of the pipeline that touches an example reads it through this one description: ingestion
checks it, Transform turns it into training features, the trainer and the gate speak of its groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from fairgate.constraints.classes import CLASSES
from fairgate.constraints.crossings import Cell, cells, crossed, with_crossings
from fairgate.data.groups import GroupFeature, GroupName, LabelFeature
from fairgate.strict import Strict


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

    crossings: tuple[str, ...] = Field(
        (),
        description="features that are crossed, such as 'Age x Sex', and whose groups are measured, too; "
        "those that constraints name come by themselves",
    )
    left_out_crossings: tuple[GroupName, ...] = Field(
        (), description="groups of crossings that are left out, such as 'Young & Male'"
    )
    least_crossing: int | None = Field(
        None,
        ge=1,
        description="groups of crossings with fewer examples in the training split are left out, and "
        "named; unset: all are measured",
    )
    small_crossings: dict[str, int] = Field(
        default_factory=dict,
        description="groups of crossings that are too small for least_crossing -> their examples; a run "
        "counts them on its training split, and writes them down here",
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
            is_text = any(rule.is_text for rule in group.membership.rules.values())
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

    @model_validator(mode="after")
    def _classes_count_alike(self) -> Features:
        for name in ("unit", "weight") if self.label.classes else ():
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} = {getattr(self, name)!r} is given beside label.classes: bounds over "
                    f"{name}s are of two classes only, so far. Take one of the two out"
                )
        return self

    @model_validator(mode="after")
    def _crossings_cross(self) -> Features:
        try:
            names = self.group_names
        except ValueError as error:
            raise ValueError(f"crossings: {error}") from None
        known = {name for crossing in self.crossings_named for name in self._cell_names(crossing)}
        for field in ("left_out_crossings", "small_crossings"):
            for name in getattr(self, field):
                if name not in known:
                    raise ValueError(f"{field}: {name!r} is no group of crossings")
        for crossing in self.crossings_named:
            if not names[crossing]:
                small = f"least_crossing = {self.least_crossing}" if self.small_crossings else ""
                raise ValueError(
                    f"{small or 'left_out_crossings'}: no group of {crossing!r} is left"
                )
        return self

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
        """Display name of each group feature -> the names of its groups, in order; crossings last."""
        left_out = (*self.left_out_crossings, *self.small_crossings)
        return with_crossings(self._declared, self.crossings, left_out)

    @property
    def vocabulary(self) -> dict[str, list[str]]:
        """What constraints may name: `group_names`, and the classes where the label has more than two."""
        classes = {CLASSES: list(self.label.classes)} if self.label.classes else {}
        return self.group_names | classes

    @property
    def _declared(self) -> dict[str, list[str]]:
        return {feature: list(group.membership.names) for feature, group in self.groups.items()}

    @property
    def crossings_named(self) -> list[str]:
        """The crossings, by the names that their features have in `group_names`."""
        return [feature for feature in self.group_names if feature not in self.groups]

    def _cell_names(self, crossing: str) -> list[str]:
        return list(cells(crossed(crossing, self._declared) or (), self._declared))

    def cells(self, crossing: str) -> list[Cell]:
        """Of each group of a crossing, the (feature, group) that it is made of."""
        features = crossed(crossing, self._declared)
        assert features is not None, "the name was checked when the settings were made"
        found = cells(features, self._declared)
        return [found[name] for name in self.group_names[crossing]]

    def columns_of(self, feature: str) -> list[str]:
        """The columns that make a group feature, or a crossing."""
        features = [feature] if feature in self.groups else crossed(feature, self._declared) or ()
        return [self.groups[name].name for name in features]

    def told(self, feature: str, name: str) -> str:
        """The column and values of a group, for messages."""
        if feature in self.groups:
            return f"{self.groups[feature].name} = {self.groups[feature].told(name)}"
        return name

    @property
    def waits_for_training(self) -> bool:
        """Whether something of the training split must be measured before groups are known."""
        counts = self.least_crossing is not None and bool(self.crossings_named)
        waits = any(group.membership.waits_for for group in self.groups.values())
        return waits or (counts and not self.small_crossings)

    @property
    def overlapping(self) -> set[str]:
        """The features of which an example may be in several groups."""
        own = {feature for feature, group in self.groups.items() if group.overlapping}
        of_crossings = {
            crossing
            for crossing in self.group_names.keys() - self.groups.keys()
            if own.intersection(crossed(crossing, self._declared) or ())
        }
        return own | of_crossings

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
        for column in features.columns_of(name):
            if column not in features.input_columns:
                raise ValueError(
                    f"per_group judges people by the threshold of their group, but {column!r}, the "
                    f"column of {name!r}, is no input of the model, which does not know the group "
                    f"where it is served: name {column!r} in data.features.categorical (or numeric), "
                    "or set trainer.thresholds to one"
                )


def transformed_group(feature: str) -> str:
    """Column of the transformed examples that holds the group index of `feature`."""
    return f"group/{feature}"


TRANSFORMED_IMAGE = "image_bytes"
TRANSFORMED_LABEL = "label"
TRANSFORMED_WEIGHT = "fairgate_weight"
TRANSFORMED_UNIT = "fairgate_unit"
# Beside group features under their own names, which hold no brackets, in what a model says of examples.
SLICES_LABEL = "[label]"
SLICES_UNIT = "[unit]"
SLICES_WEIGHT = "[weight]"
# What a served model answers: a probability, or one for each class, and then the likeliest class's name.
PROBABILITY = "probability"
CLASS = "class"
TRANSFORMED_NUMERIC = "numeric"
TRANSFORMED_CATEGORICAL = "categorical"
