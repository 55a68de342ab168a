"""Everything that is said of a GPU, measured in one run of under five minutes: one process at a time.

python -m benchmarks.training.card [--seconds 290] [--small] [--folder benchmarks/training/measured]

Writes <folder>/<date>-<card>.json and .md. What there was no time for, or what is not installed (JAX,
PyTorch, Cooper), is named there. `--small` is little of each, for trying it out, on CPUs too.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import ROOT
from benchmarks.training import reading
from benchmarks.training.cards import cards
from benchmarks.training.speeds import Case

FOLDER = ROOT / "benchmarks" / "training" / "measured"
_BFLOAT = "mixed_bfloat16"
# Whole loops as CUDA graphs, which TensorFlow does not make of them by itself.
_LOOPS = "--xla_gpu_enable_command_buffer=+WHILE"

_PICTURES = 20_000
_CASES = (
    *(Case(batch=batch, constraints=n) for batch in (512, 4096, 32) for n in (0, 1)),
    Case(constraints=8),
    Case(watch="training"),
    Case(jit="off"),
)
_CONVOLUTIONS = (
    Case("cnn", 64),
    Case("cnn", 64, precision=_BFLOAT),
    Case("cnn", 64, precision=_BFLOAT, constraints=0),
    Case("cnn", 64, jit="off"),
    Case("resnet", 64, precision=_BFLOAT),
    Case("resnet", 64),
)


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        seconds: for all of it; what does not fit is left out.
        small: little of each, which CPUs can do.
    """

    seconds: float = 290.0
    small: bool = False

    @property
    def parts(self) -> dict[str, list[str]]:
        """Name -> arguments of the interpreter, the most wanted first."""
        few = ["--examples", "2000", "--seconds", "0.1"] if self.small else []
        steps = ["--steps", "30", "--examples", "1000"] if self.small else []
        pictures = few or ["--examples", str(_PICTURES)]
        cases = (Case(batch=32, constraints=0), Case(batch=32)) if self.small else _CASES
        larger = (Case("cnn", 32, batch=8, jit="off"),) if self.small else _CONVOLUTIONS
        batches = ["32"] if self.small else ["32", "512", "4096"]
        examples = "2000" if self.small else "60000"
        speeds = "benchmarks.training.speeds"
        devices = ("gpu", "cpu") if cards() else ("cpu",)
        one = ["-m", "benchmarks.training.one_training", examples]
        warm = [
            *one,
            "--jit",
            "on",
            "--compiled",
            "{scratch}/compiled",
            "--weights",
            "{scratch}/w.npz",
        ]
        peaks = ["--side", "256", "--megabytes", "8"] if self.small else []
        return {
            "speeds": ["-m", speeds, *map(str, cases), *few],
            "floor": ["-m", "benchmarks.training.jax_floor", *batches, *few],
            "whole, nothing compiled before": warm,
            "whole, compiled before": warm,
            "whole, as auto chooses": [*one, "--weights", "{scratch}/w.npz"],
            "agreement": ["-m", "benchmarks.training.agreement", *devices, *steps],
            "peaks": ["-m", "benchmarks.training.roofline", *peaks],
            "loops in command buffers": ["-m", speeds, str(Case()), *few, f"--xla-flags={_LOOPS}"],
            "peers": ["-m", "benchmarks.training.torch_peers", *batches, *few],
            "larger networks": ["-m", speeds, *map(str, larger), *pictures],
        }


_NEEDS = {"floor": "jax", "peers": "torch"}


def measure(plan: Plan) -> dict[str, Any]:
    """What each part found, and what was left out and why."""
    end = time.monotonic() + plan.seconds
    found: dict[str, Any] = {
        "card": " + ".join(cards()) or f"{platform.machine()} CPU",
        "date": str(datetime.date.today()),
        "seconds": 0.0,
        "parts": {},
        "left out": {},
    }
    with tempfile.TemporaryDirectory(prefix="fairgate-") as scratch:
        for name, arguments in plan.parts.items():
            needed = _NEEDS.get(name)
            left = end - time.monotonic()
            if needed and not importlib.util.find_spec(needed):
                found["left out"][name] = f"{needed} is not installed"
            elif left < 1:
                found["left out"][name] = "no time was left"
            else:
                command = [each.format(scratch=scratch) for each in arguments]
                found["parts"][name], why = _answers(command, left)
                if why:
                    found["left out"][name] = why
    found["seconds"] = round(plan.seconds - (end - time.monotonic()), 1)
    return found


def speeds(cases: Sequence[Case], examples: int, seconds: float) -> list[dict[str, Any]]:
    """What a process of its own finds of these cases."""
    options = ["--examples", str(examples), "--seconds", str(seconds)]
    command = ["-m", "benchmarks.training.speeds", *map(str, cases), *options]
    answers, why = _answers(command, 3600.0)
    if why:
        raise RuntimeError(why)
    return answers


def _answers(arguments: Sequence[str], seconds: float) -> tuple[list[dict[str, Any]], str]:
    """The lines of JSON that a process printed, and why there are not more."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdout=out, stderr=errors
        )
        try:
            status = process.wait(seconds)
            why = f"it failed with exit status {status}" if status else ""
        except subprocess.TimeoutExpired:
            why = "there was no time for all of it"
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        errors.seek(0)
        lines = [line for line in out if line.startswith("{") and line.endswith("}\n")]
        if why.startswith("it failed"):
            why += f": {errors.read()[-500:].strip()}"
        return [json.loads(line) for line in lines], why


def write(measured: dict[str, Any], folder: Path) -> Path:
    """Two files of the date and the card, for machines and for people; returns the second."""
    folder.mkdir(parents=True, exist_ok=True)
    card = re.sub(r"[^A-Za-z0-9]+", "-", measured["card"]).strip("-").lower()
    file = folder / f"{measured['date']}-{card}"
    file.with_suffix(".json").write_text(json.dumps(measured, indent=1) + "\n")
    page = file.with_suffix(".md")
    page.write_text(reading.page(measured))
    return page


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.card")
    parser.add_argument("--seconds", type=float, default=290.0)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    page = write(measure(Plan(options.seconds, options.small)), options.folder)
    print(page.read_text(), end="")
    print(f"written: {page}")


if __name__ == "__main__":
    main()
