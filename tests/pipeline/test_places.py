"""Files and folders: `~`, what ships with FairGate, and names that look like patterns."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf

from components import folders
from components.evaluator.files import FILES
from components.example_gen.splits import list_splits
from fairgate.errors import SettingsError
from pipeline import places
from pipeline.__main__ import main
from pipeline.settings import load
from tests.pipeline.files import write

REPOSITORY = Path(__file__).parents[2]
NAMES = ("Daten [v2]", "what?", "all*", "a]b", "[x", "back\\slash")
PATHS = ("data.path", "data.schema_file", "runs", "serving")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return str(tmp_path / "home")


def at(settings, path: str):
    for name in path.split("."):
        settings = getattr(settings, name)
    return settings


@pytest.mark.parametrize("field", PATHS)
def test_the_home_folder_is_meant_everywhere(home, field):
    assert at(load([], [f"{field}=~/fg/x"]), field) == f"{home}/fg/x"
    assert at(load([], [f"{field}=~"]), field) == home
    assert at(load([], [f"{field}=file:///fg/x"]), field) == "/fg/x"
    assert at(load([], [f"{field}=a~b"]), field) == "a~b"
    assert at(load([], [f"{field}=gs://bucket/~x"]), field) == "gs://bucket/~x"


def test_the_home_folder_is_meant_in_files_and_on_command_lines(home, tmp_path, capsys):
    os.makedirs(f"{home}/fg")
    write(Path(home, "fg", "mine.yaml"), "{name: mine, runs: ~/fg/runs}")
    assert load(["~/fg/mine.yaml"]).runs == f"{home}/fg/runs"
    assert main(["settings", "--settings=~/fg/mine.yaml"]) == 0
    assert f"runs: {home}/fg/runs" in capsys.readouterr().out
    assert main(["runs", "--runs=~/fg/runs"]) == 0
    assert f"{home}/fg/runs" in "".join(capsys.readouterr().out.split("\n"))


@pytest.mark.parametrize("field", PATHS)
@pytest.mark.parametrize("nothing", ["", " ", "~nobody-here/x"])
def test_a_place_that_is_none_is_refused(field, nothing):
    with pytest.raises(SettingsError, match=field.replace(".", r"\.")):
        load([], [f"{field}={nothing}"])


@pytest.mark.parametrize("nothing", ["~", "", "# later"])
def test_data_that_is_named_by_nothing_is_no_synthetic_data(tmp_path, nothing):
    with pytest.raises(SettingsError, match="line 2"):
        load([write(tmp_path / "s.yaml", f"data:\n  path: {nothing}\n")])
    assert load([write(tmp_path / "s.yaml", "data:\n  path: null\n")]).data.path is None


def test_what_ships_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load(["schemas/adult/settings.yaml"])
    assert settings.data.schema_file == "schemas/adult/schema.pbtxt"
    assert settings.data.contract == str(REPOSITORY / "schemas/adult/schema.pbtxt")
    assert Path(load().data.contract).is_file()
    # What is there comes first, and what does not ship stays where it is to be made.
    (tmp_path / "schemas/adult").mkdir(parents=True)
    (tmp_path / "schemas/adult/schema.pbtxt").write_text("")
    assert settings.data.contract == "schemas/adult/schema.pbtxt"
    assert places.found("schemas/mine/schema.pbtxt") == "schemas/mine/schema.pbtxt"
    assert places.found("schemas/../pyproject.toml") == "schemas/../pyproject.toml"


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_folder_is_no_pattern(tmp_path, name):
    folder = tmp_path / name
    (folder / "day1").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        (folder / f"tiny-{split}.tfrecord-0").touch()
    (folder / "day1" / "x-train").touch()
    files = list_splits(str(folder), load().data.splits.patterns())
    assert files["test"] == [str(folder / "tiny-test.tfrecord-0")]
    assert folders.matching(str(folder), "day?/[xy]-*") == [str(folder / "day1" / "x-train")]
    assert folders.matching(str(folder), "day2/*") == []
    assert FILES.names(str(folder)) == sorted(os.listdir(folder))
    assert FILES.names(str(folder / "none")) == []


@pytest.mark.parametrize("name", NAMES)
def test_tensorflow_is_given_a_name_that_is_no_pattern(home, tmp_path, name):
    folder = tmp_path / name / "runs"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    link = places.plain(str(folder))
    assert link == places.plain(str(folder))  # found again
    assert tf.io.gfile.glob(os.path.join(link, "*")) == [os.path.join(link, "file")]
    assert os.path.realpath(link) == str(folder)
    assert places.plain(str(tmp_path)) == str(tmp_path)
    assert places.plain("gs://bucket/[x]") == "gs://bucket/[x]"


def test_a_link_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a [cache]"))
    with pytest.raises(SettingsError, match="Choose a folder without"):
        places.plain(str(tmp_path / "runs [1]"))


def test_a_model_in_a_folder_with_brackets_can_be_asked(tmp_path):
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    module.f = tf.function(lambda x: x * module.weight, [tf.TensorSpec([], tf.float32)])
    folder = tmp_path / "Dienst [1]" / "1"
    tf.saved_model.save(module, str(folder))
    assert tf.saved_model.load(places.plain(str(folder))).f(3.0) == 6.0


def test_from_another_folder_a_dataset_is_held_to_the_schema_that_ships(tmp_path):
    rows = [
        f"{age},Private,1,HS-grad,9,Never-married,Sales,Husband,White,{sex},0,0,40,Cuba,{pay}\n"
        for age in range(20, 60)
        for sex in ("Male", "Female")
        for pay in ("<=50K", ">50K")
    ]
    (tmp_path / "adult.data").write_text("".join(rows))
    ended = subprocess.run(
        [
            *(str(REPOSITORY / "fairgate"), "data", "from-csv", "adult.data", "--json"),
            *("--settings", "schemas/adult/settings.yaml", "--set", "data.csv.shares.test=0.1"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ended.returncode == 0, ended.stderr
    assert '"drafted_schema": false' in ended.stdout
    # The home folder of tests lies there, too.
    assert set(os.listdir(tmp_path)) - {"home"} == {"adult.data", "data"}
