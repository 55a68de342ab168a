"""Serving what training chose."""

from components.constrained_optimization.serving.stochastic import StochasticClassifier

__all__ = ["StochasticClassifier"]
