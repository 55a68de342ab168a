"""What models said of each example that they were judged on, beside the evaluation.

Whoever draws curves needs no model then, and draws what was judged. An example is known by its record,
for Beam keeps no order.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_model_analysis import constants

from components import folders
from fairgate.errors import DataError

_FILES = "scores"
_KEY = "record"  # column beside those of the models


# TFX tells extractors nothing of where results go.
_FOLDER: ContextVar[str] = ContextVar("folder")


@contextlib.contextmanager
def kept_in(folder: str) -> Iterator[None]:
    """Within, `Keep` writes into `folder`."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


class Keep(beam.PTransform):
    """Writes what extracts of batches hold into the folder of `kept_in`; they go on as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._file = os.path.join(_FOLDER.get(), _FILES)

    def expand(self, extracts: beam.PCollection) -> beam.PCollection:
        write = beam.io.WriteToTFRecord(self._file, file_name_suffix=".tfrecord")
        _ = extracts | "SerializeScores" >> beam.Map(_serialized) | "WriteScores" >> write
        return extracts


def _serialized(extracts: Mapping[str, Any]) -> bytes:
    """A batch in NumPy's format: a key, and the score of each model in a column of its name."""
    records, said = extracts[constants.INPUT_KEY], extracts[constants.PREDICTIONS_KEY]
    columns = {_KEY: keys(records)}
    columns |= {model: scores.reshape(len(records)) for model, scores in said.items()}
    table = np.rec.fromarrays(list(columns.values()), names=list(columns))
    buffer = io.BytesIO()
    np.save(buffer, table, allow_pickle=False)
    return buffer.getvalue()


def keys(records: Iterable[bytes]) -> NDArray[np.uint64]:
    """(n,) what serialized records are known by."""
    digests = [hashlib.blake2b(record, digest_size=8).digest() for record in records]
    return np.frombuffer(b"".join(digests), np.uint64)


@dataclass(frozen=True)
class Kept:
    """What was written.

    Attributes:
      folder: of the evaluation.
      known: (n,) uint64, keys in ascending order.
      scores: model -> (n,) float32.
    """

    folder: str
    known: NDArray[np.uint64]
    scores: dict[str, NDArray[np.float32]]

    def of(self, records: NDArray[np.object_]) -> dict[str, NDArray[np.float32]]:
        """Model -> (n,) what it said of these serialized records.

        Raises:
          DataError: it was not asked about one of them.
        """
        asked = keys(records)
        places = np.searchsorted(self.known, asked).clip(max=len(self.known) - 1)
        if not np.array_equal(self.known[places], asked):
            raise DataError(
                f"{self.folder}: the evaluation is of other examples than these, so that no curve can be "
                "drawn of what it found. Run again with --set cache=false, which evaluates anew"
            )
        return {model: scores[places] for model, scores in self.scores.items()}


def read(folder: str) -> Kept | None:
    """What lies beside an evaluation; None where nothing does, as of several classes.

    Args:
      folder: of the Evaluator's results.
    """
    files = folders.matching(folder, f"{_FILES}-*")
    records = tf.data.TFRecordDataset(files).as_numpy_iterator() if files else ()
    tables = [np.load(io.BytesIO(record), allow_pickle=False) for record in records]
    if not tables:
        return None
    whole = np.concatenate(tables)
    order = np.argsort(whole[_KEY], kind="stable")
    models = [name for name in whole.dtype.names if name != _KEY]
    return Kept(folder, whole[_KEY][order], {model: whole[model][order] for model in models})
