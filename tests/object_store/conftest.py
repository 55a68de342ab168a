"""A store in a process of its own, and this process told where it is."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest

from components.evaluator import files
from tests.object_store.server import ObjectStore, Stores

BUCKET = "bucket"


@pytest.fixture(scope="package")
def store(tmp_path_factory) -> Iterator[ObjectStore]:
    """One bucket, which every client here finds at https://storage.googleapis.com."""
    with (
        Stores(ctx=multiprocessing.get_context("spawn")) as stores,
        pytest.MonkeyPatch.context() as patch,
    ):
        made = stores.ObjectStore(str(tmp_path_factory.mktemp("store")), BUCKET)
        for name, value in made.environment().items():
            patch.setenv(name, value)
        files.client.cache_clear()
        yield made
        files.client.cache_clear()


@pytest.fixture(autouse=True)
def well(store) -> Iterator[None]:
    """Each test leaves it as it found it."""
    yield
    store.fail(0)
    store.go_down("")
    store.forbid("")
