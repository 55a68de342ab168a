"""How often the gate passes what it must not, and what it passes.

python -m benchmarks.gate [--output FOLDER] [--draws 10000] [--processes 2]

The gate's bound (tight) next to the plain one, Clopper-Pearson for each rate at delta / 2, on the
same drawn test splits. Writes false_passes.csv, samples.csv and gate.png; nothing is asserted.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.gate import chart
from benchmarks.gate.samples import CASES, WANTED, Case, needed
from benchmarks.gate.simulation import DELTA, Setting, grid, interval, passes

Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate")
    parser.add_argument("--output", type=Path, default=Path("runs/gate"))
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.draws < 1 or options.processes < 1:
        parser.error("--draws and --processes must be at least 1")
    # One process has all settings that share a frontier, so that it is found once.
    chunks: dict[object, list[Setting]] = defaultdict(list)
    for setting in grid():
        chunks[setting.kind, setting.sizes, round(min(setting.rates), 1)].append(setting)
    rows: list[Row] = []
    needs: list[Row] = []
    options.output.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.processes) as pool, Progress() as progress:
        tasks = {
            pool.submit(_needed, case, options.draws // 5, options.seed): needs for case in CASES
        }
        tasks |= {
            pool.submit(_simulated, chunk, options.draws, options.seed): rows
            for chunk in sorted(chunks.values(), key=lambda each: sum(each[0].sizes))
        }
        bar = progress.add_task("Simulating", total=len(tasks))
        for task in as_completed(tasks):
            tasks[task].extend(task.result())
            # Kept as they come: a run that is interrupted has shown something.
            for name, found in (("false_passes.csv", rows), ("samples.csv", needs)):
                found.sort(key=lambda row: tuple(map(str, row.values())))
                _write(options.output / name, found)
            progress.advance(bar)
    chart.draw(rows, DELTA, options.output / "gate.png")
    console = Console()
    console.print(_table("Passes when the truth is at or over the limit", rows, violated=True))
    console.print(_table("Passes when the truth is within the limit", rows, violated=False))
    console.print(_plain_table(f"Examples per group to pass {WANTED:.0%} of the time", needs))


def _simulated(settings: Sequence[Setting], draws: int, seed: int) -> list[Row]:
    rows = []
    for setting in settings:
        row: Row = {
            "constraint": setting.kind,
            "limit": setting.limit,
            "value": round(setting.value, 4),
            "groups": len(setting.sizes),
            "rates": " ".join(f"{rate:g}" for rate in setting.rates),
            "sizes": " ".join(map(str, setting.sizes)),
            "violated": setting.violated,
            "draws": draws,
        }
        for name in ("tight", "plain"):
            passed = passes(setting, name, draws, seed)
            low, high = interval(passed, draws)
            row |= {name: passed / draws, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return rows


def _needed(case: Case, draws: int, seed: int) -> list[Row]:
    tight, plain = (needed(case, name, draws, seed) for name in ("tight", "plain"))
    return [
        {
            "constraint": case.kind,
            "limit": case.limit,
            "rates": " ".join(f"{rate:g}" for rate in case.rates),
            "tight": tight,
            "plain": plain,
            "fewer": round(1 - tight / plain, 3),
        }
    ]


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def _table(title: str, rows: Sequence[Row], violated: bool) -> Table:
    shown = [row for row in rows if row["violated"] == violated]
    table = Table("constraint", "value", "rates", "sizes", "tight", "95%", "plain", title=title)
    for row in shown:
        table.add_row(
            *(str(row[key]) for key in ("constraint", "value", "rates", "sizes")),
            f"{row['tight']:.4f}",
            f"{row['tight_low']:.4f} to {row['tight_high']:.4f}",
            f"{row['plain']:.4f}",
        )
    return table


def _plain_table(title: str, rows: Sequence[Row]) -> Table:
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*map(str, row.values()))
    return table


if __name__ == "__main__":
    main()
