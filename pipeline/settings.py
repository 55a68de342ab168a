"""Everything that can be set, in one typed tree.

`load` lays the given files (YAML) and then the given assignments (`path.to.field=value`) over the
defaults below, and validates the whole: a misspelt field, a value of the wrong kind or a constraint
that does not parse is an error here, before anything runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.search.limits import beside_any
from components.features import Features, require_groups_are_inputs, require_network_fits
from components.report.about import About
from fairgate.constraints import language
from fairgate.constraints.linear import linearize
from fairgate.errors import SettingsError
from fairgate.gate import checks
from fairgate.gate.config import GateConfig
from fairgate.optimization import trainable
from fairgate.strict import Strict
from pipeline import places, sources, yaml12
from pipeline.data.from_csv.config import CsvSettings
from pipeline.deployment import DeploymentSettings
from pipeline.typed import IsSecret, Place


class StandInSettings(Strict):
    """The synthetic stand-in for CelebA that is made when no data is named."""

    images: int = Field(80_000, ge=200, description="images over all three splits")
    seed: int = Field(0, ge=0, description="same seed, same bytes")
    pictures: int = Field(
        1,
        ge=1,
        le=100,
        description="of a person, on average, which resemble each other: then set data.features.unit to "
        "identity/Identity_No. With 1, images are independent draws",
    )


class SplitSettings(Strict):
    """Which files make which split, as patterns below data.path."""

    train: str = Field("*-train.tfrecord*", description="trains the models")
    validation: str = Field("*-validation.tfrecord*", description="chooses the snapshot")
    test: str = Field("*-test.tfrecord*", description="is seen by the gate alone")

    @field_validator("train", "validation", "test", mode="before")
    @classmethod
    def _given(cls, pattern: Any) -> Any:
        if pattern is None or pattern == "":
            raise ValueError(
                "no pattern is given. Training, the choice of a snapshot and the gate each need data of "
                "their own: give the pattern of this split's files, such as '*-test.tfrecord*'"
            )
        return pattern

    @model_validator(mode="after")
    def _three_are_three(self) -> SplitSettings:
        owners: dict[str, str] = {}
        for name, pattern in self.patterns().items():
            other = owners.setdefault(pattern, name)
            if other != name:
                raise ValueError(
                    f"{other} and {name} are the same pattern ({pattern!r}). Training, the choice of a "
                    "snapshot and the gate each need data of their own: give each split its own files"
                )
        return self

    def patterns(self) -> dict[str, str]:
        """Name of each split -> its file pattern."""
        return self.model_dump()


class DataSettings(Strict):
    """Where the examples are and what their columns mean."""

    path: Place | None = Field(
        None, description="folder of TFRecord shards, local or gs://; unset: the synthetic stand-in"
    )
    schema_file: Place = Field(
        "schemas/celeba/schema.pbtxt", description="the data contract (a TFMD Schema as text)"
    )
    splits: SplitSettings = Field(default_factory=SplitSettings, description="files of each split")
    features: Features = Field(default_factory=Features, description="what the columns mean")
    csv: CsvSettings = Field(
        default_factory=CsvSettings, description="CSV or Parquet files that data.path is made of"
    )
    stand_in: StandInSettings = Field(
        default_factory=StandInSettings, description="the synthetic stand-in"
    )

    @property
    def contract(self) -> str:
        """Where `schema_file` is: as it says, or where it ships with FairGate."""
        return places.found(self.schema_file)

    @property
    def folder(self) -> str:
        """The folder that holds the shards: `path`, or the stand-in's own."""
        if self.path is not None:
            return self.path
        asked = self.stand_in
        by = "" if asked.pictures == 1 else f"-by-{asked.pictures}"
        return f"data/celeba-synthetic-{asked.images}-{asked.seed}{by}"


class Settings(Strict):
    """The whole tree."""

    name: str = Field(
        "celeba",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="name of the pipeline and of its folder of runs",
    )
    model_name: str = Field(
        "smiling", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="name of the served model"
    )
    runs: Place = Field("runs", description="folder for runs: artifacts, metadata, verdicts")
    artifacts: Place | None = Field(
        None,
        description="folder for what the steps of a run on this machine make, local or gs://, which "
        "Beam workers elsewhere want; unset: in runs",
    )
    ledger: Place | None = Field(
        None,
        description="folder of the gate's memory, local or gs://: one for all who use the same test "
        "data; unset: in runs",
    )
    serving: Place = Field(
        "serving", description="folder that a model server watches, local or gs://"
    )
    data: DataSettings = Field(default_factory=DataSettings, description="the data")
    trainer: TrainingConfig = Field(
        default_factory=TrainingConfig,
        description="training; the baseline is the same without constraints",
    )
    gate: GateConfig = Field(default_factory=GateConfig, description="what a model must show")
    about: About = Field(
        default_factory=About,
        description="what report and model card say of the model besides figures",
    )
    cache: bool = Field(
        True, description="re-use results whose inputs, settings and code are unchanged"
    )
    beside: bool = Field(
        True,
        description="on this machine, run Transform beside StatisticsGen and ExampleValidator, where "
        "there are two cores, 2 GB of free memory and no GPU",
    )
    beam_arguments: Annotated[tuple[str, ...], IsSecret()] = Field(
        (
            # Fuses steps, so that records stream from file to file instead of piling up in memory.
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
            "--direct_running_mode=in_memory",
        ),
        description="arguments of every Beam pipeline",
    )
    component_beam_arguments: Annotated[
        dict[
            Literal["ImportExampleGen", "StatisticsGen", "Transform", "Evaluator"], tuple[str, ...]
        ],
        IsSecret(),
    ] = Field(
        default_factory=dict,
        description="more of them for single components; what is said here counts over beam_arguments",
    )
    deploy: DeploymentSettings = Field(
        default_factory=DeploymentSettings, description="runs on a cluster"
    )

    _references: dict[sources.Location, sources.Reference] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _network_fits_the_inputs(self) -> Settings:
        try:
            require_network_fits(self.trainer.network, self.data.features)
        except ValueError as error:
            raise ValueError(f"trainer.network: {error}") from None
        return self

    @model_validator(mode="after")
    def _constraints_parse(self) -> Settings:
        groups = self.data.features.vocabulary
        by_bound = self.trainer.selection.rated_by == "upper_bound"
        for field, lines in (
            ("trainer", self.trainer.constraints),
            ("gate", self.gate.constraints),
        ):
            for index, line in enumerate(lines):
                try:
                    constraint = language.parse(
                        line, groups, from_counts=field == "gate" or by_bound
                    )
                    if field == "trainer":
                        trainable.pieces(beside_any(constraint))
                except ValueError as error:
                    raise ValueError(f"{field}.constraints.{index}: {error}") from error
        checks.checks(self.gate, groups)  # with gate.limit in place: can it be kept at all?
        return self

    @model_validator(mode="after")
    def _crossings_are_measured(self) -> Settings:
        """Every crossing that a constraint names is a feature whose groups are counted."""
        features = self.data.features
        lines = (*self.trainer.constraints, *self.gate.constraints)
        named = {
            group.feature
            for line in lines
            for group in language.parse(line, features.vocabulary).groups()
        }
        more = sorted(named - features.group_names.keys())
        if not more:
            return self
        crossings = (*features.crossings, *more)
        features = features.model_copy(update={"crossings": crossings})
        data = self.data.model_copy(update={"features": features})
        return self.model_copy(update={"data": data})

    @model_validator(mode="after")
    def _groups_may_have_thresholds(self) -> Settings:
        if self.trainer.thresholds == "one" or not self.trainer.constraints:
            return self
        if self.data.features.label.classes:
            raise ValueError(
                "trainer.thresholds: per_group moves the threshold of one score, and a label of several "
                "classes has a score for each: set trainer.thresholds to one"
            )
        groups = self.data.features.vocabulary
        by_gate = self.trainer.selection.rated_by == "gate"
        constraints = [language.parse(line, groups) for line in self.trainer.constraints]
        asked = [language.parse(line, groups) for line in self.gate.constraints] if by_gate else []
        named = {group.feature: None for each in constraints for group in each.groups()}
        try:
            if not named:
                raise ValueError(
                    "per_group is for the groups that trainer.constraints name, and they name none: set "
                    "trainer.thresholds to one"
                )
            require_groups_are_inputs(named, self.data.features)
            for constraint in [*constraints, *asked]:
                linearize(beside_any(constraint))
        except ValueError as error:
            raise ValueError(f"trainer.thresholds: {error}") from None
        return self


def load(files: Sequence[str] = (), assignments: Sequence[str] = ()) -> Settings:
    """The settings: defaults, under `files` in order, under `assignments` in order.

    Args:
      files: paths of YAML 1.2 files with (part of) the tree.
      assignments: `path.to.field=value`; `field.0` names an element of a list. Text is taken as it
        stands, lists and mappings are YAML.

    In any text, `${NAME}` stands for the environment variable NAME (and `$${` for a plain `${`).

    Raises:
      SettingsError: naming the file or assignment, the field, the value and what was expected.
    """
    tree: dict[str, Any] = {}
    origins: list[str] = []
    for file in files:
        tree = sources.merge(tree, sources.read(file, Settings))
        origins.append(file)
    for assignment in assignments:
        sources.assign(tree, assignment, Settings)
        origins.append(f"--set {assignment}")
    given: dict[sources.Location, str] = {}
    expanded = sources.expand(tree, (), given)
    try:
        found = Settings.model_validate(expanded)
    except ValidationError as error:
        raise SettingsError(sources.explain(error, origins, Settings, given)) from None
    if given:
        found._references.update(sources.referred(given, expanded, found.model_dump(mode="json")))
    return found


def revalidated(tree: dict[str, Any], before: Settings) -> Settings:
    """The settings of a tree that was made of others; what they took from the environment stays known.

    Raises:
      ValidationError: the tree is none.
    """
    found = Settings.model_validate(tree)
    found._references.update(before._references)
    return found


def document(settings: BaseModel, given_only: bool = False) -> dict[str, Any]:
    """The tree as plain values, such as `load` reads.

    What `${NAME}` brought in from the environment is `${NAME}` again, so that no secret is written down.
    """
    tree = settings.model_dump(mode="json", exclude_unset=given_only)
    references = settings._references if isinstance(settings, Settings) else {}
    found: dict[str, Any] = sources.put_back(tree, references)
    return found


def dump(settings: BaseModel, given_only: bool = False) -> str:
    """The tree as YAML, every value visible; or only those that were given, and not the defaults.

    The inverse of `load`; see `document`.
    """
    return yaml12.dump(document(settings, given_only))
