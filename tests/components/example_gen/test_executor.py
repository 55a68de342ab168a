"""What travels to the executor, and what it writes."""

from __future__ import annotations

import gzip

import pytest
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components.example_gen.executor import Executor, pack_features, read_features
from components.features import Features, GroupFeature, LabelFeature
from fairgate.errors import DataError
from tests.tiny_dataset import LABEL, World, write_dataset, write_split

SIZES = {"train": 40, "validation": 20, "test": 20}
PATTERNS = {split: f"*-{split}.tfrecord*" for split in SIZES}


@pytest.mark.parametrize(
    "features",
    [
        Features(),
        World().features,
        World(groups={"Red": "1", "Blue": "0"}, labels=("no", "yes")).features,
        Features(
            label=LabelFeature(name="l", positive=-1, negative=2**40),
            groups={
                "A": GroupFeature(name="a", values={"x": -3, "1.0": 7, "true": 2**52}),
                "B": GroupFeature(name="b", values={"ü ✓": "1", "y": "2.0", "z": "null"}),
            },
        ),
    ],
)
def test_features_come_out_of_the_custom_config_as_they_went_in(features):
    json = proto_utils.proto_to_json(pack_features(features, "code"))
    assert read_features(json) == features
    assert read_features(json).membership_columns() == features.membership_columns()


def test_the_code_is_part_of_the_custom_config():
    packed = {proto_utils.proto_to_json(pack_features(Features(), code)) for code in ("a", "b")}
    assert len(packed) == 2


def run(folder, target, world, patterns=None):
    examples = standard_artifacts.Examples()
    examples.uri = str(target)
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=pattern)
        for name, pattern in (patterns or PATTERNS).items()
    ]
    Executor().Do(
        {},
        {"examples": [examples]},
        {
            "input_base": str(folder),
            "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
            "custom_config": proto_utils.proto_to_json(pack_features(world.features, "code")),
        },
    )
    return examples


def test_every_record_arrives_in_its_split(tmp_path):
    import tensorflow as tf

    world = World()
    folder = write_dataset(tmp_path / "data", world, SIZES)
    examples = run(folder, tmp_path / "out", world)
    assert artifact_utils.decode_split_names(examples.split_names) == list(SIZES)
    for split in SIZES:
        [uri] = artifact_utils.get_split_uris([examples], split)
        shards = sorted(tf.io.gfile.glob(f"{uri}/*"))
        compression = "GZIP" if shards[0].endswith(".gz") else ""
        written = [r.numpy() for r in tf.data.TFRecordDataset(shards, compression)]
        sources = sorted(str(path) for path in folder.glob(PATTERNS[split]))
        read = [r.numpy() for r in tf.data.TFRecordDataset(sources)]
        assert sorted(written) == sorted(read) and len(read) == SIZES[split]


def test_packed_shards_of_one_name_in_two_folders_arrive_and_hidden_ones_are_told(tmp_path):
    import tensorflow as tf

    world = World()
    folder = tmp_path / "data"
    for day, seed in (("day1", 1), ("day2", 2)):
        write_dataset(folder / day, world, SIZES, seed=seed)
        for file in (folder / day).glob("*tfrecord*"):
            file.write_bytes(gzip.compress(file.read_bytes()))
    (folder / "day1" / "._tiny-train.tfrecord-00000-of-00002").write_bytes(b"\x00\x05\x16\x07")
    patterns = {split: f"day*/*{pattern}" for split, pattern in PATTERNS.items()}
    examples = run(folder, tmp_path / "out", world, patterns)
    for split in SIZES:
        [uri] = artifact_utils.get_split_uris([examples], split)
        written = [r.numpy() for r in tf.data.TFRecordDataset(tf.io.gfile.glob(f"{uri}/*"))]
        assert len(written) == len(set(written)) == 2 * SIZES[split]
    warnings = examples.get_string_custom_property("warnings").splitlines()
    assert [w for w in warnings if "day1/._tiny-train.tfrecord-00000-of-00002 (hidden)" in w]


@pytest.mark.parametrize("split", SIZES)
def test_a_bad_record_in_any_split_stops_it(tmp_path, split):
    world = World()
    folder = write_dataset(
        tmp_path / "data",
        world,
        SIZES,
        change={split: lambda position, row: row | ({LABEL: 2} if position == 19 else {})},
    )
    with pytest.raises(DataError, match=f"{split}.*{LABEL}' has the value 2"):
        run(folder, tmp_path / "out", world)


def test_a_group_absent_from_one_split_stops_it(tmp_path):
    world = World(groups={"Red": 1, "Blue": 0, "Green": 2})
    folder = write_dataset(tmp_path / "data", world, SIZES)
    two = World()
    write_split(folder, "validation", two.people(20, seed=5), two)
    with pytest.raises(DataError, match=r"split 'validation' has no example of group \[Green\]"):
        run(folder, tmp_path / "out", world)
