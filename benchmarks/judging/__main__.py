"""How long `fairgate judge` takes on very many rows, and how much memory: `python -m benchmarks.judging`.

Draws a Parquet file of labels, decisions, scores and two group features, and judges its first tenth and
the whole of it by decisions and by scores, each in a process of its own. Flat memory shows as the same
peak for both sizes.
"""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from rich.console import Console
from rich.table import Table

_ROWS = 1 << 20
_CONSTRAINT = "max_gap(FPR, [sex]) <= 0.05"


def draw(file: pathlib.Path, rows: int, seed: int = 0) -> None:
    """Writes a Parquet file of `rows` rows: hired, said_yes, score, sex, race."""
    rng = np.random.default_rng(seed)
    sexes, races = pa.array(["Female", "Male"]), pa.array(["A", "B", "C", "D", "E"])
    writer = None
    for start in range(0, rows, _ROWS):
        n = min(_ROWS, rows - start)
        hired = rng.random(n) < 0.3
        score = np.clip(rng.normal(0.3 + 0.4 * hired, 0.2), 0, 1).astype(np.float32)
        table = pa.table(
            {
                "hired": hired.astype(np.int8),
                "said_yes": (score > 0.5).astype(np.int8),
                "score": score,
                "sex": sexes.take(pa.array(rng.integers(0, 2, n))),
                "race": races.take(pa.array(rng.integers(0, 5, n))),
            }
        )
        writer = writer or parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def judged(file: pathlib.Path, *options: str) -> tuple[float, float]:
    """(seconds, peak memory in MB) of one command, in a process of its own."""
    arguments = ["judge", str(file), "--label", "hired", "--group", "sex", "--group", "race"]
    arguments += ["--constraint", _CONSTRAINT, *options]
    program = (
        "import resource, sys\n"
        "from fairgate.command_line import main\n"
        f"status = main({arguments!r})\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)\n"
        "sys.exit(status)"
    )
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    seconds = time.monotonic() - began
    if ended.returncode not in (0, 3):
        raise SystemExit(ended.stderr)
    return seconds, float(ended.stderr.split()[-1])


def main() -> None:
    """Draws, judges and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000, help="of the larger file")
    parser.add_argument("--repeats", type=int, default=3, help="of each; the median is shown")
    options = parser.parse_args()
    console = Console()
    table = Table("rows", "file, MB", "what", "seconds", "peak memory, MB")
    with tempfile.TemporaryDirectory() as folder:
        for rows in (options.rows // 10, options.rows):
            file = pathlib.Path(folder, f"{rows}.parquet")
            console.print(f"drawing {rows:,} rows ...")
            draw(file, rows)
            for what, given in {
                "decisions": ["--prediction", "said_yes"],
                "scores": ["--prediction", "score", "--threshold", "0.5"],
                "decisions, ledger": ["--prediction", "said_yes", "--ledger", f"{folder}/ledger"],
            }.items():
                console.print(f"judging {rows:,} rows by {what} ...")
                runs = sorted(judged(file, *given) for _ in range(options.repeats))
                seconds, memory = runs[len(runs) // 2]
                size = file.stat().st_size / 1e6
                table.add_row(f"{rows:,}", f"{size:,.0f}", what, f"{seconds:.1f}", f"{memory:,.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
