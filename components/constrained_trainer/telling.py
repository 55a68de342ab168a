"""What a training came to, in sentences: for the log, the report and the card."""

from __future__ import annotations

import math

from components.constrained_trainer.snapshots import Snapshot
from components.constrained_trainer.training import TrainingResult

_ROUNDING = 1e-9


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
    said.append(f"On the validation split it errs on {result.error_rate:.2%} of the examples.")
    if result.pieces:
        said.append(broken(result) or _kept(result))
    if not result.is_useful:
        said.append(
            "It gives almost everybody one answer, or says Yes to a group's negatives as often as to its "
            "positives, and no other choice did better: there is no solution here. A looser limit, more "
            "examples or better inputs would help."
        )
    return said


def _named(snapshot: Snapshot) -> str:
    name = f"the snapshot of step {snapshot.step:,}" if snapshot.step else "the baseline"
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
