"""CSV files into a dataset: what is read, how it is divided, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from fairgate.errors import DataError
from pipeline.__main__ import main
from pipeline.data.from_csv import making
from pipeline.data.from_csv.config import SPLITS, CsvSettings
from pipeline.data.from_csv.reading import read
from pipeline.data.from_csv.schema import draft
from pipeline.settings import load

FEATURES = {
    "numeric": ["age"],
    "categorical": ["work", "sex"],
    "label": {"name": "rich", "positive": ">50K", "negative": "<=50K"},
    "groups": {
        "Gender": {"name": "sex", "values": {"Male": "M", "Female": "F"}},
        "City": {"name": "city", "values": {"City": 1, "Country": -1}},
    },
}
HEADER = "id,age,work,sex,city,rich"
LINES = ["1,39,State-gov,M,1,<=50K", "2, 50 ,?, F,-1, >50K", '3,,"Self, not inc",F,1,<=50K']


def features(**changes):
    return load_tree(**changes).data.features


def load_tree(csv: dict | None = None, **changes):
    constraint = "max_gap(TPR, [Gender]) <= 0.1"
    tree = {
        "data": {"features": FEATURES | changes, "csv": csv or {}},
        "trainer": {"constraints": [constraint], "network": "mlp"},
        "gate": {"constraints": [constraint]},
    }
    from pipeline.settings import Settings

    return Settings.model_validate(tree)


def write(folder: Path, *lines: str, name: str = "people.csv") -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n")
    return file


def refused(folder: Path, *lines: str, **csv) -> str:
    file = write(folder, *lines)
    with pytest.raises(DataError) as error:
        read([file], features(), CsvSettings(**csv))
    assert str(file) in str(error.value)
    return str(error.value)


# Reading.


def test_fields_become_what_the_settings_say_they_are(tmp_path):
    table = read([write(tmp_path, HEADER, *LINES)], features(), CsvSettings(missing=["?"]))
    assert table.columns == {
        "age": [39.0, 50.0, None],
        "work": ["State-gov", None, "Self, not inc"],
        "sex": ["M", "F", "F"],
        "city": [1, -1, 1],
        "rich": ["<=50K", ">50K", "<=50K"],
    }
    assert all(isinstance(value, int) for value in table.columns["city"])


def test_a_file_without_header_comments_and_other_spellings(tmp_path):
    file = write(tmp_path, "|made by hand", "39;gov;M;1;<=50K.", "", "# 50;gov;M;1;<=50K")
    csv = CsvSettings(
        columns=["age", "work", "sex", "city", "rich"],
        delimiter=";",
        comment="|",
        replace={"<=50K.": "<=50K"},
    )
    with pytest.raises(DataError, match="line 4: column 'age' holds '# 50'"):
        read([file], features(), csv)
    file.write_text(file.read_text().replace("# 50", "50"))
    table = read([file, file], features(), csv)
    assert table.columns["age"] == [39, 50, 39, 50] and set(table.columns["rich"]) == {"<=50K"}


def test_what_a_spreadsheet_writes_is_read(tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*HEADER.split("\n"), LINES[0]]).encode())
    assert read([file], features(), CsvSettings(together="id")).together == ["1"]


def test_rows_of_a_unit_are_kept_together_unless_another_column_says_so(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("\n".join([HEADER, LINES[0]]))
    people = features().model_copy(update={"unit": "id"})
    table = read([file], people, CsvSettings())
    assert table.together == ["1"] and table.columns["id"] == ["1"]
    assert read([file], people, CsvSettings(together="work")).together == table.columns["work"]
    assert read([file], features(), CsvSettings()).together == []


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("4,old,gov,M,1,<=50K", ["column 'age' holds 'old'", "expected a number", "csv.missing"]),
        ("4,inf,gov,M,1,<=50K", ["column 'age' holds 'inf'", "expected a number"]),
        ("4,39,gov,M,1,maybe", ["column 'rich' holds 'maybe'", "'<=50K', '>50K'", "csv.replace"]),
        ("4,39,gov,M,1,", ["column 'rich' holds nothing", "data.features.label"]),
        ("4,39,gov,X,1,<=50K", ["column 'sex' holds 'X'", "'M', 'F'", "groups.Gender.values"]),
        ("4,39,gov,M,2,<=50K", ["column 'city' holds '2'", "'1', '-1'", "groups.City.values"]),
        ("4,39,gov,M,1", ["5 field(s), expected 6 (id, age, work, sex, ...)"]),
        ("4,39,gov,M,1,<=50K,", ["7 field(s), expected 6"]),
        ('4,39,"gov,M,1,<=50K', ["not CSV"]),
    ],
)
def test_a_line_that_cannot_be_is_named(tmp_path, line, parts):
    message = refused(tmp_path, HEADER, "", *LINES, line, missing=["?"])
    assert ": line 6: " in message and all(part in message for part in parts), message


def test_a_line_is_counted_in_the_file_that_it_is_in(tmp_path):
    file = write(tmp_path, HEADER, LINES[0], name="good.csv")
    bad = write(tmp_path, HEADER, '1,39,"two\nlines",M,1,<=50K', "4,39,gov,M,1,no")
    with pytest.raises(DataError, match=r"people\.csv: line 4: column 'rich'"):
        read([file, bad], features(), CsvSettings())


def test_a_column_that_is_not_there_is_named_with_one_that_is_like_it(tmp_path):
    message = refused(tmp_path, HEADER.replace("work", "works"), LINES[0])
    assert "has no column 'work'; did you mean 'works'?" in message and "csv.columns" in message
    assert "it has: 39, gov" in refused(tmp_path, "39,gov", "50,gov")
    twice = refused(tmp_path, HEADER + ",age", LINES[0] + ",39", LINES[1] + ",51")
    assert "line 3: column 'age' is there 2 times, with '50' and '51'" in twice
    equal = write(tmp_path, HEADER + ",age", LINES[0] + ",39", LINES[1] + ", 50")
    assert read([equal], features(), CsvSettings(missing=["?"])).columns["age"] == [39.0, 50.0]
    assert "has no column 'person'" in refused(tmp_path, HEADER, LINES[0], together="person")


def test_files_that_are_no_csv_are_named(tmp_path):
    file = tmp_path / "people.csv"
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read([file], features(), CsvSettings())
    file.write_bytes(b"")
    with pytest.raises(DataError, match="holds no line"):
        read([file], features(), CsvSettings())
    file.write_bytes(HEADER.encode() + b"\n4,39,caf\xe9,M,1,<=50K\n")
    with pytest.raises(DataError, match="not UTF-8 text"):
        read([file], features(), CsvSettings())


# The whole command.


def many(folder: Path, n: int = 400, name: str = "people.csv") -> Path:
    rng = np.random.default_rng(n)
    lines = [
        f"{i},{rng.integers(20, 60)},{rng.choice(['gov', 'own', '?'])},{rng.choice(['M', 'F'])},"
        f"{rng.choice([1, -1])},{rng.choice(['<=50K', '>50K'])}"
        for i in range(n)
    ]
    return write(folder, HEADER, *lines, name=name)


@pytest.fixture
def settings_file(tmp_path) -> Path:
    file = tmp_path / "settings.yaml"
    constraint = ["max_gap(TPR, [Gender]) <= 0.1"]
    tree = {
        "data": {
            "path": str(tmp_path / "data" / "people"),
            "schema_file": str(tmp_path / "schemas" / "schema.pbtxt"),
            "features": FEATURES,
            "csv": {"missing": ["?"]},
        },
        "trainer": {"network": "tabular", "constraints": constraint},
        "gate": {"constraints": constraint},
    }
    file.write_text(yaml.safe_dump(tree))
    return file


def command(settings_file: Path, *arguments: str) -> int:
    return main(["data", "from-csv", *arguments, "--settings", str(settings_file)])


def examples(folder: Path, split: str) -> list:
    import tensorflow as tf

    files = sorted(map(str, folder.glob(f"*-{split}.tfrecord*")))
    dataset = tf.data.TFRecordDataset(files)
    return [tf.train.Example.FromString(record) for record in dataset.as_numpy_iterator()]


def test_a_file_becomes_a_dataset_that_passes_every_check(settings_file, tmp_path, capsys):
    assert command(settings_file, str(many(tmp_path))) == 0
    output = capsys.readouterr().out
    assert "(rows: train 320, validation 40, test 40)" in " ".join(output.split())
    assert "drafted" in output and "look through it" in output
    from components.example_gen.checks import check_shards
    from components.example_gen.shards import list_shards

    settings = load([str(settings_file)])
    total = 0
    for split, pattern in settings.data.splits.patterns().items():
        counts = check_shards(
            list_shards(settings.data.folder, split, pattern), settings.data.features
        )
        counts.require_every_group(split, settings.data.folder, settings.data.features)
        counts.require_every_column(split, settings.data.folder, settings.data.features)
        total += counts.examples
    assert total == 400
    # Nothing is written that no setting names.
    [example, *_] = examples(Path(settings.data.folder), "train")
    assert set(example.features.feature) <= {"age", "work", "sex", "city", "rich"}
    schema = text_format.Parse(Path(settings.data.schema_file).read_text(), schema_pb2.Schema())
    columns = {column.name: column for column in schema.feature}
    assert columns["age"].type == schema_pb2.FLOAT and columns["age"].HasField("shape")
    assert columns["work"].value_count.max == 1 and not columns["work"].HasField("shape")
    assert not columns["work"].HasField("string_domain")
    assert list(columns["rich"].string_domain.value) == ["<=50K", ">50K"]
    assert (columns["city"].int_domain.min, columns["city"].int_domain.max) == (-1, 1)


def test_files_of_their_own_are_the_splits_and_the_rest_is_divided(settings_file, tmp_path):
    test = many(tmp_path, 30, "test.csv")
    schema = tmp_path / "schemas" / "schema.pbtxt"
    schema.parent.mkdir()
    schema.write_text("# mine")
    assert command(settings_file, str(many(tmp_path, 90)), "--test", str(test)) == 0
    folder = tmp_path / "data" / "people"
    assert [len(examples(folder, split)) for split in SPLITS] == [80, 10, 30]
    ages = [e.features.feature["age"].float_list.value[0] for e in examples(folder, "test")]
    assert ages == [float(line.split(",")[1]) for line in test.read_text().splitlines()[1:]]
    assert schema.read_text() == "# mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["BAD"], "line 3: column 'rich' holds 'no'"),
        ([], "no rows for train, validation, test"),
        (["--test", "GOOD"], "no rows for train, validation"),
        (
            ["GOOD", "--train", "GOOD", "--validation", "GOOD", "--test", "GOOD"],
            "every split has files of its own",
        ),
        (["FEW"], "split 'validation' would have no rows"),
        (["GOOD", "--set", "data.path=null"], "data.path says where the dataset goes"),
        (["GOOD", "--set", "data.features.image={}"], "data.features has an image"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    settings_file, tmp_path, capsys, arguments, message
):
    files = {
        "GOOD": many(tmp_path),
        "BAD": write(tmp_path, HEADER, LINES[0], "4,39,gov,M,1,no", name="bad.csv"),
        "FEW": write(tmp_path, HEADER, LINES[0], name="few.csv"),
    }
    if "image" in message:
        arguments = [*arguments, "--set", "trainer.network=mlp"]
    assert command(settings_file, *[str(files.get(word, word)) for word in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error
    assert not (tmp_path / "data").exists() and not (tmp_path / "schemas").exists()


def test_a_folder_with_something_in_it_is_left_alone(settings_file, tmp_path, capsys):
    folder = tmp_path / "data" / "people"
    folder.mkdir(parents=True)
    (folder / "mine").write_text("mine")
    assert command(settings_file, str(many(tmp_path))) == 2
    assert "is there already and not empty" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine"]
    assert [path.name for path in folder.parent.iterdir()] == ["people"]


def test_a_dataset_of_more_rows_than_a_shard_is_whole(settings_file, tmp_path, monkeypatch):
    monkeypatch.setattr(making, "_ROWS_PER_SHARD", 100)
    assert command(settings_file, str(many(tmp_path))) == 0
    folder = tmp_path / "data" / "people"
    names = sorted(path.name for path in folder.glob("*-train*"))
    assert names == [f"people-train.tfrecord-{i:05d}-of-00004" for i in range(4)]
    assert len(examples(folder, "train")) == 320


# Weights.


def with_weights(folder: Path, *weights: str) -> Path:
    rows = [f"{line},{weight}" for line, weight in zip(LINES, weights, strict=False)]
    return write(folder, f"{HEADER},w", *rows)


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("", "nothing; expected what the row counts, a finite number of at least 0"),
        ("-1", "'-1'; expected what the row counts"),
        ("inf", "'inf'; expected what the row counts"),
        ("much", "'much'; expected what the row counts"),
        ("5", "'5'; expected at most data.features.largest_weight = 4"),
    ],
)
def test_a_weight_that_cannot_be_is_named_with_its_line(tmp_path, weight, said):
    named = features().model_copy(update={"weight": "w", "largest_weight": 4.0})
    file = with_weights(tmp_path, "2.5", weight)
    with pytest.raises(DataError, match=rf"line 3: column 'w' (holds )?.*{said}"):
        read([file], named, CsvSettings())


def test_weights_are_read_and_described_as_numbers(tmp_path):
    named = features().model_copy(update={"weight": "w", "largest_weight": 4.0})
    file = with_weights(tmp_path, "2.5", "0")
    table = read([file], named, CsvSettings())
    assert table.columns["w"] == [2.5, 0.0]
    contract = text_format.Parse(draft([(table, range(2))], named), schema_pb2.Schema())
    [column] = [each for each in contract.feature if each.name == "w"]
    assert column.type == schema_pb2.FLOAT and column.presence.min_fraction == 1
