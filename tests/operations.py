"""How much work something is, counted and not timed: the calls that Python makes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

_T = TypeVar("_T")


class TooMuch(BaseException):
    """More calls than allowed: no handler of errors takes it for one of its own."""


def at_most(calls: int, work: Callable[[], _T]) -> _T:
    """What `work` returns; fails where it makes more than so many calls."""
    made = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")
        if made > calls:
            sys.setprofile(None)
            raise TooMuch(f"more than {calls:,} calls")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return work()
    except TooMuch as error:
        raise AssertionError(str(error)) from None
    finally:
        sys.setprofile(before)
