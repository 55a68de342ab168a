"""Adult and COMPAS as tasks: one preparation for all libraries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.peers.tasks import TEST, TRAIN, VALIDATION, Rule, Task

ADULT_CATEGORIES = ["workclass", "education", "marital_status", "occupation", "relationship"]
ADULT_CATEGORIES += ["race", "gender", "native_country"]
ADULT_COLUMNS = ["age", "workclass", "fnlwgt", "education", "education_num"]
ADULT_COLUMNS += [*ADULT_CATEGORIES[2:7], "capital_gain", "capital_loss", "hours_per_week"]
ADULT_COLUMNS += ["native_country", "income"]
# Edges of the original's example Fairness_adult; age is cut at the quartiles of the training file.
ADULT_EDGES = {
    "capital_gain": [1, 4000, 10000],
    "capital_loss": [1, 1800, 1950],
    "hours_per_week": [39, 41, 50],
    "education_num": [8, 9, 11],
}
COMPAS_GROUPS = ("African-American", "Caucasian", "Other")
RULES = {
    "adult": Rule("tpr", 0.05),
    "adult-relative": Rule("tpr", 0.05, relative=True),
    "compas": Rule("fpr", 0.05, two_sided=True),
}
# COMPAS has eight times fewer rows.
PASSES = {"adult": 40, "adult-relative": 40, "compas": 100}


def task(name: str, folder: Path, seed: int) -> Task:
    """A split of a dataset.

    Args:
        name: a key of RULES. Adult keeps UCI's test file; a fifth of its training file, drawn by the
            seed, is for validation. COMPAS is split 56 : 14 : 30 by the seed.
        folder: holds `adult/adult.data`, `adult/adult.test` and
            `compas/compas-scores-two-years.csv`.
        seed: >= 0.

    Raises:
        ValueError: if a file is missing.
    """
    random = np.random.default_rng(seed)
    if name.startswith("adult"):
        x, y, groups, held_out = _adult(folder / "adult")
    else:
        x, y, groups = _compas(folder / "compas")
        held_out = random.random(len(y)) < 0.3
    validation = random.random(len(y)) < 0.2
    part = np.where(held_out, TEST, np.where(validation, VALIDATION, TRAIN))
    return Task(x.astype("float32"), y, groups, part, RULES[name], PASSES[name], seed)


def _adult(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels, memberships (male, female, black, white) and which rows are UCI's test."""
    frame, held_out = adult_frame(folder)
    edges = {"age": frame["age"][~held_out].quantile([0.25, 0.5, 0.75]).tolist(), **ADULT_EDGES}
    coded = frame[ADULT_CATEGORIES].assign(
        **{name: np.digitize(frame[name], values, right=True) for name, values in edges.items()}
    )
    x = pd.get_dummies(coded, columns=list(coded)).to_numpy()
    y = frame["income"].str.startswith(">50K").to_numpy(int)
    members = [frame["gender"] == "Male", frame["gender"] == "Female"]
    members += [frame["race"] == "Black", frame["race"] == "White"]
    return x, y, np.stack(members, axis=1).astype("float32"), held_out


def adult_frame(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Both files of UCI's Adult, and (n,) which rows are its test file's."""
    options = {"names": ADULT_COLUMNS, "skipinitialspace": True}
    train = pd.read_csv(present(folder / "adult.data"), **options)
    test = pd.read_csv(present(folder / "adult.test"), skiprows=1, **options)
    frame = pd.concat([train, test], ignore_index=True)
    return frame, np.arange(len(frame)) >= len(train)


def _compas(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, two-year recidivism, memberships (COMPAS_GROUPS)."""
    frame = compas_frame(folder)
    coded = frame[["c_charge_degree", "race", "score_text", "sex"]].assign(
        age=np.digitize(frame["age"], frame["age"].quantile([0.2, 0.4, 0.6, 0.8, 0.9]), right=True)
    )
    # Thermometers: a step of the score or of the number of priors is a column.
    steps = [frame["decile_score"] > edge for edge in range(1, 10)]
    steps += [frame["priors_count"] > edge for edge in (0, 1, 2, 4, 8)]
    x = np.hstack([pd.get_dummies(coded, columns=list(coded)).to_numpy(), np.stack(steps, axis=1)])
    y = frame["two_year_recid"].to_numpy(int)
    race = compas_race(frame)
    members = [race == group for group in COMPAS_GROUPS]
    return x, y, np.stack(members, axis=1).astype("float32")


def compas_frame(folder: Path) -> pd.DataFrame:
    """ProPublica's choice of rows."""
    frame = pd.read_csv(present(folder / "compas-scores-two-years.csv"))
    return frame[
        frame["days_b_screening_arrest"].between(-30, 30)
        & (frame["is_recid"] != -1)
        & (frame["c_charge_degree"] != "O")
        & frame["score_text"].notna()  # "N/A" in the file
    ]


def compas_race(frame: pd.DataFrame) -> pd.Series:
    """One of COMPAS_GROUPS for each row."""
    return frame["race"].where(frame["race"].isin(COMPAS_GROUPS[:2]), "Other")


def present(path: Path) -> Path:
    if not path.exists():
        raise ValueError(
            f"{path} is missing: --data must name the folder that holds {path.parent.name}/"
        )
    return path
