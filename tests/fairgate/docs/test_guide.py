"""The guide's snippets, run in order as one program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[3] / "docs" / "constrained_optimization.md"


def test_every_snippet_of_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    snippets = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(snippets) >= 6
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(compile(snippet, str(GUIDE), "exec"), names)
    assert capsys.readouterr().out.count("\n") == 4


def test_every_public_name_has_a_docstring() -> None:
    from fairgate import optimization as co

    for name in dir(co):
        assert getattr(co, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = co.nonsense
