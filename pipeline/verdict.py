"""The verdict of a run, as verdict.json holds it.

Light: whoever only reads a verdict loads neither TensorFlow nor SciPy. `evaluation` makes one out of the
Evaluator's results, `tables` shows it.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from components.errors import DataError
from components.evaluator.attempts import Attempt
from components.report.data import CONSTRAINED

VERDICT_FILE = "verdict.json"


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One constraint of the gate: what was measured, what could be promised, what was allowed."""

    constraint: str
    value: float | None
    upper_bound: float | None
    lower_bound: float | None = None
    confidence: float
    limit: float
    passed: bool
    baseline_value: float | None = None
    baseline_bound: float | None = None

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


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """A model's outcomes on one group of the test split."""

    examples: int
    negatives: int
    accuracy: float | None = None
    fpr: float | None = None
    fnr: float | None = None


@dataclass(frozen=True, kw_only=True)
class ModelResult(GroupResult):
    """A model's outcomes on the test split: everybody, and each group."""

    groups: dict[str, GroupResult]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What `verdict.json` holds; what has a default was not in it from the beginning."""

    blessed: bool
    pushed: bool
    pushed_model: str | None
    gate: list[GateRow]
    models: dict[str, ModelResult]
    reasons: list[str]
    warnings: list[str] = field(default_factory=list)
    attempt: Attempt | None = None
    run_id: str = ""
    pipeline: str = ""
    data: str = ""
    outcome: Literal["pushed", "no solution found"] | None = None
    advice: list[str] = field(default_factory=list)

    @property
    def model_is_there(self) -> bool:
        """Whether the pushed model is still where it was pushed to, as far as this machine can see."""
        model = self.pushed_model
        return model is not None and ("://" in model or pathlib.Path(model).exists())

    def write(self, file: pathlib.Path) -> None:
        """Writes JSON, whole or not at all; numbers that do not exist are null."""
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")
        partial.replace(file)

    @classmethod
    def read(cls, file: pathlib.Path) -> Verdict:
        """The inverse of `write`, for files of older and newer versions too.

        Raises:
          DataError: the file cannot be read, or is no verdict.
        """
        try:
            return cls._from(json.loads(file.read_text()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{file}: not a verdict as a run writes it ({type(error).__name__}: {error}). Run the "
                "pipeline again: what has not changed is re-used, and the file is written anew"
            ) from None

    @classmethod
    def _from(cls, tree: Mapping[str, Any]) -> Verdict:
        known = _known(cls, tree)
        known["gate"] = [GateRow(**_known(GateRow, row)) for row in tree["gate"]]
        known["models"] = {
            name: ModelResult(
                **_known(GroupResult, model),
                groups={
                    group: GroupResult(**_known(GroupResult, result))
                    for group, result in model["groups"].items()
                },
            )
            for name, model in tree["models"].items()
        }
        if CONSTRAINED not in known["models"]:
            raise KeyError(CONSTRAINED)
        if known.get("attempt") is not None:
            known["attempt"] = Attempt(**_known(Attempt, tree["attempt"]))
        known.setdefault("outcome", "pushed" if tree["pushed"] else "no solution found")
        return cls(**known)


def _known(kind: Any, tree: Mapping[str, Any]) -> dict[str, Any]:
    """What of `tree` this version knows."""
    return {f.name: tree[f.name] for f in fields(kind) if f.name in tree}
