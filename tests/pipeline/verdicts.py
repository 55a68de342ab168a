"""Models with given outcomes, for tests of what is said of them: see the fixture `judge`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fairgate.constraints.rates import Counts, Group
from fairgate.gate import checks
from fairgate.gate.prediction import bound_of
from pipeline.settings import Settings, load

Measured = dict[Group | None, Counts]

FAIR = {"Young": Counts(tp=4000, fp=300, tn=5700, fn=600), "Not Young": Counts(900, 80, 1520, 150)}
UNFAIR = {"Young": Counts(4000, 300, 5700, 600), "Not Young": Counts(900, 400, 1200, 150)}
NOBODY = Counts(0, 0, 0, 0)


def measured(groups: dict[str, Counts], feature: str = "Young") -> Measured:
    everybody = sum(groups.values(), NOBODY)
    return {None: everybody} | {Group(feature, name): c for name, c in groups.items()}


def evaluation(settings: Settings, counts: Measured, accuracy: float | None = None) -> Any:
    """An evaluation result as TFMA loads it, of a model with these outcomes."""
    metrics: dict[str, float] = {
        checks.ACCURACY: counts[None].rate("ACC") if accuracy is None else accuracy,
        checks.FEWEST_NEGATIVES: min(c.negatives for group, c in counts.items() if group),
        checks.DISTINCT_DECISIONS: float(counts[None].tp + counts[None].fp > 0)
        + float(counts[None].tn + counts[None].fn > 0),
    }
    for check in checks.checks(settings.gate, settings.data.features.group_names):
        constraint, delta = check.constraint, 1 - settings.gate.confidence
        metrics[check.value_metric] = constraint.value(counts)
        metrics[check.bound_metric] = bound_of(constraint, counts, delta)
    slices = []
    for group, of_group in counts.items():
        if not of_group.examples:
            continue  # TFMA has no slice where there are no examples
        confusion = {
            "true_positives": of_group.tp,
            "false_positives": of_group.fp,
            "true_negatives": of_group.tn,
            "false_negatives": of_group.fn,
        }
        values = confusion | (metrics if group is None else {})
        key = () if group is None else ((group.feature, group.name),)
        slices.append(
            (key, {"": {"": {name: {"doubleValue": value} for name, value in values.items()}}})
        )
    return SimpleNamespace(slicing_metrics=slices)


def ages(young: Counts, middle: Counts, old: Counts) -> tuple[Measured, Settings]:
    settings = load(
        [],
        [
            "data.features.groups={Age: {name: age, values: {Young: 0, Middle: 1, Old: 2}}}",
            "trainer.constraints=[]",
            "gate.constraints.0=max_gap(FPR, [Age]) <= 0.05",
        ],
    )
    return measured({"Young": young, "Middle": middle, "Old": old}, "Age"), settings
