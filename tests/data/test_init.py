"""From a file as it comes to settings that can be run: what is guessed, asked, written and kept."""

from __future__ import annotations

import json
import pathlib

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fairgate.errors import DataError
from pipeline.__main__ import main
from pipeline.command_line import asking
from pipeline.data.from_csv import making
from pipeline.settings import load
from tests.data.tables import N, people, write


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def drafted(file, *more, status=0):
    """The settings that init writes of a file, without making the dataset."""
    assert main(["init", str(file), "--yes", "--settings-only", *more]) == status
    [written] = file.parent.glob("schemas/*/settings.yaml")
    return load([str(written)])


def test_a_table_becomes_settings_that_make_the_dataset_by_themselves(tmp_path, capsys):
    file = write(tmp_path / "people.csv", people())
    assert main(["init", "people.csv", "--yes"]) == 0
    told = capsys.readouterr().out
    for sentence in (
        "label (what is predicted): passed, a guess (--label)",
        "groups: [Sex] of column sex (",
        "made data/people (rows: train 240, validation 80, test 80)",
        "run --settings schemas/people/settings.yaml",
    ):
        assert sentence in " ".join(told.split()), told
    tree = load(["schemas/people/settings.yaml"])
    features = tree.data.features
    assert features.label.positive == "yes" and features.label.negative == "no"
    assert features.input_columns == ["score", "hours", "job"]
    assert tree.trainer.network == "tabular" and len(tree.gate.constraints) == 1
    assert len(list((tmp_path / "data" / "people").iterdir())) == 3
    # What the file says of itself is so: the first command makes the same again.
    made = sorted(p.read_bytes() for p in (tmp_path / "data/people").iterdir())
    again = ["--set", "data.path=again", "--settings", "schemas/people/settings.yaml"]
    assert main(["data", "from-csv", str(file), *again]) == 0
    assert sorted(p.read_bytes() for p in (tmp_path / "again").iterdir()) == made


def test_numbers_that_stand_for_groups_and_labels(tmp_path):
    own = people()
    own["SEX"] = ["1.0" if value == "Male" else "2.0" for value in own.pop("sex")]
    own["default payment"] = ["1" if value == "yes" else "0" for value in own.pop("passed")]
    tree = drafted(write(tmp_path / "credit-card.csv", own))
    assert tree.data.features.groups["Sex"].values == {"Sex 1": 1, "Sex 2": 2}
    assert (tree.data.features.label.positive, tree.data.features.label.negative) == (1, 0)
    assert (tree.name, tree.model_name) == ("credit-card", "default_payment")


def test_files_without_names_and_with_another_spelling_in_the_test_file(tmp_path):
    own = people()
    own["passed"] = [">50K" if value == "yes" else "<=50K" for value in own["passed"]]
    own["job"] = ["?" if i % 9 == 0 else value for i, value in enumerate(own["job"])]
    train = write(tmp_path / "adult.data", own, ", ", header=False)
    own["passed"] = [f"{value}." for value in own["passed"]]
    test = write(tmp_path / "adult.test", own, ", ", header=False)
    test.write_text("|1x3 Cross validator\n" + test.read_text())
    assert main(["init", str(train), "--test", str(test), "--yes"]) == 0
    # schemas/adult ships with FairGate.
    tree = load(["schemas/my-adult/settings.yaml"])
    assert tree.data.csv.replace == {"<=50K.": "<=50K", ">50K.": ">50K"}
    assert tree.data.csv.missing == ("?",) and tree.data.csv.comment == "|"
    assert tree.data.features.label.positive == ">50K"
    assert tree.data.features.groups["Sex"].name == "column_4"
    named = drafted(train, "--columns", ",".join(own), "--force", "--name", "my-adult")
    assert named.data.features.groups["Sex"].name == "sex"


def test_columns_that_are_there_twice_are_one_if_they_are_equal(tmp_path):
    own = people()
    file = write(tmp_path / "people.csv", own)
    rows = file.read_text().splitlines()
    twice = [f"{row},{row.split(',')[0]},{row.split(',')[1]}" for row in rows]
    twice[0] = f"{rows[0]},score,job"
    file.write_text("\n".join(twice) + "\n")
    tree = drafted(file, "--label", "passed")
    assert tree.data.features.input_columns == ["score", "hours"]
    assert "job: there several times" in (tmp_path / "schemas/people/settings.yaml").read_text()


def test_options_say_what_is_not_guessed(tmp_path):
    own = people()
    own["person_id"] = [str(i // 4) for i in range(N)]
    own["sample weight"] = [str(1 + i % 3) for i in range(N)]
    file = write(tmp_path / "people.csv", own)
    tree = drafted(
        file, "--label", "score", "--positive", ">=60", "--groups", "job,sex",
        "--weight", "sample weight",
    )  # fmt: skip
    features = tree.data.features
    assert features.label.positive == ">=60" and features.label.others == "negative"
    assert set(features.groups) == {"Job", "Sex"} and features.unit == "person_id"
    assert (features.weight, features.largest_weight) == ("sample weight", 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "pased"], "did you mean 'passed'?"),
        (["--label", "score"], "values ('"),
        (["--positive", "maybe"], "holds no such value, but 'no', 'yes'"),
        (["--label", "score", "--positive", ">1000"], "no row is positive"),
        (["--groups", "sex,jb"], "did you mean 'job'?"),
        (["--label", "passed", "--groups", "passed"], "no column of that name"),
        (["--unit", "nobody"], "--unit nobody: no column of that name"),
        (["--weight", "job"], "expected a number of at least 0 in every row"),
        (["--name", "a b"], "letters, digits"),
    ],
)
def test_options_that_cannot_be_are_refused_and_nothing_is_written(
    tmp_path, capsys, options, message
):
    write(tmp_path / "people.csv", people())
    assert main(["init", "people.csv", "--yes", "--json", *options]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_a_label_of_a_few_values_is_one_of_classes(tmp_path, monkeypatch):
    file = write(tmp_path / "people.csv", people())
    assert main(["init", "people.csv", "--yes", "--label", "job"]) == 0
    tree = load(["schemas/people/settings.yaml"])
    assert list(tree.data.features.label.classes) == ["clerk", "nurse", "smith"]
    assert tree.gate.constraints[0].startswith("max_gap(ERR, [Sex]) <= ")
    two = drafted(file, "--label", "job", "--positive", "nurse", "--force")
    assert two.data.features.label.others == "negative"
    answers = iter(["job", "", "sex"])
    monkeypatch.setattr(asking, "may_ask", lambda options: True)
    monkeypatch.setattr("builtins.input", lambda *_: next(answers))
    assert main(["init", "people.csv", "--settings-only", "--force"]) == 0
    assert load(["schemas/people/settings.yaml"]).data.features.label.classes


def test_what_cannot_be_guessed_is_asked_for_by_the_option_that_says_it(tmp_path, capsys):
    own = people()
    own["a"], own["b"] = own.pop("passed"), ["xy"[i % 2] for i in range(N)]
    own["c"] = own["hours"]
    write(tmp_path / "people.csv", own)
    assert main(["init", "people.csv", "--yes"]) == 2
    assert "columns of two values are a, b. Say it with --label COLUMN" in capsys.readouterr().err
    own["s"] = ["f" if value == "Female" else "m" for value in own.pop("sex")]
    write(tmp_path / "people.csv", own)
    assert main(["init", "people.csv", "--yes", "--label", "a"]) == 2
    assert "Say it with --groups COLUMN,...: columns of few values" in capsys.readouterr().err


def test_a_person_is_asked_and_a_bad_answer_is_asked_again(tmp_path, monkeypatch, capsys):
    write(tmp_path / "people.csv", people())
    answers = iter(["hour", "passed", "perhaps", "", "job,jb", "sex,job"])
    monkeypatch.setattr(asking, "may_ask", lambda options: True)
    monkeypatch.setattr("builtins.input", lambda *_: next(answers))
    assert main(["init", "people.csv", "--settings-only"]) == 0
    tree = load(["schemas/people/settings.yaml"])
    assert tree.data.features.label.positive == "yes"
    assert list(tree.data.features.groups) == ["Sex", "Job"]
    assert next(answers, None) is None and "did you mean 'job'?" in capsys.readouterr().out


# What is there already.


def test_nothing_is_overwritten_without_force_and_nothing_lost_with_it(
    tmp_path, capsys, monkeypatch
):
    def refuse(*_):
        raise DataError("no room")

    file = write(tmp_path / "people.csv", people())
    assert main(["init", "people.csv", "--yes"]) == 0
    written = tmp_path / "schemas" / "people" / "settings.yaml"
    written.write_text("# mine\n")
    there = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main(["init", "people.csv", "--yes"]) == 2
    assert "settings.yaml, schemas/people/schema.pbtxt, data/people: there already" in (
        capsys.readouterr().err
    )
    # With it, what fails leaves everything as it was.
    with monkeypatch.context() as changed:
        changed.setattr(making, "make", refuse)
        assert main(["init", "people.csv", "--yes", "--force"]) == 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == there
    write(file, people(seed=1))
    assert main(["init", "people.csv", "--yes", "--force"]) == 0
    assert written.read_text().startswith("# Drafted by")
    assert not [path for path in tmp_path.rglob(".*")]
    (tmp_path / "data" / "people" / "notes.txt").write_text("mine")
    assert main(["init", "people.csv", "--yes", "--force"]) == 2
    assert "notes.txt" in capsys.readouterr().err


def test_a_link_in_the_place_of_what_is_replaced_stays_where_that_fails(tmp_path, monkeypatch):
    def refuse(*_):
        raise DataError("no room")

    write(tmp_path / "people.csv", people())
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "people-train.tfrecord-00000-of-00001").write_text("mine")
    (tmp_path / "data").mkdir()
    link = tmp_path / "data" / "people"
    link.symlink_to("../disk")
    monkeypatch.setattr(making, "make", refuse)
    assert main(["init", "people.csv", "--yes", "--force"]) == 2
    assert link.readlink() == pathlib.Path("../disk")
    assert (link / "people-train.tfrecord-00000-of-00001").read_text() == "mine"


def test_names_that_yaml_and_constraints_take_for_something_else(tmp_path):
    own = people()
    own["${HOME}: #1"] = own.pop("score")
    own["sex"] = ["[M] = x" if value == "Male" else "F&f" for value in own["sex"]]
    own["on"] = own.pop("passed")
    file = write(tmp_path / "2024 Größe.csv", own)
    tree = drafted(file, "--label", "on")
    assert tree.data.features.numeric[1].name == "${HOME}: #1"
    assert set(tree.data.features.groups["Sex"].values.values()) == {"[M] = x", "F&f"}
    assert yaml.safe_load((tmp_path / "schemas/2024_Gr_e/settings.yaml").read_text())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.lists(
            st.sampled_from(
                ["", "1", "0", "2.5", "yes", "no", "Male", "a b", "?", "1_0", "-", "é"]
            ),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=40,
    ),
    names=st.lists(st.sampled_from(["sex", "age", "label", "x", "id", ""]), min_size=3, max_size=3),
)
def test_any_table_ends_in_settings_or_in_a_sentence(tmp_path, rows, names):
    file = tmp_path / "random.csv"
    file.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    assert main(["init", str(file), "--yes", "--settings-only", "--force"]) in (0, 2)


def test_a_folder_of_pictures_becomes_settings_and_a_dataset_too(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    for i in range(40):
        Image.new("L", (8, 8), 5 * i).save(folder / f"{i}.png")
    own = {
        "file": [f"{i}.png" for i in range(40)],
        "smiling": [str(i % 2) for i in range(40)],
        "sex": ["FM"[i // 2 % 2] for i in range(40)],
    }
    table = str(write(tmp_path / "faces.csv", own))
    said = ["--csv", table, "--label", "smiling", "--groups", "sex"]
    assert main(["init", "faces", "--force", *said]) == 2
    assert main(["init", "faces", *said]) == 0
    assert load(["schemas/faces/settings.yaml"]).data.features.image.name == "image"
    assert main(["init", "faces", *said]) == 2
