"""The folder as TensorFlow Datasets lays out celeb_a 2.1.0: splits, shards and two JSON files.

The JSON is written here rather than by TFDS, which is a development dependency; a test compares
it with what TFDS writes for the same features.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.data.synthetic_celeba.attributes import ATTRIBUTES

NAME = "celeb_a"
VERSION = "2.1.0"
HEIGHT, WIDTH = 218, 178
LANDMARKS = (
    "lefteye_x",
    "lefteye_y",
    "righteye_x",
    "righteye_y",
    "nose_x",
    "nose_y",
    "leftmouth_x",
    "leftmouth_y",
    "rightmouth_x",
    "rightmouth_y",
)
IDENTITY = "Identity_No"
# The published partition of 202,599 images (list_eval_partition.txt).
PUBLISHED_SPLITS = {"train": 162_770, "validation": 19_867, "test": 19_962}
# A shard is one unit of work; 14 MB, so that reading and progress both stay fine-grained.
IMAGES_PER_SHARD = 2_000

DESCRIPTION = """\
SYNTHETIC stand-in for CelebA: drawn faces, no photographs, no real people. It has the file layout,
the features and the published attribute frequencies of TensorFlow Datasets' celeb_a 2.1.0, so that
code written for CelebA runs on it. Numbers measured on it say nothing about CelebA.
Made by FairGate's pipeline.data.synthetic_celeba with images={images}, seed={seed},
pictures={pictures}."""

_TENSOR_CLASS = "tensorflow_datasets.core.features.tensor_feature.Tensor"
_DICT_CLASS = "tensorflow_datasets.core.features.features_dict.FeaturesDict"
_IMAGE_CLASS = "tensorflow_datasets.core.features.image_feature.Image"


@dataclass(frozen=True)
class Shard:
    """A range of one split's images, [start, start + length), and the file it goes to."""

    split: str
    number: int
    of: int
    start: int
    length: int

    @property
    def filename(self) -> str:
        return f"{NAME}-{self.split}.tfrecord-{self.number:05d}-of-{self.of:05d}"


def split_sizes(images: int) -> dict[str, int]:
    """`images` divided in the published proportions; what rounding leaves over goes to train."""
    published = sum(PUBLISHED_SPLITS.values())
    sizes = {split: round(images * size / published) for split, size in PUBLISHED_SPLITS.items()}
    sizes["train"] = images - sizes["validation"] - sizes["test"]
    return sizes


def shards(images: int) -> list[Shard]:
    """All shards of a set of `images`, split by split; lengths differ by at most one."""
    planned = []
    for split, size in split_sizes(images).items():
        count = -(-size // IMAGES_PER_SHARD)
        edges = [size * number // count for number in range(count + 1)]
        planned += [
            Shard(split, number, count, edges[number], edges[number + 1] - edges[number])
            for number in range(count)
        ]
    return planned


def _tensor(dtype: str) -> dict[str, Any]:
    return {
        "pythonClassName": _TENSOR_CLASS,
        "tensor": {"dtype": dtype, "encoding": "none", "shape": {}},
    }


def _features(features: Mapping[str, Any]) -> dict[str, Any]:
    return {"featuresDict": {"features": dict(features)}, "pythonClassName": _DICT_CLASS}


def features_json() -> str:
    """features.json of celeb_a 2.1.0."""
    shape = {"dimensions": [str(HEIGHT), str(WIDTH), "3"]}
    image = {
        "image": {"dtype": "uint8", "encodingFormat": "jpeg", "shape": shape},
        "pythonClassName": _IMAGE_CLASS,
    }
    return json.dumps(
        _features(
            {
                "attributes": _features({name: _tensor("bool") for name in ATTRIBUTES}),
                "identity": _features({IDENTITY: _tensor("int64")}),
                "image": image,
                "landmarks": _features({name: _tensor("int64") for name in LANDMARKS}),
            }
        ),
        indent=4,
        sort_keys=True,
    )


def dataset_info_json(
    images: int, seed: int, written: Sequence[tuple[Shard, int]], pictures: int
) -> str:
    """dataset_info.json.

    Args:
      images: Number of images of the whole set.
      seed: The seed it was made with.
      written: Every shard with the bytes of its serialized examples, in the order of `shards`.
      pictures: How many a person has, on average.

    Returns:
      The text of the file.
    """
    splits = []
    for split in split_sizes(images):
        own = [(shard, size) for shard, size in written if shard.split == split]
        splits.append(
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": str(sum(size for _, size in own)),
                "shardLengths": [str(shard.length) for shard, _ in own],
            }
        )
    return json.dumps(
        {
            "description": DESCRIPTION.format(images=images, seed=seed, pictures=pictures),
            "fileFormat": "tfrecord",
            "moduleName": "pipeline.data.synthetic_celeba",
            "name": NAME,
            "releaseNotes": {VERSION: "Synthetic: the features of celeb_a 2.1.0, drawn faces."},
            "splits": splits,
            "version": VERSION,
        },
        indent=2,
        sort_keys=True,
    )


def write_descriptions(
    directory: Path, images: int, seed: int, written: Sequence[tuple[Shard, int]], pictures: int
) -> None:
    """Writes features.json, dataset_info.json and README.txt into `directory`."""
    (directory / "features.json").write_text(features_json())
    (directory / "dataset_info.json").write_text(dataset_info_json(images, seed, written, pictures))
    (directory / "README.txt").write_text(
        DESCRIPTION.format(images=images, seed=seed, pictures=pictures)
        + "\n\nRead it with tensorflow_datasets.builder_from_directory(<this folder>).\n"
    )
