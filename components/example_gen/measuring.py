"""What the training split says of groups before they are known: quantiles, and sizes of crossings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from components import measured as of_training
from components import progress
from components.columns import group_members, label_index, values_of
from components.example_gen import tables
from components.example_gen.checks import parsed_batches
from components.features import Features
from fairgate.data.membership import Values
from fairgate.errors import DataError, SettingsError

Columns = Mapping[str, tf.Tensor | tf.SparseTensor]


def measured(files: Sequence[str], features: Features) -> Features:
    """The same with the numbers of quantiles, and the crossings that are too small, written down.

    Args:
      files: the shards of the training split.
      features: what is declared; what it says the number of already stays as it is.

    Raises:
      DataError: a record cannot be read.
      SettingsError: a column has no numbers, or with them the groups are none.
    """
    try:
        return of_training.measured(
            features,
            lambda name: _column(files, features, name),
            lambda found: _sizes(files, found),
        )
    except DataError:
        raise
    except ValueError as error:
        raise SettingsError(f"{error} (measured on the training split)") from None


def _column(files: Sequence[str], features: Features, name: str) -> Values:
    """The column of the rows that are examples; no texts but those that rules ask for are kept."""
    parts = []
    for parsed, kept in _batches(files, features, [name]):
        values = values_of(parsed[name])
        texts = None if values.texts is None else values.texts.numpy()[kept]
        numbers = values.numbers.numpy()[kept]
        parts.append((values.present.numpy()[kept], numbers, texts))
    present, numbers, texts = zip(*parts, strict=True)
    has_texts = texts[0] is not None
    return Values(
        np.concatenate(present),
        np.concatenate(numbers),
        np.array([text.decode() for part in texts for text in part], object) if has_texts else None,
    )


def _sizes(files: Sequence[str], features: Features) -> dict[str, int]:
    """Name of each group of a crossing -> its examples."""
    sizes = {
        name: 0 for crossing in features.crossings_named for name in features.group_names[crossing]
    }
    columns = [group.name for group in features.groups.values()]
    for parsed, kept in _batches(files, features, columns):
        found = group_members(parsed, features, features.crossings_named)
        for crossing, members in found.items():
            counts = members.numpy()[kept].sum(axis=0)
            for name, count in zip(features.group_names[crossing], counts, strict=True):
                sizes[name] += int(count)
    return sizes


def _batches(
    files: Sequence[str], features: Features, columns: Sequence[str]
) -> Iterator[tuple[Columns, np.ndarray]]:
    """(parsed columns, (n,) bool which rows are examples), batch by batch."""
    done = 0
    for file in files:
        specs = tables.column_specs(file, features)
        asked = {name: specs[name] for name in {*columns, features.label.name}}
        for _, batch, parsed in parsed_batches(file, asked, features):
            done += len(batch)
            progress.report(done, 0, f"{done:,} examples")
            yield parsed, label_index(parsed[features.label.name], features).numpy() >= 0
    if not done:
        raise DataError(
            f"{files[0]}: the training split has no examples in its shards; give it some"
        )
