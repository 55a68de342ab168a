"""Runs that several tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import hostile_names
from tests.e2e.browser import launch
from tests.e2e.runs import Run, Table, Workplace, captured
from tests.tiny_dataset import World, write_dataset


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Workplace:
    """Where the runs on the small dataset of two groups take place."""
    folder = tmp_path_factory.mktemp("tiny")
    world = World()
    write_dataset(folder / "data", world)
    return Workplace(folder, world)


@pytest.fixture(scope="session")
def passed(place) -> Run:
    """The first run on the small dataset: nothing is there to re-use, and the gate passes."""
    run = place.run()
    assert run.status == 0, run.output
    return run


@pytest.fixture(scope="session")
def strange(tmp_path_factory) -> Path:
    """The folder of the one run of the table whose names are all hostile: `hostile_names`."""
    from pipeline.__main__ import main

    folder = tmp_path_factory.mktemp("hostile")
    settings = ["--settings", str(hostile_names.write(folder))]
    with captured() as output:
        made = main(["data", "from-csv", str(folder / "people.csv"), *settings])
        status = main(["run", *settings]) if made == 0 else made
    assert status == 0, output[0][-6000:]
    return folder


@pytest.fixture(scope="session")
def weighed(tmp_path_factory) -> Table:
    """A table whose rows have weights, after its first run, which pushed a model."""
    table = Table(tmp_path_factory.mktemp("weighed"))
    status = table.run()
    assert status == 0, (table.newest / "run.log").read_text(errors="replace")[-6000:]
    return table


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all pages of a file."""
    with launch() as running:
        yield running
