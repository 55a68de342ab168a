"""Serving what training chose."""

from fairgate.optimization.serving.stochastic import StochasticClassifier, draws_by_key

__all__ = ["StochasticClassifier", "draws_by_key"]
