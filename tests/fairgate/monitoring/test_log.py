"""Lines of a file that grows, is rotated, is cut; and of standard input."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.errors import DataError
from fairgate.monitoring import log
from fairgate.monitoring.log import Place, StandardInput
from fairgate.monitoring.table import BAD_ROW, Table

UNHURRIED = settings(deadline=None)


@pytest.fixture
def opened():
    """Opens growing files, which are closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(log.GrowingFile(*arguments))


def texts(lines) -> list[str]:
    return [line.decode() for _, line in lines]


def append(file, text: str) -> None:
    with file.open("a") as stream:
        stream.write(text)


def test_a_line_counts_when_its_end_was_written(tmp_path, opened):
    file = tmp_path / "log"
    file.write_text("a\nb")
    growing = opened(file)
    assert texts(growing.more()) == ["a"] and growing.more() == []
    append(file, "c\r\nd\n")
    assert growing.more() == [(2, b"bc"), (3, b"d")] and growing.more() == []
    assert growing.replaced() is False
    append(file, "e")
    assert growing.more() == [] and texts(growing.rest()) == ["e"]


def test_reading_goes_on_from_a_place(tmp_path, opened):
    file = tmp_path / "log"
    file.write_text("a\nb\nc")
    first = opened(file)
    assert texts(first.more()) == ["a", "b"] and first.more() == []
    append(file, "d\ne\n")
    again = opened(file, Place.of(first.place.as_document()))
    assert not again.started_anew and again.more() == [(3, b"cd"), (4, b"e")]


@pytest.mark.parametrize("instead", ["x\nb\nc\nd\n", "a\n", ""])
def test_another_file_under_the_name_is_read_from_its_start(tmp_path, instead, opened):
    file = tmp_path / "log"
    file.write_text("a\nb\n")
    first = opened(file)
    first.more()
    file.write_text(instead)
    again = opened(file, first.place)
    assert again.started_anew and texts(again.more()) == instead.split()


def test_a_file_that_is_moved_away_is_read_to_its_end_and_the_next_from_its_start(tmp_path, opened):
    file = tmp_path / "log"
    file.write_text("a\nb\n")
    growing = opened(file)
    growing.more()
    assert growing.more() == []
    append(file, "c\nlast")
    os.rename(file, tmp_path / "log.1")
    assert growing.replaced() is False  # there is no new one yet, and the old one goes on
    file.write_text("d\n")
    assert growing.replaced() is True
    assert texts(growing.more()) == ["c", "last"] and growing.more() == [(1, b"d")]
    append(file, "e\n")
    assert growing.more() == [(2, b"e")]


@pytest.mark.parametrize("instead", ["x\n", "x\ny\nz\nmore than there was before\n"])
def test_a_file_that_is_cut_and_written_again_is_read_from_its_start(tmp_path, instead, opened):
    file = tmp_path / "log"
    file.write_text("a\nb\nc\n")
    growing = opened(file)
    growing.more()
    with file.open("r+") as stream:  # the same file, as `logrotate` with copytruncate leaves it
        stream.truncate(0)
        stream.write(instead)
    assert growing.more() == [] and growing.replaced() is True
    assert texts(growing.more()) == instead.split("\n")[:-1]


def test_a_line_without_an_end_takes_no_more_memory_than_a_row_may(tmp_path, monkeypatch, opened):
    monkeypatch.setattr(log, "LONGEST", 10)
    monkeypatch.setattr(log, "_CHUNK", 4)
    file = tmp_path / "log"
    file.write_text("a\n" + "x" * 100 + "\nb\n")
    growing, found = opened(file), []
    while lines := growing.more():
        found += lines
        assert len(growing._splitter._pending) <= 10
    assert found == [(1, b"a"), (2, None), (3, b"b")]
    assert growing.place.offset == file.stat().st_size


@UNHURRIED
@given(st.lists(st.text("ab\r\u00e9", max_size=6), max_size=8), st.integers(1, 7))
def test_however_bytes_arrive_the_lines_are_the_same(lines, size):
    data = "".join(f"{line}\n" for line in lines).encode()
    splitter, found = log._Splitter(), []
    for start in range(0, len(data), size):
        found += splitter.add(data[start : start + size])
    assert found == [
        (number, line.encode().rstrip(b"\r")) for number, line in enumerate(lines, start=1)
    ]
    assert splitter.taken == len(data) and splitter.rest() == []


def test_standard_input_ends(monkeypatch, tmp_path):
    file = tmp_path / "in"
    file.write_text("a\nb")
    with file.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        lines = StandardInput()
        assert texts(lines.more()) == ["a"] and lines.more() == [] and texts(lines.rest()) == ["b"]


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00", b"PAR1xxxx"])
def test_what_is_no_text_is_refused_in_words(tmp_path, content, opened):
    file = tmp_path / "log"
    file.write_bytes(content)
    with pytest.raises(DataError, match="reads lines of text"):
        opened(file)
    with pytest.raises(DataError, match="cannot be read"):
        opened(tmp_path / "none")


def read(*lines: bytes | None, columns=("y", "p")):
    return Table("log", columns).read(list(enumerate(lines, start=1)))


def test_csv_and_json_give_the_same_columns():
    for lines in (
        (b"\xef\xbb\xbfp;other;y", b"1;x;0", b"", b'"1";"x;y";', b"0;;1"),
        (b'{"p": 1, "y": 0}', b'{"p": true, "y": null}', b"", b'{"y": 1, "p": 0.0, "z": []}'),
    ):
        found, left_out = read(*lines)
        values = [found["y"].values[code] if code >= 0 else None for code in found["y"].codes]
        assert values == ["0", None, "1"] and not left_out.rows


@pytest.mark.parametrize(
    "line",
    [b"1", b"1,2,3", b'"1,2', b'1,"2"x', b"\xff,1", None, b'1,"2\n3'],
)
def test_a_line_that_is_no_row_is_left_out_and_counted(line):
    found, left_out = read(b"y,p", b"1,0", line, b"0,0")
    assert left_out.rows == {BAD_ROW: 1} and "line 3" in left_out.examples[BAD_ROW]
    assert len(found["y"].codes) == 2


@pytest.mark.parametrize("line", [b"{", b"[]", b"3", b'{"y": 1, "p": [0]}', b'{"y": {}, "p": 0}'])
def test_a_line_that_is_no_object_is_left_out_and_counted(line):
    found, left_out = read(b'{"y": 1, "p": 0}', line)
    assert left_out.rows == {BAD_ROW: 1} and len(found["y"].codes) == 1


@UNHURRIED
@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)))
def test_no_bytes_stop_it(lines):
    found, left_out = read(b"y,p", *lines)
    rows = sum(bool(line.strip()) for line in lines)
    assert len(found["y"].codes) + sum(left_out.rows.values()) == rows


@pytest.mark.parametrize("header", [b"y,q", b"{}", b"{oh", b"y\0,p", b"y,p,y"])
def test_a_log_without_the_columns_is_refused_in_words(header):
    with pytest.raises(DataError, match="log"):
        read(header, b"1,0")


def test_another_file_has_a_header_of_its_own():
    table = Table("log", ["y", "p"], b"y,p\n")
    found, _ = table.read([(7, b"1,0"), (1, b"p,y"), (2, b"0,1")])
    assert found["y"].values == ("1",) and found["y"].codes.tolist() == [0, 0]
