"""Equal opportunity on UCI Adult: the example `Fairness_adult` of the original library.

    python -m benchmarks.adult_equal_opportunity --data FOLDER [--seeds 5] [--steps 1500]

A linear model of one-hot features and quantile-coded numbers; TPR of men, women, black and white
people each at least 0.95 times the TPR of everyone. FOLDER holds `adult.data` and `adult.test` as UCI
publishes them. Prints error and largest violation on train and test for the unconstrained model, the
last iterate, the best snapshot and the best mixture (both chosen on the training set, as there), next
to the figures stored in that example.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from components import constrained_optimization as co

COLUMNS = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "gender",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
]
NUMERIC = ("age", "education_num", "capital_gain", "capital_loss", "hours_per_week")
GROUPS = (("gender", "Male"), ("gender", "Female"), ("race", "Black"), ("race", "White"))
SLACK = 0.95
SNAPSHOTS = 30
# What Fairness_adult.ipynb of the original stores (test error, test violation).
STORED = {
    "unconstrained": (0.1440, 0.0396),
    "last": (0.1437, 0.0266),
    "best": (0.1435, 0.0156),
    "mixture": (0.1433, 0.0180),
}


def read(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(train, test): features (n, d), labels (n,) and memberships (n, groups), all float32."""
    options = {"names": COLUMNS, "skipinitialspace": True, "na_values": "?"}
    train = pd.read_csv(folder / "adult.data", **options)
    test = pd.read_csv(folder / "adult.test", skiprows=1, **options)
    coded = []
    for column in COLUMNS[:-1]:
        both = pd.concat([train[column], test[column]])
        if column in NUMERIC:
            edges = np.unique(np.quantile(train[column], np.linspace(0, 1, 21)[1:-1]))
            both = pd.Series(np.digitize(both, edges))
        elif column == "fnlwgt":
            continue
        coded.append(pd.get_dummies(both, dtype="float32").to_numpy())
    features = np.hstack([*coded, np.ones((len(train) + len(test), 1))]).astype("float32")
    splits = []
    for frame, rows in ((train, features[: len(train)]), (test, features[len(train) :])):
        labels = frame["income"].str.startswith(">50K").to_numpy("float32")
        members = [(frame[column] == value).to_numpy("float32") for column, value in GROUPS]
        splits.append({"x": rows, "y": labels, "groups": np.stack(members, axis=1)})
    return splits[0], splits[1]


def measured(weights: np.ndarray, data: dict[str, np.ndarray]) -> tuple[float, np.ndarray]:
    """(error, violation of each constraint)."""
    decided, positive = data["x"] @ weights > 0, data["y"] > 0
    everyone = decided[positive].mean()
    rates = [decided[positive & (member > 0)].mean() for member in data["groups"].T]
    return float((decided != positive).mean()), SLACK * everyone - np.array(rates)


def train(
    data: dict[str, np.ndarray], steps: int, seed: int, constrained: bool
) -> list[np.ndarray]:
    """The weights after each of SNAPSHOTS rounds."""
    keras.utils.set_random_seed(seed)
    weights = tf.Variable(tf.random.normal([data["x"].shape[1]], stddev=0.01))
    tensors = {name: tf.constant(values) for name, values in data.items()}
    context = co.rate_context(lambda b: tf.linalg.matvec(b["x"], weights), labels=lambda b: b["y"])
    tpr = co.recall(context)
    subsets = [context.subset(lambda b, i=i: b["groups"][:, i]) for i in range(len(GROUPS))]
    constraints = [co.recall(subset) >= SLACK * tpr for subset in subsets] if constrained else []
    problem = co.RateMinimizationProblem(co.error_rate(context), constraints)
    game = co.ProxyLagrangian(problem.num_constraints, optimizer=0.3)
    optimizer = co.ConstrainedOptimizer(problem, game, keras.optimizers.Adam(0.02), [weights])

    @tf.function(jit_compile=True, autograph=False)
    def advance(seed: tf.Tensor) -> None:
        def step(i: tf.Tensor) -> tuple[tf.Tensor]:
            rows = tf.random.stateless_uniform(
                [1024], tf.stack([seed, i]), maxval=len(data["y"]), dtype=tf.int32
            )
            optimizer.minimize({name: tf.gather(value, rows) for name, value in tensors.items()})
            return (i + 1,)

        tf.while_loop(lambda i: i < steps // SNAPSHOTS, step, (tf.constant(0),))

    snapshots = []
    for part in range(SNAPSHOTS):
        advance(tf.constant(1000 * seed + part))
        snapshots.append(weights.numpy())
    return snapshots


def results(folder: Path, steps: int, seed: int) -> dict[str, list[float]]:
    """name -> [train error, train violation, test error, test violation]."""
    splits = read(folder)
    plain = train(splits[0], steps, seed, constrained=False)[-1]
    snapshots = train(splits[0], steps, seed, constrained=True)
    tables = [[measured(weights, split) for weights in snapshots] for split in splits]
    errors = [np.array([error for error, _ in table]) for table in tables]
    violations = [np.stack([violation for _, violation in table]) for table in tables]
    best = co.find_best_candidate_index(errors[0], violations[0])
    mixture = co.find_best_candidate_distribution(errors[0], violations[0])
    one = np.eye(SNAPSHOTS)
    rows = {"last": one[-1], "best": one[best], "mixture": mixture}
    found = {"unconstrained": [v for s in splits for v in _row(*measured(plain, s))]}
    for name, p in rows.items():
        found[name] = [
            v for e, g in zip(errors, violations, strict=True) for v in _row(p @ e, p @ g)
        ]
    return found


def _row(error: float, violations: np.ndarray) -> tuple[float, float]:
    return float(error), float(violations.max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    runs = [results(options.data, options.steps, seed) for seed in range(options.seeds)]
    print(f"mean (standard deviation) over {options.seeds} seeds; violation <= 0 is fair")
    print(
        f"{'':14}{'train error':>18}{'violation':>18}{'test error':>18}{'violation':>18}   stored"
    )
    for name, stored in STORED.items():
        table = np.array([run[name] for run in runs])
        cells = [
            f"{mean:8.4f} ({spread:.4f})".rjust(18)
            for mean, spread in zip(table.mean(axis=0), table.std(axis=0), strict=True)
        ]
        print(f"{name:14}{''.join(cells)}   {stored[0]:.4f} / {stored[1]:.4f}")


if __name__ == "__main__":
    main()
