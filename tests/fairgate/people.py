"""Made-up people, whose answers are judged."""

from __future__ import annotations

import numpy as np

import fairgate
from fairgate.gate.judgement import Judgement

GAP = "max_gap(FPR, [sex]) <= 0.1"


class People:
    """Labels, decisions and groups of made-up people; seeded."""

    def __init__(self, n: int = 2000, gap: float = 0.0, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 2, n)
        self.sex = np.array(["Female", "Male"])[rng.integers(0, 2, n)]
        yes = np.where(self.labels == 1, 0.8, 0.1 + gap * (self.sex == "Male"))
        self.said = (rng.random(n) < yes).astype(int)


def judge(people: People, **changes) -> Judgement:
    arguments = {"groups": {"sex": people.sex}, "constraints": [GAP]}
    return fairgate.judge(people.labels, people.said, **arguments | changes)


def figures(judgement: Judgement) -> list[str]:
    """What was counted and measured of the answers, as it would be written."""
    shown = [row.value for row in judgement.gate] + [row.bound for row in judgement.gate]
    model = judgement.outcomes
    for each in (model, *model.groups.values()):
        shown += [each.fpr, each.fnr, each.accuracy]
    return [f"{value:.4f}" for value in shown]
