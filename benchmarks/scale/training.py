"""Time and peak memory of a training alone, against the number of small pictures that it has.

python -m benchmarks.scale.training [--examples 200000 2000000] [--steps 100] [--set trainer...=...]

A process for each: it reads transformed pictures, 80% for training and 10% for validation, and trains on
them. Pictures come again after 512, which neither its memory nor its time knows of.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from benchmarks.scale import data
from components.checksums import framed

_DRAWN, _SIDE = 512, 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.training")
    parser.add_argument("--examples", nargs="+", type=int, default=[200_000, 2_000_000])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="FIELD=VALUE"
    )
    parser.add_argument("--work", type=Path, default=Path("build/scale"))
    parser.add_argument("--alone", action="store_true", help="in this process, the first number")
    options = parser.parse_args()
    if options.alone:
        _measure(options.examples[0], options.steps, options.settings, options.work.resolve())
        return
    print("| pictures | processor seconds: reading | training | peak memory, GB | weights |")
    print("|---:|---:|---:|---:|---:|", flush=True)
    for examples in options.examples:
        arguments = ["--examples", str(examples), "--steps", str(options.steps)]
        arguments += [f"--set={each}" for each in options.settings]
        arguments += ["--work", str(options.work), "--alone"]
        subprocess.run([sys.executable, "-m", "benchmarks.scale.training", *arguments], check=True)


def _measure(examples: int, steps: int, given: list[str], work: Path) -> None:
    from components.constrained_trainer import training
    from components.constrained_trainer.examples.data import load_split
    from pipeline.settings import load

    asked = [f"trainer.steps={steps}", "trainer.snapshots=2", *given]
    settings = load([str(data.make("pictures", 1_000, work, steps))], asked)
    with tempfile.TemporaryDirectory(dir=work) as scratch, _Peak() as peak:
        files = {}
        for name, share in (("train", 0.8), ("validation", 0.1)):
            Path(scratch, name).mkdir()
            files[name] = Path(scratch, name, "transformed")
            _write(files[name], int(examples * share))
        began = time.process_time()
        splits = [
            load_split([str(file)], settings.data.features, str(file.parent))
            for file in files.values()
        ]
        read = time.process_time()
        result = training.train(*splits, settings.trainer)
        done = time.process_time()
    # Equal where two ways to the examples take the same steps.
    total = sum(float(np.abs(weight).sum()) for weight in result.chosen.weights)
    shown = f"{read - began:.1f} | {done - read:.1f} | {peak.gigabytes:.2f} | {total:.6f}"
    print(f"| {examples:,} | {shown} |", flush=True)


class _Peak:
    """The largest resident memory of this process [GB], looked at ten times a second."""

    gigabytes = 0.0

    def __enter__(self) -> _Peak:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self.gigabytes = max(self.gigabytes, psutil.Process().memory_info().rss / 1e9)


def _write(file: Path, count: int) -> None:
    """So many transformed pictures: lighter where the label is 1."""
    import tensorflow as tf

    from components.features import TRANSFORMED_IMAGE, TRANSFORMED_LABEL, transformed_group

    def numbers(*values: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    random, drawn = np.random.default_rng(0), []
    for number in range(_DRAWN):
        label, team = number % 2, number // 2 % 2
        pixels = (random.normal(100, 40, _SIDE * _SIDE * 3) + 60 * label).clip(0, 255)
        image = tf.train.BytesList(value=[pixels.astype("uint8").tobytes()])
        columns = {
            TRANSFORMED_IMAGE: tf.train.Feature(bytes_list=image),
            TRANSFORMED_LABEL: numbers(label),
            transformed_group("Team"): numbers(team, 1 - team),
        }
        example = tf.train.Example(features=tf.train.Features(feature=columns))
        drawn.append(framed(example.SerializeToString()))
    with file.open("wb") as opened:
        for start in range(0, count, _DRAWN):
            opened.writelines(drawn[: count - start])


if __name__ == "__main__":
    main()
