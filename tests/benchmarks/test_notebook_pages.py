"""The notebooks' pages: what was put out is there, what is too large for a page is not."""

from __future__ import annotations

import re

import pytest

from benchmarks.figures import notebooks

MADE = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "Words."]},
        {
            "cell_type": "code",
            "metadata": {"tags": ["injected-parameters"]},
            "source": ["run = '/somewhere'"],
            "outputs": [],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "source": ["opened.gate()"],
            "outputs": [
                {"data": {"text/html": ["<table>\n", "\n", "<tr></tr></table>"]}},
                {"data": {"text/html": ["<div><iframe srcdoc='much'></iframe></div>"]}},
                {"name": "stderr", "text": ["a warning"]},
                {"name": "stdout", "text": ["said\n"]},
            ],
        },
    ]
}


def test_a_notebook_becomes_words_code_and_outputs():
    title, note, *rest = notebooks.parts(MADE, "1_name")
    assert title.startswith("# Title") and "`notebooks/1_name.ipynb`" in note
    assert rest == [
        "```python\nopened.gate()\n```",
        "<table>\n<tr></tr></table>",
        notebooks._LEFT_OUT,
        "```\nsaid\n```",
    ]


@pytest.mark.parametrize("name", notebooks.EXECUTED)
def test_every_executed_notebook_is_the_one_that_there_is_and_is_small(name):
    page = notebooks.REPOSITORY / notebooks.FOLDER / f"{name}.md"
    text = page.read_text()
    paired = (notebooks.REPOSITORY / "notebooks" / f"{name}.py").read_text()
    for heading in re.findall(r"^# (#+ .+)$", paired, re.MULTILINE):
        assert heading in text, "run make figures ARGS=--notebooks"
    assert "Traceback" not in text and "<table" in text
    assert page.stat().st_size < 500_000
