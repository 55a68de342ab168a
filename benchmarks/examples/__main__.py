"""The original library's twelve example problems, ours beside the figures that it stores.

Prints a Markdown table for each example, mean (standard deviation) over the seeds. Adult and COMPAS are
read from the folder named by --data (adult/adult.data, adult/adult.test as UCI publishes them,
compas/compas-scores-two-years.csv as ProPublica does); the other examples make their data.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from benchmarks.examples import NAMES, common


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.examples",
        description=__doc__,
        epilog="examples:\n  " + "\n  ".join(NAMES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones; all by default")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="public data sets (data)")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each example (5)")
    parser.add_argument("--small", action="store_true", help="few steps: does it run at all?")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no such example: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if options.seeds < 1:
        parser.error(f"--seeds: got {options.seeds}, expected at least 1")
    missing = []
    for name in options.names or NAMES:
        example = importlib.import_module(f"benchmarks.examples.{name}")
        runs = []
        started = time.monotonic()
        for seed in range(options.seeds):
            print(f"{name}: seed {seed + 1} of {options.seeds} ...", file=sys.stderr, flush=True)
            try:
                runs.append(example.run(seed, options.data, options.small))
            except FileNotFoundError as error:
                missing.append(f"{name} was left out: {error}")
                print(missing[-1], file=sys.stderr)
                break
        else:
            print(common.table(example, runs), flush=True)
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
