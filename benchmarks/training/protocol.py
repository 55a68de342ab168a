"""How the benchmark asks a contender for its speed: a process that stays, asked again and again.

It warms up, prints "ready", and answers every line "<seconds>" with one line of JSON. Runs in every
environment: nothing but the standard library of Python 3.8.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


def serve(advance: Callable[[], int], more: Callable[[], dict[str, float]] = dict) -> None:
    """Answers until its input ends.

    Args:
        advance: takes some steps, at most about a quarter of a second, and says how many.
        more: further numbers for the answer, taken after each stretch.
    """
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = float(line)
        steps, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            steps += advance()
        rate = steps / (time.perf_counter() - began)
        print(json.dumps({"steps_per_second": rate, **more()}), flush=True)
