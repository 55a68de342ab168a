"""Every public name says what it takes, what it raises and where it is from."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from fairgate import optimization as co

NAMES = [name for name in dir(co) if not inspect.ismodule(getattr(co, name))]


def test_there_are_names_to_check() -> None:
    assert {"recall", "RateMinimizationProblem", "ProxyLagrangian", "ConstrainedModel"} < set(NAMES)


def parameters(thing: Any) -> list[str]:
    """Names that a caller gives; a description under a dataclass's Attributes counts."""
    if inspect.isclass(thing) and thing.__init__ in (object.__init__, RuntimeError.__init__):
        return []
    names = list(inspect.signature(thing).parameters)
    return [name for name in names if name not in ("args", "kwargs", "name")]


def source_of_call(thing: Any) -> str:
    """The source that runs when it is called; that of a dataclass is in __post_init__."""
    call = thing
    if inspect.isclass(thing):
        own = vars(thing)
        call = own.get("__post_init__", own.get("__init__"))
    try:
        return "" if call is None else inspect.getsource(call)
    except OSError:  # generated
        return ""


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_names_arguments_errors_and_source(name: str) -> None:
    thing = getattr(co, name)
    own = inspect.getdoc(thing) or ""
    assert len(own) > 20
    module = importlib.import_module(thing.__module__).__doc__ or ""
    for parameter in parameters(thing):
        assert parameter in own, f"{parameter} is not explained"
    if "raise " in source_of_call(thing):
        assert "Error" in own, "it raises, and does not say so"
    assert "Source:" in own or "Source:" in module or len(module) > 200
