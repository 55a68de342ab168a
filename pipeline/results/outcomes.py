"""What a run left, as those need to know who write its verdict and its report."""

from __future__ import annotations

from dataclasses import dataclass

from tfx import types

from components.example_gen.splits import WARNINGS
from fairgate.gate.attempts import Attempt


@dataclass(frozen=True)
class Outcome:
    """What a finished run left.

    Attributes:
      evaluation: folder of the Evaluator's results.
      blessed: what it decided.
      pushed_model: folder of the pushed model, or None.
      not_served: why a model that passed was not pushed; else empty.
      attempt: which model this was on its test split.
      warnings: what is no error and should be known.
      report: folder of what the component Report wrote.
      training: folder of the constrained model's ModelRun.
    """

    evaluation: str
    blessed: bool
    pushed_model: str | None
    not_served: str
    attempt: Attempt
    warnings: list[str]
    report: str
    training: str


@dataclass(frozen=True)
class Unsolved:
    """What a run left that has no model which is worth judging.

    Attributes:
      why: in words, why none can pass; empty: what was trained is of no use.
      trainings: model -> folder of its ModelRun; empty where it was known before any training.
      statistics: folder of StatisticsGen's.
      examples: what was trained on, and the test split that was not asked.
    """

    why: str
    trainings: dict[str, str]
    statistics: str
    examples: types.Artifact

    @property
    def warnings(self) -> list[str]:
        """What is no error and should be known."""
        return self.examples.get_string_custom_property(WARNINGS).splitlines()


@dataclass(frozen=True)
class Transformed:
    """What the nodes up to Transform left.

    Attributes:
      examples: transformed, of the splits train and validation.
      graph: folder of Transform's graph.
      statistics: folder of the statistics of all splits.
    """

    examples: types.Artifact
    graph: str
    statistics: str
