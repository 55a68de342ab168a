"""One run in a process of its own, and the table of several."""

from __future__ import annotations

import datetime
import json
import os
import platform
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_ENDS_WELL = (0, 3)  # pushed, or blocked by the gate


@dataclass(frozen=True)
class Measured:
    """What a run took.

    Attributes:
      steps: as its `steps.json` has them.
      seconds: on the clock.
      processor_seconds: of the process and its children.
      conditions: when and on what it was measured, in words.
    """

    steps: list[dict]
    seconds: float
    processor_seconds: float
    conditions: str = ""

    def step(self, name: str) -> dict:
        """Of that name; empty where the run had none."""
        return next((step for step in self.steps if step["name"] == name), {})


def measure(checkout: Path, settings: Path, work: Path) -> Measured:
    """Runs `settings` by the code of a checkout, from nothing.

    Raises:
      RuntimeError: the run failed; says what it printed.
    """
    shutil.rmtree(work, ignore_errors=True)
    command = [str(checkout / "fairgate"), "run", "--settings", str(settings)]
    command += ["--set", f"runs={work}/runs", "--set", f"serving={work}/serving"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in _ENDS_WELL:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}"
        )
    [kept] = (work / "runs").glob("*/*/steps.json")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(json.loads(kept.read_text()), seconds, used, conditions())


def conditions() -> str:
    """Date, machine, and how busy it is now."""
    return (
        f"{datetime.date.today()}, {os.cpu_count()} cores ({platform.machine()}), a load of "
        f"{os.getloadavg()[2]:.1f} over the last quarter of an hour"
    )


def table(runs: Mapping[int, Measured]) -> list[str]:
    """Lines of a Markdown table: a row for each step, two columns for each number of examples."""
    sizes = sorted(runs)
    names = list(dict.fromkeys(step["name"] for size in sizes for step in runs[size].steps))
    head = [cell for size in sizes for cell in (f"{size:,}: s", "GB")]
    rows = [["step", *head, "GB, largest / smallest", "s for 1,000 more"]]
    for name in names:
        of = [runs[size].step(name) for size in sizes]
        cells = [cell for step in of for cell in (_time(step), _memory(step))]
        used = {size: runs[size].step(name).get("processor_seconds") for size in sizes}
        grown = _ratio([step.get("peak_memory_gb") for step in of])
        rows.append([name, *cells, grown, _slope(used)])
    peaks = [max(step["peak_memory_gb"] for step in runs[size].steps) for size in sizes]
    whole = [
        cell
        for size, peak in zip(sizes, peaks, strict=True)
        for cell in (
            f"{runs[size].processor_seconds:.0f} ({runs[size].seconds:.0f})",
            f"{peak:.2f}",
        )
    ]
    slope = _slope({size: runs[size].processor_seconds for size in sizes})
    rows.append(["**whole run**", *whole, _ratio(list(peaks)), slope])
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return [f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:])]


def _time(step: Mapping) -> str:
    if not step:
        return ""
    clock = f"{step['seconds']:.1f}"
    used = step.get("processor_seconds")  # earlier versions did not say
    return f"({clock})" if used is None else f"{used:.1f} ({clock})"


def _memory(step: Mapping) -> str:
    return f"{step['peak_memory_gb']:.2f}" if step else ""


def _slope(used: Mapping[int, float | None]) -> str:
    """Processor seconds for 1,000 examples more, between the two largest numbers of them."""
    if len(used) < 2:
        return ""
    (few, least), (many, most) = list(used.items())[-2:]
    known = least is not None and most is not None
    return f"{1_000 * (most - least) / (many - few):.3f}" if known else ""


def _ratio(peaks: list[float | None]) -> str:
    known = [peak for peak in peaks if peak]
    return f"{known[-1] / known[0]:.2f}" if len(known) == len(peaks) > 1 else ""
