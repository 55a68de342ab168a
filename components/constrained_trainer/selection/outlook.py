"""How a snapshot will fare at the gate, predicted from its outcomes on the validation split."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from components.constrained_trainer.config import GateTarget
from components.constrained_trainer.examples.data import Split
from fairgate.constraints import algebra, language
from fairgate.constraints.classes import CLASSES, answers
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitCounts
from fairgate.gate import prediction, unit_draws
from fairgate.gate.advice import ALIKE
from fairgate.gate.prediction import Likeness, Sizes

# The errors of a model of which nothing is known.
_SUPPOSED = 0.1


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
      by_unit: outcomes of one model on the validation split, where the gate's bounds are over units or
        weights: of other models they are taken to be as much wider (`prediction.Likeness`).
    """

    target: GateTarget
    sizes: Sizes
    pass_probability: float = 0.8
    other: Measured | None = None
    by_unit: UnitCounts | None = None

    def over_units_of(self, validation: Split, scores: np.ndarray | None) -> Outlook:
        """The same, over the units and weights of the validation split, if it has any.

        Args:
          validation: the split.
          scores: (n,) of the baseline; None: some model's outcomes are drawn, alike as is supposed.
        """
        yes = np.zeros(len(validation), bool) if scores is None else scores > 0
        found = validation.by_unit(yes, self.target.units)
        if found is not None and scores is None:
            rates = dict.fromkeys(found, (_SUPPOSED, 1 - _SUPPOSED))
            found = unit_draws.drawn(found, rates, ALIKE, np.random.default_rng(0))
        return replace(self, by_unit=found)

    @functools.cached_property
    def _like(self) -> Likeness | None:
        return None if self.by_unit is None else Likeness(self.by_unit, self.sizes)

    @functools.cached_property
    def constraints(self) -> list[Constraint]:
        """What the gate will ask, over the groups that it will see."""
        names: dict[str, list[str]] = {}
        for group in self.sizes:
            if group is not None and group.feature and not group.of:
                names.setdefault(group.feature, []).append(group.name)
            elif group is not None and not group.feature:
                names.setdefault(CLASSES, []).append(group.of)
        found = [language.parse(line, names) for line in self.target.constraints]
        return [algebra.beside(line, self.other) if self.other else line for line in found]

    def excess(self, counts: Mapping[Group | None, Counts]) -> np.ndarray:
        """How far beyond each thing the gate asks a model is predicted to be; it passes where <= 0.

        Args:
          counts: the model's outcomes on the validation split, of every group and everyone (None).

        Returns:
          (m + 1,) float64: the predicted bound of each constraint, less its limit, and the same of the
          accuracy. inf where nothing can be predicted, or the model gives everyone one answer.
        """
        everyone = counts[None]
        if sum(times > 0 for times in answers(counts).values()) < 2:
            return np.full(len(self.target.constraints) + 1, math.inf)
        delta, miss = 1 - self.target.confidence, 1 - self.pass_probability
        floor, asked = self.target.minimum_accuracy, list(self.constraints)
        if floor:
            asked.append(language.parse(f"ACC >= {floor}", {}))
        predicted = [
            line.violation(
                prediction.predicted_bound(line, counts, self.sizes, delta, miss, like=self._like)
            )
            for line in asked
        ]
        predicted += [] if floor else [-everyone.rate("ACC")]
        return np.nan_to_num(np.array(predicted), nan=math.inf, posinf=math.inf)
