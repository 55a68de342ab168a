"""What both models say of a split, and the examples that are to be shown."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from components import folders, tfrecords
from components.evaluator.scores import Kept
from components.features import SLICES_LABEL, Features
from components.report import curves
from components.report.curves import Scored
from components.report.data import Mistake, Scores

_BATCH = 512
_MOST_MISTAKES = 6  # per group and kind
_MOST_GROUPS = 8  # with mistakes shown
_PICTURE_SIDE = 96  # pixels
_MOST_COLUMNS = 12


def shown(folder: str, split: str, scored: Scored, features: Features) -> Scores:
    """Everything that takes scores.

    Args:
      folder: of the raw examples, TFRecords.
      split: which they are.
      scored: what the models say of them, `constrained` among them; see `score`.
      features: what the columns mean.
    """
    return Scores(
        curves.group_curves(scored),
        curves.equal_thresholds(scored),
        curves.equal_overall(scored),
        _mistakes(folder, scored, features),
        split,
    )


def score(
    folder: str, models: Mapping[str, str], features: Features, kept: Kept | None = None
) -> Scored:
    """Labels, groups and each model's scores of all examples, in order.

    Args:
      folder: of the raw examples, TFRecords.
      models: name -> folder of the SavedModel.
      features: what the columns mean.
      kept: what they said of these examples already; None: they are asked.
    """
    names = list(models)
    loaded = [tf.saved_model.load(models[name]) for name in (names[:1] if kept else names)]
    slices = loaded[0].signatures["slices"]
    labels: list[np.ndarray] = []
    groups: dict[str, list[np.ndarray]] = {feature: [] for feature in features.group_names}
    scores: dict[str, list[np.ndarray]] = {name: [] for name in names}
    columns_of = {"weights": features.slices_weight}
    columns_of |= {"units": features.slices_unit if features.unit else None}
    counted: dict[str, list[np.ndarray]] = {key: [] for key, name in columns_of.items() if name}
    for batch in _records(folder).batch(_BATCH).prefetch(2):
        columns = slices(examples=batch)
        labels.append(columns[SLICES_LABEL].numpy().reshape(-1))
        for feature in groups:
            groups[feature].append(_decoded(columns[feature].numpy()))
        for key in counted:
            counted[key].append(columns[columns_of[key]].numpy().reshape(-1))
        if kept is not None:
            said = kept.of(batch.numpy())
        else:
            answers = [model.signatures["serving_default"](examples=batch) for model in loaded]
            said = {
                name: next(iter(of.values())).numpy().reshape(-1)
                for name, of in zip(names, answers, strict=True)
            }
        for name in names:
            scores[name].append(said[name])
    label = np.concatenate(labels)
    known = np.isfinite(label)
    if not known.all():
        raise ValueError(f"{folder}: {np.sum(~known)} examples have no label")
    return Scored(
        label > 0.5,
        {feature: np.concatenate(parts) for feature, parts in groups.items()},
        features.group_names,
        {name: np.concatenate(parts).astype(np.float64) for name, parts in scores.items()},
        most=_most(features),
        **{key: _plain(np.concatenate(parts)) for key, parts in counted.items()},
    )


def _decoded(names: np.ndarray) -> np.ndarray:
    """As text, of which each name is there once: as characters they would take ten times the memory."""
    texts = [sys.intern(name.decode()) for name in names.ravel()]
    return np.array(texts, object).reshape(names.shape)


def _plain(column: np.ndarray) -> np.ndarray:
    return column.astype(str) if column.dtype == object else column.astype(np.float64)


def _most(features: Features) -> float | None:
    """The most that the examples of a unit count; None: that is not known beforehand."""
    if features.unit and not features.largest_unit:
        return None
    # Stored as float32, a weight may be a little over it.
    return (features.largest_weight or 1.0) * (features.largest_unit or 1) * (1 + 1e-6)


def _records(folder: str) -> tf.data.Dataset:
    files = tfrecords.require_lengths(folders.inside(folder))
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    return tf.data.TFRecordDataset(files, compression_type=compression)


def _mistakes(folder: str, scored: Scored, features: Features) -> list[Mistake]:
    chosen = curves.worst_mistakes(scored, _MOST_MISTAKES)
    groups = list(dict.fromkeys(group for _, group, _ in chosen))[:_MOST_GROUPS]
    chosen = [each for each in chosen if each[1] in groups]
    records = dict(_rows(folder, {row for row, _, _ in chosen}))
    return [
        Mistake(
            group,
            kind,
            {
                model: float(scores[row])
                for model, scores in scored.scores.items()
                if np.isfinite(scores[row])
            },
            *_seen(records[row], features),
        )
        for row, group, kind in chosen
    ]


def _rows(folder: str, rows: set[int]) -> Iterator[tuple[int, tf.train.Example]]:
    for number, batch in enumerate(_records(folder).batch(_BATCH)):
        start = number * _BATCH
        for row in rows & set(range(start, start + _BATCH)):
            yield row, tf.train.Example.FromString(batch[row - start].numpy())


def _seen(example: tf.train.Example, features: Features) -> tuple[str | None, dict[str, str]]:
    """(picture, values): what a person can look at."""
    columns = example.features.feature
    picture = None
    if features.image is not None:
        picture = small_jpeg(columns[features.image.name].bytes_list.value[0])
    names = [
        c for c in features.input_columns if features.image is None or c != features.image.name
    ]
    return picture, {name: _text(columns[name]) for name in names[:_MOST_COLUMNS]}


def _text(column: tf.train.Feature) -> str:
    kind = column.WhichOneof("kind")
    values: Sequence[object] = getattr(column, kind).value if kind else []
    if not values:
        return ""
    value = values[0]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return f"{value:g}" if isinstance(value, float) else str(value)


def small_jpeg(encoded: bytes) -> str | None:
    """The picture at most 96 pixels wide and high, as JPEG in base64; None if it cannot be read.

    Upright, and on white where it is transparent: as models see it.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            shown = ImageOps.exif_transpose(opened)
            if shown.has_transparency_data:
                shown = shown.convert("RGBA")
                shown = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown)
            picture = shown.convert("RGB")
    except (OSError, ValueError, SyntaxError):  # whatever Pillow says of damaged ones
        return None
    picture.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=75)
    return base64.b64encode(buffer.getvalue()).decode()
