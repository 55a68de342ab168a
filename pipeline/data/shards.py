"""A folder of TFRecord shards, complete or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from components import progress
from components.checksums import framed
from fairgate.errors import DataError
from pipeline.data import unfinished

_REPORT_EVERY = 1_000


def require_free(folder: Path) -> None:
    """Raises DataError where something is in the folder already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(
            f"data.path = '{folder}' is there already and not empty. Nothing in it was touched; "
            "remove it, or choose another folder with --set data.path=FOLDER"
        )


def write(
    folder: Path,
    rows: Mapping[str, Sequence[int]],
    example: Callable[[str, int], bytes],
    per_shard: int,
) -> None:
    """Writes into a hidden sibling folder that is renamed when complete.

    Args:
      folder: is not there yet, or empty.
      rows: split -> its rows, in order.
      example: makes the serialized tf.Example of a split's row.
      per_shard: the most rows of a shard.
    """
    total, done = sum(map(len, rows.values())), 0
    with unfinished.replacing(folder) as made:
        for split, part in rows.items():
            shards = -(-len(part) // per_shard)
            for shard in range(shards):
                name = f"{folder.name}-{split}.tfrecord-{shard:05d}-of-{shards:05d}"
                with (made / name).open("wb") as file:
                    for row in part[shard::shards]:
                        file.write(framed(example(split, row)))
                        done += 1
                        if done % _REPORT_EVERY == 0 or done == total:
                            progress.report(done, total, f"{done:,} of {total:,} rows")
