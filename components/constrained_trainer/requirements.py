"""What a training needs of its settings and of its data, before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.data import Split
from fairgate.constraints.expressions import Constraint, CurveOf, RateOf, rates_in
from fairgate.constraints.rates import RATES, Counts
from fairgate.errors import DataError, SettingsError


def require_equal_parts(config: TrainingConfig, scope: tf.distribute.Strategy) -> None:
    """Raises SettingsError for a minibatch that the replicas of `scope` cannot share equally."""
    replicas = scope.num_replicas_in_sync
    if config.batch_size % replicas:
        raise SettingsError(
            f"trainer.batch_size = {config.batch_size} cannot be shared equally by {replicas} devices: "
            f"give a multiple of {replicas}"
        )


def require_examples(constraints: Sequence[Constraint], splits: Mapping[str, Split]) -> None:
    """Raises DataError for a constraint that no model's outcomes on a split could give a value."""
    for name, split in splits.items():
        counts = split.counts(split.no_scores)
        for constraint in constraints:
            for rate in rates_in(constraint.expression):
                if not _has_examples(rate, counts[rate.group]):
                    present = ", ".join(
                        f"[{group}] {count.positives} positive and {count.negatives} negative"
                        for group, count in counts.items()
                        if group is not None and (group.of or not split.classes)
                    )
                    raise DataError(
                        f"trainer.constraints: {constraint} cannot be measured on split '{name}': "
                        f"{rate} has no examples there (it holds: {present}). Add such examples, or "
                        "take the constraint out"
                    )


def _has_examples(rate: RateOf | CurveOf, counts: Counts) -> bool:
    if isinstance(rate, CurveOf):
        return counts.positives > 0 and (counts.negatives > 0 or rate.measure != "AUC")
    sets = {"positives": counts.positives, "negatives": counts.negatives}
    return sets.get(RATES[rate.rate].denominator, counts.examples) > 0
