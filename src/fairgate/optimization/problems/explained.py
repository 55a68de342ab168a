"""What the functions that make rates have in common, said in the docstring of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

ARGUMENTS = {
    "context": "what the rate is over: examples, their weights and (soft) subset.",
    "positive_class": "for multiclass contexts, and only these: which classes count as positive, a "
    "class\n        number or k probabilities of counting as positive.",
    "penalty_loss": "the differentiable stand-in that the model follows.",
    "constraint_loss": "what the multipliers follow.",
    "beta": ">= 0, how much more recall counts than precision.",
    "precision_target": "in (0, 1).",
    "recall_target": "in (0, 1).",
    "bins": "a whole number >= 1.",
    "include_threshold": "whether to train a threshold; False: the model's own bias is it.",
}
RAISES = (
    "ValueError: if the context has no labels where they are needed, or an argument does not fit "
    "it\n        or is out of range."
)


def explained(source: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Adds arguments, errors and source to the docstring of a function that makes a rate."""

    def add(function: Callable[P, R]) -> Callable[P, R]:
        names = inspect.signature(function).parameters
        arguments = "\n".join(f"    {name}: {ARGUMENTS[name]}" for name in names)
        own = inspect.getdoc(function) or ""
        returns = "Two expressions: numerator, denominator."
        if not function.__name__.endswith("_ratio"):
            returns = "An `Expression`."
        function.__doc__ = (
            f"{own}\n\nArgs:\n{arguments}\n\nReturns:\n    {returns}\n\nRaises:\n    {RAISES}\n\n"
            f"Source: {source}\n"
        )
        return function

    return add
