"""Every picture of a dataset in one split, through the function that Transform runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from components.constrained_trainer.examples.data import Split, memberships
from components.features import TRANSFORMED_LABEL, Features
from fairgate.constraints.rates import Group
from fairgate.errors import DataError, SettingsError
from pipeline.settings import Settings

_BATCH = 256
_COLUMNS = ("image", "labels", "memberships")


def open_pool(folder: Path) -> Split:
    """A pool that `make_pool` wrote; its pictures stay on disk until they are asked for."""
    groups = tuple(Group(*pair) for pair in json.loads((folder / "groups.json").read_text()))
    image, labels, memberships = (
        np.load(folder / f"{name}.npy", mmap_mode="r") for name in _COLUMNS
    )
    return Split({"image": image}, np.array(labels), np.array(memberships), groups)


def make_pool(
    settings: Settings, parent: Path, progress: Callable[[int], None] = lambda done: None
) -> Path:
    """The folder of all three splits as one pool, below `parent`; made if it is not there.

    Args:
        settings: name the dataset and its columns.
        parent: keeps the pools of all experiments.
        progress: called with the number of pictures read so far.

    Raises:
        SettingsError: the networks would see columns, or there are no files.
        DataError: a label that the settings do not know.
    """
    features = settings.data.features
    if features.image is None or features.has_table:
        raise SettingsError(
            "data.features has numeric or categorical columns, which Transform scales over a whole "
            "split: experiments are made with pictures alone"
        )
    files = _files(settings)
    described = [features.model_dump_json(), [(str(f), os.path.getsize(f)) for f in files]]
    digest = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:12]
    folder = parent / f"{settings.name}-{digest}"
    if not folder.exists():
        parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=parent))
        try:
            write_pool(_read(files, features, progress), unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def write_pool(pool: Split, folder: Path) -> None:
    """Writes a split of pictures for `open_pool`."""
    for name, column in zip(
        _COLUMNS, (pool.inputs["image"], pool.labels, pool.memberships), strict=True
    ):
        np.save(folder / f"{name}.npy", column)
    pairs = [(group.feature, group.name) for group in pool.groups]
    (folder / "groups.json").write_text(json.dumps(pairs))


def _files(settings: Settings) -> list[Path]:
    folder = Path(settings.data.folder)
    patterns = settings.data.splits.patterns().values()
    files = [file for pattern in patterns for file in sorted(folder.glob(pattern))]
    if not files:
        raise SettingsError(
            f"data.path: no files of {list(patterns)} in {folder}; say where they are with "
            "--set data.path=FOLDER"
        )
    return files


def _read(files: list[Path], features: Features, progress: Callable[[int], None]) -> Split:
    batches = list(_batches(files, features, progress))
    joined = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    labels = joined[TRANSFORMED_LABEL]
    if (labels < 0).any():
        raise DataError(
            f"{(labels < 0).sum()} records hold neither label of data.features.label "
            f"({features.label.membership.items})"
        )
    return Split({"image": joined["image"]}, np.float32(labels), *memberships(joined, features))


def _batches(
    files: list[Path], features: Features, progress: Callable[[int], None]
) -> Iterator[dict[str, np.ndarray]]:
    import tensorflow as tf

    from components.columns import label_groups_and_image
    from components.transform.inputs import unpack_inputs
    from components.transform.preprocessing import preprocessing_fn

    columns = label_groups_and_image(features)
    config = {"features": features.model_dump_json()}

    def transform(records: tf.Tensor) -> dict[str, tf.Tensor]:
        found = preprocessing_fn(tf.io.parse_example(records, columns), config)
        return found | unpack_inputs(found, features)

    records = tf.data.TFRecordDataset([str(file) for file in files])
    done = 0
    for batch in records.batch(_BATCH).map(transform, num_parallel_calls=2).as_numpy_iterator():
        done += len(batch["image"])
        progress(done)
        yield {name: batch[name] for name in batch if name != "image_bytes"}
