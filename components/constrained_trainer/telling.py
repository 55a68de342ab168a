"""What a training came to, in sentences: for the log, the report and the card."""

from __future__ import annotations

import math

from components.constrained_trainer.selection.cells import CellThresholds
from components.constrained_trainer.selection.snapshots import Snapshot
from components.constrained_trainer.training import TrainingResult

_ROUNDING = 1e-9
_USELESS = (
    "On the validation split it gives almost everybody one answer, or says Yes to a group's negatives "
    "as often as to its positives, or its scores tell positives from negatives no better than chance."
)


def sentences(result: TrainingResult) -> list[str]:
    """Which snapshot, threshold or mixture was chosen, and whether it keeps its constraints.

    Args:
      result: of a training.
    """
    places = [place for place, p in enumerate(result.probabilities) if p > 0]
    members = [(float(result.probabilities[place]), result.snapshots[place]) for place in places]
    if len(members) == 1:
        said = [f"Chosen: {_named(members[0][1])}."]
    else:
        shares = ", ".join(f"{_named(each)} for {p:.0%}" for p, each in members)
        said = [f"Chosen: a mixture of {shares} of the examples."]
    if (rule := members[0][1].rule) is not None:
        said += _by_group(rule)
    said.append(f"On the validation split it errs on {result.error_rate:.2%} of the examples.")
    if result.pieces:
        said.append(broken(result) or _kept(result))
    if not result.is_useful:
        said.append(_USELESS)
    return said


def helping(result: TrainingResult) -> list[str]:
    """What would help a training that found no model of any use; empty where it found one."""
    if result.is_useful:
        return []
    if any(each.uselessness < 2 for each in result.snapshots):
        return ["Other snapshots are of use: trainer.selection.choose = best takes one of those."]
    said = [
        "Inputs that tell more about the label would help, or more training examples of every group."
    ]
    if any(not each.step for each in result.snapshots):
        said.append(
            "Not even the baseline, which no constraint holds back, is of any use: a looser limit would "
            "not help."
        )
    else:
        said.append("A looser limit would help, if a training without constraints finds more.")
    return said


def no_solution(result: TrainingResult) -> str | None:
    """Why the choice is not worth judging, and what would help; None where it is."""
    return None if result.is_useful else " ".join([_USELESS, *helping(result)])


def _by_group(rule: CellThresholds) -> list[str]:
    """The thresholds of each group, as probabilities that the model would state without them."""
    said = []
    for groups, own, shares in zip(rule.cells.named(), rule.thresholds, rule.shares, strict=True):
        names = " and ".join(f"[{group.name}]" for group in groups)
        parts = [_above(threshold) for threshold in own]
        if len(parts) > 1:
            parts = [f"{part} for {p:.0%}" for part, p in zip(parts, shares, strict=True)]
        said.append(f"{names}: Yes {', '.join(parts)}.")
    if rule.drawn:
        said.append(
            f"Where there are several, a draw by the example's bytes picks one; it decides the answer of "
            f"{rule.drawn:.1%} of the validation examples."
        )
    said.append(
        "This model judges people by their group, which the law forbids for some uses: ask before it is "
        "used."
    )
    return said


def _above(threshold: float) -> str:
    if math.isinf(threshold):
        return "to nobody" if threshold > 0 else "to everybody"
    return f"above {1 / (1 + math.exp(-threshold)):.3g}"


def _named(snapshot: Snapshot) -> str:
    name = f"the snapshot of step {snapshot.step:,}" if snapshot.step else "the baseline"
    if snapshot.rule is not None:
        return f"{name} with a threshold for each group"
    if not snapshot.shift:
        return name
    return f"{name} with its threshold moved by {snapshot.shift:+.3g} (in the score)"


def broken(result: TrainingResult) -> str | None:
    """Which constraint of its training the choice breaks most on the validation split; None: none."""
    expected = _expected(result)
    worst = max(range(len(expected)), key=lambda k: expected[k], default=None)
    if worst is None or expected[worst] <= _ROUNDING:
        return None
    return (
        f"The chosen model breaks a constraint of its training on the validation split: "
        f"{result.pieces[worst]} by {expected[worst]:.4f}. No choice kept them all."
    )


def _kept(result: TrainingResult) -> str:
    nearest = -max(_expected(result))
    return f"It keeps the constraints of its training there, the nearest by {nearest:.4f}."


def _expected(result: TrainingResult) -> list[float]:
    """The violation of each piece that the choice has, or a mixture is expected to have."""
    return [
        math.fsum(
            float(p) * float(each.violations[k])
            for p, each in zip(result.probabilities, result.snapshots, strict=True)
            if p > 0
        )
        for k in range(len(result.pieces))
    ]
