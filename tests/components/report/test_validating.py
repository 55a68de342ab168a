"""What a sealed run shows in place of its test split: measured on the validation split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.report import curves, validating
from components.report.curves import Scored
from fairgate.bounds.paired import upper_change
from fairgate.gate.config import GateConfig

SIZES = {
    "examples": 8000,
    "negatives": 4000,
    "groups": {
        "A": {"examples": 4000, "negatives": 2000},
        "B": {"examples": 4000, "negatives": 2000},
    },
}


@pytest.fixture
def scored():
    """Of each group 500 positives and 500 negatives; A gets 10 false alarms more, and 25 less."""
    n = 2000
    positive = np.arange(n) % 2 == 0
    group = np.where(np.arange(n) < n // 2, "A", "B")
    rng = np.random.default_rng(0)
    right = rng.random(n) < 0.9
    before = np.where(right == positive, 0.8, 0.2)
    after = before.copy()
    negatives = np.flatnonzero(~positive & (group == "A"))
    after[negatives[before[negatives] < 0.5][:10]] = 0.8
    after[negatives[before[negatives] > 0.5][:25]] = 0.2
    scores = {"constrained": after, "baseline": before}
    return Scored(positive, {"Team": group}, {"Team": ["A", "B"]}, scores)


def test_changes_are_counted_by_label_and_group(scored):
    found = curves.outcomes(scored)
    [a, b] = [each for each in found["constrained"] if each is not None]
    assert found["constrained"][a].changes("FPR") == (10, 25, 500)
    assert found["constrained"][a].changes("TPR") == (0, 0, 500)
    assert found["constrained"][b].changes("FPR") == (0, 0, 500)
    assert found["constrained"][None].changes("FPR") == (10, 25, 1000)
    assert found["baseline"][a].against is None


def test_a_change_is_judged_and_advised_on_from_the_validation_split(scored):
    line = "FPR | [A] <= baseline - 0.02"
    gate = GateConfig(constraints=(line,), minimum_accuracy=0)
    found = validating.judgement(gate, 0.95, scored, SIZES)
    [row] = found.gate
    assert row.value == pytest.approx(-15 / 500)
    assert row.upper_bound == pytest.approx(upper_change(10, 25, 500, 0.05))
    assert not row.passed and "this many validation examples" in found.reasons[0]
    # As many test examples as there are four times over: about what is said of those.
    assert any("would pass 4 times in 5 with more test examples" in each for each in found.advice)
    loose = gate.model_copy(update={"constraints": ("FPR | [A] <= baseline + 0.02",)})
    assert validating.judgement(loose, 0.95, scored, SIZES).gate[0].passed


def test_weights_count_on_the_validation_split_too(scored):
    heavy = np.where(scored.groups["Team"] == "A", 3.0, 1.0)
    gate = GateConfig(constraints=("FPR <= 0.5",), minimum_accuracy=0)
    weighed = validating.judgement(gate, 0.95, replace(scored, weights=heavy, most=3.0), SIZES)
    fpr = curves.outcomes(scored)["constrained"]
    a, b = (fpr[each].rate("FPR") for each in fpr if each is not None)
    assert weighed.gate[0].value == pytest.approx((3 * a + b) / 4)
    assert weighed.sampling.weighted and weighed.gate[0].passed


def test_what_got_worse_is_said_of_the_validation_split(scored):
    from_a = np.flatnonzero(~scored.positive & (scored.groups["Team"] == "A"))
    after = scored.scores["baseline"].copy()
    after[from_a[after[from_a] < 0.5][:60]] = 0.8
    worse = replace(scored, scores=scored.scores | {"constrained": after})
    gate = GateConfig(constraints=("FPR <= 0.9",), minimum_accuracy=0)
    [first, *_] = validating.judgement(gate, 0.95, worse, SIZES).cost
    assert first.startswith("on the validation split the false positive rate of A rose from")
