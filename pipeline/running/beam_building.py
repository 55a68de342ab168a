"""Beam builds a pipeline of some hundred steps faster: a third of what a component of few data takes.

For each step Beam makes the parser of its options anew to look one of them up, and inspects the
signatures of all methods, which are the same for all steps.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import core

_view_as = PipelineOptions.view_as
_arguments = core.get_function_args_defaults


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Within, views of options and signatures of methods are made once each, and forgotten at the end."""
    # With what a key is the identity of, so that no other takes its place.
    views: dict[tuple[int, type], tuple[Any, PipelineOptions]] = {}
    signatures: dict[Callable, tuple[list, list]] = {}

    def view_as(options: PipelineOptions, cls: type) -> PipelineOptions:
        values = options._all_options  # all that views have, and what they share
        key = (id(values), cls)
        if key not in views:
            views[key] = (values, _view_as(options, cls))
        return views[key][1]

    def arguments(function: Callable) -> tuple[list, list]:
        if not isinstance(function, types.MethodType):
            return _arguments(function)
        key = function.__func__
        if key not in signatures:
            signatures[key] = _arguments(function)
        names, defaults = signatures[key]
        return list(names), list(defaults)

    with (
        mock.patch.object(PipelineOptions, "view_as", view_as),
        mock.patch.object(core, "get_function_args_defaults", arguments),
    ):
        yield
