"""Shared by the tests of training under constraints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """Inputs and outputs of the reference implementation (Google Research, 2021), case by case.

    Random inputs are multiples of 1/4096, so exact in float32; outputs are float32.
    """
    return json.loads(Path(__file__).with_name("reference.json").read_text())
