"""Asks a served model about a person's own pictures or rows."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import progress
from components.features import Features
from fairgate.errors import DataError
from pipeline import places
from pipeline.data import records
from pipeline.settings import Settings

Value = int | float | str | pathlib.Path
PICTURES = (".jpg", ".jpeg", ".png")
# Served is sigmoid(score): this is the decision that the constraints were trained and judged at.
THRESHOLD = 0.5
_BATCH = 128


@dataclass(frozen=True)
class Prediction:
    """What the model says of one picture or row.

    Attributes:
      file: name of the picture, or the CSV file and the line.
      score: probability of the positive class; None where the example could not be read.
      error: why not.
    """

    file: str
    score: float | None
    error: str | None = None

    @property
    def decision(self) -> bool | None:
        """Whether it says Yes."""
        return None if self.score is None else self.score > THRESHOLD


@dataclass(frozen=True)
class Example:
    """A record for the model, or what is wrong with it."""

    file: str
    record: bytes = b""
    error: str | None = None


def read(source: pathlib.Path, settings: Settings) -> list[Example]:
    """The examples in `source`: a folder of pictures, or a CSV file with the model's columns.

    Args:
      source: what to ask about.
      settings: of the run that made the model: what its columns are, and how CSV files are read.

    Raises:
      DataError: nothing in it could be an example of this model.
    """
    if source.is_dir():
        return list(_pictures(source, settings.data.features))
    if source.is_file():
        return list(_rows(source, settings))
    raise DataError(f"{source}: no such file or folder. Give a folder of pictures, or a CSV file")


def ask(model: pathlib.Path, examples: Sequence[Example]) -> list[Prediction]:
    """The model's answers, in order.

    Args:
      model: folder of a SavedModel that serves serialized examples.
      examples: what to ask about.

    Raises:
      DataError: the folder holds no model that can be asked.
    """
    import tensorflow as tf

    progress.report(0, len(examples), "loading the model")
    try:
        served = tf.saved_model.load(places.plain(str(model))).signatures["serving_default"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{model}: holds no model that can be asked: {error}") from None
    readable = [example for example in examples if example.error is None]
    scores: list[float] = []
    for start in range(0, len(readable), _BATCH):
        batch = tf.constant([example.record for example in readable[start : start + _BATCH]])
        try:
            [answers] = served(examples=batch).values()
        except tf.errors.InvalidArgumentError as error:
            raise DataError(
                f"{model}: does not read these examples: {error.message.splitlines()[0]}. Name the run "
                "that made the model with --run, or give what it was trained on"
            ) from None
        scores += answers.numpy().reshape(-1).tolist()
        progress.report(len(scores), len(readable), f"{len(scores):,} of {len(readable):,}")
    answered = iter(scores)
    return [
        Prediction(
            example.file, None if example.error is not None else next(answered), example.error
        )
        for example in examples
    ]


def _pictures(folder: pathlib.Path, features: Features) -> Iterator[Example]:
    if features.image is None:
        raise DataError(
            f"{folder}: a folder, but the model reads the columns {', '.join(features.input_columns)}. "
            "Give a CSV file that has them"
        )
    if features.has_table:
        others = ", ".join(features.input_columns[1:])
        raise DataError(
            f"{folder}: the model reads columns besides the picture ({others}). Give a CSV file that has "
            f"them, and the name of each picture's file in a column '{features.image.name}'"
        )
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURES)
    if not files:
        raise DataError(f"{folder}: holds no pictures ({', '.join(PICTURES)})")
    for file in files:
        yield _example(str(file.relative_to(folder)), {features.image.name: file})


def _rows(file: pathlib.Path, settings: Settings) -> Iterator[Example]:
    """One example for each row; only the columns that the model reads."""
    from pipeline.data.from_csv import reading

    features = settings.data.features
    csv = settings.data.csv.model_copy(update={"together": None})
    table = reading.read([file], features, csv, features.input_columns)
    whole = _whole_numbers(pathlib.Path(settings.data.contract))
    for row in range(len(table)):
        values: dict[str, Value] = {}
        for name, column in table.columns.items():
            value: Any = column[row]
            if value is None:
                continue  # left out, as in training
            if features.image is not None and name == features.image.name:
                value = file.parent / value
            elif name in whole:
                value = int(value)
            values[name] = value
        yield _example(f"{file.name} row {row + 1}", values)


def _whole_numbers(schema_file: pathlib.Path) -> set[str]:
    """Columns that the schema says hold whole numbers; those of CSV files are fractions otherwise."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    if not schema_file.is_file():
        return set()
    schema = text_format.Parse(schema_file.read_text(), schema_pb2.Schema())
    return {column.name for column in schema.feature if column.type == schema_pb2.INT}


def _example(shown: str, values: Mapping[str, Value]) -> Example:
    from PIL import Image, UnidentifiedImageError

    columns: dict[str, int | float | bytes] = {}
    for name, value in values.items():
        if isinstance(value, pathlib.Path):
            try:
                encoded = value.read_bytes()
                with Image.open(io.BytesIO(encoded)) as picture:
                    picture.load()
            except UnidentifiedImageError:
                return Example(shown, error="not a picture")
            except OSError as error:
                return Example(shown, error=error.strerror or str(error))
            columns[name] = encoded
        else:
            columns[name] = value.encode() if isinstance(value, str) else value
    return Example(shown, records.example(columns))
