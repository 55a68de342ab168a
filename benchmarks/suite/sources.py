"""The data sets: what is known of each row, what is to be foretold, and who belongs to which group.

No column that a group is made of is an input. Those who decide by a person's group know it besides.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.peers.data import adult_frame, compas_frame, compas_race, present

# Pictures are kept as so many by so many grey pixels.
SIDE = 32
STAND_IN = 8000


@dataclass(frozen=True)
class Source:
    """A data set.

    Attributes:
        numeric: (n, k) float64, as they are; of pictures, the pixels.
        coded: (n, c) 0 or 1, the categories one-hot.
        y: (n,) labels 0 or 1.
        groups: feature -> (n,) names of groups.
        pictures: whether `numeric` is to be turned into principal components.
    """

    numeric: np.ndarray
    coded: np.ndarray
    y: np.ndarray
    groups: dict[str, np.ndarray]
    pictures: bool = False


def adult(folder: Path, cached: Path) -> Source:
    frame, _ = adult_frame(folder / "adult")
    numeric = ["age", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
    numbers = frame[numeric].astype(float)
    numbers[["capital_gain", "capital_loss"]] = np.log1p(numbers[["capital_gain", "capital_loss"]])
    categories = ["workclass", "marital_status", "occupation", "relationship"]
    home = frame["native_country"].eq("United-States").rename("home")
    return Source(
        numbers.to_numpy(),
        _one_hot(frame[categories].assign(home=home)),
        frame["income"].str.startswith(">50K").to_numpy(int),
        {
            "Sex": frame["gender"].to_numpy(str),
            "Race": frame["race"]
            .where(frame["race"].isin(["White", "Black"]), "Other")
            .to_numpy(str),
        },
    )


def compas(folder: Path, cached: Path) -> Source:
    frame = compas_frame(folder / "compas")
    numbers = frame[["age", "priors_count", "juv_fel_count", "juv_misd_count", "juv_other_count"]]
    return Source(
        np.column_stack([numbers.to_numpy(float), np.log1p(frame["priors_count"])]),
        _one_hot(frame[["c_charge_degree"]]),
        frame["two_year_recid"].to_numpy(int),
        {"Race": compas_race(frame).to_numpy(str), "Sex": frame["sex"].to_numpy(str)},
    )


def law(folder: Path, cached: Path) -> Source:
    frame = pd.read_csv(present(folder / "law" / "law_school_clean.csv"))
    numbers = ["decile1b", "decile3", "lsat", "ugpa", "zfygpa", "zgpa", "fam_inc", "tier"]
    return Source(
        frame[numbers].to_numpy(float),
        _one_hot(frame[["fulltime"]]),
        frame["pass_bar"].to_numpy(int),
        {
            "Race": frame["race"].to_numpy(str),
            "Sex": np.where(frame["male"] > 0, "Male", "Female"),
        },
    )


def credit(folder: Path, cached: Path) -> Source:
    frame = pd.read_csv(present(folder / "credit" / "credit-card-clients.csv"))
    money = [name for name in frame if name.startswith(("LIMIT", "BILL", "PAY_AMT"))]
    months = [f"PAY_{month}" for month in (0, 2, 3, 4, 5, 6)]
    scaled = np.sign(frame[money]) * np.log1p(frame[money].abs())
    late = frame[months].clip(lower=0)
    education = frame["EDUCATION"].map({1: "Graduate school", 2: "University"})
    return Source(
        np.column_stack([scaled, late]).astype(float),
        _one_hot(frame[months].clip(-2, 0)),
        frame["default payment"].to_numpy(int),
        {
            "Sex": np.where(frame["SEX"] == 1, "Male", "Female"),
            "Education": education.fillna("Other").to_numpy(str),
            "Age": _cut(frame["AGE"], (29, 39, 49), ("20s", "30s", "40s", "50 and over")),
        },
    )


def dutch(folder: Path, cached: Path) -> Source:
    frame = pd.read_csv(present(folder / "dutch" / "dutch.csv"))
    categories = [name for name in frame if name not in ("sex", "age", "occupation")]
    return Source(
        frame[["edu_level"]].to_numpy(float),
        _one_hot(frame[categories]),
        frame["occupation"].to_numpy(int),
        {
            "Sex": np.char.capitalize(frame["sex"].to_numpy(str)),
            # Codes of five years each.
            "Age": _cut(frame["age"], (6, 7, 8, 9, 10), ("1st", "2nd", "3rd", "4th", "5th", "6th")),
        },
    )


def smiles(folder: Path, cached: Path) -> Source:
    files = sorted((folder / "smiles").glob("smiles-*.tfrecord-*"))
    if not files:
        present(folder / "smiles" / "smiles-train.tfrecord-00000-of-00004")
    arrays = _kept(cached / "smiles.npz", lambda: _read_smiles(files))
    return Source(
        arrays["pixels"],
        np.zeros((len(arrays["y"]), 0)),
        arrays["y"],
        {"Dark": np.where(arrays["dark"] > 0, "Dark", "Light")},
        pictures=True,
    )


def stand_in(folder: Path, cached: Path) -> Source:
    """The synthetic faces of the pipeline's stand-in for CelebA."""
    arrays = _kept(cached / f"stand-in-{STAND_IN}.npz", lambda: _draw(STAND_IN))
    return Source(
        arrays["pixels"],
        np.zeros((len(arrays["y"]), 0)),
        arrays["y"],
        {
            "Young": np.where(arrays["young"] > 0, "Young", "Not Young"),
            "Male": np.where(arrays["male"] > 0, "Male", "Not Male"),
        },
        pictures=True,
    )


SOURCES: dict[str, Callable[[Path, Path], Source]] = {
    "adult": adult,
    "compas": compas,
    "law": law,
    "credit": credit,
    "dutch": dutch,
    "smiles": smiles,
    "stand-in": stand_in,
}


@cache
def source(name: str, folder: Path, cached: Path) -> Source:
    """A data set, which is read once.

    Args:
        name: a key of SOURCES.
        folder: holds a folder for each data set.
        cached: where pictures are kept once they are decoded or drawn.

    Raises:
        ValueError: if a file is missing.
    """
    return SOURCES[name](folder, cached)


def _one_hot(frame: pd.DataFrame) -> np.ndarray:
    return pd.get_dummies(frame.astype(str)).to_numpy(float)


def _cut(values: pd.Series, edges: tuple[int, ...], names: tuple[str, ...]) -> np.ndarray:
    """The name of the interval that each value is in; an edge belongs to the lower one."""
    return np.array(names)[np.digitize(values, edges, right=True)]


def _kept(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"unfinished-{os.getpid()}.npz")
        np.savez_compressed(unfinished, **make())
        unfinished.replace(path)
    with np.load(path) as file:
        return dict(file)


def _read_smiles(files: list[Path]) -> dict[str, np.ndarray]:
    import cv2
    import tensorflow as tf

    columns = {"image": tf.io.FixedLenFeature([], tf.string)}
    names = ("attributes/Smiling", "attributes/Dark")
    columns |= {name: tf.io.FixedLenFeature([], tf.int64) for name in names}
    records = tf.data.TFRecordDataset([str(file) for file in files])
    parsed = [
        tf.io.parse_example(batch, columns) for batch in records.batch(1024).as_numpy_iterator()
    ]
    pictures = [
        _small(cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_GRAYSCALE))
        for batch in parsed
        for image in batch["image"].numpy()
    ]
    y, dark = (np.concatenate([batch[name].numpy() for batch in parsed]) for name in names)
    return {"pixels": np.stack(pictures), "y": y, "dark": dark}


def _draw(count: int) -> dict[str, np.ndarray]:
    import cv2

    from pipeline.data.synthetic_celeba.faces import sample
    from pipeline.data.synthetic_celeba.portrait import portray

    cv2.setNumThreads(1)
    faces = list(sample(0, "train", 0, count))
    pictures = [_small(cv2.cvtColor(portray(face)[0], cv2.COLOR_BGR2GRAY)) for face in faces]
    has = {name: [face.attributes[name] for face in faces] for name in ("Smiling", "Young", "Male")}
    return {
        "pixels": np.stack(pictures),
        "y": np.array(has["Smiling"], int),
        "young": np.array(has["Young"], int),
        "male": np.array(has["Male"], int),
    }


def _small(picture: np.ndarray) -> np.ndarray:
    """(SIDE * SIDE,) uint8."""
    import cv2

    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel()
