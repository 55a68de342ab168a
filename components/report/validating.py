"""What is shown in place of a sealed test split: the same, measured on the validation split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, replace
from typing import Any

from components.report import curves
from components.report.curves import Scored
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.gate import advice, judging, words
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import CONSTRAINED, Judgement, shown_name


def judgement(
    gate: GateConfig, confidence: float, scored: Scored, sizes: Mapping[str, Any]
) -> Judgement:
    """What the gate would say of the validation split, which promises nothing: models are chosen by it.

    Its advice is about the test split: what would help if the rates there were those of the validation
    split.

    Args:
      gate: what is asked.
      confidence: what the attempt was judged at.
      scored: the validation split.
      sizes: how many examples the test split has: the constrained model's part of a sealed verdict.
    """
    outcomes = curves.outcomes(scored)
    same = gate.model_copy(update={"confidence": confidence, "attempts": 1})
    found = judging.judge(same, scored.names, outcomes)
    supposed = _supposed(outcomes[CONSTRAINED], scored.names, sizes)
    return replace(
        found,
        reasons=list(map(words.of_validation, found.reasons)),
        cost=[f"on the validation split {said}" for said in found.cost],
        advice=advice.for_test_split(same, confidence, scored.names, supposed),
    )


def _supposed(counts: Measured, names: Mapping[str, Any], sizes: Mapping[str, Any]) -> Measured:
    """The rates of `counts` on as many examples as the test split has."""
    shown: dict[Group | None, Mapping[str, Any]] = {None: sizes}
    for feature, members in names.items():
        for name in members:
            shown[Group(feature, name)] = sizes["groups"][shown_name(feature, name, names)]
    return {group: _scaled(counts[group], of) for group, of in shown.items()}


def _scaled(counts: Counts, size: Mapping[str, Any]) -> Counts:
    negatives = size["negatives"]
    positives = size["examples"] - negatives
    changes = counts.against
    if changes is not None:
        of = positives / (counts.positives or 1), negatives / (counts.negatives or 1)
        changes = Changes(*(round(n * of[i // 2]) for i, n in enumerate(astuple(changes))))
    fp = round(negatives * counts.fp / (counts.negatives or 1))
    fn = round(positives * counts.fn / (counts.positives or 1))
    return Counts(tp=positives - fn, fp=fp, tn=negatives - fp, fn=fn, against=changes)
