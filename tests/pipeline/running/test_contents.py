"""Results that are not as they were made are set aside; all others stay as they are."""

from __future__ import annotations

import json
import os

import pytest

from pipeline.running.contents import FILE, Contents


@pytest.fixture
def home(tmp_path):
    for name in ("examples/1", "examples/2", "graph/3"):
        folder = tmp_path / "artifacts" / "Gen" / name
        (folder / "Split-train").mkdir(parents=True)
        (folder / "Split-train" / "data-0").write_bytes(b"12345")
        (folder / "empty").touch()
    return tmp_path


def folders(home) -> list[str]:
    return [str(home / "artifacts/Gen" / name) for name in ("examples/1", "examples/2", "graph/3")]


def test_what_is_whole_stays(home):
    contents = Contents(home)
    contents.keep(folders(home))
    assert contents.set_aside_damaged(folders(home)) == []
    (home / "artifacts/Gen/examples/1/more").write_text("a file more takes nothing away")
    file = home / "artifacts/Gen/examples/1/Split-train/data-0"
    file.write_bytes(file.read_bytes())
    os.utime(file, (1, 1))  # as after a copy of the runs
    assert Contents(home).set_aside_damaged(folders(home)) == []


@pytest.mark.parametrize(
    "damage", ["a file gone", "a folder gone", "cut short", "longer", "altered"]
)
def test_what_is_not_whole_any_more_is_set_aside_and_told(home, damage):
    Contents(home).keep(folders(home))
    file = home / "artifacts/Gen/examples/1/Split-train/data-0"
    if damage == "cut short":
        file.write_bytes(b"123")
    elif damage == "longer":
        file.write_bytes(b"123456")
    elif damage == "altered":  # another byte, and the same size
        file.write_bytes(b"12346")
    else:
        file.unlink()
    if damage == "a folder gone":
        file.parent.rmdir()
    [said] = Contents(home).set_aside_damaged(folders(home))
    assert "1 of 2 files, such as Split-train/data-0, are gone or were changed" in said
    [aside] = (home / "artifacts/Gen/examples").glob("1.incomplete-*")
    assert str(aside) in said and (aside / "empty").exists()
    assert not (home / "artifacts/Gen/examples/1").exists()  # so that TFX makes it again
    assert (home / "artifacts/Gen/examples/2").exists()
    assert Contents(home).set_aside_damaged(folders(home)) == []


def test_of_what_was_never_kept_nothing_is_set_aside(home):
    """Some results hold no files, and runs may be copied without what was kept."""
    for name in ("Split-train/data-0", "empty"):
        (home / "artifacts/Gen/graph/3" / name).unlink()
    assert Contents(home).set_aside_damaged(folders(home)) == []


def test_a_result_that_was_made_empty_may_be_empty(home):
    empty = home / "artifacts/Gen/other/4"
    empty.mkdir(parents=True)
    Contents(home).keep([str(empty)])
    assert Contents(home).set_aside_damaged([str(empty)]) == []


def test_runs_may_be_moved_and_what_was_kept_be_lost(home, tmp_path_factory):
    Contents(home).keep(folders(home))
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    home.rename(moved)
    (moved / "artifacts/Gen/examples/2/Split-train/data-0").unlink()
    assert len(Contents(moved).set_aside_damaged(folders(moved))) == 1
    (moved / FILE).write_text("{ cut sh")
    (moved / "artifacts/Gen/examples/1/Split-train/data-0").unlink()
    assert Contents(moved).set_aside_damaged(folders(moved)) == []


def test_what_earlier_versions_kept_is_known_by_its_sizes(home):
    """They kept nothing but these."""
    kept = {"Gen/examples/1": {"Split-train/data-0": 5, "empty": 0}}
    (home / FILE).write_text(json.dumps(kept))
    assert Contents(home).set_aside_damaged(folders(home)) == []
    (home / "artifacts/Gen/examples/1/Split-train/data-0").write_bytes(b"1234")
    assert len(Contents(home).set_aside_damaged(folders(home))) == 1
