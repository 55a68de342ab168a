"""Datasets of any size that are quick to make: small pictures, a table, and tables of many columns.

Every record differs from all others; what decides the label, and how groups differ, is the same at every
size.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from pipeline.data import records, shards

# Columns of numbers and of categories; 122 are those of the UCI's "Communities and Crime".
_TABLES = {"table": (8, 2), "wide": (122, 0), "wider": (1000, 0), "mixed": (150, 50)}
KINDS = ("pictures", *_TABLES)
_PER_SHARD = 20_000
# So many different ones are drawn, and come in turn.
_DRAWN = 512
_SIDE = 16
_SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}

_COLUMN = (
    'feature {{ name: "{}" type: {} presence {{ min_fraction: 1 min_count: 1 }} shape {{}} {} }}\n'
)
_SETTINGS = """\
name: {kind}-{examples}
model_name: scale
data:
  path: {folder}/{kind}-{examples}
  schema_file: {folder}/{kind}.pbtxt
  splits: {{train: "*-train.tfrecord*", validation: "*-validation.tfrecord*", test: "*-test.tfrecord*"}}
  features:
    {inputs}
    label: {{name: label}}
    groups: {{Team: {{name: team, values: {{Red: 1, Blue: 0}}}}}}
trainer:
  network: {network}
  constraints: ["max_gap(FPR, [Team]) <= 0.05"]
  steps: {steps}
  snapshots: 5
gate:
  constraints: ["max_gap(FPR, [Team]) <= 0.5"]
  minimum_accuracy: 0
  minimum_negatives: 20
  better_than: nothing
"""


def make(kind: str, examples: int, folder: Path, steps: int) -> Path:
    """Writes the dataset where it is missing, and its schema and settings, which are returned.

    Args:
      kind: of `KINDS`.
      examples: over all three splits.
      folder: for all of it; absolute.
      steps: of each training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{kind}-{examples}"
    if not target.exists():
        sizes = {split: int(examples * share) for split, share in _SHARES.items()}
        starts = dict(zip(sizes, np.cumsum([0, *sizes.values()]), strict=False))
        example = _pictures() if kind == "pictures" else _table(*_TABLES[kind])
        rows = {split: range(size) for split, size in sizes.items()}
        shards.write(target, rows, lambda split, row: example(int(starts[split]) + row), _PER_SHARD)
    (folder / f"{kind}.pbtxt").write_text(_schema(kind))
    settings = folder / f"{kind}-{examples}.yaml"
    settings.write_text(
        _SETTINGS.format(
            kind=kind,
            examples=examples,
            folder=folder,
            inputs=_inputs(kind),
            network="cnn" if kind == "pictures" else "tabular",
            steps=steps,
        )
    )
    return settings


def _inputs(kind: str) -> str:
    if kind == "pictures":
        return f"image: {{name: image, height: {_SIDE}, width: {_SIDE}, channels: 3}}"
    numbers, categories = _TABLES[kind]
    return f"numeric: {_names('x', numbers)}\n    categorical: {_names('c', categories)}"


def _names(start: str, count: int) -> list[str]:
    return [f"{start}{place}" for place in range(count)]


def _schema(kind: str) -> str:
    columns = [("label", "INT"), ("team", "INT"), ("number", "INT")]
    if kind == "pictures":
        picture = _COLUMN.format("image", "BYTES", "image_domain {}")
        return picture + "".join(_COLUMN.format(*column, "") for column in columns)
    numbers, categories = _TABLES[kind]
    columns += [(name, "FLOAT") for name in _names("x", numbers)]
    columns += [(name, "BYTES") for name in _names("c", categories)]
    return "".join(_COLUMN.format(*column, "") for column in columns)


def _people() -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    """A generator, and group and label of those who are drawn."""
    random = np.random.default_rng(0)
    team = np.arange(_DRAWN) % 2
    return random, team, (random.random(_DRAWN) < 0.35 + 0.3 * team).astype(int)


def _pictures() -> Callable[[int], bytes]:
    """The serialized picture of a number: light above where the label is 1, below where the group is."""
    random, team, label = _people()
    light = np.stack([label, team], axis=1)[:, np.repeat([0, 1], _SIDE // 2)]
    pixels = random.normal(100, 40, (_DRAWN, _SIDE, _SIDE, 3)) + 60 * light[:, :, None, None]
    drawn = [
        cv2.imencode(".jpg", each)[1].tobytes() for each in pixels.clip(0, 255).astype("uint8")
    ]

    def example(number: int) -> bytes:
        at = number % _DRAWN
        known = {"label": int(label[at]), "team": int(team[at]), "number": number}
        return records.example(known | {"image": drawn[at]})

    return example


def _table(of_numbers: int, of_categories: int) -> Callable[[int], bytes]:
    """The serialized row of a number: its numbers lean towards label and group."""
    random, team, label = _people()
    lean = random.normal(0, 0.7, (2, of_numbers))
    numbers = random.normal(0, 1, (_DRAWN, of_numbers))
    numbers += label[:, None] * lean[0] + team[:, None] * lean[1]
    codes = random.zipf(1.5, (_DRAWN, of_categories)) % 500

    def example(number: int) -> bytes:
        at = number % _DRAWN
        row: dict[str, int | float | bytes] = {"label": int(label[at]), "team": int(team[at])}
        # The serial number makes numbers differ a little from one turn to the next.
        row |= {f"x{k}": float(x) + number * 1e-9 for k, x in enumerate(numbers[at])}
        row |= {f"c{k}": b"v%d" % code for k, code in enumerate(codes[at])}
        return records.example(row | {"number": number})

    return example
