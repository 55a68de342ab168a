"""A dataset of pictures as a notebook wants it: to look at, and as arrays to train on."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components import tfrecords
from components.columns import group_members, label_groups_and_image, label_index
from components.constrained_trainer.examples.data import Split
from components.example_gen.splits import list_splits
from components.features import Features
from components.pictures import decode
from components.report.asking import small_jpeg
from fairgate.constraints.rates import Group
from fairgate.data.membership import Values
from fairgate.gate.judgement import shown_name
from fairgate.report import charts
from pipeline.data import synthetic_celeba
from pipeline.inspect.run import REPOSITORY
from pipeline.inspect.shown import Charts, Pictures, Table
from pipeline.settings import DataSettings, StandInSettings

_SHOWN = 400  # records of the train split that are kept whole, to be shown


@dataclass(frozen=True)
class Examples:
    """Three splits of pictures, labels and groups.

    Attributes:
      train, validation, test: as the trainer takes them: `inputs["image"]` uint8
        (n, height, width, channels), `labels` float32 (n,), `memberships` float32 (n, groups).
      features: what the columns mean.
      folder: where they are.
      synthetic: whether they were drawn.
    """

    train: Split
    validation: Split
    test: Split
    features: Features
    folder: str
    synthetic: bool
    shown: Sequence[dict[str, Any]]

    def member(self, split: Split, group: str) -> np.ndarray:
        """(n,) float32: 1 where the example of `split` is in the group of that name."""
        return split.memberships[:, [each.name for each in split.groups].index(group)]

    def pictures(self, each: int = 8) -> Pictures:
        """Pictures of every group and label."""
        features = self.features
        rows = []
        labels = features.label.membership.members(self._values(features.label.name)).groups
        for feature, group in features.groups.items():
            members = group.membership.members(self._values(group.name)).groups
            for name, member in zip(group.membership.names, members, strict=True):
                for of_label, word in zip(labels, ("no", "yes"), strict=True):
                    found = [self.shown[row] for row in np.flatnonzero(member & of_label)]
                    title = shown_name(feature, name, features.group_names)
                    pictures = [(record[_PICTURE], "") for record in found[:each]]
                    rows.append((f"{title}, {_short(features.label.name)}: {word}", pictures))
        return Pictures(rows)

    def _values(self, column: str) -> Values:
        return Values.of(record[column] for record in self.shown)

    def table(self, rows: int = 8) -> Table:
        """The first records: label, groups, and which other attributes they have."""
        features = self.features
        named = [features.label.name, *(group.name for group in features.groups.values())]
        return Table(
            [
                {"record": index}
                | {_short(name): record[name] for name in named}
                | {"and": ", ".join(_present(record, named)), "columns": len(record)}
                for index, record in enumerate(self.shown[:rows])
            ]
        )

    def sizes(self) -> Table:
        """Examples of each group and label in each split."""
        rows = [
            {
                "split": split,
                "group": name,
                "negatives": no,
                "positives": yes,
                "share of positives": yes / max(1, no + yes),
            }
            for split, name, no, yes in self._counted()
        ]
        return Table(rows).captioned(f"Positive: {_short(self.features.label.name)}")

    def size_charts(self) -> Charts:
        """The same, drawn."""
        counted = self._counted()
        drawn = []
        for split in ("train", "validation", "test"):
            rows = [(name, no, yes) for of, name, no, yes in counted if of == split]
            said = "; ".join(f"{name}: {no:,} negative, {yes:,} positive" for name, no, yes in rows)
            drawn.append(charts.bars(f"{split.capitalize()} split", rows, said))
        note = f"blue: {_short(self.features.label.name)}; grey: the others"
        return Charts([chart for chart in drawn if chart], note)

    def _counted(self) -> list[tuple[str, str, int, int]]:
        found = []
        for name in ("train", "validation", "test"):
            split: Split = getattr(self, name)
            for group, members in zip(split.groups, split.memberships.T, strict=True):
                yes = int(np.sum(members * split.labels))
                found.append((name, group.name, int(np.sum(members)) - yes, yes))
        return found


_PICTURE = "\0picture"  # no column is called so


def load_examples(folder: str = "", images: int = 20_000) -> Examples:
    """Reads pictures in CelebA's layout; makes the synthetic stand-in first, where it is missing.

    Args:
      folder: as TensorFlow Datasets prepared it, local or gs://; empty: the stand-in of so many images.
      images: how many are read at most, over all splits, as 8 to 1 to 1.

    Raises:
      DataError: a split has no files.
    """
    data = DataSettings(path=folder or None, stand_in=StandInSettings(images=images))
    features, place = data.features, folder
    if not folder:
        place = str(REPOSITORY / data.folder)
        if not os.path.exists(place):
            synthetic_celeba.generate(
                pathlib.Path(place),
                images=images,
                seed=data.stand_in.seed,
                pictures=data.stand_in.pictures,
            )
    splits = list_splits(place, data.splits.patterns())
    sizes = {"train": images * 8 // 10, "validation": images // 10, "test": images // 10}
    shown: list[dict[str, Any]] = []
    loaded = {
        name: _read(
            place, splits[name], sizes[name], features, shown, _SHOWN if name == "train" else 0
        )
        for name in sizes
    }
    return Examples(**loaded, features=features, folder=place, synthetic=not folder, shown=shown)


def _read(
    folder: str,
    files: Sequence[str],
    most: int,
    features: Features,
    shown: list[dict[str, Any]],
    shown_first: int,
) -> Split:
    """The first `most` examples; the first few of them, whole, go into `shown`."""
    image = features.image
    assert image is not None
    groups = tuple(Group(feature, name) for feature, name in features.membership_columns())
    paths = [os.path.join(folder, file) for file in files]  # an absolute one stays as it is
    records = tf.data.TFRecordDataset(tfrecords.require_lengths(paths)).take(most)
    for record in records.take(shown_first).as_numpy_iterator():
        columns = tf.train.Example.FromString(record).features.feature
        values = {name: _value(column) for name, column in sorted(columns.items())}
        del values[image.name]
        picture = small_jpeg(columns[image.name].bytes_list.value[0])
        shown.append(values | {_PICTURE: picture or ""})

    spec = label_groups_and_image(features)

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        column = tf.io.parse_single_example(record, spec)
        rows = {name: value[tf.newaxis] for name, value in column.items() if name != image.name}
        found = group_members(rows, features)
        memberships = tf.concat([found[feature][0] for feature in features.group_names], axis=0)
        label = label_index(rows[features.label.name], features)[0] == 1
        return decode(column[image.name], image), label, memberships

    parsed = records.map(parse, num_parallel_calls=tf.data.AUTOTUNE).batch(most)
    pictures, labels, memberships = next(parsed.as_numpy_iterator())
    return Split(
        {"image": pictures},
        labels.astype(np.float32),
        memberships.astype(np.float32),
        groups,
    )


def _short(column: str) -> str:
    """attributes/Smiling -> Smiling."""
    return column.rsplit("/", 1)[-1]


def _present(record: dict[str, Any], named: Sequence[str]) -> Iterator[str]:
    """The attributes of a record that are 1, but for those named."""
    for name, value in record.items():
        if name.startswith("attributes/") and name not in named and value == 1:
            yield _short(name).replace("_", " ").lower()


def _value(column: tf.train.Feature) -> Any:
    """The one value of a column: as settings give raw values, bytes as text."""
    kind = column.WhichOneof("kind")
    values = getattr(column, kind).value if kind else []
    if not values:
        return None
    return values[0].decode(errors="replace") if isinstance(values[0], bytes) else values[0]
