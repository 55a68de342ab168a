"""The verdict of a run, as verdict.json holds it: the gate's judgement, and what became of the model.

Light: whoever only reads a verdict loads neither TensorFlow nor SciPy. `evaluation` makes one out of the
Evaluator's results.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from fairgate.documents import to_json, write_text
from fairgate.errors import DataError
from fairgate.gate.attempts import Attempt
from fairgate.gate.judgement import (
    CONSTRAINED,
    CheckRow,
    GateRow,
    GroupResult,
    Judgement,
    ModelResult,
    Sampling,
)

VERDICT_FILE = "verdict.json"


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """A way to decide, and what comes of it on the validation split.

    Attributes:
      name: of the way.
      error_rate: in [0, 1].
      worst: the largest violation of a constraint of the trainer; at most 0 where all are kept.
      sees_groups: whether whoever decides must know the group of the person.
      beyond_least: how much more it errs than the best of these ways that keep the constraints; None
        where none does.
    """

    name: str
    error_rate: float
    worst: float | None
    sees_groups: bool = False
    beyond_least: float | None = None


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What is known without the test split: all of it from the validation split.

    Attributes:
      told: which model was chosen and whether it keeps the constraints of its training, in words.
      yardsticks: what these cost beyond the least possible; empty where nothing was constrained.
      judgement: what the gate would say of it, while the test split is sealed.
    """

    told: list[str]
    yardsticks: list[Yardstick]
    judgement: Judgement | None = None

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Validation:
        """The inverse of `dataclasses.asdict`; errors as of `Verdict.of`."""
        judged = tree.get("judgement")
        return cls(
            told=tree["told"],
            yardsticks=[Yardstick(**_known(Yardstick, row)) for row in tree["yardsticks"]],
            judgement=judged and Judgement(**_known(Judgement, judged) | _judged(judged)),
        )


@dataclass(frozen=True, kw_only=True)
class Verdict(Judgement):
    """What `verdict.json` holds; what has a default was not in it from the beginning.

    Attributes:
      pushed: whether the model is the newest version that is served, and `pushed_model` that version.
      not_served: why a model that passed is not, in words.
    """

    pushed: bool
    pushed_model: str | None
    run_id: str = ""
    pipeline: str = ""
    data: str = ""
    validation: Validation | None = None
    not_served: str = ""

    @property
    def was_asked(self) -> bool:
        """Whether the gate asked the test split, and judged a model."""
        return bool(self.gate) or self.sealed

    @property
    def measured(self) -> Judgement:
        """The judgement whose figures may be shown: this one, or that of the validation split."""
        instead = None if self.validation is None else self.validation.judgement
        return instead if self.sealed and instead is not None else self

    @property
    def split(self) -> str:
        """Which split `measured` is of, in words."""
        return "the test split" if self.measured is self else "the validation split"

    @property
    def model_is_there(self) -> bool:
        """Whether the pushed model is still where it was pushed to, as far as this machine can see."""
        model = self.pushed_model
        return model is not None and ("://" in model or pathlib.Path(model).exists())

    def write(self, file: pathlib.Path) -> None:
        """Writes JSON, whole or not at all; numbers that do not exist are null."""
        write_text(file, to_json(self.as_document()) + "\n")

    @classmethod
    def read(cls, file: pathlib.Path) -> Verdict:
        """The inverse of `write`, for files of older and newer versions too.

        Raises:
          DataError: the file cannot be read, or is no verdict.
        """
        try:
            return cls.of(json.loads(file.read_text()))
        except PermissionError as error:
            raise DataError(f"{file}: cannot be read: {error.strerror}") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{file}: not a verdict as a run writes it ({type(error).__name__}: {error}). Run the "
                "pipeline again: what has not changed is re-used, and the file is written anew"
            ) from None

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Verdict:
        """The verdict of a document; ValueError, TypeError, KeyError or AttributeError for any other."""
        known = _known(cls, tree) | _judged(tree)
        if known.get("validation") is not None:
            known["validation"] = Validation.of(tree["validation"])
        known.setdefault("outcome", "pushed" if tree["pushed"] else "no solution found")
        return cls(**known)


def _judged(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a judgement that are no plain values."""
    models = {
        name: ModelResult.of(
            model,
            groups={group: GroupResult.of(result) for group, result in model["groups"].items()},
        )
        for name, model in tree["models"].items()
    }
    if CONSTRAINED not in models:
        raise KeyError(CONSTRAINED)
    attempt = tree.get("attempt")
    return {
        "gate": [GateRow(**_known(GateRow, row)) for row in tree["gate"]],
        "checks": [CheckRow(**_known(CheckRow, row)) for row in tree.get("checks", [])],
        "sampling": Sampling(**_known(Sampling, tree.get("sampling") or {})),
        "models": models,
        "attempt": None if attempt is None else Attempt(**_known(Attempt, attempt)),
    }


def _known(kind: Any, tree: Mapping[str, Any]) -> dict[str, Any]:
    """What of `tree` this version knows."""
    return {f.name: tree[f.name] for f in fields(kind) if f.name in tree}
