"""The synthetic CelebA: its layout is that of TFDS, its statistics those published."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.data.synthetic_celeba import generate, generation, layout
from pipeline.data.synthetic_celeba.attributes import (
    ATTRIBUTES,
    HIGH_CHEEKBONES,
    MOUTH_SLIGHTLY_OPEN,
    TRAITS,
    YOUNG,
    sample_people,
)
from pipeline.data.synthetic_celeba.draws import Draws
from pipeline.data.synthetic_celeba.faces import sample
from pipeline.data.synthetic_celeba.portrait import portray

# TFDS reads its JSON with a protobuf call that newer protobuf deprecates.
pytestmark = pytest.mark.filterwarnings(r"ignore:label\(\) is deprecated:DeprecationWarning")

IMAGES = 240
PEOPLE = 100_000
# Standard errors a frequency may be off; over 40 attributes, chance alone stays well under it.
STANDARD_ERRORS = 5

FREQUENCIES = {trait.name: trait.frequency for trait in TRAITS} | {
    "Young": YOUNG,
    "Mouth_Slightly_Open": MOUTH_SLIGHTLY_OPEN,
    "High_Cheekbones": HIGH_CHEEKBONES,
}


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.fixture(scope="module")
def people():
    return sample_people(Draws(seed=1, split="train", start=0, count=PEOPLE))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("synthetic") / "celeb_a"
    generate(directory, images=IMAGES, seed=3, processes=1)
    return directory


@pytest.fixture(scope="module")
def tfds():
    return pytest.importorskip("tensorflow_datasets")


@pytest.fixture(scope="module")
def builder(tfds, dataset):
    return tfds.builder_from_directory(str(dataset))


def test_tfds_reads_the_set_with_its_splits_and_shard_lengths(builder):
    sizes = layout.split_sizes(IMAGES)
    assert builder.info.full_name == "celeb_a/2.1.0"
    assert {name: info.num_examples for name, info in builder.info.splits.items()} == sizes
    assert builder.info.splits["train"].shard_lengths == [sizes["train"]]
    assert "synthetic" in builder.info.description.lower()


def test_tfds_reads_every_feature_of_every_image_with_its_dtype(builder):
    count = 0
    for split, size in layout.split_sizes(IMAGES).items():
        for example in builder.as_dataset(split=split).as_numpy_iterator():
            assert example["image"].shape == (218, 178, 3)
            assert example["image"].dtype == np.uint8
            assert sorted(example["attributes"]) == sorted(ATTRIBUTES)
            assert all(value.dtype == np.bool_ for value in example["attributes"].values())
            assert sorted(example["landmarks"]) == sorted(layout.LANDMARKS)
            assert all(value.dtype == np.int64 for value in example["landmarks"].values())
            assert example["identity"]["Identity_No"].dtype == np.int64
            count += 1
        assert builder.info.splits[split].num_examples == size
    assert count == IMAGES


def test_features_json_is_what_tfds_writes_for_celeb_a(tfds, dataset, tmp_path):
    tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(218, 178, 3), encoding_format="jpeg"),
            "landmarks": {name: np.int64 for name in layout.LANDMARKS},
            "attributes": {name: np.bool_ for name in ATTRIBUTES},
            "identity": {"Identity_No": np.int64},
        }
    ).save_config(str(tmp_path))
    assert (dataset / "features.json").read_text() == (tmp_path / "features.json").read_text()


def test_attributes_and_landmarks_are_those_of_the_celeb_a_builder_of_tfds(tfds):
    from tensorflow_datasets.datasets.celeb_a import celeb_a_dataset_builder as published

    assert sorted(ATTRIBUTES) == sorted(published.ATTR_HEADINGS)
    assert list(layout.LANDMARKS) == published.LANDMARK_HEADINGS
    assert [layout.IDENTITY] == published.IDENTITY_HEADINGS
    assert str(published.Builder.VERSION) == layout.VERSION


def test_dataset_info_counts_the_bytes_of_the_examples(dataset):
    framing = 16  # per record: length, its checksum, checksum of the data
    info = json.loads((dataset / "dataset_info.json").read_text())
    for split in info["splits"]:
        on_disk = sum(path.stat().st_size for path in dataset.glob(f"*-{split['name']}.tfrecord-*"))
        images = sum(map(int, split["shardLengths"]))
        assert int(split["numBytes"]) == on_disk - framing * images


def test_the_folder_says_that_it_is_synthetic(dataset):
    assert "synthetic" in (dataset / "README.txt").read_text().lower()


def test_the_same_seed_gives_the_same_bytes_in_one_process_or_two(dataset, tmp_path):
    generate(tmp_path / "two", images=IMAGES, seed=3, processes=2)
    assert contents(tmp_path / "two") == contents(dataset)


def test_another_seed_gives_other_images():
    ours, theirs = (portray(next(sample(seed, "train", 0, 1)))[0] for seed in (3, 4))
    assert not np.array_equal(ours, theirs)


def test_a_face_is_the_same_whatever_range_it_is_drawn_in():
    (alone,) = sample(0, "test", 7, 1)
    in_company = list(sample(0, "test", 0, 10))[7]
    assert alone == in_company
    assert np.array_equal(portray(alone)[0], portray(in_company)[0])


def test_splits_show_different_faces():
    train, test = (next(sample(0, split, 0, 1)) for split in ("train", "test"))
    assert train.skin != test.skin and train.identity != test.identity


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_are_as_frequent_as_published(people, name):
    expected = FREQUENCIES[name]
    error = np.sqrt(expected * (1 - expected) / PEOPLE)
    assert abs(people.attributes[name].mean() - expected) < STANDARD_ERRORS * error


def test_attributes_depend_on_each_other_as_they_do_in_people(people):
    has = people.attributes
    assert not np.any(has["Bald"] & has["Bangs"])
    assert not np.any(has["Goatee"] & has["No_Beard"])
    assert np.mean(~has["Young"][has["Gray_Hair"]]) > 0.8
    assert np.mean(has["Male"][has["Wearing_Lipstick"]]) < 0.02
    colours = sum(
        has[name].astype(int)
        for name in ("Bald", "Gray_Hair", "Blond_Hair", "Brown_Hair", "Black_Hair")
    )
    assert colours.max() == 1


@pytest.mark.parametrize("images", [200, 40_000, 202_599])
def test_splits_have_the_published_proportions(images):
    sizes = layout.split_sizes(images)
    assert sum(sizes.values()) == images
    for split, size in layout.PUBLISHED_SPLITS.items():
        assert abs(sizes[split] - images * size / 202_599) <= 1
    planned = layout.shards(images)
    assert {
        split: sum(shard.length for shard in planned if shard.split == split) for split in sizes
    } == sizes
    assert max(shard.length for shard in planned) <= layout.IMAGES_PER_SHARD


def test_landmarks_lie_in_the_image_on_what_they_name():
    for face in sample(5, "train", 0, 60):
        image, marks = portray(face)
        assert image.shape == (218, 178, 3)
        assert all(
            0 <= marks[name] < (178 if name.endswith("x") else 218) for name in layout.LANDMARKS
        )
        assert marks["lefteye_x"] < marks["nose_x"] < marks["righteye_x"]
        assert marks["lefteye_y"] < marks["nose_y"] < marks["leftmouth_y"]


def test_pupils_are_dark_at_the_eye_landmarks():
    contrasts = []
    for face in sample(6, "train", 0, 60):
        image, marks = portray(face)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(float)
        x, y = marks["lefteye_x"], marks["lefteye_y"]
        contrasts.append(grey[y - 10 : y + 11, x - 10 : x + 11].mean() - grey[y, x])
    assert np.mean(np.array(contrasts) > 0) > 0.9


@pytest.mark.parametrize(
    ("argument", "value"),
    [("images", 199), ("seed", -1), ("seed", 2**63), ("processes", 0), ("pictures", 0)],
)
def test_a_bad_argument_is_named_with_its_value_and_a_way_out(tmp_path, argument, value):
    with pytest.raises(ValueError, match=rf"{argument}: got {value}, expected .*\. \w+"):
        generate(tmp_path / "set", **{argument: value})
    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not an empty folder"):
        generate(tmp_path, images=IMAGES)
    assert contents(tmp_path) == {"mine.txt": b"mine"}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError("no space left")])
def test_an_interrupted_generation_leaves_nothing(tmp_path, monkeypatch, interruption):
    def interrupted(shard, directory, seed, pictures):
        (directory / shard.filename).write_bytes(b"half")
        raise interruption

    monkeypatch.setattr(generation, "write_shard", interrupted)
    with pytest.raises((KeyboardInterrupt, OSError)):
        generate(tmp_path / "set", images=IMAGES, processes=1)
    assert not list(tmp_path.iterdir())


def test_progress_ends_at_the_number_of_images(tmp_path):
    seen = []
    generate(
        tmp_path / "set",
        images=200,
        processes=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (200, 200)
    assert seen == sorted(seen)


def test_importing_the_package_does_not_import_tensorflow():
    code = "import sys, pipeline.data.synthetic_celeba as _; sys.exit('tensorflow' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_the_command_refuses_a_bad_argument_with_its_message(tmp_path):
    root = Path(__file__).resolve().parents[2]
    command = [
        sys.executable,
        "-m",
        "pipeline.data.synthetic_celeba",
        "--output",
        str(tmp_path / "set"),
        "--images",
        "5",
    ]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "images: got 5" in finished.stderr
