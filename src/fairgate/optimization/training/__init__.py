"""Playing a game: as one step for loops of your own, or as `compile` and `fit`."""

from fairgate.optimization.training.fit import ConstrainedModel, FitBatch
from fairgate.optimization.training.step import ConstrainedOptimizer

__all__ = ["ConstrainedModel", "ConstrainedOptimizer", "FitBatch"]
