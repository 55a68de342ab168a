"""What the tests of the library share."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every warning in a test of this folder is an error, but for Keras' own with NumPy 2."""
    own = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error", own))
