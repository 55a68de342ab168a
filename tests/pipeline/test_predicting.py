"""predict: which model is asked, what it is asked about, and what is refused, example by example."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fairgate.errors import DataError
from pipeline import predicting
from pipeline.__main__ import main
from pipeline.data import records
from pipeline.settings import load
from tests.pipeline import run_folders
from tests.tiny_dataset import jpeg

OLDER, NEWER = "celeba/20261121-170000-000", "celeba/20261122-170000-000"


class Bright(tf.Module):
    """Says Yes to pictures of more than a thousand bytes, and keeps what it was asked."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        picture = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})
        long = tf.strings.length(picture["image"]) > 1000
        return {"probability": tf.where(long, 0.75, 0.25)[:, tf.newaxis]}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A SavedModel that reads pictures."""
    folder = tmp_path_factory.mktemp("model") / "1700000000"
    module = Bright()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return folder


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Two pictures that can be read, two that cannot, and a text."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    rng = np.random.default_rng(0)
    (folder / "grey.JPG").write_bytes(jpeg(np.full((8, 8, 3), 128, np.uint8)))
    noise = rng.integers(0, 255, (40, 40, 3)).astype(np.uint8)
    (folder / "more" / "noise.jpeg").write_bytes(jpeg(noise))
    (folder / "text.png").write_text("no picture")
    (folder / "torn.jpg").write_bytes(jpeg(noise)[:400])
    (folder / "read.me").write_text("not looked at")
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch, model):
    """A folder with two runs that pushed, and the older one's model."""
    monkeypatch.chdir(tmp_path)
    for name, folder in ((OLDER, str(model)), (NEWER, "serving/smiling/2")):
        tree = run_folders.verdict(pushed_model=folder)
        run_folders.write(tmp_path / "runs", name, tree)
    return tmp_path


def test_every_picture_has_a_score_and_a_decision_or_a_reason(place, pictures, capfd):
    assert main(["predict", "pictures", "--json"]) == 1
    document = json.loads(capfd.readouterr().out)
    # The newer run's model is gone.
    assert document["run"] == OLDER and document["threshold"] == 0.5
    grey, noise, text, torn = document["predictions"]
    assert grey == {"file": "grey.JPG", "score": 0.25, "decision": False, "error": None}
    assert noise == {"file": "more/noise.jpeg", "score": 0.75, "decision": True, "error": None}
    assert text["file"] == "text.png" and "is no picture that is known here" in text["error"]
    assert torn["score"] is None and "is a damaged JPEG picture" in torn["error"]
    assert document["left_out"] == []


@pytest.mark.parametrize(
    ("name", "kind"), [("a.jpg", "WEBP"), ("b.jpg", "BMP"), ("c.png", "GIF"), ("d.webp", "WEBP")]
)
def test_another_kind_of_picture_is_answered_whatever_its_name_says(
    place, pictures, capfd, name, kind
):
    Image.new("RGB", (9, 9)).save(pictures / name, kind)
    assert main(["predict", "pictures", "--json"]) == 1
    found = {each["file"]: each for each in json.loads(capfd.readouterr().out)["predictions"]}
    assert found[name] == {"file": name, "score": 0.25, "decision": False, "error": None}


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("a.jpg", "TIFF", "is a TIFF (little-endian) file, whatever its name says; expected JPEG"),
        ("b.jp2.jpg", "JPEG2000", "is a JPEG 2000 file"),
    ],
)
def test_a_picture_that_is_not_read_keeps_no_other_from_its_answer(
    place, pictures, capfd, name, kind, said
):
    Image.new("RGB", (9, 9)).save(pictures / name, kind)
    assert main(["predict", "pictures"]) == 1
    words = " ".join(capfd.readouterr().out.split())
    assert "grey.JPG 0.2500 No" in words and "more/noise.jpeg 0.7500 Yes" in words
    assert said.split()[2] in words and "3 of 5 could not be read" in words
    settings = load([])
    [found] = [e for e in predicting.read(pictures, settings).examples if e.file == name]
    assert said in found.error


def test_a_single_picture_is_answered(place, pictures, capfd):
    assert main(["predict", "pictures/grey.JPG", "--json"]) == 0
    [found] = json.loads(capfd.readouterr().out)["predictions"]
    assert found["file"] == "grey.JPG" and found["score"] == 0.25


def test_hidden_pictures_are_left_out_and_said_to_be(place, pictures, capfd):
    for name in ("text.png", "torn.jpg"):
        (pictures / name).rename(pictures / f"._{name}")
    assert main(["predict", "pictures"]) == 0
    assert "left out, as hidden: ._text.png, ._torn.jpg" in capfd.readouterr().out


def test_the_former_name_still_answers_and_says_so(place, pictures, capfd):
    assert main(["serve", "pictures", "--json"]) == 1
    captured = capfd.readouterr()
    assert len(json.loads(captured.out)["predictions"]) == 4
    assert "note: serve is called predict now" in captured.err


def test_what_the_model_alone_refuses_is_refused_alone(place, model):
    """Ten examples of which the model does not read the fourth and the last."""
    good = predicting.Example("good", records.example({"image": b"x" * 2000}))
    bad = predicting.Example("bad", records.example({"other": 1}))
    asked = [bad if at in (3, 9) else good for at in range(10)]
    told = predicting.ask(model, asked)
    assert [p.score for p in told] == [None if at in (3, 9) else 0.75 for at in range(10)]
    assert "the model does not read it: " in told[3].error and told[3].decision is None


def test_the_answers_are_a_table_without_anybody_elses_noise(place, pictures, capfd):
    for name in ("text.png", "torn.jpg"):
        (pictures / name).unlink()
    assert main(["predict", "pictures"]) == 0
    captured = capfd.readouterr()
    words = " ".join(captured.out.split())
    assert "grey.JPG 0.2500 No more/noise.jpeg 0.7500 Yes" in words
    assert "1 of 2 are told Yes: score over 0.5, attributes/Smiling = 1" in words
    assert captured.err == ""


def test_a_model_is_found_by_its_folder_by_its_parent_and_by_its_run(place, pictures, model, capfd):
    for arguments in (["--model", str(model)], ["--model", str(model.parent)], ["--run", OLDER]):
        main(["predict", "pictures", "--json", *arguments])
        document = json.loads(capfd.readouterr().out)
        assert (document["model"], document["run"]) == (str(model), OLDER)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pictures", "--run", NEWER], "serving/smiling/2: holds no model"),
        (["pictures", "--run", "20261120"], "run celeba/20261120-170000-000 pushed nothing"),
        (["pictures", "--model", "pictures"], "pictures: holds no model"),
        (["pictures", "--model", "copy"], "copy: no run in 'runs' pushed it"),
        (["pictures", "--runs", "nowhere"], "no run in 'nowhere' has pushed a model"),
        (["nowhere"], "nowhere: no such file or folder"),
        (["empty"], "empty: holds no pictures (.jpg, .jpeg, .png, .webp, .bmp, .gif)"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(place, pictures, arguments, message, capfd):
    run_folders.write(place / "runs", "celeba/20261120-170000-000", run_folders.blocked())
    (place / "empty").mkdir()
    (place / "copy").mkdir()
    (place / "copy" / "saved_model.pb").touch()
    assert main(["predict", *arguments]) == 2
    assert capfd.readouterr().err.startswith(f"error: {message}")


def test_a_model_that_is_gone_is_said_to_be(place, pictures, capfd):
    tree = run_folders.verdict(pushed_model="serving/smiling/1")
    (place / "runs" / OLDER / "verdict.json").write_text(json.dumps(tree))
    assert main(["predict", "pictures"]) == 2
    assert (
        "the model that run celeba/20261122-170000-000 pushed is no longer"
        in capfd.readouterr().err
    )


def test_a_file_that_is_no_model_is_one_message(place, pictures, capfd):
    (place / "copy").mkdir()
    (place / "copy" / "saved_model.pb").write_text("no model")
    assert main(["predict", "pictures", "--model", "copy", "--run", OLDER]) == 2
    assert "copy: holds no model that can be asked" in capfd.readouterr().err


def test_a_model_of_other_columns_is_one_message(place, model, tmp_path):
    (tmp_path / "rows.csv").write_text("age\n30\n")
    settings = load([], ["data.features={image: null, numeric: [age]}", NETWORK])
    examples = predicting.read(tmp_path / "rows.csv", settings).examples
    with pytest.raises(DataError, match="does not read these examples"):
        predicting.ask(model, examples)


NETWORK = "trainer.network=tabular"
NO_PICTURE = "data.features={image: null, numeric: [age, children], categorical: [work]}"
TABLE = ("data.features.numeric=[age, children]", "data.features.categorical=[work]")


def parsed(example: predicting.Example) -> dict:
    """Column -> its value."""
    columns = tf.train.Example.FromString(example.record).features.feature
    return {
        name: getattr(column, column.WhichOneof("kind")).value[0]
        for name, column in columns.items()
    }


def test_rows_are_read_as_the_run_read_its_own(tmp_path):
    """Of a CSV file: what is missing is left out, and whole numbers are what the schema says they are."""
    (tmp_path / "schema.pbtxt").write_text('feature { name: "children" type: INT }')
    (tmp_path / "rows.csv").write_text("work;children;age;name\nfarm;2;30.5;A\n?;0;;B\n")
    settings = load(
        [],
        [
            NO_PICTURE,
            NETWORK,
            f"data.schema_file={tmp_path / 'schema.pbtxt'}",
            "data.csv.delimiter=;",
            "data.csv.missing=['?']",
            "data.csv.together=name",
        ],
    )
    first, second = predicting.read(tmp_path / "rows.csv", settings).examples
    assert first.file == "rows.csv row 1"
    assert parsed(first) == {"work": b"farm", "children": 2, "age": 30.5}
    assert parsed(second) == {"children": 0}


SCHEMA = """
feature { name: "age" type: FLOAT presence { min_fraction: 1.0 min_count: 1 } shape {} }
feature { name: "children" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } }
feature { name: "work" type: BYTES presence { min_count: 1 } value_count { min: 1 max: 1 } }
"""


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("farm,2,old", "line 3: column 'age' holds 'old'; expected a number"),
        ("farm,2,", "column 'age' holds nothing; the model needs a value there"),
        ("farm,2.5,30", "column 'children' holds 2.5; expected a whole number"),
        ("farm,1e300,30", "column 'children' holds '1e300'; expected a number of at most"),
        ("farm,2", "line 3: 2 field(s), expected 3"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_others_are_there(tmp_path, row, said):
    (tmp_path / "schema.pbtxt").write_text(SCHEMA)
    (tmp_path / "rows.csv").write_text(f"work,children,age\nfarm,2,30\n{row}\n,,40\n")
    assignment = f"data.schema_file={tmp_path / 'schema.pbtxt'}"
    settings = load([], [NO_PICTURE, NETWORK, assignment])
    first, second, third = predicting.read(tmp_path / "rows.csv", settings).examples
    assert parsed(first) == {"work": b"farm", "children": 2, "age": 30}
    assert (second.file, second.record) == ("rows.csv row 2", b"") and said in second.error
    assert parsed(third) == {"age": 40}


def test_a_folder_is_refused_where_the_model_reads_columns(pictures):
    with pytest.raises(DataError, match=r"reads the columns age, children, work\. Give a CSV"):
        predicting.read(pictures, load([], [NO_PICTURE, NETWORK]))
    with pytest.raises(DataError, match=r"besides the picture \(age, children, work\)"):
        predicting.read(pictures, load([], [*TABLE, "data.features.image.name=picture"]))


def test_a_csv_file_may_name_pictures(pictures):
    file = pictures / "rows.csv"
    file.write_text("picture,age,children,work\ngrey.JPG,30,1,farm\nnone.jpg,30,1,farm\n")
    settings = load([], [*TABLE, "data.features.image.name=picture"])
    first, second = predicting.read(file, settings).examples
    assert parsed(first)["picture"] == (pictures / "grey.JPG").read_bytes()
    assert second.error == "No such file or directory"
