"""Training on a label of three classes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from components.constrained_trainer import telling
from components.constrained_trainer.config import MultiplierConfig, SelectionConfig, TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.models import networks
from components.constrained_trainer.search.frontier import sweep
from components.constrained_trainer.selection import deciding, thresholds
from components.constrained_trainer.selection.yardsticks import measure
from components.constrained_trainer.training import train
from components.transform.inputs import ModelInput
from fairgate.constraints import parse
from fairgate.constraints.classes import seen_as
from fairgate.constraints.rates import Group
from fairgate.errors import SettingsError

NAMES = ("low", "mid", "high")
WOMEN, MEN = Group("Sex", "F"), Group("Sex", "M")
CONFIG = TrainingConfig(
    network="tabular",
    constraints=["max_gap(TPR(high), [Sex]) <= 0.05"],
    steps=600,
    snapshots=6,
    learning_rate=0.01,
    batch_size=128,
    multipliers=MultiplierConfig(learning_rate=0.3),
)


def split(n: int, seed: int) -> Split:
    """Points tell the class; men need fewer of them, and their sex is an input."""
    rng = np.random.default_rng(seed)
    points, men = rng.normal(size=n), rng.random(n) < 0.5
    liked = points + np.where(men, 0.7, -0.7) + 0.4 * rng.normal(size=n)
    labels = np.digitize(liked, [-0.7, 0.7]).astype(np.float32)
    numeric = np.stack([points, men], axis=1).astype(np.float32)
    members = np.stack([~men, men], axis=1).astype(np.float32)
    return Split({"numeric": numeric}, labels, members, (WOMEN, MEN), classes=NAMES)


def gap(counts) -> float:
    women, men = (counts[seen_as(group, "high")].rate("TPR") for group in (WOMEN, MEN))
    return abs(women - men)


@pytest.fixture(scope="module")
def splits() -> tuple[Split, Split]:
    return split(4000, 0), split(3000, 1)


@pytest.fixture(scope="module")
def baseline(splits):
    return train(*splits, CONFIG.unconstrained)


def test_a_gap_of_one_class_is_closed(splits, baseline):
    validation = splits[1]
    free = validation.counts(baseline.scores(validation))
    found = train(*splits, CONFIG, baseline=baseline.model.get_weights())
    counts = validation.counts(found.scores(validation))
    assert gap(free) > 0.15  # the split is unfair, and is learned
    assert gap(counts) <= 0.05 + 1e-9
    assert counts[None].rate("ERR") < free[None].rate("ERR") + 0.1
    # What is decided is the likeliest class, and what is told of it is what was counted.
    decided = found.decide(validation)
    assert set(np.unique(decided)) <= {0, 1, 2}
    assert found.error_rate == pytest.approx((decided != validation.labels).mean())
    assert "errs on" in " ".join(telling.sentences(found))
    chosen = found.yardsticks[-1]
    assert chosen.name == "the chosen model" and chosen.error_rate == pytest.approx(
        found.error_rate
    )
    np.testing.assert_allclose(found.chances(validation).sum(axis=1), 1)


def test_a_mixture_answers_as_its_members_do(splits, baseline):
    validation = splits[1].take(np.arange(200))
    before = baseline.model.get_weights()
    other = [weight + np.float32(0.3) for weight in before]
    members = [(0.5, before), (0.5, other)]
    keys = [f"{i}".encode() for i in range(200)]
    said = deciding.scores(baseline.model, members, None, validation, keys)
    each = [deciding.scores(baseline.model, [(1.0, w)], None, validation) for _, w in members]
    met = [np.isclose(said, one).all(axis=1) for one in each]
    assert said.shape == (200, 3) and (met[0] | met[1]).all() and 50 < met[0].sum() < 150


def test_the_commonest_class_is_a_yardstick(splits):
    validation = splits[1]
    scores = np.eye(3)[validation.labels.astype(int)]
    common, perfect = measure(validation, [parse("TPR(low) >= 0.5", validation.vocabulary)], scores)
    shares = np.bincount(validation.labels.astype(int)) / len(validation)
    assert common.error_rate == pytest.approx(1 - shares.max()) and perfect.error_rate == 0
    sizes = validation.counts(validation.no_scores)
    assert thresholds.error_of_the_commonest(sizes) == pytest.approx(common.error_rate)
    assert common.worst == pytest.approx(0.5) and perfect.worst == pytest.approx(-0.5)


def test_the_general_error_can_be_constrained(splits):
    config = TrainingConfig(
        **(CONFIG.model_dump() | {"constraints": ["max_gap(ERR, [Sex]) <= 0.5", "PPR(mid) >= 0.3"]})
    )
    found = train(*splits, config)
    counts = splits[1].counts(found.scores(splits[1]))
    assert counts[seen_as(None, "mid")].rate("PPR") >= 0.3 - 1e-9


def test_what_says_one_class_to_all_is_useless(splits):
    validation = splits[1]
    labels = validation.labels.astype(int)
    perfect = np.eye(3)[labels]
    same = np.tile(np.eye(3)[1], (len(labels), 1))
    never_high = np.eye(3)[np.minimum(labels, 1)]
    assert thresholds.uselessness(validation.counts(perfect)) == 0
    assert thresholds.uselessness(validation.counts(same)) == 2
    # That a class is never said makes no model useless.
    assert thresholds.uselessness(validation.counts(never_high)) < 2
    shuffled = np.random.default_rng(0).permutation(perfect)
    assert thresholds.uselessness(validation.counts(shuffled)) >= 1
    assert not thresholds.tells_nothing(validation.labels, perfect + 0.0)
    assert thresholds.tells_nothing(validation.labels, same)
    noise = np.random.default_rng(0).normal(size=(len(labels), 3))
    assert thresholds.tells_nothing(validation.labels, noise)


@pytest.mark.parametrize("name", ["mlp", "tabular"])
def test_networks_have_a_score_for_each_class(name):
    inputs = {"numeric": ModelInput((2,), "float32")}
    model = networks.build(name, inputs, seed=0, scores=3)
    assert model.output_shape == (None, 3) and not networks.has_score_bias(model)


def one_score(inputs):
    """A network of a user's own."""
    given = keras.Input((2,), name="numeric")
    return keras.Model(given, keras.layers.Dense(1)(given))


def test_a_network_of_ones_own_must_have_as_many():
    inputs = {"numeric": ModelInput((2,), "float32")}
    with pytest.raises(
        SettingsError, match=r"expected \(None, 3\), one real score for each of the 3"
    ):
        networks.build(f"{__name__}:one_score", inputs, seed=0, scores=3)


def test_curves_are_of_one_score(splits):
    with pytest.raises(ValueError, match="several"):
        train(*splits, TrainingConfig(**(CONFIG.model_dump() | {"constraints": ["AUC >= 0.5"]})))


def test_published_selection_mixes(splits, baseline):
    config = CONFIG.model_copy(update={"selection": SelectionConfig(choose="distribution")})
    found = train(*splits, config)
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.scores(splits[1]).shape == (3000, 3)


def test_a_sweep_of_limits_measures_every_training(splits):
    config = CONFIG.model_copy(update={"steps": 150, "snapshots": 3})
    points = sweep(*splits, config, [0.2, 0.05], share=1.0)
    assert [point.limit for point in points] == [None, 0.2, 0.05]
    assert all(0.5 < point.accuracy < 1 for point in points)
    assert points[0].measured[0].value > points[-1].measured[0].value
