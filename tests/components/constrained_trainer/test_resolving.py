"""Settings that fit the data: numbers by hand, and words that say why."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from components.constrained_trainer import resolving, training
from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.resolving import (
    Rarest,
    rarest_set,
    resolve,
    watched_split,
)
from tests.components.constrained_trainer.toy import GROUPS, biased_split

GAP = "max_gap(FPR, [G]) <= 0.05"


def table(a: tuple[int, int], b: tuple[int, int], kind: str = "numeric") -> Split:
    """(positives, negatives) of each group."""
    sizes = np.array([*a, *b])
    group, label = np.repeat([0, 0, 1, 1], sizes), np.repeat([1, 0, 1, 0], sizes)
    shape = (len(group), 2, 2, 1) if kind == "image" else (len(group), 3)
    inputs = {kind: np.zeros(shape, np.uint8 if kind == "image" else np.float32)}
    return Split(inputs, label.astype(np.float32), np.eye(2, dtype=np.float32)[group], GROUPS)


# 10,000 rows for training, a fifth as many for validation.
LARGE = table((4000, 4000), (1000, 1000))
VALIDATION = table((800, 800), (200, 200))


def configured(**settings) -> TrainingConfig:
    return TrainingConfig(**({"network": "tabular", "constraints": (GAP,)} | settings))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (GAP, Rarest(20, "negatives of [b]")),
        ("TPR | [b] >= 0.9", Rarest(30, "positives of [b]")),
        ("PPR | [b] >= 0.1", Rarest(50, "examples of [b]")),
        ("AUC | [a] >= 0.9", Rarest(40, "negatives of [a]")),
        ("TPR >= 0.9", Rarest(90, "positives of everybody")),
    ],
)
def test_the_rarest_set_is_what_a_rate_is_over(line, expected):
    assert rarest_set((line,), table((60, 40), (30, 20))) == expected


def test_the_rarest_of_several_constraints_decides_and_none_is_none():
    split = table((60, 40), (30, 20))
    assert rarest_set(("TPR >= 0.9", GAP), split) == Rarest(20, "negatives of [b]")
    assert rarest_set((), split) is None


def test_what_is_a_number_stays_and_nothing_is_said_of_it():
    given = configured(
        objective="hinge",
        steps=77,
        batch_size=48,
        weight_decay=0.5,
        multipliers=MultiplierConfig(
            learning_rate=0.25, proportional=3, watch="training", every=7, batch_share=0.5
        ),
    )
    resolved = resolve(given, LARGE, VALIDATION)
    assert resolved.config == given and resolved.reasons == ()


def test_what_was_found_is_found_again_without_a_word():
    once = resolve(configured(snapshots=5), LARGE, VALIDATION)
    again = resolve(once.config, LARGE, VALIDATION)
    assert again.config == once.config and again.reasons == () and len(once.reasons) == 9
    where_and_how = {"devices", "jit", "resident_gb"}  # which no digit depends on
    assert "auto" not in once.config.model_dump_json(exclude=where_and_how)


def test_the_formulas_on_a_table_of_ten_thousand():
    """1,000 of 10,000 are negatives of [b]: 16 in 160 examples, so the usual 256 do.

    Of validation all 2,000 are seen at a time, 200 of them negatives of [b]: 1 / s = 2 sqrt(200).
    """
    resolved = resolve(configured(), LARGE, VALIDATION)
    config = resolved.config
    assert (config.batch_size, config.steps, config.objective) == (256, 3000, "cross_entropy")
    assert config.weight_decay == pytest.approx(16 / 10_000)
    multipliers = config.multipliers
    assert multipliers.watch == "validation" and multipliers.batch_share * 256 == 2000
    assert multipliers.every == math.ceil(2000 / (0.4 * 256))
    assert multipliers.proportional == pytest.approx(0.2 * math.sqrt(200))
    assert multipliers.learning_rate == pytest.approx(4 * math.sqrt(200) / 3000)
    assert "dual rate 0.019: 200 negatives of [b] seen at a time" in resolved.reasons


def test_a_rare_set_takes_larger_minibatches():
    rare = table((5000, 4600), (200, 200))  # 16 in 800
    assert resolve(configured(), rare, VALIDATION).config.batch_size == 1024
    assert resolve(configured(constraints=()), rare, VALIDATION).config.batch_size == 256


def test_a_small_table_gets_small_minibatches_fewer_steps_and_a_strong_penalty():
    small, few = table((150, 150), (50, 50)), table((30, 30), (15, 15))
    config = resolve(configured(), small, few).config
    assert config.batch_size == 64 and config.steps == 300 * 400 // 64
    assert config.weight_decay == pytest.approx(0.04)
    assert config.multipliers.watch == "both"
    # All 490 examples, 65 of them negatives of [b], are seen at a time.
    assert config.multipliers.proportional == pytest.approx(0.2 * math.sqrt(65))


def test_fewer_examples_make_the_player_slower():
    rates = [
        resolve(
            configured(multipliers={"watch": "validation"}), LARGE, table((400, 400), (100, n))
        ).config.multipliers
        for n in (200, 100, 50)
    ]
    assert rates[0].learning_rate > rates[1].learning_rate > rates[2].learning_rate
    assert rates[0].proportional > rates[1].proportional > rates[2].proportional


def test_pictures_follow_a_hinge_whose_constraints_need_more_weight():
    pictures = [table((40, 40), (10, 10), "image"), table((40, 40), (10, 10), "image")]
    of_pictures = resolve(configured(), *pictures).config
    same = resolve(configured(objective="cross_entropy"), *pictures).config
    assert of_pictures.objective == "hinge"
    assert of_pictures.multipliers.proportional == pytest.approx(
        2.5 * same.multipliers.proportional
    )


def test_minibatches_are_shared_equally_by_devices():
    assert resolve(configured(), LARGE, VALIDATION, replicas=3).config.batch_size % 3 == 0


def test_what_the_player_sees_costs_a_share_of_the_model_s_work():
    large = table((40_000, 40_000), (10_000, 10_000))
    config = resolve(configured(), large, large).config
    multipliers = config.multipliers
    assert multipliers.batch_share / multipliers.every <= 0.4 + 1e-9
    assert config.steps / multipliers.every >= 149  # moves


def test_both_is_one_split_after_the_other():
    both = watched_split("both", LARGE, VALIDATION)
    assert len(both) == 12_000 and both.inputs["numeric"].shape == (12_000, 3)
    np.testing.assert_array_equal(both.labels[10_000:], VALIDATION.labels)
    assert watched_split("training", LARGE, VALIDATION) is LARGE
    assert watched_split("validation", LARGE, VALIDATION) is VALIDATION


def test_what_was_resolved_before_is_trained_as_it_is(monkeypatch):
    """Once for each training: neither `train` nor its loop asks the data again."""
    given, held = biased_split(600, seed=1), biased_split(400, seed=2)
    line = "max_gap(FPR, [G]) <= 0.2"
    config = TrainingConfig(constraints=(line,), steps=20, snapshots=2, jit="off")
    found = training.train(given, held, config)
    once = resolve(config, given, held)
    for module in (training, resolving):
        monkeypatch.setattr(module, "resolve", lambda *_: pytest.fail("resolved again"))
    again = training.train(given, held, once)
    assert found.reasons == again.reasons == once.reasons != ()
    for one, other in zip(found.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    named = replace(once, reasons=("what was found before",))
    assert training.train(given, held, named).reasons == ("what was found before",)
