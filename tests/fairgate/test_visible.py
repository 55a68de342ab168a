"""Names with characters that nobody sees are shown with these as escapes, wherever they are shown."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

import fairgate
from fairgate import command_line
from fairgate.consoles import VisibleConsole
from fairgate.report.charts import escape
from fairgate.report.pages import environment, judgement_page
from fairgate.visible import HIDDEN, visible
from tests.hostile_names import EMOJI, RIGHT_TO_LEFT

TURNED = "left \u202eright"
CLEARS = "a\x1b[2Jb"


@given(st.text())
def test_nothing_hidden_is_left_and_nothing_else_is_changed(text):
    shown = visible(text)
    assert visible(shown) == shown
    left = {unicodedata.category(each) for each in shown if each not in "\n\t\u200c\u200d"}
    assert not left.intersection(HIDDEN)
    if not any(unicodedata.category(each) in HIDDEN for each in text):
        assert shown == text


@pytest.mark.parametrize(
    "text",
    [
        EMOJI,
        "\u06af\u0631\u0648\u0647\u200c\u0647\u0627",
        "two\nlines\t",
        "Jünger & Älter",
        "年龄组",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert visible(text) == text


def test_windows_line_ends_are_line_ends():
    assert visible("a\r\nb\rc") == "a\nb\\rc"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_console_shows_names_as_words_in_text_tables_and_markup(terminal):
    file = io.StringIO()
    console = VisibleConsole(file=file, force_terminal=terminal, width=100)
    table = Table("name", title=TURNED)
    table.add_row(TURNED)
    table.add_row(Text(CLEARS, style="bold"))
    console.print(table)
    console.print(Text(RIGHT_TO_LEFT), f"[bold]{TURNED}[/bold]")
    shown = file.getvalue()
    assert "\u202e" not in shown and "\x1b[2J" not in shown
    assert shown.count("left \\u202eright") == 3 and "\\x1b[2J" in shown
    assert "\\u202eevil" in shown


def test_pages_show_names_as_words():
    page = environment().from_string("<p title='{{ name }}'>{{ name }}{{ made }}</p>")
    assert page.render(name=TURNED, made=escape(f"<{CLEARS}>")) == (
        "<p title='left \\u202eright'>left \\u202eright&lt;a\\x1b[2Jb&gt;</p>"
    )


def test_a_judgement_of_such_groups_is_shown_so_and_kept_as_it_is(tmp_path, capsys):
    right = [0, 1] * 300
    groups = {"who": [TURNED, CLEARS, TURNED] * 200}
    asked = f"FPR | [{TURNED}] <= 0.1"
    found = fairgate.judge(right, right, groups=groups, constraints=asked)
    page = judgement_page(found, title=TURNED)
    assert "\u202e" not in page and "\x1b" not in page and "left \\u202eright" in page
    rows = "".join(f"{y},{y},{g}\n" for y, g in zip(right, groups["who"], strict=True))
    file = tmp_path / "told.csv"
    file.write_text(f"right,said,who\n{rows}", encoding="utf-8")
    line = ["judge", str(file), "--label", "right", "--prediction", "said", "--group", "who"]
    line += ["--constraint", f"FPR | [{TURNED}] <= 0.1"]
    assert command_line.main(line) == 0
    shown = capsys.readouterr().out
    assert "\u202e" not in shown and "\x1b" not in shown and "\\u202eright" in shown
    assert command_line.main([*line, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert TURNED in document["models"]["model"]["groups"]
    assert command_line.main([*line[:-1], "FPR | [\u202ewhom] <= 0.1"]) == 1
    refused = capsys.readouterr().err
    assert "\u202e" not in refused and "\\u202ewhom" in refused
