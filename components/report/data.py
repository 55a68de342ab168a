"""What a report shows, as plain data: gathered once from artifacts, rendered as often as wanted."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from fairgate.documents import to_json

TEST, VALIDATION = "test", "validation"


@dataclass(frozen=True)
class GroupSize:
    """How many examples of a group a split holds, by label; of several classes, by class."""

    split: str
    group: str
    negatives: int = 0
    positives: int = 0
    classes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Bin:
    """Of the examples with nearby scores: mean score, rate of positives with a 95% interval, count."""

    score: float
    rate: float
    low: float
    high: float
    examples: int


@dataclass(frozen=True)
class GroupCurve:
    """How a model's scores rank and predict the labels of one group (or of everybody).

    Attributes:
      model: which one.
      group: which one.
      area: under the ROC curve; None where a label has no examples.
      roc: (false positive rate, true positive rate) from threshold 1 down to 0.
      decision: the point of that curve at the threshold that is served, 0.5.
      calibration: bins of equally many scores.
    """

    model: str
    group: str
    area: float | None
    roc: list[tuple[float, float]]
    decision: tuple[float, float] | None
    calibration: list[Bin]


@dataclass(frozen=True)
class GroupThreshold:
    """The threshold at which a group's false positive rate is a target's, and what follows."""

    model: str
    feature: str
    group: str
    target: float
    threshold: float
    fpr: float
    fnr: float


@dataclass(frozen=True)
class AtThreshold:
    """A model at one threshold for everybody."""

    model: str
    threshold: float
    fpr: float
    accuracy: float
    groups: dict[str, float | None]
    gaps: dict[str, float | None]


@dataclass(frozen=True)
class Mistake:
    """An example that the constrained model gets wrong.

    Attributes:
      group: whose it is.
      kind: "false positive" or "false negative".
      scores: model -> probability of the positive class.
      picture: JPEG, base64; None for a table.
      values: column -> value, of a table.
    """

    group: str
    kind: str
    scores: dict[str, float]
    picture: str | None = None
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """What the models' scores on a split show beyond the threshold that is served.

    The split is the test split; or validation, while the test split is sealed.
    """

    curves: list[GroupCurve]
    thresholds: list[GroupThreshold]
    comparison: list[AtThreshold]
    mistakes: list[Mistake]
    split: str = TEST


@dataclass(frozen=True)
class ReportData:
    """One run. What a run lacks is empty or None, and its section says so or is left out.

    Attributes:
      verdict: as in verdict.json; `pushed` is None where it was not yet known. While the test split is
        sealed, `validation` holds the `judgement` of the validation split.
      settings: of the run, as YAML.
      label: name of the label's column.
      positive: its positive class, or all classes where it has several.
      card: Markdown about the dataset, written by people; kept beside its schema.
      histories: model -> history.json of its training.
      indicators: model -> entries of the Fairness Indicators element.
      sizes: of groups and labels.
      facets: split -> statistics of everybody and each group, a DatasetFeatureStatisticsList in base64.
      scores: None where the models could not be asked.
      versions: what the run was made of.
      steps: as in steps.json.
      frontier: as in frontier.json.
      inputs: statistics of the test split's inputs, a DatasetFeatureStatisticsList in base64.
      apart: input -> how far this run's other splits are from its test split, as `inputs.gather` has it.
      drift: how the test split differs from the last pushed model's, as `drift.drift` has it; `inputs` in
        it is as `inputs.drift` has it.
    """

    verdict: dict[str, Any]
    settings: str
    label: str
    positive: str
    card: str = ""
    histories: dict[str, dict[str, Any]] = field(default_factory=dict)
    indicators: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sizes: list[GroupSize] = field(default_factory=list)
    facets: dict[str, str] = field(default_factory=dict)
    scores: Scores | None = None
    versions: dict[str, str] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    frontier: dict[str, Any] | None = None
    inputs: str = ""
    apart: dict[str, float] = field(default_factory=dict)
    drift: dict[str, Any] | None = None

    @property
    def measured(self) -> dict[str, Any]:
        """The judgement whose figures may be shown: the verdict, or that of the validation split."""
        return self._instead or self.verdict

    @property
    def split(self) -> str:
        """Which split `measured` is of."""
        return VALIDATION if self._instead else TEST

    @property
    def _instead(self) -> dict[str, Any] | None:
        """What the gate would say of the validation split, while the test split is sealed."""
        return (self.verdict.get("validation") or {}).get("judgement")

    @property
    def scored(self) -> str:
        """Which split `scores` are of."""
        return TEST if self.scores is None else self.scores.split

    def to_json(self) -> str:
        """JSON that `from_json` reads; what is not finite is null."""
        return to_json(asdict(self), indent=None)

    @classmethod
    def from_json(cls, text: str) -> ReportData:
        """The inverse of `to_json`."""
        return typing.cast(ReportData, _build(cls, json.loads(text)))


def _build(kind: Any, value: Any) -> Any:
    """`value`, from JSON, as the annotated `kind`: dataclasses are made anew, all else is kept."""
    if value is None:
        return None
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        present = [f.name for f in fields(kind) if f.name in value]
        known = {name: _build(hints[name], value[name]) for name in present}
        return kind(**known)  # type: ignore[operator]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        [inner] = [argument for argument in arguments if argument is not type(None)]
        return _build(inner, value)
    if origin is list:
        return [_build(arguments[0], item) for item in value]
    return tuple(value) if origin is tuple else value
