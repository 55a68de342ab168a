"""The monitor's false alarms and how soon it is right, measured and written into docs/promise.md.

Started again, it goes on where it was stopped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.progress import Progress

from benchmarks.gate import watched, watched_page
from benchmarks.gate.watched import BREAKS, LIVES, Break, Life
from benchmarks.peers.environments import ROOT

PAGE = ROOT / "docs/promise.md"
_BREAK_RECORDS = 30_000
_MEASURES: dict[str, Callable[[Life, int, int, int], int]] = {
    "drawn": watched.lives,
    "monitored": watched.monitored,
    "looked_at": watched.looked_at,
}


def measure(
    draws: int, whole: int, records: int, seed: int, processes: int, output: Path, page: Path
) -> None:
    """Measures all settings and writes the page.

    Args:
      draws: lives of each setting.
      whole: of them given to the monitor itself; and of each break.
      records: of a life.
      seed: of all draws.
      processes: at a time.
      output: folder that keeps what is finished.
      page: where the tables go.
    """
    output.mkdir(parents=True, exist_ok=True)
    kept = output / f"monitor-{draws}-{whole}-{records}-{seed}.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    found: dict[str, object] = dict(map(json.loads, lines))
    sizes = {"drawn": draws, "monitored": whole, "looked_at": whole * 10}
    with ProcessPoolExecutor(processes) as pool, Progress() as progress:
        tasks = {}
        for life in LIVES:
            for name, size in sizes.items():
                if f"{life} {name}" not in found:
                    task = pool.submit(_MEASURES[name], life, size, records, seed)
                    tasks[task] = f"{life} {name}"
        for broken in BREAKS:
            if str(broken) not in found:
                tasks[pool.submit(_found_after, broken, whole, seed)] = str(broken)
        bar = progress.add_task("Watching", total=len(tasks))
        for task in as_completed(tasks):
            found[tasks[task]] = task.result()
            with kept.open("a") as file:
                file.write(json.dumps([tasks[task], task.result()]) + "\n")
            progress.advance(bar)
    lives = [
        {"name": life.name, "line": life.line, "records": records}
        | {name: found[f"{life} {name}"] for name in sizes}
        | {f"draws_{name}": size for name, size in sizes.items()}
        for life in LIVES
    ]
    breaks = [{**vars(broken), "found": found[str(broken)]} for broken in BREAKS]
    watched_page.write(page, lives, breaks, seed)


def _found_after(broken: Break, draws: int, seed: int) -> list[float | None]:
    found = watched.found_after(broken, draws, _BREAK_RECORDS, seed)
    return [None if math.isinf(records) else records for records in found]
