"""Runs that several tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.browser import launch
from tests.e2e.runs import Run, Workplace
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all pages of a file."""
    with launch() as running:
        yield running
