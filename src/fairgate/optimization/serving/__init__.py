"""Serving what training chose."""

from fairgate.optimization.serving.stochastic import StochasticClassifier

__all__ = ["StochasticClassifier"]
