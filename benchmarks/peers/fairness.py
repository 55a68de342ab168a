"""Fair training by each library on the same arrays: error and violation, train and test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.peers import data
from benchmarks.peers.environments import ROOT, Unavailable, python_of, versions_of
from benchmarks.peers.tasks import TEST, TRAIN, VALIDATION, Answer, Task

# Method -> its environment; None is the project's own.
METHODS = {"unconstrained": None, "fairlearn": "modern", "cooper": "modern", "original": "original"}
METHODS["ours"] = None
# Of these every setting is a row; of the others the one that is chosen on one of these sets of parts.
SHOWN_WHOLE = ("ours",)
CHOICES = {"validation": (VALIDATION,), "both": (TRAIN, VALIDATION)}
PACKAGES = ("fairlearn", "cooper-optim", "torch", "scikit-learn", "tensorflow-cpu")
PACKAGES += ("tensorflow-constrained-optimization",)
TITLES = {
    "adult": "Adult: TPR of men, women, black and white people >= TPR of everyone - 0.05",
    "adult-relative": "Adult: TPR of men, women, black and white people >= 0.95 TPR of everyone",
    "compas": "COMPAS: |FPR of African-Americans, Caucasians, others - FPR of everyone| <= 0.05",
}
# Sizes of one row: error and largest constraint value on train, the same on test, seconds.
Row = tuple[float, float, float, float, float]


def compare(
    folder: Path,
    tasks: Sequence[str],
    methods: Sequence[str],
    seeds: int,
    keep: Path,
    choice: str = "validation",
) -> None:
    """Prints one table per task.

    Args:
        folder: see `data.task`.
        tasks: keys of `data.RULES`.
        methods: keys of METHODS.
        seeds: how many splits.
        keep: where tasks and answers lie; an answer that is there is not made again.
        choice: a key of CHOICES.

    Raises:
        ValueError: if data is missing.
        RuntimeError: if a method fails.
    """
    keep.mkdir(parents=True, exist_ok=True)
    pythons = interpreters(methods)
    for name in tasks:
        rows: dict[str, list[Row]] = {}
        for seed in range(seeds):
            task = data.task(name, folder, seed)
            question = keep / f"{name}-{seed}.npz"
            task.save(question)
            for method, python in pythons.items():
                reply = keep / f"{name}-{seed}-{method}.npz"
                if not reply.exists():
                    print(f"{name}, seed {seed}: {method} ...", file=sys.stderr, flush=True)
                    _ask(python, method, question, reply)
                answer = Answer.load(reply)
                for label, found in measured(task, method, answer, CHOICES[choice]).items():
                    rows.setdefault(label, []).append(found)
        print("\n".join(table(TITLES[name], rows)), flush=True)


def interpreters(methods: Sequence[str]) -> dict[str, Path]:
    """Method -> the Python it runs in; those that cannot run here are left out, with a sentence."""
    found = {}
    for method in methods:
        environment = METHODS[method]
        try:
            found[method] = python_of(environment) if environment else Path(sys.executable)
        except Unavailable as reason:
            print(f"{method} is left out: {reason}.", flush=True)
    for environment in dict.fromkeys(METHODS[method] for method in found):
        if environment:
            installed = versions_of(environment)
            named = [f"{name} {installed[name]}" for name in PACKAGES if name in installed]
            print(f"{environment}: {', '.join(named)}", flush=True)
    return found


def measured(
    task: Task, method: str, answer: Answer, parts: tuple[int, ...] = (VALIDATION,)
) -> dict[str, Row]:
    """Label of a row -> what the answer does on train and test, and the seconds of all settings."""
    if method in SHOWN_WHOLE:
        shown = {f"{method}, {name}": p for name, p in zip(answer.names, answer.p, strict=True)}
    else:
        shown = {method: answer.p[answer.chosen(task, parts)]}
    return {
        label: (*task.measured(p, TRAIN), *task.measured(p, TEST), answer.seconds)
        for label, p in shown.items()
    }


def table(title: str, rows: dict[str, list[Row]]) -> list[str]:
    """Lines of Markdown: mean and standard deviation over seeds.

    A violation is max(0, largest constraint value) of a seed; "largest" is that value itself.
    """
    lines = ["", f"**{title}**", ""]
    heads = ["train error", "train violation", "test error", "test violation", "test largest"]
    lines += [f"| | {' | '.join(heads)} | seconds |", "|---" + "|---:" * 6 + "|"]
    for method, found in rows.items():
        values = np.array(found)
        clipped = np.maximum(values, 0.0)
        columns = [clipped[:, 0], clipped[:, 1], clipped[:, 2], clipped[:, 3], values[:, 3]]
        cells = [f"{column.mean():.4f} ± {column.std():.4f}" for column in columns]
        lines.append(f"| {method} | {' | '.join(cells)} | {values[:, 4].mean():.0f} |")
    return lines


def _ask(python: Path, method: str, question: Path, reply: Path) -> None:
    module = f"benchmarks.peers.methods.{method}"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    unfinished = reply.with_name(f"unfinished-{reply.name}")
    result = subprocess.run(
        [python, "-W", "ignore", "-m", module, question.resolve(), unfinished.resolve()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    if result.returncode:
        raise RuntimeError(f"{method} failed:\n{result.stderr[-2000:]}")
    unfinished.replace(reply)
