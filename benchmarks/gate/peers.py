"""What other libraries say of ten tables of counts, next to FairGate: `python -m benchmarks.gate peers`.

Two processes: this one has what needs no peer, and `peer_methods`, in the peers' environment, the rest.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import numpy as np
from rich.progress import Progress, TaskID
from scipy.stats import binom

from benchmarks.gate import methods, peers_page
from benchmarks.gate.counts import DELTA, TABLES, Table
from benchmarks.gate.passing import bootstrap_passes, probability, resampled_gaps, worst
from benchmarks.peers.environments import ROOT, python_of, versions_of
from fairgate import bounds

RESULTS = Path(__file__).with_name("bounds_compared.json")
PAGE = ROOT / "docs" / "bounds_compared.md"
_CHECKED = 100_000
"""Resamples by which fairlearn's bound is placed among those that passes are simulated with."""

Results = dict[str, dict]


def compare(draws: int, resamples: int, seed: int, results: Path, page: Path) -> None:
    """Asks everyone, keeps the answers and writes the page's tables.

    Args:
        draws: tables per setting of the bootstrap; everything else is enumerated.
        resamples: of each bootstrap.
        seed: of the draws and of fairlearn.
        results: a JSON file that is written.
        page: whose part between the markers of `peers_page` is written.

    Raises:
        Unavailable: if the peers cannot be installed.
        RuntimeError: if the peers' process fails, with what it said.
    """
    python = python_of("bounds")
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress() as progress,
        _Peers(python, Path(folder, "answer.json"), resamples, seed, progress) as peers,
    ):
        bar = progress.add_task("FairGate, Clopper-Pearson, score, resampling", total=len(TABLES))
        own = {}
        for place, table in enumerate(TABLES):
            rng = np.random.default_rng([seed, place])
            own[table.name] = _own(table) | {"bootstrap": _drawn(table, draws, resamples, rng)}
            progress.advance(bar)
        answer = peers.answer()
    found = {
        "versions": _versions(),
        "settings": {"seed": seed, "draws": draws, "resamples": resamples, "delta": DELTA},
        "tables": {table.name: _joined(table, own[table.name], answer) for table in TABLES},
        "one_rate": {
            table.name: {"FairGate": _one_rate(table), "MAPIE": answer["MAPIE"][table.name]}
            for table in TABLES
        },
        "published": answer["published"],
    }
    results.write_text(json.dumps(_rounded(found), indent=1) + "\n")
    peers_page.write(page, json.loads(results.read_text()))


class _Peers:
    """The process of the peers' environment, whose steps move a bar; it ends with the block at latest."""

    def __init__(self, python: Path, answer: Path, resamples: int, seed: int, progress: Progress):
        self._answer, self._errors = answer, answer.with_name("errors.txt")
        options = ["--resamples", str(resamples), "--seed", str(seed)]
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.gate.peer_methods", answer, *options],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        bar = progress.add_task("statsmodels, MAPIE, fairlearn", total=None)
        self._reader = Thread(target=self._read, args=(progress, bar))
        self._reader.start()

    def __enter__(self) -> _Peers:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._reader.join()
        self._process.stdout.close()
        self._process.wait()

    def _read(self, progress: Progress, bar: TaskID) -> None:
        total = self._process.stdout.readline().strip()
        progress.update(bar, total=int(total) if total else None)
        for _ in self._process.stdout:
            progress.advance(bar)

    def answer(self) -> Results:
        """What it wrote, once it has ended."""
        if self._process.wait():
            raise RuntimeError(f"the peers failed:\n{self._errors.read_text()[-2000:]}")
        return json.loads(self._answer.read_text())


def _own(table: Table) -> dict[str, dict[str, float]]:
    found = {}
    for method in methods.METHODS:
        within = methods.within_of(table.limit, method)
        found[method] = {
            "bound": methods.bound_of(table, method),
            "at_limit": probability(table.rates, table.sizes, within),
            "level": probability(table.level, table.sizes, within),
        }
        if len(table.sizes) == 2:
            most = worst(table.limit, table.sizes, within)
            found[method]["worst"] = max(most, found[method]["at_limit"])
    return found


def _drawn(table: Table, draws: int, resamples: int, rng: np.random.Generator) -> dict[str, float]:
    def passed(rates: tuple[float, ...]) -> float:
        setting = rates, table.sizes, table.limit, DELTA
        return bootstrap_passes(*setting, draws, resamples, rng) / draws

    return {"at_limit": passed(table.rates), "level": passed(table.level)}


def _joined(table: Table, own: Mapping[str, dict], answer: Results) -> dict[str, dict]:
    """All methods of one table."""
    found = {**own}
    for method, row in answer["statsmodels"][table.name].items():
        if "worst" in row:
            row["worst"] = max(row["worst"], row["at_limit"])
        found[f"statsmodels {method}"] = row
    bound = answer["fairlearn"][table.name]
    gaps = resampled_gaps(table.counts, table.sizes, _CHECKED, np.random.default_rng(0))
    place = {"below": (gaps < bound - 1e-9).mean(), "up_to": (gaps <= bound + 1e-9).mean()}
    found["bootstrap"] = {"bound": bound, **place, **own["bootstrap"]}
    return found


def _one_rate(table: Table) -> dict[str, float]:
    """FairGate on the FPR of the smallest group alone: Clopper-Pearson at delta."""
    count, n = table.counts[table.smallest], table.sizes[table.smallest]
    rate, every = table.rates[table.smallest], range(n + 1)
    passed = np.array([bounds.clopper_pearson_upper(k, n, DELTA) <= rate for k in every])

    def chance(p: float) -> float:
        return float(binom.pmf(every, n, p) @ passed)

    bound = bounds.clopper_pearson_upper(count, n, DELTA)
    return {"bound": bound, "at_limit": chance(rate), "half": chance(rate / 2)}


def _versions() -> dict[str, str]:
    installed = versions_of("bounds")
    shown = {"MAPIE": "mapie", "fairlearn": "fairlearn", "statsmodels": "statsmodels"}
    own = {"FairGate": importlib.metadata.version("fairgate")}
    return own | {name: installed[package] for name, package in shown.items()}


def _rounded(value: object) -> object:
    """Numbers to eight decimals, in whatever holds them."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(float(value), 8) if isinstance(value, float) else value
