"""docs/command_line.md has what the command line has."""

from __future__ import annotations

import pathlib

import pytest

from pipeline.__main__ import main

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "command_line.md"


def test_the_page_about_the_command_line_has_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out.split("COMMAND\n")[1].split("\noptions")[0]
    commands = [
        line.split()[0]
        for line in listed.splitlines()
        if line.startswith("    ") and line[4:5].strip()
    ]
    page = PAGE.read_text()
    assert len(commands) == 20
    assert [command for command in commands if f"| `{command}" not in page] == []
