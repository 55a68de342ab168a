"""What the examples share: training in compiled rounds, measuring, choosing snapshots, tables.

An example is a module with

    OBJECTIVE, VIOLATION   what its two columns are, in words
    STORED                 row -> figures that the original's notebook stores
    NOTE                   in what they can be compared with ours
    run(seed, folder, small) -> Rows

A row holds objective and largest violation on train and on test. Snapshots and mixtures are chosen on
training or validation data, never on test data.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fairgate import optimization as co

Data = Mapping[str, NDArray[np.float32]]
Weights = list[NDArray[np.float32]]
# scores (n,), data -> objective, constraints (m,), feasible where <= 0
Measure = Callable[[NDArray[np.float32], Data], tuple[float, Sequence[float]]]
# scores of a minibatch -> objective, constraints
Terms = Callable[[Callable[[Any], tf.Tensor]], tuple[co.Expression, list[co.Constraint]]]


class Row(NamedTuple):
    """Figures of one classifier; None where there is no such figure."""

    train_objective: float | None = None
    train_violation: float | None = None
    test_objective: float | None = None
    test_violation: float | None = None


Rows = dict[str, Row]

# Of fewer steps in a round, compiling takes longer than it saves.
_WORTH_COMPILING = 50


class Plan(NamedTuple):
    """How to train.

    Attributes:
        rounds: how many snapshots.
        steps: minibatches between two snapshots.
        batch: rows of a minibatch; None: all of them.
        rate: Adam's, for the model.
        decay: whether that rate falls to 0 along a cosine, so that the last snapshot is a settled one.
        dual: rate of the multipliers.
    """

    rounds: int
    steps: int
    batch: int | None
    rate: float
    dual: float = 0.3
    decay: bool = True


Figures = tuple[NDArray[np.float64], NDArray[np.float64]]


class Measured(NamedTuple):
    """objectives (snapshots,) and constraints (snapshots, m) of each split.

    Attributes:
        validation: what to choose by; None: by train.
    """

    train: Figures
    test: Figures
    validation: Figures | None = None

    def row(self, mixture: NDArray[np.float64]) -> Row:
        """Of the classifier that draws a snapshot from this distribution."""
        figures = []
        for objectives, constraints in (self.train, self.test):
            violations = mixture @ constraints
            figures += [float(mixture @ objectives), float(max(violations, default=0.0))]
        return Row(*figures)

    def one(self, place: int) -> Row:
        return self.row(np.eye(len(self.train[0]))[place])

    def chosen(self) -> Rows:
        """The last snapshot, all of them in equal parts, the best, and the best mixture."""
        count = len(self.train[0])
        figures = self.validation or self.train
        return {
            "last": self.one(-1),
            "average": self.row(np.full(count, 1 / count)),
            "best": self.one(co.find_best_candidate_index(*figures)),
            "mixture": self.row(co.find_best_candidate_distribution(*figures)),
        }


def network(inputs: int, hidden: int = 0) -> keras.Model:
    """A linear model, or one hidden layer of rectified units; scores above 0 are positive."""
    layers = [keras.layers.Dense(hidden, "relu")] if hidden else []
    return keras.Sequential([keras.Input([inputs]), *layers, keras.layers.Dense(1)])


def minibatches(data: Data, size: int | None) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """A function from a seed (2,) to a minibatch, drawn with replacement; None: to all rows."""
    tensors = {name: tf.constant(values) for name, values in data.items()}
    count = len(next(iter(data.values())))
    if size is None or size >= count:
        return lambda seed: tensors

    def sample(seed: tf.Tensor) -> dict[str, tf.Tensor]:
        places = tf.random.stateless_uniform([size], seed, maxval=count, dtype=tf.int32)
        return {name: tf.gather(values, places) for name, values in tensors.items()}

    return sample


def train(
    model: keras.Model,
    problem: co.RateMinimizationProblem,
    sample: Callable[[tf.Tensor], Any],
    plan: Plan,
    seed: int,
    game: Callable[..., co.Formulation] = co.ProxyLagrangian,
) -> list[Weights]:
    """The weights after each round; a round is one loop, compiled if it is long."""
    multipliers = game(problem.num_constraints, optimizer=plan.dual)
    falling = keras.optimizers.schedules.CosineDecay(plan.rate, plan.rounds * plan.steps)
    primal = keras.optimizers.Adam(falling if plan.decay else plan.rate)
    optimizer = co.ConstrainedOptimizer(problem, multipliers, primal, model)

    @tf.function(jit_compile=plan.steps >= _WORTH_COMPILING, autograph=False)
    def advance(start: tf.Tensor) -> None:
        def step(i: tf.Tensor) -> tuple[tf.Tensor]:
            optimizer.minimize(sample(tf.stack([seed, start + i])))
            return (i + 1,)

        tf.while_loop(lambda i: i < plan.steps, step, (tf.constant(0),))

    snapshots = []
    for done in range(plan.rounds):
        advance(tf.constant(done * plan.steps))
        snapshots.append(model.get_weights())
    return snapshots


def measured(
    model: keras.Model, snapshots: Sequence[Weights], splits: Mapping[str, Data], measure: Measure
) -> Measured:
    """Every snapshot on the splits "train", "test" and, if there is one, "validation"."""
    tables: dict[str, Figures] = {}
    score = tf.function(lambda x: model(x, training=False)[:, 0])
    for name, split in splits.items():
        inputs = tf.constant(split["x"])
        pairs = []
        for weights in snapshots:
            model.set_weights(weights)
            pairs.append(measure(score(inputs).numpy(), split))
        objectives = np.array([objective for objective, _ in pairs])
        tables[name] = objectives, np.array([list(g) for _, g in pairs])
    return Measured(**tables)


def compare(
    splits: Mapping[str, Data],
    make_model: Callable[[], keras.Model],
    terms: Terms,
    measure: Measure,
    plan: Plan,
    seed: int,
    game: Callable[..., co.Formulation] = co.ProxyLagrangian,
    choose: Callable[[Measured], Rows] = Measured.chosen,
) -> Rows:
    """Without the constraints (the last snapshot), and with them (those that `choose` chooses)."""
    rows: Rows = {}
    sample = minibatches(splits["train"], plan.batch)
    for constrained in (False, True):
        keras.utils.set_random_seed(seed)
        model = make_model()
        objective, constraints = terms(lambda b, model=model: model(b["x"]))
        problem = co.RateMinimizationProblem(objective, constraints if constrained else [])
        snapshots = train(model, problem, sample, plan, seed, game)
        found = measured(model, snapshots, splits, measure)
        rows |= choose(found) if constrained else {"unconstrained": found.one(-1)}
    return rows


def error_rate(scores: NDArray[np.float32], labels: NDArray[np.float32]) -> float:
    return float(((scores > 0) != (labels > 0)).mean())


def hinge_loss(scores: NDArray[np.float32], labels: NDArray[np.float32]) -> float:
    return float(np.maximum(0, 1 - (2 * (labels > 0) - 1) * scores).mean())


def positive_rate(scores: NDArray[np.float32], subset: NDArray[Any]) -> float:
    """The share of positive decisions in a subset."""
    return float((scores[subset.astype(bool)] > 0).mean())


def table(example: ModuleType, runs: Sequence[Rows]) -> str:
    """A Markdown table: mean (standard deviation) over the runs, the original's figures below."""
    head = ["", *(f"{s} {what}" for s in ("train", "test") for what in ("objective", "violation"))]
    lines = [head, ["---", *["---:"] * 4]]
    for name in runs[0]:
        lines.append([name, *map(_cell, *(run[name] for run in runs))])
        if name in example.STORED:
            lines.append(["*the original*", *map(_cell, example.STORED[name])])
    title = example.__doc__.splitlines()[0]
    words = f"Objective: {example.OBJECTIVE}. Violation: {example.VIOLATION}. {example.NOTE}"
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {title}\n\n{words}\n\n{rows}\n"


def _cell(*values: float | None) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    # Rounding must not print a sign before zero.
    mean = f"{statistics.fmean(known):.4f}".replace("-0.0000", "0.0000")
    return mean if len(values) == 1 else f"{mean} ({statistics.pstdev(known):.4f})"


def needed(folder: Path | None, *parts: str) -> Path:
    """A file of a public data set.

    Raises:
        FileNotFoundError: in words, if there is no such file.
    """
    path = (folder or Path("data")).joinpath(*parts)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there: name the folder that holds {parts[0]}/ by --data"
        )
    return path
