"""Bad input: each ends with a message that says what to do, no status 0 or 3, and nothing pushed."""

from __future__ import annotations

import fcntl
import re

import pytest

from tests.e2e.runs import Run, Workplace
from tests.tiny_dataset import (
    GROUP,
    IMAGE,
    LABEL,
    World,
    record,
    with_group,
    without_jpeg_body,
    write_dataset,
    write_shard,
    write_split,
)

pytestmark = pytest.mark.e2e

WORLD = World()
SIZES = {"train": 80, "validation": 40, "test": 40}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Workplace:
    """A small dataset without defects."""
    folder = tmp_path_factory.mktemp("good")
    write_dataset(folder / "data", WORLD, SIZES)
    return Workplace(folder, WORLD)


@pytest.fixture
def place(good, tmp_path) -> Workplace:
    """The same dataset, to be damaged."""
    return good.copy(tmp_path)


def shard(place: Workplace, split: str):
    return place.data / f"tiny-{split}.tfrecord-00001-of-00002"


def failed(place: Workplace, *assignments: str) -> Run:
    """A run that must fail in words, before or without a push."""
    run = place.run(*assignments)
    assert run.status not in (0, 3), run.output
    assert place.served() == {} and place.versions() == []
    # In words: no stack trace, and no class of an exception before the message.
    assert "Traceback" not in run.output
    assert not re.search(r"FAILED: [\w.]*(Error|Exception)\b", run.words), run.output
    if run.folder is not None:
        assert not (run.folder / "verdict.json").exists()
        assert "FAILED" in run.words and "Nothing was pushed" in run.words
    return run


def change(place: Workplace, split: str, position: int, **columns) -> None:
    """Writes `split` anew, with these columns in the record at `position`."""

    def one(at, row):
        return row | columns if at == position else row

    people = WORLD.people(SIZES[split], seed=list(SIZES).index(split))
    write_split(place.data, split, people, WORLD, change=one)


# Folders and files.


def test_no_such_data_folder(place):
    run = failed(place, "data.path=/no/such/folder")
    assert "data.path = '/no/such/folder': no such folder" in run.words
    assert "leave data.path unset" in run.words
    assert run.status == 2 and run.folder is None  # it was noticed before anything was begun


@pytest.mark.parametrize("split", SIZES)
def test_a_split_without_shards(place, split):
    for file in place.data.glob(f"*-{split}.tfrecord*"):
        file.unlink()
    run = failed(place)
    assert f"split '{split}' has no shards" in run.words
    assert f"data.splits.{split} = '*-{split}.tfrecord*'" in run.words


def test_a_split_whose_shards_are_empty(place):
    write_split(place.data, "validation", [], WORLD)
    assert "split 'validation' has no examples" in failed(place).words


def test_a_truncated_shard(place):
    file = shard(place, "validation")
    file.write_bytes(file.read_bytes()[:-7])
    run = failed(place)
    assert str(file) in run.output and "truncated" in run.words
    assert "copy or prepare it again" in run.words


def test_a_corrupted_shard(place):
    file = shard(place, "test")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data))
    run = failed(place)
    assert str(file) in run.output and "damaged" in run.words


def test_no_schema_file(place):
    (place.data / "schema.pbtxt").unlink()
    run = failed(place)
    assert "data.schema_file = " in run.words and "no such file" in run.words


def test_a_schema_file_that_is_no_schema(place):
    (place.data / "schema.pbtxt").write_text('feature { nme: "picture" }\n')
    run = failed(place)
    assert str(place.data / "schema.pbtxt") in "".join(run.output.split())
    assert "data.schema_file" in run.words and "nme" in run.words and "1:" in run.words


@pytest.mark.parametrize("field", ["runs", "serving"])
def test_an_output_folder_that_cannot_be_written(place, tmp_path, field):
    (tmp_path / "file").write_text("in the way")
    run = failed(place, f"{field}={tmp_path}/file/below")
    assert f"{field}: cannot write in '{tmp_path}/file/below" in "".join(run.output).replace(
        "\n", ""
    )
    assert f"--set {field}=FOLDER" in run.words


def test_the_place_of_the_model_is_taken_by_a_file(place):
    (place.folder / "serving").mkdir()
    (place.folder / "serving" / "happy").write_text("in the way")
    run = place.run()
    assert run.status not in (0, 3) and "serving: cannot write in" in run.words
    assert "ImportExampleGen" not in run.output  # told before any work


def test_another_run_in_the_same_folder(place):
    place.home.mkdir(parents=True)
    with open(place.home / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = place.run()
    assert run.status not in (0, 3) and "another run is using" in run.words


# Three splits are three.


def test_a_shard_in_two_splits(place):
    run = failed(
        place, "data.splits.validation=*-validation.tfrecord*-of-00002", "data.splits.test=*"
    )
    assert "belongs to split 'train' and to split 'test'" in run.words
    assert "data.splits.test = '*'" in run.words
    assert "ImportExampleGen" not in run.output  # told before any work


def test_a_copy_of_a_training_shard_among_the_test_shards(place):
    copy = place.data / "tiny-test.tfrecord-00002-of-00003"
    copy.write_bytes(shard(place, "train").read_bytes())
    run = failed(place)
    assert str(copy) in run.output and str(shard(place, "train")) in run.output
    assert "hold the same records, in splits 'train' and 'test'" in run.words


def test_one_pattern_for_two_splits(place):
    run = failed(place, "data.splits.test=*-validation.tfrecord*")
    assert "data.splits: validation and test are the same pattern" in run.words
    assert not place.home.exists()  # nothing was begun


# Records.


@pytest.mark.parametrize("split", SIZES)
def test_a_label_outside_0_and_1(place, split):
    change(place, split, 31, **{LABEL: 2})
    run = failed(place)
    assert str(shard(place, split)) in run.output
    assert f"record 15: column '{LABEL}' has the value 2; expected one of 0, 1" in run.words
    assert "data.features.label" in run.words


def test_a_value_that_no_group_has(place):
    change(place, "train", 31, **{GROUP: 9})
    assert f"column '{GROUP}' has the value 9" in failed(place).words


def test_an_image_that_is_no_jpeg(place):
    change(place, "validation", 31, **{IMAGE: b"\x89PNG not a jpeg"})
    run = failed(place)
    assert str(shard(place, "validation")) in run.output
    assert f"record 15: column '{IMAGE}' is no picture that is known here" in run.words


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_jpeg_that_is_damaged_in_its_body(place, split):
    # Training never sees the test split: there the damage must not wait for the Evaluator.
    people = WORLD.people(2, seed=0)
    change(place, split, 31, **{IMAGE: without_jpeg_body(people[0].jpeg)})
    run = failed(place)
    assert str(shard(place, split)) in run.output
    assert f"record 15: column '{IMAGE}'" in run.words and "damaged" in run.words


@pytest.mark.parametrize("split", SIZES)
def test_a_group_absent_from_one_split(place, split):
    people = with_group(WORLD.people(40, seed=9), "Red")
    write_split(place.data, split, people, WORLD)
    run = failed(place)
    assert f"split '{split}' has no example of group [Blue]" in run.words
    assert "data.features.groups.Team.values" in run.words


def test_a_missing_column(place):
    change(place, "train", 31, **{GROUP: None})
    run = failed(place)
    assert f"has no column '{GROUP}'" in run.words and "data.features" in run.words


def test_a_column_that_is_not_there_at_all(place):
    run = failed(place, "data.features.label.name=attributes/Smiling")
    assert "has no column 'attributes/Smiling'" in run.words and LABEL in run.words


# The contract.


def with_hat(place: Workplace, hats: dict[str, dict[int, int | None]]) -> None:
    """Gives every record a hat (0 or 1), other values where `hats` says, and the schema a column."""
    schema = place.data / "schema.pbtxt"
    schema.write_text(
        schema.read_text() + 'feature { name: "attributes/Hat" type: INT '
        "int_domain { min: 0 max: 1 } presence { min_fraction: 1.0 min_count: 1 } shape {} }\n"
    )
    for index, split in enumerate(SIZES):
        odd = hats.get(split, {})
        rows = [
            WORLD.columns(person) | {"attributes/Hat": odd.get(position, position % 2)}
            for position, person in enumerate(WORLD.people(SIZES[split], seed=index))
        ]
        for number in (0, 1):
            write_shard(
                place.data / f"tiny-{split}.tfrecord-{number:05d}-of-00002",
                map(record, rows[number::2]),
            )


@pytest.mark.slow
def test_a_value_outside_its_domain_stops_the_run_before_training(place):
    with_hat(place, {"validation": {7: 7}, "test": {3: None}})
    run = failed(place)
    assert "split 'validation': column 'attributes/Hat'" in run.words
    assert "split 'test': column 'attributes/Hat'" in run.words
    assert "data.schema_file" in run.words and "split 'train'" not in run.words
    assert "ExampleValidator: failed" in run.words and "Transform" not in run.words


# Settings.


@pytest.mark.parametrize(
    ("assignment", "parts"),
    [
        ("gate.limt=0.1", ["gate.limt: no such setting", "'gate.limit'"]),
        ("gate.constraints.0=max_gap(FPR, [Team] <= 0.1", ["gate.constraints.0", "^"]),
        ("gate.constraints.0=max_gap(FRP, [Team]) <= 0.1", ["FRP", "'FPR'"]),
        ("trainer.constraints.0=FPR | [Rde] <= 0.1", ["Rde", "Red"]),
        ("trainer.network=rsnet", ["trainer.network: no such network", "mlp", "'rsnet'"]),
    ],
)
def test_a_mistake_in_the_settings(place, assignment, parts):
    run = failed(place, assignment)
    assert all(part in run.words for part in parts), run.output
    assert not place.home.exists()  # nothing was begun


@pytest.mark.parametrize("module", ["no_such_module", "components.no_such_module"])
def test_a_network_in_a_module_that_is_not_there(place, module):
    run = failed(place, f"trainer.network={module}:network")
    assert f"trainer.network = '{module}:network'" in run.words
    assert "ImportExampleGen" not in run.output  # told before any work
