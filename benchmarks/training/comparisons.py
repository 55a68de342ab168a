"""The comparisons of `make bench`: each yields the rows of its table."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.peers.environments import ROOT
from benchmarks.training import card, reading
from benchmarks.training.card import speeds
from benchmarks.training.cluster import run_workers
from benchmarks.training.contenders import Contender, median, race, ratio
from benchmarks.training.speeds import Case

BATCHES = (32, 512)
EXAMPLES = 60_000
_SECONDS = 1.5

# What is compared, its numbers, the ratio, and the target for it.
Row = tuple[str, str, str, str]


def overhead(repeats: int) -> Iterator[Row]:
    """A constrained step over an unconstrained one of the same compiled loop."""
    for batch in BATCHES:
        kinds = {"none": _ours(batch)}
        for watch in ("validation", "training"):
            for constraints in (1, 8):
                options = ("--constraints", constraints, "--watch", watch)
                kinds[f"{constraints} constraints, watch {watch}"] = _ours(batch, *options)
        answers = race(kinds, repeats, _SECONDS)
        none = answers.pop("none")
        for name, found in answers.items():
            numbers = f"{median(none):.0f} / {median(found):.0f} steps/s"
            yield f"batch {batch}: {name}", numbers, f"{ratio(none, found):.2f}", "<= 1.10"


def peers(repeats: int) -> Iterator[Row]:
    """Our steps per second with one constraint over those of others."""
    targets = {
        "original, its tutorial's loop": ("100", "-"),
        "original in tf.function": ("4", "1.5"),
        "Cooper on PyTorch": ("4", "2"),
        "Keras fit, unconstrained": ("4", "4"),
    }
    for batch in BATCHES:
        kinds = {
            "ours": _ours(batch, "--constraints", 1),
            "original, its tutorial's loop": Contender(
                "original", ("eager", batch, EXAMPLES), "original"
            ),
            "original in tf.function": Contender(
                "original", ("function", batch, EXAMPLES), "original"
            ),
            "Cooper on PyTorch": Contender("cooper_loop", (batch, EXAMPLES), "modern"),
            "Keras fit, unconstrained": Contender("plain_keras", (batch, EXAMPLES)),
        }
        answers = race(kinds, repeats, _SECONDS)
        ours = answers.pop("ours")
        for name, found in answers.items():
            numbers = f"{median(ours):.0f} / {median(found):.0f} steps/s"
            target = targets[name][BATCHES.index(batch)]
            yield f"batch {batch}: FairGate / {name}", numbers, f"{ratio(ours, found):.1f}", target


def inputs(repeats: int) -> Iterator[Row]:
    """Examples read as they are needed, over resident ones."""
    for batch in BATCHES:
        kinds = {
            "resident": _ours(batch, "--constraints", 1),
            "streamed": _ours(batch, "--constraints", 1, "--resident-gb", 0),
        }
        answers = race(kinds, repeats, _SECONDS)
        streamed, resident = answers["streamed"], answers["resident"]
        numbers = f"{median(streamed):.0f} / {median(resident):.0f} steps/s"
        waiting = 100 * median(streamed, "waited") / _SECONDS
        what = f"batch {batch}: streamed / resident ({waiting:.0f}% of the time waiting)"
        yield what, numbers, f"{ratio(streamed, resident):.2f}", "-"


def sizes(repeats: int) -> Iterator[Row]:
    """Time and memory of a training of 1000 steps, by the number of examples."""
    found: dict[int, list[dict]] = {}
    for _ in range(min(repeats, 3)):
        for n in (10_000, 50_000, 200_000):
            command = [sys.executable, "-m", "benchmarks.training.one_training", str(n)]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            found.setdefault(n, []).append(json.loads(done.stdout.splitlines()[-1]))
    first = None
    for n, answers in found.items():
        seconds, gigabytes = median(answers, "seconds"), median(answers, "gigabytes")
        steps = median(answers, "steps_per_second")
        first = first or seconds
        numbers = f"{seconds:.2f} s in all, {steps:.0f} steps/s, {gigabytes:.2f} GB"
        yield f"1000 steps, {n} examples", numbers, f"{seconds / first:.2f}", "a line"


def workers(repeats: int) -> Iterator[Row]:
    """Two workers, and two replicas, over one: weights and time."""
    with tempfile.TemporaryDirectory() as folder:
        for batch in BATCHES:
            kinds = {"one": (1, "cpu"), "two workers": (2, "auto"), "two replicas": (1, "cpu:2")}
            found: dict[str, list[dict]] = {}
            for _ in range(min(repeats, 3)):
                for name, (number, devices) in kinds.items():
                    file = str(Path(folder, f"{name}-{batch}.npz"))
                    module = "benchmarks.training.one_training"
                    options = ["--batch", str(batch), "--devices", devices, "--weights", file]
                    command = ["-m", module, "10000", *options]
                    said = run_workers(command, number, timeout=300)[0]
                    found.setdefault(name, []).append(json.loads(said.splitlines()[-1]))
            one = np.load(Path(folder, f"one-{batch}.npz"))
            for name in ("two workers", "two replicas"):
                other = np.load(Path(folder, f"{name}-{batch}.npz"))
                apart = max(float(np.abs(one[key] - other[key]).max()) for key in one)
                numbers = f"{median(found[name]):.0f} / {median(found['one']):.0f} steps/s"
                what = f"batch {batch}: {name} / one (weights differ by {apart:.1e})"
                yield what, numbers, f"{ratio(found[name], found['one']):.2f}", "-"


def compiling(repeats: int) -> Iterator[Row]:
    """Steps from which XLA pays for compiling: what it takes longer, over what a step takes less."""
    for network, batch in (("mlp", 32), ("mlp", 512)):
        case = Case(network, batch=batch)
        cases = [replace(case, jit=jit) for jit in ("off", "on")]
        off, on = (each for each in speeds(cases, 10_000, 0.5 * repeats) if "failed" not in each)
        saved = 1 / off["steps_per_second"] - 1 / on["steps_per_second"]
        longer = on["compile_seconds"] - off["compile_seconds"]
        numbers = f"{longer:.1f} s / {1e3 * saved:.2f} ms a step"
        steps = f"{longer / saved:,.0f}" if saved > 0 else "never"
        yield f"{network}, batch {batch}", numbers, steps, "-"


def gpu(repeats: int) -> Iterator[Row]:
    """All that is measured of a GPU, one contender at a time; the whole is in a file of its name."""
    measured = card.measure(card.Plan())
    print(f"written: {card.write(measured, card.FOLDER)}", flush=True)
    yield from reading.rows(measured)


COMPARISONS = {
    "overhead": overhead,
    "peers": peers,
    "inputs": inputs,
    "sizes": sizes,
    "workers": workers,
    "compiling": compiling,
    "gpu": gpu,
}


def _ours(batch: int, *options: object) -> Contender:
    return Contender("ours", ("--batch", batch, *options))
