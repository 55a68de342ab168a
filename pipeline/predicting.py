"""Asks a served model about a person's own pictures or rows."""

from __future__ import annotations

import math
import mimetypes
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import picture_files, progress
from components.features import CLASS, PROBABILITY, Features
from fairgate.data.columns import to_number
from fairgate.errors import DataError
from pipeline import places
from pipeline.data import picture_folder, records
from pipeline.settings import Settings

# Served is sigmoid(score): this is the decision that the constraints were trained and judged at.
THRESHOLD = 0.5
_BATCH = 128


@dataclass(frozen=True)
class Prediction:
    """What the model says of one picture or row.

    Attributes:
      file: name of the picture, or the table and the row.
      score: probability of the positive class, or of the class that it says; None where the example could
        not be read.
      error: why not.
      said: the class that it says, where there are several.
      probabilities: of each class then.
    """

    file: str
    score: float | None
    error: str | None = None
    said: str | None = None
    probabilities: dict[str, float] | None = None

    @property
    def decision(self) -> bool | str | None:
        """Whether it says Yes; or the class that it says."""
        if self.score is None or self.said is not None:
            return self.said
        return self.score > THRESHOLD


@dataclass(frozen=True)
class Example:
    """A record for the model, or what is wrong with it."""

    file: str
    record: bytes = b""
    error: str | None = None


@dataclass(frozen=True)
class Given:
    """What there is to ask about.

    Attributes:
      examples: in the order of their names, or of the rows.
      left_out: names of hidden files, such as macOS keeps beside pictures.
    """

    examples: list[Example]
    left_out: list[str]


def read(source: pathlib.Path, settings: Settings) -> Given:
    """The examples in `source`: a picture, a folder of them, or a table with the model's columns.

    What cannot be read is an example that says why: it keeps no other from its answer.

    Args:
      source: what to ask about.
      settings: of the run that made the model: what its columns are, and how tables are read.

    Raises:
      DataError: nothing in it could be an example of this model.
    """
    features = settings.data.features
    if source.is_dir():
        _require_pictures_alone(source, features)
        files, hidden = picture_folder.pictures(source)
        return Given([_picture(str(f.relative_to(source)), f, features) for f in files], hidden)
    if source.is_file():
        if _is_picture(source) or _is_called_a_picture(source):
            _require_pictures_alone(source, features)
            return Given([_picture(source.name, source, features)], [])
        return Given(list(_rows(source, settings)), [])
    raise DataError(
        f"{source}: no such file or folder. Give a folder of pictures, or a CSV or Parquet file"
    )


def ask(
    model: pathlib.Path, examples: Sequence[Example], classes: Sequence[str] = ()
) -> list[Prediction]:
    """The model's answers, in order.

    Args:
      model: folder of a SavedModel that serves serialized examples.
      examples: what to ask about.
      classes: of the label, where it has more than two.

    Raises:
      DataError: the folder holds no model that can be asked.
    """
    import tensorflow as tf

    progress.report(0, len(examples), "loading the model")
    try:
        served = tf.saved_model.load(places.plain(str(model))).signatures["serving_default"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{model}: holds no model that can be asked: {error}") from None
    readable = [at for at, example in enumerate(examples) if example.error is None]
    answers: dict[int, _Answer] = {}
    for start in range(0, len(readable), _BATCH):
        batch = readable[start : start + _BATCH]
        records = [examples[at].record for at in batch]
        answers |= zip(batch, _answers(served, records, classes), strict=True)
        progress.report(len(answers), len(readable), f"{len(answers):,} of {len(readable):,}")
    refused = [answer for answer in answers.values() if isinstance(answer, str)]
    if refused and len(refused) == len(answers):
        raise DataError(
            f"{model}: does not read these examples: {refused[0]}. Name the run that made the model with "
            "--run, or give what it was trained on"
        )
    return [_prediction(example, answers.get(at)) for at, example in enumerate(examples)]


@dataclass(frozen=True)
class _Said:
    """The class that a model says, and the probability of each."""

    name: str
    probabilities: dict[str, float]


_Answer = float | _Said | str


def _answers(served: Any, records: Sequence[bytes], classes: Sequence[str]) -> list[_Answer]:
    """The score of each record, or what the model says of one that it does not read."""
    import tensorflow as tf

    try:
        answers = served(examples=tf.constant(records, tf.string))
    except tf.errors.InvalidArgumentError as error:
        if len(records) == 1:
            return [error.message.splitlines()[0]]
        half = len(records) // 2
        halves = records[:half], records[half:]
        return [answer for part in halves for answer in _answers(served, part, classes)]
    if classes:
        return _of_classes(answers, classes)
    [scores] = answers.values()
    return [
        score if math.isfinite(score) else "no score" for score in scores.numpy().ravel().tolist()
    ]


def _of_classes(answers: Mapping[str, Any], classes: Sequence[str]) -> list[_Answer]:
    found: list[_Answer] = []
    names = [name.decode() for name in answers[CLASS].numpy().tolist()]
    for name, row in zip(names, answers[PROBABILITY].numpy().tolist(), strict=True):
        whole = all(map(math.isfinite, row))
        found.append(_Said(name, dict(zip(classes, row, strict=True))) if whole else "no score")
    return found


def _prediction(example: Example, answer: _Answer | None) -> Prediction:
    if isinstance(answer, float):
        return Prediction(example.file, answer)
    if isinstance(answer, _Said):
        score = answer.probabilities[answer.name]
        return Prediction(example.file, score, None, answer.name, answer.probabilities)
    error = example.error if answer is None else f"the model does not read it: {answer}"
    return Prediction(example.file, None, error)


def _require_pictures_alone(source: pathlib.Path, features: Features) -> None:
    what = "a folder" if source.is_dir() else "a picture"
    if features.image is None:
        raise DataError(
            f"{source}: {what}, but the model reads the columns {', '.join(features.input_columns)}. "
            "Give a CSV or Parquet file that has them"
        )
    if features.has_table:
        others = ", ".join(features.input_columns[1:])
        raise DataError(
            f"{source}: the model reads columns besides the picture ({others}). Give a CSV file that has "
            f"them, and the name of each picture's file in a column '{features.image.name}'"
        )


def _is_picture(file: pathlib.Path) -> bool:
    from components import pictures

    try:
        with file.open("rb") as opened:
            return pictures.kind(opened.read(16)) is not None
    except OSError:
        return False  # whoever reads it as a table says what is the matter


def _is_called_a_picture(file: pathlib.Path) -> bool:
    """Whether its name says so: then it is told what is wrong with the picture, and not with a table."""
    kind, _ = mimetypes.guess_type(file.name)
    return kind is not None and kind.startswith("image/")


def _rows(file: pathlib.Path, settings: Settings) -> Iterator[Example]:
    """One example for each row; only the columns that the model reads."""
    from pipeline.data.from_csv import days, reading

    features = settings.data.features
    csv = settings.data.csv.model_copy(update={"together": None})
    refused: dict[int, str] = {}
    schema = _schema(pathlib.Path(settings.data.contract))
    known_days = days.said(schema.values())
    table = reading.read([file], features, csv, features.input_columns, refused, known_days)
    for row in range(len(table)):
        shown = f"{file.name} row {row + 1}"
        if row in refused:
            yield Example(shown, error=refused[row])
            continue
        values = {name: column[row] for name, column in table.columns.items()}
        try:
            columns = {
                name: _column(name, value, schema.get(name)) for name, value in values.items()
            }
        except ValueError as error:
            yield Example(shown, error=str(error))
            continue
        known = {name: value for name, value in columns.items() if value is not None}
        if features.image is not None and features.image.name in known:
            picture = file.parent / str(values[features.image.name])
            yield _picture(shown, picture, features, known)
        else:
            yield Example(shown, records.example(known))


def _schema(file: pathlib.Path) -> dict[str, Any]:
    """Column -> what the schema says of it; empty where there is none."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    if not file.is_file():
        return {}
    schema = text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    return {column.name: column for column in schema.feature}


def _column(name: str, value: Any, meant: Any) -> int | float | bytes | None:
    """A value as a record of training has it: left out where it is not known, whole where that is meant.

    Raises:
      ValueError: the schema lets no record have it.
    """
    from tensorflow_metadata.proto.v0 import schema_pb2

    if value is None:
        if meant is not None and meant.HasField("shape"):
            raise ValueError(f"column '{name}' holds nothing; the model needs a value there")
        return None
    if meant is None or meant.type != schema_pb2.INT:
        return value.encode() if isinstance(value, str) else value
    try:
        if isinstance(value, str):
            to_number(value)  # refuses what only Python takes for a number
        number = int(value)
        if number != float(value) or not -(2**63) <= number < 2**63:
            raise ValueError
    except ValueError:
        raise ValueError(f"column '{name}' holds {value!r}; expected a whole number") from None
    return number


def _picture(
    shown: str,
    file: pathlib.Path,
    features: Features,
    others: Mapping[str, int | float | bytes] | None = None,
) -> Example:
    """A picture, decoded as the model will, with other columns beside it."""
    assert features.image is not None
    try:
        picture = picture_files.read(file.read_bytes())
    except OSError as error:
        return Example(shown, error=error.strerror or str(error))
    except ValueError as error:
        return Example(shown, error=str(error))
    columns = {**(others or {}), features.image.name: picture.encoded}
    return Example(shown, records.example(columns))
