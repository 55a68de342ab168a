"""Time and peak memory of every component of a whole run, against the number of examples.

python -m benchmarks.scale [--of pictures table wide] [--examples 20000 80000] [--against CHECKOUT] ...

Each number is of one run in a process of its own. What was measured is kept in measured.json, from
which the tables of docs/scale.md are written; with --against the runs of another checkout take turns
with these, and nothing is kept. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.scale import data, kept
from benchmarks.scale.measuring import Measured, conditions, measure, table

HERE = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--of", nargs="+", choices=data.KINDS, default=["pictures", "table"])
    parser.add_argument("--examples", nargs="*", type=int, default=[20_000, 80_000])
    parser.add_argument("--steps", type=int, default=500, help="of each training")
    parser.add_argument("--against", type=Path, help="a checkout to compare with, with its .venv")
    parser.add_argument(
        "--work", type=Path, default=Path("build/scale"), help="folder for data and runs"
    )
    parser.add_argument(
        "--pages", action="store_true", help="write docs/scale.md of what is kept, and run nothing"
    )
    options = parser.parse_args()
    if options.pages:
        kept.write_page(HERE / "docs/scale.md")
        return
    if min(options.examples) < 1_000:
        parser.error("--examples: at least 1000, so that every split has every group")
    checkouts = {"": HERE} | ({"before": options.against.resolve()} if options.against else {})
    print(f"{conditions()}. {kept.COLUMNS}")
    for kind in options.of:
        found: dict[str, dict[int, Measured]] = {name: {} for name in checkouts}
        for examples in options.examples:
            work = options.work.resolve()
            settings = data.make(kind, examples, work, options.steps)
            for name, checkout in checkouts.items():
                print(f"{kind}, {examples:,} examples {name}", file=sys.stderr, flush=True)
                found[name][examples] = measure(checkout, settings, work / (name or "now"))
            if not options.against:
                kept.keep(kind, examples, options.steps, found[""][examples])
        for name, of in found.items():
            print(f"\n**{kind}{' ' if name else ''}{name}**\n", *table(of), sep="\n")
    if not options.against:
        kept.write_page(HERE / "docs/scale.md")


if __name__ == "__main__":
    main()
