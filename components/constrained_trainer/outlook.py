"""How a snapshot will fare at the gate, predicted from its outcomes on the validation split."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.constrained_trainer.config import GateTarget
from fairgate.constraints import algebra, language
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.gate import prediction
from fairgate.gate.prediction import Sizes


@dataclass(frozen=True)
class Outlook:
    """A gate that is still to come.

    Attributes:
      target: what it will ask.
      sizes: examples of each group and label that it will see. They are denominators alone: which
        answers a model gives on them stays unknown, so that the gate's promise is not touched.
      pass_probability: with which a snapshot must pass to be predicted to.
      other: outcomes of the baseline on the validation split, whose rates stand in for its own at the
        gate; None where no constraint is about it.
    """

    target: GateTarget
    sizes: Sizes
    pass_probability: float = 0.8
    other: Measured | None = None

    @functools.cached_property
    def constraints(self) -> list[Constraint]:
        """What the gate will ask, over the groups that it will see."""
        names: dict[str, list[str]] = {}
        for group in self.sizes:
            if group is not None:
                names.setdefault(group.feature, []).append(group.name)
        found = [language.parse(line, names) for line in self.target.constraints]
        return [algebra.beside(line, self.other) if self.other else line for line in found]

    def excess(self, counts: Mapping[Group | None, Counts]) -> np.ndarray:
        """How far beyond each thing the gate asks a model is predicted to be; it passes where <= 0.

        Args:
          counts: the model's outcomes on the validation split, of every group and everyone (None).

        Returns:
          (m + 1,) float64: the predicted bound of each constraint, less its limit; and what the
          accuracy lacks. inf where nothing can be predicted, or the model gives everyone one answer.
        """
        everyone = counts[None]
        answers = {everyone.tp + everyone.fp > 0, everyone.tn + everyone.fn > 0}
        if answers != {True}:
            return np.full(len(self.target.constraints) + 1, math.inf)
        delta, miss = 1 - self.target.confidence, 1 - self.pass_probability
        predicted = [
            line.violation(prediction.predicted_bound(line, counts, self.sizes, delta, miss))
            for line in self.constraints
        ]
        lacking = self.target.minimum_accuracy - everyone.rate("ACC")
        return np.nan_to_num(np.array([*predicted, lacking]), nan=math.inf, posinf=math.inf)
