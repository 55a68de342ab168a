"""Small datasets of real JPEGs, made on the spot, whole or with one chosen defect.

A picture shows its label in the brightness of its upper half and its group in that of its lower half;
both are noisy, and the groups differ in how often their label is positive. A classifier that is not
held back uses the group, and says Yes too often to the negatives of the group with many positives:
the false positive rates differ, as they do on CelebA, and a constraint can make them equal.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.features import Features, GroupFeature, ImageFeature, LabelFeature

LABEL, GROUP, IMAGE = "attributes/Happy", "attributes/Team", "picture"
SPLITS = {"train": 900, "validation": 500, "test": 900}

# Share of positives in each group: the more there are, the more often the group is told Yes.
POSITIVES = {"Red": 0.3, "Blue": 0.7, "Green": 0.5}


@dataclass(frozen=True)
class Person:
    """One example: the index of its label (1 is positive), the name of its group, its picture."""

    label: int
    group: str
    jpeg: bytes


@dataclass(frozen=True)
class World:
    """How people look, and how their records are written.

    Attributes:
      groups: name of each group -> the raw value that a record holds.
      labels: raw values of (negative, positive).
      size: height and width of the JPEGs [pixels].
      grey: whether the JPEGs have one channel.
      contrast: distance of the mean brightness of negatives and positives, in standard deviations.
      seen: height and width at which networks see the pictures.
    """

    groups: Mapping[str, int | str] = field(default_factory=lambda: {"Red": 1, "Blue": 0})
    labels: tuple[int | str, int | str] = (0, 1)
    size: tuple[int, int] = (24, 20)
    grey: bool = False
    contrast: float = 2.5
    seen: tuple[int, int] = (8, 8)

    @property
    def features(self) -> Features:
        """The settings that describe these records."""
        return Features(
            image=ImageFeature(
                name=IMAGE, height=self.seen[0], width=self.seen[1], channels=1 if self.grey else 3
            ),
            label=LabelFeature(name=LABEL, negative=self.labels[0], positive=self.labels[1]),
            groups={"Team": GroupFeature(name=GROUP, values=dict(self.groups))},
        )

    def people(self, count: int, seed: int) -> list[Person]:
        """`count` people; the same seed gives the same people."""
        rng = np.random.default_rng(seed)
        names = list(self.groups)
        people = []
        for index in range(count):
            group = names[index % len(names)]
            label = int(rng.random() < POSITIVES[group])
            people.append(Person(label, group, self.picture(label, group, rng)))
        return people

    def picture(self, label: int, group: str, rng: np.random.Generator) -> bytes:
        """A JPEG that shows `label` above and `group` below."""
        height, width = self.size
        spread = 24.0
        above = 128 + spread * (self.contrast * (label - 0.5) + rng.normal())
        below = 128 + 2 * spread * (list(POSITIVES).index(group) - 1) + spread * 0.5 * rng.normal()
        pixels = np.full((height, width, 3), above)
        pixels[height // 2 :] = below
        pixels += rng.normal(scale=4, size=pixels.shape)
        return jpeg(np.clip(pixels, 0, 255).astype(np.uint8), self.grey)

    def columns(self, person: Person) -> dict[str, Any]:
        """What a record of `person` holds: column -> bytes, str, int or float, or a list of them."""
        return {
            IMAGE: person.jpeg,
            LABEL: self.labels[person.label],
            GROUP: self.groups[person.group],
        }


def jpeg(pixels: np.ndarray, grey: bool = False, quality: int = 90) -> bytes:
    """uint8 (height, width, 3) -> an encoded JPEG."""
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert("L") if grey else picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def record(columns: Mapping[str, Any]) -> bytes:
    """A serialized tf.Example; a column of None is left out, one of [] is there without a value."""
    import tensorflow as tf

    feature = {}
    for name, value in columns.items():
        if value is None:
            continue
        values = value if isinstance(value, list) else [value]
        encoded = [item.encode() if isinstance(item, str) else item for item in values]
        if not encoded:
            feature[name] = tf.train.Feature()
        elif isinstance(encoded[0], bytes):
            feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))
        elif isinstance(encoded[0], float):
            feature[name] = tf.train.Feature(float_list=tf.train.FloatList(value=encoded))
        else:
            feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=encoded))
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def write_shard(file: Path, records: Iterable[bytes]) -> Path:
    """One TFRecord file."""
    import tensorflow as tf

    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for item in records:
            writer.write(item)
    return file


Change = Callable[[int, dict[str, Any]], dict[str, Any]]


def write_split(
    folder: Path,
    split: str,
    people: Sequence[Person],
    world: World,
    shards: int = 2,
    change: Change | None = None,
) -> list[Path]:
    """The shards of one split, named as TensorFlow Datasets names them.

    Args:
      change: given the position of each record in the split and its columns, returns its columns.
    """
    rows = [world.columns(person) for person in people]
    if change is not None:
        rows = [change(position, row) for position, row in enumerate(rows)]
    records = [record(row) for row in rows]
    return [
        write_shard(
            folder / f"tiny-{split}.tfrecord-{shard:05d}-of-{shards:05d}", records[shard::shards]
        )
        for shard in range(shards)
    ]


def write_dataset(
    folder: Path,
    world: World | None = None,
    sizes: Mapping[str, int] = SPLITS,
    seed: int = 0,
    change: Mapping[str, Change] | None = None,
) -> Path:
    """A whole dataset: three splits and `schema.pbtxt`.

    Args:
      change: split -> what to change in its records; see `write_split`.
    """
    world = world or World()
    for index, (split, count) in enumerate(sizes.items()):
        people = world.people(count, seed=1000 * seed + index)
        write_split(folder, split, people, world, change=(change or {}).get(split))
    (folder / "schema.pbtxt").write_text(schema(world))
    return folder


def schema(world: World) -> str:
    """The data contract of `world`, as a TFMD Schema in text."""

    def column(name: str, value: int | str, values: Iterable[int | str]) -> str:
        if isinstance(value, str):
            domain = " ".join(f'value: "{item}"' for item in values)
            kind = f"type: BYTES string_domain {{ {domain} }}"
        else:
            kind = f"type: INT int_domain {{ min: {min(values)} max: {max(values)} }}"
        return f'feature {{ name: "{name}" {kind} {_REQUIRED} }}\n'

    groups = list(world.groups.values())
    return (
        f'feature {{ name: "{IMAGE}" type: BYTES image_domain {{}} {_REQUIRED} }}\n'
        + column(LABEL, world.labels[0], world.labels)
        + column(GROUP, groups[0], groups)
    )


_REQUIRED = "presence { min_fraction: 1.0 min_count: 1 } shape {}"


def without_jpeg_body(encoded: bytes) -> bytes:
    """A JPEG that starts and ends like one, with its tables and its scan wiped out."""
    return encoded[:20] + b"\x00" * (len(encoded) - 22) + encoded[-2:]


def with_group(people: Sequence[Person], group: str) -> list[Person]:
    """The same people, all said to be of `group`."""
    return [replace(person, group=group) for person in people]
