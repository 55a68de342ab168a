"""What TFMA hands to a combiner, as arrays: the rows of one example, or of many at once.

TFMA's own extractors give an example at a time, `components.evaluator.batches` all of a batch that are in
a slice. The first axis of every array is that of examples then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

from fairgate.constraints.rates import Group


def of_model(value: Any, model_name: str, output_name: str = "") -> Any:
    """What belongs to one model and one output of it, where the value is a mapping of them."""
    for name in (model_name, output_name):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
    return value


def count(element: metric_types.StandardMetricInputs, model_name: str) -> int:
    """How many examples there are; an example without a label is one, too."""
    return int(np.size(_only(of_model(element.label, model_name)))) or 1


def numbers(value: Any, examples: int) -> NDArray[np.float64]:
    """(examples,) the first number of each; NaN where there are none."""
    values = np.asarray(_only(value), np.float64)
    if not values.size:
        return np.full(examples, np.nan)
    first: NDArray[np.float64] = values.reshape(examples, -1)[:, 0]
    return first


def column(
    element: metric_types.StandardMetricInputs, model_name: str, name: str, examples: int
) -> NDArray[Any]:
    """(examples, values of each) of a feature, as the model's signature or the record has it."""
    features = element.get_transformed_features(model_name) or element.get_features()
    values: NDArray[Any] = np.asarray(features[name]).reshape(examples, -1)
    return values


def texts(values: NDArray[Any]) -> list[str]:
    """The values of an array, decoded."""
    return [each.decode() if isinstance(each, bytes) else str(each) for each in values.ravel()]


def members(
    element: metric_types.StandardMetricInputs,
    model_name: str,
    groups: Sequence[Group],
    examples: int,
) -> NDArray[np.bool_]:
    """(1 + groups, examples) who is in each; row 0 is everybody."""
    columns = {
        feature: column(element, model_name, feature, examples).astype(object)
        for feature in {group.feature for group in groups}
    }
    found = np.ones((1 + len(groups), examples), bool)
    for row, group in enumerate(groups, start=1):
        values = columns[group.feature]
        found[row] = ((values == group.name) | (values == group.name.encode())).any(axis=1)
    return found


def _only(value: Any) -> Any:
    """The value itself, or the first of a mapping."""
    return next(iter(value.values())) if isinstance(value, Mapping) else value
