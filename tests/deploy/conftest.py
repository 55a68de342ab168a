"""What tests of the compiled files share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.commands import Commands


@pytest.fixture(scope="package")
def commands() -> Iterator[Commands]:
    """Starts the commands of containers; TensorFlow and TFX are loaded once for all of them."""
    with Commands() as started:
        yield started
