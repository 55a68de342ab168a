"""Every example runs, at a size of seconds, and does what its story says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.examples import NAMES, common, fairness_adult
from benchmarks.examples.__main__ import main

# Example -> pairs of rows: with constraints, the violation on train is smaller than without.
FALLS = {
    "recall_constraint": [("mixture", "unconstrained")],
    "recall_constraint_keras": [("last", "unconstrained")],
    "recall_constraint_estimator": [("last", "unconstrained")],
    "wiki_toxicity": [("mixture", "unconstrained")],
    "celeba_fairness": [("mixture", "unconstrained")],
    "fairness_adult": [("mixture", "unconstrained"), ("x 0.95: mixture", "x 0.95: unconstrained")],
    "minibatch_training": [("two streams: mixture", "unconstrained")],
    "oscillation_compas": [("mixture", "unconstrained"), ("FPR: mixture", "FPR: unconstrained")],
    "generalization_communities": [("one set: mixture", "unconstrained")],
    "churn": [("mixture", "unconstrained")],
}
# Example -> rows with a smaller objective on train than others.
BETTER = {
    "prauc_training": [("mixture", "average")],
    "post_processing": [("mixture", "last"), ("best", "error rate minimised")],
}
SLOW = ("fairness_adult", "minibatch_training")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made files in the layout of Adult and COMPAS, whose groups differ in how many are positive."""
    root = tmp_path_factory.mktemp("public")
    random = np.random.default_rng(0)
    (root / "adult").mkdir()
    (root / "compas").mkdir()
    for name, rows in (("adult.data", 1500), ("adult.test", 500)):
        table = pd.DataFrame({column: ["x"] * rows for column in fairness_adult.COLUMNS})
        table["gender"] = random.choice(["Male", "Female"], rows)
        table["race"] = random.choice(["White", "Black", "Other"], rows)
        male, white = table["gender"] == "Male", table["race"] == "White"
        talent = random.normal(size=rows) + 1.0 * male
        table["age"] = random.integers(17, 90, rows)
        table["education_num"] = np.clip(9 + 3 * talent, 1, 16).astype(int)
        for column in ("capital_gain", "capital_loss", "fnlwgt"):
            table[column] = 0
        table["hours_per_week"] = 40
        # A network learns what both groups mean together, a linear model cannot: they decide
        # differently.
        income = talent + 2.0 * (male ^ white) + random.normal(size=rows)
        table["income"] = np.where(income > 1.5, ">50K", "<=50K")
        with (root / "adult" / name).open("w") as file:
            file.write("|a first line\n" if name == "adult.test" else "")
            table.to_csv(file, header=False, index=False)
    race = random.choice(["Caucasian", "African-American"], 1500)
    priors = random.poisson(np.where(race == "Caucasian", 1.0, 3.0))
    pd.DataFrame(
        {
            "race": race,
            "sex": random.choice(["Male", "Female"], 1500),
            "age": random.integers(18, 70, 1500),
            "decile_score": np.clip(priors + random.integers(1, 4, 1500), 1, 10),
            "priors_count": priors,
            "c_charge_degree": "F",
            "score_text": "Low",
            "days_b_screening_arrest": 0,
            "is_recid": 0,
            "two_year_recid": (priors + random.normal(size=1500) > 2).astype(int),
        }
    ).to_csv(root / "compas" / "compas-scores-two-years.csv")
    return root


def test_there_are_twelve_examples_and_each_has_a_claim():
    assert len(NAMES) == 12
    assert set(FALLS) | set(BETTER) == set(NAMES)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in NAMES],
)
def test_the_example_keeps_its_promise(name: str, folder: Path):
    example = importlib.import_module(f"benchmarks.examples.{name}")
    rows = example.run(seed=0, folder=folder, small=True)
    assert set(example.STORED) <= set(rows)
    for row, other in FALLS.get(name, []):
        assert rows[row].train_violation < rows[other].train_violation
    for row, other in BETTER.get(name, []):
        assert rows[row].train_objective < rows[other].train_objective
    printed = common.table(example, [rows, rows])
    figures = re.findall(r"-?\d\.\d{4} \(0\.0000\)", printed)
    known = sum(value is not None for row in rows.values() for value in row)
    assert len(figures) == known


def test_a_mixture_has_the_largest_expected_violation_not_the_mean_of_the_largest():
    halves = np.array([0.5, 0.5])
    measured = (np.array([0.1, 0.3]), np.array([[0.4, -0.4], [-0.4, 0.4]]))
    row = common.Measured(measured, measured).row(halves)
    np.testing.assert_allclose(row, [0.2, 0.0, 0.2, 0.0], atol=1e-12)


def test_an_example_without_its_data_is_left_out_in_words(tmp_path: Path, capsys):
    assert main(["churn", "--data", str(tmp_path), "--seeds", "1"]) == 1
    assert "name the folder that holds adult/ by --data" in capsys.readouterr().err


def test_the_command_names_the_examples_that_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["chrun"])
    assert "churn" in capsys.readouterr().err


def test_the_command_prints_a_table(capsys):
    assert main(["post_processing", "--small", "--seeds", "1"]) == 0
    captured = capsys.readouterr()
    assert "| mixture | 0." in captured.out and "seed 1 of 1" in captured.err
