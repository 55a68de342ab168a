"""Small tables such as people have, each written in a way of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.data.drafts.columns import Column

N = 400


def people(seed: int = 0) -> dict[str, list[str]]:
    """Column -> values: what decides, who it is, and what came of it."""
    rng = np.random.default_rng(seed)
    score, hours = rng.normal(50, 15, N), rng.integers(10, 60, N)
    sex, job = rng.choice(["Female", "Male"], N), rng.choice(["clerk", "smith", "nurse"], N)
    passed = score + 10 * (job == "nurse") + rng.normal(0, 10, N) > 55
    return {
        "score": [f"{value:.2f}" for value in score],
        "hours": [str(value) for value in hours],
        "job": job.tolist(),
        "sex": sex.tolist(),
        "passed": ["yes" if each else "no" for each in passed],
    }


def write(
    file: Path, columns: dict[str, list[str]], delimiter: str = ",", header: bool = True
) -> Path:
    """A CSV file of them."""
    rows = [list(columns)] if header else []
    rows += [list(row) for row in zip(*columns.values(), strict=True)]
    file.write_text("".join(f"{delimiter.join(row)}\n" for row in rows), encoding="utf-8")
    return file


def column(name: str, *values: str, repeat: int = 1) -> Column:
    different = list(dict.fromkeys(value for value in values if value))
    codes = [different.index(value) if value else -1 for value in values]
    return Column(name, tuple(different), np.array(codes * repeat))
