"""Is every record of a shard what the settings say it is?

One pass over the raw bytes, in constant memory: framing and checksum of each TFRecord, presence and
type of the columns that are used, label and group values, and that each picture can be decoded.
What is special to numbers and categories is in `tables`.
"""

from __future__ import annotations

import collections
import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from typing import Any

import numpy as np
import tensorflow as tf

from components import pictures, progress, tfrecords
from components.columns import group_members, label_index, members
from components.example_gen import tables
from components.example_gen.units import Units
from components.features import Features
from fairgate.data.membership import Membership
from fairgate.errors import DataError

_BATCH = 512
_KINDS = {tf.string: "bytes_list", tf.int64: "int64_list", tf.float32: "float_list"}


Cell = tuple[str | None, str | None, int]


class SplitCounts:
    """How many examples of each group and label a split holds, and digests of its contents.

    `by_label` has everybody, `by_group` the members of each group, `unknown` those whose group of a
    feature is not known. `hashes` are the first 8 bytes of each record's digest, uint64; `shards` has the
    digest of each file, `left_out` the places of its records that are no examples, `units` whose examples
    there are, where that is known. `weights` is what the examples of each label count together, in each
    group and at (None, None) in all.
    """

    def __init__(self) -> None:
        self.examples = 0
        self.by_label: collections.Counter[int] = collections.Counter()
        self.by_group: collections.Counter[tuple[str, str, int]] = collections.Counter()
        self.unknown: collections.Counter[str] = collections.Counter()
        self.left_out: dict[str, np.ndarray] = {}
        self.filled: collections.Counter[str] = collections.Counter()
        self.shards: dict[str, str] = {}
        self.units = Units()
        self.weights: collections.defaultdict[Cell, float] = collections.defaultdict(float)
        self._hashes: list[np.ndarray] = []
        self._sum = 0

    @property
    def hashes(self) -> np.ndarray:
        """uint64 (examples,), a copy."""
        return np.concatenate(self._hashes) if self._hashes else np.zeros(0, np.uint64)

    @property
    def parts_of_hashes(self) -> Sequence[np.ndarray]:
        """The same as they are kept, a batch each: all in one array they take as much again."""
        return self._hashes

    def add_records(self, records: Iterable[bytes]) -> None:
        """Adds serialized records to the contents."""
        digests = [hashlib.blake2b(record, digest_size=16).digest() for record in records]
        # Copied: a view would keep the other halves, too.
        self._hashes.append(np.frombuffer(b"".join(digests), np.uint64)[::2].copy())
        # A sum knows no order: neither names nor sizes of shards matter, but repeated records do.
        self._sum += sum(int.from_bytes(digest, "little") for digest in digests)

    def digest(self) -> str:
        """32 hex digits that depend on the records alone, not on their order or their files."""
        return f"{self._sum % (1 << 128):032x}"

    def add(
        self,
        labels: np.ndarray,
        groups: Mapping[str, np.ndarray],
        features: Features,
        weights: np.ndarray | None = None,
    ) -> None:
        """Counts a batch: `labels` (n,) of 0/1, `groups` feature -> (n, groups) bool, `weights` (n,).

        Of several classes, `labels` are their places.
        """
        self.examples += len(labels)
        each = np.ones(len(labels)) if weights is None else weights
        for label in range(features.label.num_classes):
            of_label = labels == label
            self.by_label[label] += int(np.sum(of_label))
            self.weights[None, None, label] += float(each[of_label].sum())
            for feature, found in groups.items():
                for name, member in zip(features.group_names[feature], found.T, strict=True):
                    self.by_group[feature, name, label] += int(np.sum(member & of_label))
                    self.weights[feature, name, label] += float(each[member & of_label].sum())

    def sizes(self, features: Features) -> dict[str, dict[str, tuple[int, ...]]]:
        """Feature -> group -> (negatives, positives): denominators, which say nothing of any model.

        Of several classes the examples of each.
        """
        labels = range(features.label.num_classes)
        return {
            feature: {
                name: tuple(self.by_group[feature, name, label] for label in labels)
                for name in names
            }
            for feature, names in features.group_names.items()
        }

    def merge(self, other: SplitCounts) -> None:
        """Adds the counts of another part of the same split."""
        self.examples += other.examples
        self.shards |= other.shards
        self._hashes += other._hashes
        self._sum += other._sum
        self.by_label.update(other.by_label)
        self.by_group.update(other.by_group)
        self.unknown.update(other.unknown)
        self.left_out |= other.left_out
        self.filled.update(other.filled)
        self.units.merge(other.units)
        for cell in other.weights:
            self.weights[cell] += other.weights[cell]

    def require_every_column(self, split: str, folder: str, features: Features) -> None:
        """Raises DataError when a column of numbers or categories has no value in any example."""
        for kind, columns in (("numeric", features.numeric), ("categorical", features.categorical)):
            for column in columns:
                if self.examples and not self.filled[column.name]:
                    raise DataError(
                        f"{folder}: split '{split}' has no value in column '{column.name}' among "
                        f"{self.examples} examples. Correct its name, or take it out of "
                        f"data.features.{kind}"
                    )

    def require_every_group(self, split: str, folder: str, features: Features) -> None:
        """Raises DataError when a group of the settings has no example, or no negative one."""
        if not self.examples:
            raise DataError(
                f"{folder}: split '{split}' has no examples in its shards; give it some"
            )
        labels = range(features.label.num_classes)
        for label, name in enumerate(features.label.classes):
            if not self.by_label[label]:
                raise DataError(
                    f"{folder}: split '{split}' has no example of class {name} "
                    f"({features.label.name} = {features.label.told(label)}) among {self.examples}. Add "
                    "such examples to the split, or take the class out of data.features.label.classes"
                )
        for feature, names in features.group_names.items():
            for name in names:
                if not sum(self.by_group[feature, name, label] for label in labels):
                    raise DataError(
                        f"{folder}: split '{split}' has no example of group [{name}] "
                        f"({features.told(feature, name)}) among {self.examples}; a gap to it cannot be "
                        f"measured. {_way_out(feature, features)}"
                    )
                if not any(self.weights[feature, name, label] for label in labels):
                    raise DataError(
                        f"{folder}: split '{split}' has only weights of 0 in group [{name}] (column "
                        f"'{features.weight}', data.features.weight): nobody there counts, and a gap to "
                        "it cannot be measured. Give them weights over 0, or take the group out of "
                        f"data.features.groups.{feature}.values"
                    )


def _way_out(feature: str, features: Features) -> str:
    if feature in features.groups:
        return (
            "Add such examples to the split, or take the group out of "
            f"data.features.groups.{feature}.values"
        )
    return (
        "Add such examples to the split, or leave small crossings out with "
        "data.features.left_out_crossings"
    )


def check_shards(files: Sequence[str], features: Features) -> SplitCounts:
    """Checks all shards of a split, one thread for each core; raises what `check_shard` raises."""

    def check(file: str) -> SplitCounts:
        counts = SplitCounts()
        check_shard(file, features, counts)
        counts.shards[file] = counts.digest()
        return counts

    total = SplitCounts()
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, counts in enumerate(pool.map(check, files), start=1):
            total.merge(counts)
            progress.report(done, len(files), f"checked {total.examples:,} examples")
    return total


def check_shard(file: str, features: Features, counts: SplitCounts) -> None:
    """Reads one TFRecord file and adds what it holds to `counts`.

    Raises:
      DataError: naming the file, the record (from 0), the column, the value and what was expected.
    """
    columns = tables.column_specs(file, features)
    left_out: list[np.ndarray] = [np.zeros(0, int)]
    for position, batch, parsed in parsed_batches(file, columns, features):
        kept = _check_batch(file, position, parsed, features, counts)
        counts.add_records(itertools.compress(batch, kept))
        left_out.append(position + np.flatnonzero(~kept))
    counts.left_out[file] = np.concatenate(left_out)


def parsed_batches(
    file: str, columns: Mapping[str, Any], features: Features
) -> Iterator[tuple[int, list[bytes], Mapping[str, tf.Tensor]]]:
    """(place of the first, records, parsed columns) of the examples of a file, batch by batch.

    Args:
      file: with TFRecords of examples.
      columns: name -> how it is parsed, as `tables.column_specs` has it.
      features: what the columns are for, in messages.

    Raises:
      DataError: as for `explain_parse_error`.
    """
    records = enumerate(tfrecords.records(file))
    while numbered := list(itertools.islice(records, _BATCH)):
        position, batch = numbered[0][0], [record for _, record in numbered]
        try:
            parsed = tf.io.parse_example(tf.constant(batch), columns)
        except (tf.errors.InvalidArgumentError, UnicodeDecodeError):
            # The latter: TensorFlow's own message quotes bytes that are no text.
            explain_parse_error(file, position, batch, columns, features)
            raise
        yield position, batch, parsed


def _check_batch(
    file: str,
    position: int,
    parsed: Mapping[str, tf.Tensor],
    features: Features,
    counts: SplitCounts,
) -> np.ndarray:
    """Checks and counts; returns (n,) bool, which records are examples."""
    if features.image is not None:
        _check_pictures(file, position, parsed[features.image.name], features.image.name)
    counts.filled.update(tables.check_table(file, position, parsed, features))
    name, setting = features.label.name, "data.features.label"
    left_out = _unknown(file, position, parsed, name, features.label.membership, setting)
    kept = ~left_out
    if features.unit is not None:
        counts.units.add(_units(file, position, parsed[features.unit], features.unit))
    for feature, group in features.groups.items():
        setting = f"data.features.groups.{feature}.values"
        unknown = _unknown(file, position, parsed, group.name, group.membership, setting)
        counts.unknown[feature] += int(np.sum(unknown & kept))
    groups = {key: found.numpy()[kept] for key, found in group_members(parsed, features).items()}
    labels = label_index(parsed[name], features).numpy()
    weights = tables.weights(file, position, parsed, features)
    counts.add(labels[kept], groups, features, None if weights is None else weights[kept])
    return kept


def _units(file: str, position: int, column: tf.SparseTensor, name: str) -> np.ndarray:
    """(n,) whose example each record is; DataError where one does not say."""
    known = column.indices.numpy()[:, 0]
    for row in np.setdiff1d(np.arange(column.dense_shape[0]), known)[:1]:
        raise DataError(
            f"{file}: record {position + row}: column '{name}' (data.features.unit) has no value; "
            "expected whose example it is. Give every record a value (celeb_a has identities from 2.1.0 "
            "on), or set data.features.unit to null: examples then count as independent draws"
        )
    return np.asarray(column.values.numpy())


def _check_pictures(file: str, position: int, encoded: tf.Tensor, column: str) -> None:
    starts = tf.strings.substr(encoded, 0, 16).numpy()
    for row, start in enumerate(starts):
        if (why := pictures.refusal(start)) is not None:
            raise DataError(
                f"{file}: record {position + row}: column '{column}' {why}, or name the right column in "
                "data.features.image.name"
            )
    try:
        _decode_all(encoded)
    except tf.errors.InvalidArgumentError:
        _explain_undecodable(file, position, column, encoded)
        raise


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _decode_all(encoded: tf.Tensor) -> tf.Tensor:
    """Heights of (n,) pictures."""
    return tf.map_fn(pictures.height, encoded, fn_output_signature=tf.int32)


def _explain_undecodable(file: str, position: int, column: str, encoded: tf.Tensor) -> None:
    """Raises a DataError for the first picture of a batch that cannot be decoded."""
    for row, picture in enumerate(encoded.numpy()):
        try:
            pictures.height(picture)
        except tf.errors.InvalidArgumentError:
            raise DataError(
                f"{file}: record {position + row}: column '{column}' ({len(picture)} bytes) "
                f"starts like a {pictures.kind(picture)} but is damaged; replace or remove the record"
            ) from None


def _unknown(
    file: str,
    position: int,
    parsed: Mapping[str, tf.Tensor | tf.SparseTensor],
    name: str,
    membership: Membership,
    setting: str,
) -> np.ndarray:
    """(n,) bool, who says that it is not known; DataError for a value that means nothing."""
    found = members(parsed[name], membership)
    for row in np.flatnonzero(found.strange.numpy())[:1]:
        column = parsed[name]
        if isinstance(column, tf.SparseTensor):
            values = column.values.numpy()[column.indices.numpy()[:, 0] == row]
            shown = f"the value {_plain(values[0])!r}" if len(values) else "no value"
        else:
            shown = f"the value {_plain(column.numpy()[row])!r}"
        expected = ["none" if item is None else repr(item) for item in membership.items]
        raise DataError(
            f"{file}: record {position + row}: column '{name}' has {shown}; "
            f"expected one of {', '.join(expected)}. "
            f"Correct the record, or say in {setting} what the value means"
        )
    return found.unknown.numpy()


def explain_parse_error(
    file: str,
    position: int,
    records: Sequence[bytes],
    columns: Mapping[str, tf.io.FixedLenFeature | tf.io.VarLenFeature],
    features: Features,
) -> None:
    """Raises a DataError for the first record of a batch that does not parse."""
    for row, record in enumerate(records):
        where = f"{file}: record {position + row}"
        example = tf.train.Example()
        try:
            example.ParseFromString(record)
        except Exception:
            raise DataError(
                f"{where}: is not a tf.Example; write the records as tf.Examples"
            ) from None
        for name, spec in columns.items():
            feature = example.features.feature
            optional = isinstance(spec, tf.io.VarLenFeature)
            if name not in feature:
                if optional:
                    continue
                present = ", ".join(sorted(feature)[:8])
                raise DataError(
                    f"{where}: has no column '{name}' (it has: {present}, ...). Name the column that "
                    "holds it in data.features"
                )
            kind = feature[name].WhichOneof("kind")
            values = len(getattr(feature[name], kind).value) if kind else 0
            fits = kind == _KINDS[spec.dtype] and values == 1
            if not fits and not (optional and not values):
                one = _KINDS[spec.dtype].removesuffix("_list")
                raise DataError(
                    f"{where}: column '{name}' holds {values} value(s) of {kind or 'no type'}; "
                    + (
                        tables.expected(name, spec, features)
                        if optional
                        else f"expected one {one} value"
                    )
                )


def _plain(value: Any) -> Any:
    """A number as Python shows it, and not with NumPy's name around it."""
    return value.item() if isinstance(value, np.generic) else value
