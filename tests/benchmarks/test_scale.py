"""Datasets of the scale benchmark are what their settings say; its tables show what runs took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.scale import data, kept
from benchmarks.scale.measuring import Measured, table
from components.example_gen import splits
from components.example_gen.checks import check_shards
from pipeline.settings import load

PAGES = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("kind", ["pictures", "table", "wide"])
def test_every_record_is_checked_and_none_is_another_again(kind, tmp_path):
    settings = load([str(data.make(kind, 2_000, tmp_path, steps=10))])
    features = settings.data.features
    files = splits.list_splits(settings.data.folder, settings.data.splits.patterns())
    counts = {name: check_shards(shards, features) for name, shards in files.items()}
    assert {name: of.examples for name, of in counts.items()} == {
        "train": 1_600,
        "validation": 200,
        "test": 200,
    }
    for name, of in counts.items():
        of.require_every_group(name, settings.data.folder, features)
        of.require_every_column(name, settings.data.folder, features)
    splits.require_different(counts)
    assert len(np.unique(np.concatenate([of.hashes for of in counts.values()]))) == 2_000


def test_a_dataset_that_is_there_is_not_made_again(tmp_path):
    data.make("table", 1_000, tmp_path, steps=10)
    [first, *_] = sorted((tmp_path / "table-1000").iterdir())
    before = first.stat().st_mtime_ns
    assert "steps: 20" in data.make("table", 1_000, tmp_path, steps=20).read_text()
    assert first.stat().st_mtime_ns == before


def test_a_table_has_a_row_for_each_step_and_the_growth_of_memory():
    def run(scale: float, **more):
        step = {"name": "Transform", "seconds": 10.0 * scale, "peak_memory_gb": 1 + scale / 10}
        return Measured([step | more], 20.0 * scale, 30.0 * scale)

    lines = table({2_000: run(2, processor_seconds=15.5), 1_000: run(1)})
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    assert (
        lines[0]
        == "| step | 1,000: s | GB | 2,000: s | GB | GB, largest / smallest | s for 1,000 more |"
    )
    assert lines[2:] == [
        "| Transform | (10.0) | 1.10 | 15.5 (20.0) | 1.20 | 1.09 |  |",
        "| **whole run** | 30 (20) | 1.10 | 60 (40) | 1.20 | 1.09 | 30.000 |",
    ]


def test_what_is_kept_of_a_size_is_the_last_run_and_the_page_has_it(tmp_path):
    file, page = tmp_path / "measured.json", tmp_path / "scale.md"
    page.write_text(f"before\n{kept.BEGIN}\nold\n{kept.END}\nafter\n")
    for seconds in (1.0, 2.0):
        step = {"name": "Transform", "seconds": seconds, "peak_memory_gb": 1.25}
        kept.keep("table", 1_000, 10, Measured([step], seconds, 3.0, "on Monday"), file)
    kept.write_page(page, file)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| Transform | (2.0) | 1.25 |" in text and "(1.0)" not in text
    assert "- 1,000: on Monday, 10 steps of each training." in text


def test_the_tables_on_the_page_are_those_of_what_is_kept():
    assert kept.section(kept.read()) in (PAGES / "scale.md").read_text()
