"""The examples in the library's docstrings come to what they say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import fairgate
from fairgate import bounds, constraints

EXAMPLES = doctest.DocTestFinder(exclude_empty=True)
# The snippets about training are in docs/constrained_optimization.md, which test_guide.py runs.
MODULES = [
    module.name
    for module in pkgutil.walk_packages(fairgate.__path__, "fairgate.")
    if not module.name.startswith("fairgate.optimization")
]


def test_there_are_modules_to_read():
    assert {"fairgate.bounds.one_rate", "fairgate.constraints.algebra"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_every_example_comes_to_what_it_says(name):
    failed, _ = doctest.testmod(importlib.import_module(name), raise_on_error=False)
    assert not failed


def functions(package) -> list[str]:
    return [name for name in package.__all__ if inspect.isfunction(_bare(package, name))]


def _bare(package, name):
    """A function as it was written, without its cache."""
    return inspect.unwrap(getattr(package, name))


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package in (constraints, bounds) for name in functions(package)],
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
def test_every_public_function_has_an_example(package, name):
    [found] = EXAMPLES.find(_bare(package, name), name, module=False) or [None]
    assert found is not None and found.examples, f"{package.__name__}.{name}"
