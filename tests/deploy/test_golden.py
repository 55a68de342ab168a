"""What is compiled has not changed without anybody having looked at the change."""

from __future__ import annotations

import difflib

import pytest

from tests.deploy import golden
from tests.deploy.commands import REPOSITORY


@pytest.fixture(scope="module")
def now():
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        return golden.compiled()


@pytest.mark.parametrize("name", ["vertex.yaml", "kubeflow.yaml"])
def test_what_is_compiled_is_what_was_looked_at(now, name):
    before = (golden.FOLDER / name).read_text()
    changes = difflib.unified_diff(
        before.splitlines(), now[name].splitlines(), "golden", "now", lineterm=""
    )
    assert before == now[name], (
        "if this is meant, write it anew with `python -m tests.deploy.golden` and commit it:\n"
        + "\n".join(changes)
    )
