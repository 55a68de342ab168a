"""Shared by the tests of the constrained-optimization library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every warning in a test of this folder is an error."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error"))


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """Inputs and outputs of the reference implementation (Google Research, 2021), case by case.

    Random inputs are multiples of 1/4096, so exact in float32; outputs are float32.
    """
    return json.loads((HERE / "fixtures" / "reference.json").read_text())
