"""How often the gate passes what it must not, and what it passes.

python -m benchmarks.gate [--output FOLDER] [--draws 10000] [--processes 2]
python -m benchmarks.gate attempts [--draws 50000]
python -m benchmarks.gate units [--draws 20000]
python -m benchmarks.gate weights [--draws 20000]
python -m benchmarks.gate peers [--draws 10000] [--resamples 1000]
python -m benchmarks.gate middle
python -m benchmarks.gate monitor [--draws 10000] [--whole 40] [--records 100000]

The gate's bound (tight) next to the plain one, Clopper-Pearson for each rate at delta / 2: on the
same drawn test splits, and by enumeration of every outcome. Writes tables.md, false_passes.csv,
samples.csv and gate.png; nothing is asserted. Started again, it goes on where it was stopped.

`attempts` draws what somebody reaches who reads all that is shown between attempts, and writes its table
into docs/promise.md.

`units` draws people with several examples that resemble each other, and weights, and writes its table
into docs/promise.md.

`weights` draws examples that count more or less than one each, and writes its table there, too.

`peers` asks MAPIE, fairlearn and statsmodels about ten tables of counts, and writes the tables of
docs/bounds_compared.md and bounds_compared.json beside this file.

`middle` prints how often three and five groups pass, exactly, with one pair at the limit and the
others half way between.

`monitor` watches lives at the limit after every record, and writes its tables into docs/promise.md.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.progress import Progress

from benchmarks.gate import attempts, chart, monitor, peers, units, weights
from benchmarks.gate.samples import CASES, WANTED, Case, needed
from benchmarks.gate.simulation import (
    DELTA,
    Setting,
    grid,
    interval,
    middle,
    passes,
    probability,
)
from benchmarks.peers.environments import ROOT, Unavailable

Row = dict[str, object]
_PAGE = ROOT / "docs" / "promise.md"
_UNITS = "<!-- units: by python -m benchmarks.gate units -->", "<!-- units: end -->"
_WEIGHTS = "<!-- weights: by python -m benchmarks.gate weights -->", "<!-- weights: end -->"
_BEGIN, _END = "<!-- attempts: by python -m benchmarks.gate attempts -->", "<!-- attempts: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate")
    parser.add_argument("--output", type=Path, default=Path("runs/gate"))
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("middle", help="three and five groups, one pair of them at the limit")
    command = commands.add_parser(
        "peers", help="MAPIE, fairlearn, statsmodels and FairGate on the same ten tables of counts"
    )
    command.add_argument("--draws", type=int, default=10_000, help="of the bootstrap, per setting")
    command.add_argument("--resamples", type=int, default=1_000, help="of each bootstrap")
    command.add_argument("--seed", type=int, default=0)
    command = commands.add_parser(
        "monitor", help="the monitor, looked at after every record of lives of 100,000"
    )
    command.add_argument("--draws", type=int, default=10_000, help="lives of each setting")
    command.add_argument(
        "--whole", type=int, default=40, help="of them given to the monitor itself"
    )
    command.add_argument("--records", type=int, default=100_000, help="of a life")
    command.add_argument("--seed", type=int, default=0)
    command = commands.add_parser(
        "attempts", help="false passes of whoever reads all that is shown between attempts"
    )
    command.add_argument("--draws", type=int, default=50_000, help="per adversary")
    command.add_argument("--seed", type=int, default=0)
    command = commands.add_parser(
        "units", help="false passes where people have several examples that resemble each other"
    )
    command.add_argument("--draws", type=int, default=20_000, help="of each setting")
    command.add_argument("--seed", type=int, default=0)
    command = commands.add_parser(
        "weights", help="false passes where examples count more or less than one each"
    )
    command.add_argument("--draws", type=int, default=20_000, help="of each setting")
    command.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.draws < 1 or options.processes < 1:
        parser.error("--draws and --processes must be at least 1")
    if options.command == "peers":
        _peers(parser, options)
    elif options.command == "middle":
        for setting in middle():
            shown = " ".join(f"{rate:g}" for rate in setting.rates)
            print(f"{shown} | {setting.sizes[0]:,} each | {probability(setting, 'tight'):.2%}")
    elif options.command == "monitor":
        if options.whole < 1 or options.records < 1:
            parser.error("--whole and --records must be at least 1")
        asked = options.draws, options.whole, options.records, options.seed
        monitor.measure(*asked, options.processes, options.output, monitor.PAGE)
        print(f"Written: {monitor.PAGE.relative_to(ROOT)}")
    elif options.command == "attempts":
        _attempts(options)
    elif options.command == "units":
        told = f"{options.draws:,} draws of each setting, delta {DELTA:g}, seed {options.seed}."
        _into_page(_UNITS, told, [units.measure(options.draws, options.seed)])
    elif options.command == "weights":
        told = f"{options.draws:,} draws of each setting, delta {DELTA:g}, seed {options.seed}."
        _into_page(_WEIGHTS, told, [weights.measure(options.draws, options.seed)])
    else:
        _promise(options)


def _peers(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.resamples < 1:
        parser.error("--resamples must be at least 1")
    asked = options.draws, options.resamples, options.seed
    try:
        peers.compare(*asked, peers.RESULTS, peers.PAGE)
    except (Unavailable, RuntimeError, ValueError) as error:
        parser.exit(1, f"{error}\n")
    print(f"Written: {peers.PAGE.relative_to(ROOT)} and {peers.RESULTS.relative_to(ROOT)}")


def _attempts(options: argparse.Namespace) -> None:
    lines = attempts.table(options.draws, options.seed, lambda said: print(said, flush=True))
    told = f"{options.draws:,} drawn series in each setting, seed {options.seed}."
    _into_page((_BEGIN, _END), told, lines)


def _into_page(marks: tuple[str, str], told: str, lines: Sequence[str]) -> None:
    """Puts lines of Markdown between two marks of the page of the promise."""
    begin, end = marks
    before, _, rest = _PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    _PAGE.write_text("\n".join([f"{before}{begin}", told, "", *lines, f"{end}{after}"]))
    print(f"Written: {_PAGE.relative_to(ROOT)}")


def _promise(options: argparse.Namespace) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    kept = options.output / f"finished-{options.draws}-{options.seed}.jsonl"
    found = finished(kept)
    with ProcessPoolExecutor(options.processes) as pool, Progress() as progress:
        bar = progress.add_task("Simulating", total=len(grid()) + len(CASES))
        progress.advance(bar, len(found))
        tasks = [
            pool.submit(work, part, options.draws, options.seed) for work, part in missing(found)
        ]
        for task in as_completed(tasks):
            with kept.open("a") as file:
                file.writelines(json.dumps([key, row]) + "\n" for key, row in task.result().items())
            found |= task.result()
            progress.advance(bar, len(task.result()))
    rows = [found[repr(setting)] for setting in grid()]
    needs = [found[repr(case)] for case in CASES]
    _write(options.output / "false_passes.csv", rows)
    _write(options.output / "samples.csv", needs)
    chart.draw(rows, DELTA, options.output / "gate.png")
    tables = "\n\n".join(
        f"**{title}**\n\n" + "\n".join(lines)
        for title, lines in (
            ("Passes when the truth is at the limit or over it", _table(rows, violated=True)),
            ("Passes when the truth is within the limit", _table(rows, violated=False)),
            (f"Examples per group to pass {WANTED:.0%} of the time", _table_of_samples(needs)),
        )
    )
    (options.output / "tables.md").write_text(tables + "\n")
    print(tables)


def finished(file: Path) -> dict[str, Row]:
    """The rows of an earlier run, by setting or case; a line that was cut short is none."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
        file.write_text("".join(lines))
    return dict(map(json.loads, lines))


def missing(found: dict[str, Row]) -> list[tuple[Callable[..., dict[str, Row]], Sequence]]:
    """What is to be done, in the parts that one process does: the small ones first."""
    # One process has all settings that share frontiers, so that these are found once.
    chunks: dict[object, list[Setting]] = defaultdict(list)
    for setting in grid():
        if repr(setting) not in found:
            chunks[setting.kind, frozenset(setting.sizes), setting.rates[0]].append(setting)
    cases = [(_needed, [case]) for case in CASES if repr(case) not in found]
    ordered = sorted(chunks.values(), key=lambda each: sum(each[0].sizes))
    return [*cases, *((_simulated, chunk) for chunk in ordered)]


def _simulated(settings: Sequence[Setting], draws: int, seed: int) -> dict[str, Row]:
    rows = {}
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
            row[f"{name}_exact"] = probability(setting, name)
        rows[repr(setting)] = row
    return rows


def _needed(cases: Sequence[Case], draws: int, seed: int) -> dict[str, Row]:
    """By enumeration: the number of draws and the seed play no part."""
    found: dict[str, Row] = {}
    for case in cases:
        tight, plain = needed(case, "tight"), needed(case, "plain")
        found[repr(case)] = {
            "constraint": case.kind,
            "limit": case.limit,
            "rates": " ".join(f"{rate:g}" for rate in case.rates),
            "tight": tight,
            "plain": plain,
            "fewer": round(1 - tight / plain, 3),
        }
    return found


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _table(rows: Sequence[Row], violated: bool) -> list[str]:
    """Lines of Markdown."""
    lines = [
        "| constraint | rates | examples | gate's bound, drawn (95%) | exactly "
        "| plain, drawn | exactly |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["violated"] == violated:
            drawn = f"{row['tight']:.2%} ({row['tight_low']:.2%} to {row['tight_high']:.2%})"
            plain = f"{row['plain']:.2%} | {row['plain_exact']:.2%}"
            what = f"{_sign(row)} | {row['rates']} | {row['sizes']}"
            lines.append(f"| {what} | {drawn} | {row['tight_exact']:.2%} | {plain} |")
    return lines


def _table_of_samples(rows: Sequence[Row]) -> list[str]:
    lines = ["| constraint | rates | gate's bound | plain | fewer |", "|---|---|---|---|---|"]
    for row in rows:
        what = f"{_sign(row)} | {row['rates']}"
        lines.append(f"| {what} | {row['tight']:,} | {row['plain']:,} | {row['fewer']:.0%} |")
    return lines


def _sign(row: Row) -> str:
    return f"{row['constraint']} {'<=' if row['constraint'] == 'gap' else '>='} {row['limit']}"


if __name__ == "__main__":
    main()
