"""What a gate says of a model: each constraint's value, bound and limit, and the outcomes behind them.

Plain data, and light: whoever only reads a judgement loads neither TensorFlow nor SciPy. `judging`
makes one of counts, `tables` and `explaining` show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from fairgate.gate import words
from fairgate.gate.attempts import Attempt

if TYPE_CHECKING:  # Python 3.10 has it there alone
    from typing_extensions import Self

BASELINE, CONSTRAINED = "baseline", "constrained"
MODELS = (BASELINE, CONSTRAINED)
EVERYBODY = "everybody"

Outcome = Literal["passed", "over the limit", "undecided"]
"""What a gate says: what is asked is shown; its contrary is shown, so that the model must change; or
neither is, so that more examples would tell."""


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One constraint of the gate: what was measured, what could be promised, what was allowed.

    Attributes:
      constraint: the constraint, as text.
      value: of the constraint's left side on the test data; None where it could not be measured.
      upper_bound: confidence bound of a `<=` constraint; None where nothing can be promised.
      lower_bound: confidence bound of a `>=` constraint.
      confidence: of the bound, in (0, 1).
      limit: the constraint's right side.
      passed: whether the bound is within the limit.
      opposite_bound: the bound on the other side, at the same confidence, of a constraint that did not
        pass: where it is beyond the limit too, the model must change.
      baseline_value: as `value`, of the model it is compared with.
      baseline_bound: the bound of that model, on the same side.
      independent_bound: what the bound would be if the examples of a unit were independent; None where
        examples come in no units.
    """

    constraint: str
    value: float | None
    upper_bound: float | None
    lower_bound: float | None = None
    confidence: float
    limit: float
    passed: bool
    opposite_bound: float | None = None
    baseline_value: float | None = None
    baseline_bound: float | None = None
    independent_bound: float | None = None

    @property
    def bound(self) -> float | None:
        """The bound on the side that could break the limit."""
        return self.upper_bound if self.upper_bound is not None else self.lower_bound

    @property
    def sense(self) -> Literal["<=", ">="]:
        """On which side of the limit the bound must be."""
        return ">=" if " >= " in self.constraint else "<="

    @property
    def margin(self) -> float | None:
        """How far the bound is within the limit; negative where it is beyond."""
        if self.bound is None:
            return None
        return self.limit - self.bound if self.sense == "<=" else self.bound - self.limit

    @property
    def outcome(self) -> Outcome:
        """Passed, shown to be over the limit, or neither."""
        if self.passed:
            return "passed"
        if self.opposite_bound is None:
            return "undecided"
        beyond = self.opposite_bound - self.limit
        return "over the limit" if (beyond if self.sense == "<=" else -beyond) > 0 else "undecided"

    @property
    def value_is_within(self) -> bool:
        """Whether the measured value, and not only its bound, keeps the limit."""
        if self.value is None:
            return False
        return self.value <= self.limit if self.sense == "<=" else self.value >= self.limit


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """What the gate asks besides its constraints: see `requirements`.

    Attributes:
      name: what is asked, in words.
      value: what was measured; None where it could not be.
      bound: its lower confidence bound; None where there is none, or a number is known without doubt.
      limit: what the bound, or the number, must reach.
      outcome: passed, shown to fail, or neither.
      reason: in words, why it did not pass; empty where it did.
    """

    name: str
    value: float | None
    bound: float | None
    limit: float
    outcome: Outcome
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether what is asked is shown."""
        return self.outcome == "passed"


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """A model's outcomes in one class of a label that has more than two.

    Attributes:
      examples: of the class.
      answers: how often the model says it; None where that is not told.
      tpr: how often it says it of the class.
      fpr: how often it says it of all others.
    """

    examples: int
    answers: int | None = None
    tpr: float | None = None
    fpr: float | None = None


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """A model's outcomes on one group of the test data; rates in [0, 1], None where nothing counts.

    Where the label has more than two classes, there are no negatives and no rates of them: `classes` has
    a result for each.
    """

    examples: int
    negatives: int
    accuracy: float | None = None
    fpr: float | None = None
    fnr: float | None = None
    classes: dict[str, ClassResult] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: Mapping[str, Any], **more: Any) -> Self:
        """From JSON; what this version does not know is left out. KeyError where something is missing."""
        known = {f.name: tree[f.name] for f in fields(cls) if f.name in tree}
        made = {
            name: ClassResult(**{f.name: of[f.name] for f in fields(ClassResult) if f.name in of})
            for name, of in known.get("classes", {}).items()
        }
        return cls(**{**known, "classes": made, **more})

    def sizes(self) -> dict[str, Any]:
        """How many examples there are, and nothing of what the model said of them."""
        classes = {name: ClassResult(examples=of.examples) for name, of in self.classes.items()}
        return {"examples": self.examples, "negatives": self.negatives, "classes": classes}


@dataclass(frozen=True, kw_only=True)
class ModelResult(GroupResult):
    """A model's outcomes on the test data: everybody, and each group."""

    groups: dict[str, GroupResult]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What the bounds took for independent draws.

    Attributes:
      units: how many units there are; None: every example is taken for a draw of its own.
      most: the most examples (or the largest sum of weights) of a unit.
      weighted: whether examples have weights.
      method: how units are bounded.
    """

    units: int | None = None
    most: float | None = None
    weighted: bool = False
    method: str = "betting"

    def __str__(self) -> str:
        return words.sampling(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Whether a model passed a gate, and all that the decision rests on.

    One that is sealed (see `attempts`) holds no figures of the test data, whatever it is made with: there
    are no rows, rates are None, and the one reason says why. Only how many examples there are is left,
    which is the same for every model. Whoever shows a judgement can therefore show all of it.

    Attributes:
      blessed: whether it passed.
      gate: a row for each constraint.
      models: outcomes by name; BASELINE is what the judged model is compared with.
      reasons: in words, one for each failed check; empty when it passed.
      warnings: what is no reason to block and should be known.
      attempt: which model this was on its test data, where attempts are counted.
      advice: in words, what would help.
      features: name of each group feature -> the names of its groups.
      sampling: what the bounds took for independent draws.
      outcome: passed; over the limit: what is asked is shown not to hold, and the model must change;
        undecided: more examples would tell; sealed: blocked, and which of both is not told. A run has
        further ones.
      checks: what was asked besides the constraints.
      cost: in words, what got worse for a group, next to the model that it is compared with.
    """

    blessed: bool
    gate: list[GateRow]
    models: dict[str, ModelResult]
    reasons: list[str]
    warnings: list[str] = field(default_factory=list)
    attempt: Attempt | None = None
    advice: list[str] = field(default_factory=list)
    features: dict[str, list[str]] = field(default_factory=dict)
    sampling: Sampling = field(default_factory=Sampling)
    outcome: Outcome | Literal["pushed", "no solution found", "sealed"] | None = None
    checks: list[CheckRow] = field(default_factory=list)
    cost: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.sealed:
            return
        assert not self.blessed, "a pass ends the series, and is not sealed"
        withheld = {
            "gate": [],
            "models": {name: _sizes_of(result) for name, result in self.models.items()},
            "reasons": [words.sealed(asdict(self))],
            "advice": [words.when_sealed(asdict(self))],
            "outcome": "sealed",
            "checks": [],
            "cost": [],
        }
        for name, value in withheld.items():
            object.__setattr__(self, name, value)

    @property
    def sealed(self) -> bool:
        """Whether nothing is told of the test data but that the model was blocked."""
        return self.attempt is not None and self.attempt.sealed

    @property
    def judged(self) -> str:
        """Name of the model that was judged: the one that is not the baseline."""
        return next(name for name in self.models if name != BASELINE)

    @property
    def outcomes(self) -> ModelResult:
        """Outcomes of the model that was judged."""
        return self.models[self.judged]

    def __str__(self) -> str:
        verdict = self.as_document()
        return "\n".join([f"{words.outcome(verdict)}. {words.sentence(verdict)}", *self.reasons])

    def as_document(self) -> dict[str, Any]:
        """For JSON, field by field; classes only where the label has more than two."""
        return document_of(self)


def document_of(judged: Judgement | GroupResult) -> dict[str, Any]:
    """A judgement, or a part of it, for JSON: `Judgement.as_document`."""
    found: dict[str, Any] = _without_no_classes(asdict(judged))
    return found


def _without_no_classes(tree: Any) -> Any:
    if isinstance(tree, dict):
        kept = {key: of for key, of in tree.items() if (key, of) != ("classes", {})}
        return {key: _without_no_classes(of) for key, of in kept.items()}
    return [_without_no_classes(of) for of in tree] if isinstance(tree, list) else tree


def outcome_of(rows: Iterable[GateRow | CheckRow]) -> Outcome:
    """Of all that is asked together: one thing that is shown not to hold is enough.

    >>> row = CheckRow(name="accuracy", value=0.7, bound=0.6, limit=0.8, outcome="undecided")
    >>> outcome_of([row]), outcome_of([])
    ('undecided', 'passed')
    """
    found = {row.outcome for row in rows}
    if "over the limit" in found:
        return "over the limit"
    return "undecided" if "undecided" in found else "passed"


def _sizes_of(result: ModelResult) -> ModelResult:
    """How many examples there are, and nothing of what the model said of them."""
    groups = {name: GroupResult(**group.sizes()) for name, group in result.groups.items()}
    return ModelResult(**result.sizes(), groups=groups)


def shown_name(feature: str, name: str, groups: Mapping[str, Sequence[str]]) -> str:
    """How a group is called in tables: with its feature only where the name alone is not enough.

    That is where two features share it, or it is how tables call all examples.

    >>> shown_name("sex", "Other", {"sex": ["Other", "Female"], "race": ["Other", "White"]})
    'sex=Other'
    >>> shown_name("sex", "Female", {"sex": ["Other", "Female"], "race": ["Other", "White"]})
    'Female'
    >>> shown_name("sex", "everybody", {"sex": ["everybody", "Female"]})
    'sex=everybody'
    """
    alike = sum(name in names for names in groups.values())
    return name if alike == 1 and name != EVERYBODY else f"{feature}={name}"
