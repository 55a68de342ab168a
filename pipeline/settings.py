"""Everything that can be set, in one typed tree.

`load` lays the given files (YAML) and then the given assignments (`path.to.field=value`) over the
defaults below, and validates the whole: a misspelt field, a value of the wrong kind or a constraint
that does not parse is an error here, before anything runs.
"""

from __future__ import annotations

import copy
import difflib
import os
import pathlib
import re
import types
import typing
from collections.abc import Sequence
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from components.constrained_trainer.config import TrainingConfig
from components.features import Features, require_groups_are_inputs, require_network_fits
from fairgate.constraints import algebra, language
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Counts, Measured
from fairgate.errors import SettingsError
from fairgate.gate import checks
from fairgate.gate.config import GateConfig
from fairgate.optimization import trainable
from fairgate.strict import Strict
from pipeline.data.from_csv.config import CsvSettings
from pipeline.deployment import DeploymentSettings


class StandInSettings(Strict):
    """The synthetic stand-in for CelebA that is made when no data is named."""

    images: int = Field(80_000, ge=200, description="images over all three splits")
    seed: int = Field(0, ge=0, description="same seed, same bytes")


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

    path: str | None = Field(
        None, description="folder of TFRecord shards, local or gs://; unset: the synthetic stand-in"
    )
    schema_file: str = Field(
        "schemas/celeba/schema.pbtxt", description="the data contract (a TFMD Schema as text)"
    )
    splits: SplitSettings = Field(default_factory=SplitSettings, description="files of each split")
    features: Features = Field(default_factory=Features, description="what the columns mean")
    csv: CsvSettings = Field(
        default_factory=CsvSettings, description="CSV files that data.path is made of"
    )
    stand_in: StandInSettings = Field(
        default_factory=StandInSettings, description="the synthetic stand-in"
    )

    @property
    def folder(self) -> str:
        """The folder that holds the shards: `path`, or the stand-in's own."""
        if self.path is not None:
            return self.path
        return f"data/celeba-synthetic-{self.stand_in.images}-{self.stand_in.seed}"


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
    runs: str = Field("runs", description="folder for runs: artifacts, metadata, verdicts")
    serving: str = Field("serving", description="folder that a model server watches")
    data: DataSettings = Field(default_factory=DataSettings, description="the data")
    trainer: TrainingConfig = Field(
        default_factory=TrainingConfig,
        description="training; the baseline is the same without constraints",
    )
    gate: GateConfig = Field(default_factory=GateConfig, description="what a model must show")
    cache: bool = Field(
        True, description="re-use results whose inputs, settings and code are unchanged"
    )
    beam_arguments: tuple[str, ...] = Field(
        (
            # Fuses steps, so that records stream from file to file instead of piling up in memory.
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
            "--direct_running_mode=in_memory",
        ),
        description="arguments of every Beam pipeline",
    )
    component_beam_arguments: dict[
        Literal["ImportExampleGen", "StatisticsGen", "Transform", "Evaluator"], tuple[str, ...]
    ] = Field(
        default_factory=dict,
        description="more of them for single components; what is said here counts over beam_arguments",
    )
    deploy: DeploymentSettings = Field(
        default_factory=DeploymentSettings, description="runs on a cluster"
    )

    @model_validator(mode="after")
    def _network_fits_the_inputs(self) -> Settings:
        try:
            require_network_fits(self.trainer.network, self.data.features)
        except ValueError as error:
            raise ValueError(f"trainer.network: {error}") from None
        return self

    @model_validator(mode="after")
    def _constraints_parse(self) -> Settings:
        groups = self.data.features.group_names
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
                        trainable.pieces(algebra.beside(constraint, _no_errors(constraint)))
                except ValueError as error:
                    raise ValueError(f"{field}.constraints.{index}: {error}") from error
        asked = checks.checks(self.gate, groups)  # with gate.limit in place: can it be kept at all?
        changes = [
            each.constraint for each in asked if algebra.has_changes(each.constraint.expression)
        ]
        if changes and self.data.features.unit is not None:
            raise ValueError(
                f"gate.constraints: {changes[0]}: changes are bounded over independent examples, "
                "not over units: leave the constraint out, or data.features.unit"
            )
        return self

    @model_validator(mode="after")
    def _groups_may_have_thresholds(self) -> Settings:
        if self.trainer.thresholds == "one" or not self.trainer.constraints:
            return self
        groups = self.data.features.group_names
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
                linearize(algebra.beside(constraint, _no_errors(constraint)))
        except ValueError as error:
            raise ValueError(f"trainer.thresholds: {error}") from None
        return self


def _no_errors(constraint: Constraint) -> Measured:
    """A baseline of which nothing is known yet."""
    return dict.fromkeys([None, *constraint.groups()], Counts(1, 0, 1, 0))


def load(files: Sequence[str] = (), assignments: Sequence[str] = ()) -> Settings:
    """The settings: defaults, under `files` in order, under `assignments` in order.

    Args:
      files: paths of YAML files with (part of) the tree.
      assignments: `path.to.field=value`, the value in YAML; `field.0` names an element of a list.

    In any text, `${NAME}` stands for the environment variable NAME (and `$${` for a plain `${`).

    Raises:
      SettingsError: naming the file or assignment, the field, the value and what was expected.
    """
    tree: dict[str, Any] = {}
    sources: list[str] = []
    for file in files:
        tree = _merge(tree, _read(file))
        sources.append(file)
    for assignment in assignments:
        _assign(tree, assignment)
        sources.append(f"--set {assignment}")
    try:
        return Settings.model_validate(_expand(tree, ()))
    except ValidationError as error:
        raise SettingsError(_explain(error, sources)) from None


def dump(settings: BaseModel, given_only: bool = False) -> str:
    """The tree as YAML, every value visible; or only those that were given, and not the defaults."""
    tree = settings.model_dump(mode="json", exclude_unset=given_only)
    return yaml.safe_dump(_escape(tree), sort_keys=False, allow_unicode=True, width=100)


def _read(file: str) -> dict[str, Any]:
    path = pathlib.Path(file)
    if not path.is_file():
        raise SettingsError(
            f"--settings {file}: no such file. Give the path of a YAML file with settings, "
            "such as schemas/smiles/settings.yaml"
        )
    try:
        tree = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise SettingsError(f"{file}: not valid YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(
            f"{file}: expected fields and values at the top, found {type(tree).__name__}"
        )
    return tree


def _merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """`overlay` over `base`: mappings merge, anything else replaces. Groups replace as a whole."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merge = (
            isinstance(value, dict) and isinstance(below, dict) and key not in ("groups", "values")
        )
        merged[key] = _merge(merged[key], value) if merge else value
    return merged


_VARIABLE = re.compile(r"\$(\$)?\{([^}]*)\}")


def _expand(value: Any, location: tuple[str, ...]) -> Any:
    """`value` with the environment variables that its texts name."""
    if isinstance(value, dict):
        return {key: _expand(item, (*location, str(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, (*location, str(index))) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return f"${{{name}}}"
        if not os.environ.get(name):
            field = ".".join(location)
            raise SettingsError(
                f"{field} = {value!r}: the environment variable {name!r} is not set. Set it "
                f"(export {name}=...), or give the value itself with --set {field}=..."
            )
        return os.environ[name]

    return _VARIABLE.sub(replacement, value)


def _escape(value: Any) -> Any:
    """The inverse of `_expand`: texts that stand for themselves."""
    if isinstance(value, dict):
        return {key: _escape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escape(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _assign(tree: dict[str, Any], assignment: str) -> None:
    path, equals, text = assignment.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise SettingsError(
            f"--set {assignment}: expected path.to.field=value, such as gate.limit=0.02"
        )
    try:
        value = yaml.safe_load(text) if text.strip() else None
    except yaml.YAMLError:
        value = text  # "max_gap(FPR, [Young]) <= 0.05" need not be YAML
    node: Any = tree
    default: Any = Settings().model_dump(mode="json")
    for position, key in enumerate(keys):
        last = position == len(keys) - 1
        default = _child(default, key)
        if not isinstance(node, dict | list):
            raise SettingsError(
                f"--set {assignment}: {'.'.join(keys[:position])} is {node!r}, which has no {key!r}; set "
                "it as a whole"
            )
        if isinstance(node, list):
            index = int(key) if key.isdigit() else -1
            if not 0 <= index < len(node):
                at = ".".join(keys[:position])
                raise SettingsError(
                    f"--set {assignment}: {at} is a list of {len(node)}; it has no element {key!r}"
                )
            if last:
                node[index] = value
            else:
                node = node[index]
            continue
        if last:
            node[key] = value
        else:
            if not isinstance(node.get(key), dict | list):
                # The default's own elements stay around the one assigned; a new group stands alone.
                kept = isinstance(default, list) or _child(default, keys[position + 1]) is not None
                node[key] = copy.deepcopy(default) if kept else {}
            node = node[key]


def _child(default: Any, key: str) -> Any:
    return default.get(key) if isinstance(default, dict) else None


def _explain(error: ValidationError, sources: Sequence[str]) -> str:
    lines = []
    for problem in error.errors():
        location = [str(part) for part in problem["loc"]]
        field = ".".join(location)
        if problem["type"] == "extra_forbidden":
            known = _fields_at(location[:-1])
            close = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
            hint = f"did you mean {'.'.join([*location[:-1], close[0]])!r}?" if close else ""
            lines.append(f"{field}: no such setting; {hint or 'known here: ' + ', '.join(known)}")
            continue
        message = problem["msg"].removeprefix("Value error, ")
        value = "" if isinstance(problem["input"], dict) else f" (given: {problem['input']!r})"
        lines.append(f"{field}: {message}{value}" if field else message)
    origin = "; ".join(sources) or "the defaults"
    return (
        f"settings not accepted (from {origin}):\n  "
        + "\n  ".join(lines)
        + "\nAll settings and their values: python -m pipeline settings"
    )


def _fields_at(location: Sequence[str]) -> list[str]:
    """Names of the fields at `location` in the tree; empty where there are none to list."""
    model: Any = Settings
    for part in location:
        field = model.model_fields.get(part) if _is_model(model) else None
        if field is None:
            # An element of a mapping of models, such as one group feature.
            arguments = [a for a in typing.get_args(model) if _is_model(a)]
            model = arguments[0] if arguments else None
        else:
            model = field.annotation
        if isinstance(model, types.UnionType):
            model = next((a for a in typing.get_args(model) if a is not type(None)), None)
    return list(model.model_fields) if _is_model(model) else []


def _is_model(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)
