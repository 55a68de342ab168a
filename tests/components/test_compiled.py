"""What XLA compiled is found again, and nothing that can happen to it stops a training."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from components import compiled

NAME = "xla_compile_cache__1__2__XLA_CPU_JIT"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of a process that has not begun yet."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_max_cluster_size=9")
    monkeypatch.setattr("tempfile.tempdir", str(made))
    monkeypatch.setattr("atexit.register", lambda *_, **__: None)
    compiled._folder_of_this_process.cache_clear()

    def folder() -> pathlib.Path:
        return next(made.iterdir())

    yield folder
    compiled._folder_of_this_process.cache_clear()


def kept(shelf: pathlib.Path) -> list[pathlib.Path]:
    return sorted((shelf / compiled.machine()).glob("*.pb"))


def compile_one(own, shelf, held=b"a program", name=NAME) -> None:
    with compiled.kept_in(shelf):
        (own() / f"{name}.pb").write_bytes(held)


def another_process() -> None:
    for file in compiled._folder_of_this_process().iterdir():
        file.unlink()


def test_a_program_is_brought_to_another_process(own, tmp_path):
    compile_one(own, tmp_path / "shelf")
    assert os.environ["TF_XLA_FLAGS"] == (
        f"--tf_xla_max_cluster_size=9 --tf_xla_persistent_cache_directory={own()}"
    )
    another_process()
    with compiled.kept_in(tmp_path / "shelf"):
        assert (own() / f"{NAME}.pb").read_bytes() == b"a program"
    assert len(kept(tmp_path / "shelf")) == 1


@pytest.mark.parametrize("harm", [b"", b"a prog", b"a program and more"])
def test_a_program_that_is_not_whole_is_left_and_made_anew(own, tmp_path, harm):
    shelf = tmp_path / "shelf"
    compile_one(own, shelf)
    [file] = kept(shelf)
    file.write_bytes(harm)
    another_process()
    with compiled.kept_in(shelf):
        assert not list(own().iterdir())
        (own() / f"{NAME}.pb").write_bytes(b"a program")
    assert file.read_bytes() == b"a program"


def test_programs_of_another_machine_are_left(own, tmp_path, monkeypatch):
    compile_one(own, tmp_path / "shelf")
    another_process()
    monkeypatch.setattr(compiled, "machine", lambda: "another")
    with compiled.kept_in(tmp_path / "shelf"):
        assert not list(own().iterdir())


@pytest.mark.parametrize("place", ["file/shelf", "file", "/proc/shelf"])
def test_a_folder_that_cannot_be_written_is_no_error(own, tmp_path, place):
    (tmp_path / "file").write_text("no folder")
    compile_one(own, tmp_path / place)
    assert (own() / f"{NAME}.pb").exists()


def test_a_user_who_has_a_place_of_their_own_keeps_it(own, tmp_path, monkeypatch):
    flags = "--tf_xla_persistent_cache_directory=/somewhere"
    monkeypatch.setenv("TF_XLA_FLAGS", flags)
    with compiled.kept_in(tmp_path / "shelf"):
        assert os.environ["TF_XLA_FLAGS"] == flags
    assert not (tmp_path / "shelf").exists()


def test_a_process_that_another_one_started_has_a_place_of_its_own(own, tmp_path):
    with compiled.kept_in(tmp_path / "shelf"):
        first = own()
        compiled._folder_of_this_process.cache_clear()
        with compiled.kept_in(tmp_path / "shelf"):
            second = compiled._folder_of_this_process()
        assert second != first and os.environ["TF_XLA_FLAGS"].count("directory=") == 1
        assert str(second) in os.environ["TF_XLA_FLAGS"]


def test_the_newest_programs_stay(own, tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "_MOST", 2)
    for index in range(3):
        compile_one(own, tmp_path / "shelf", name=f"{NAME}{index}")
        for age, file in enumerate(kept(tmp_path / "shelf")):
            os.utime(file, (age, age))
    assert [file.name.split(".")[0] for file in kept(tmp_path / "shelf")] == [
        f"{NAME}1",
        f"{NAME}2",
    ]


_TRAINING = """
import json, sys
from components import compiled
from components.constrained_trainer.training import train
from tests.components.constrained_trainer.running.test_loop import CONFIG, TRAINING, VALIDATION, changed
import tensorflow as tf

for number in range(int(sys.argv[2])):
    tf.function(lambda: tf.constant(number))()
with compiled.kept_in(sys.argv[1]):
    result = train(TRAINING, VALIDATION, changed(CONFIG, jit="on"))
print(json.dumps([weight.tolist() for weight in result.snapshots[-1].weights]))
"""


@pytest.mark.slow
def test_what_one_process_compiled_the_next_one_loads_whatever_it_did_before(tmp_path):
    """And trains to the same digits."""
    said = []
    for before in ("0", "5"):
        done = subprocess.run(
            [sys.executable, "-c", _TRAINING, str(tmp_path), before],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"TF_XLA_FLAGS": ""},
        )
        said.append((json.loads(done.stdout.splitlines()[-1]), kept(tmp_path)))
    (one, made), (other, found) = said
    assert one == other
    assert made and made == found, "it compiled again"
