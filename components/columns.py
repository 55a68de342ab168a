"""How raw examples parse, and what the columns of label and groups say of each."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import tensorflow as tf

from components.features import Features
from fairgate.data.membership import NUMBER, WHOLE, Members, Membership, Values

Spec = tf.io.FixedLenFeature | tf.io.VarLenFeature


def memberships(features: Features) -> dict[str, list[Membership]]:
    """Column of the label or of groups -> what is asked of it."""
    found = {features.label.name: [features.label.membership]}
    for group in features.groups.values():
        found.setdefault(group.name, []).append(group.membership)
    return found


def label_and_groups(
    features: Features, types: Mapping[str, tf.DType] | None = None
) -> dict[str, Spec]:
    """The columns of the label and the groups.

    Args:
      features: what the columns mean.
      types: of columns, as records hold them; others are as the settings write their values.
    """
    specs: dict[str, Spec] = {}
    for name, asked in memberships(features).items():
        kind = (types or {}).get(name) or _written(asked)
        may_lack = any(each.takes_nothing for each in asked)
        specs[name] = tf.io.VarLenFeature(kind) if may_lack else tf.io.FixedLenFeature([], kind)
    return specs


def label_groups_and_image(
    features: Features, types: Mapping[str, tf.DType] | None = None
) -> dict[str, Spec]:
    """The same and the picture, where there is one."""
    image = features.image
    picture = {} if image is None else {image.name: tf.io.FixedLenFeature([], tf.string)}
    return label_and_groups(features, types) | picture


def _written(asked: Iterable[Membership]) -> tf.DType:
    rules = [rule for each in asked for rule in (*each.rules.values(), each.unknown)]
    if any(rule.is_text for rule in rules):
        return tf.string
    items = [item for rule in rules for item in rule.items if item is not None]
    if any(rule.ranges for rule in rules) or any(isinstance(item, float) for item in items):
        return tf.float32
    return tf.string if any(isinstance(item, str) for item in items) else tf.int64


def values_of(column: tf.Tensor | tf.SparseTensor) -> Values:
    """A raw column, (n,) or (n, 1) or sparse (n, at most 1), as rules look at it.

    An empty text and NaN are no value, as in a CSV file.
    """
    values, present = one_or_none(column)
    if values.dtype != tf.string:
        numbers = values if values.dtype.is_floating else tf.cast(values, tf.float64)
        present = present & ~tf.math.is_nan(numbers)
        nan = tf.constant(float("nan"), numbers.dtype)
        # Of whole numbers as text, too: float64 does not tell large codes apart.
        texts = None if values.dtype.is_floating else tf.strings.as_string(values)
        texts = None if texts is None else tf.where(present, texts, "")
        return Values(present, tf.where(present, numbers, nan), texts)
    texts = tf.strings.regex_replace(tf.strings.strip(values), WHOLE, r"\1")
    present = present & (texts != "")
    is_number = tf.strings.regex_full_match(texts, NUMBER)
    numbers = tf.strings.to_number(tf.where(is_number, texts, "0"), tf.float64)
    return Values(
        present, tf.where(is_number, numbers, tf.constant(float("nan"), tf.float64)), texts
    )


def members(column: tf.Tensor | tf.SparseTensor, membership: Membership) -> Members:
    """Who is in which group: (n,) bool tensors."""
    return membership.members(values_of(column))


def label_index(column: tf.Tensor | tf.SparseTensor, features: Features) -> tf.Tensor:
    """(n,) int64: 1 of the positive class, 0 of the negative one, -1 of neither.

    Of several classes the place of the example's among them.
    """
    found = members(column, features.label.membership).groups
    if features.label.classes:
        of = tf.stack(found, axis=1)
        place = tf.argmax(tf.cast(of, tf.int32), axis=1)
        return tf.where(tf.reduce_any(of, axis=1), place, tf.constant(-1, tf.int64))
    negative, positive = found
    neither = tf.where(negative, tf.constant(0, tf.int64), tf.constant(-1, tf.int64))
    return tf.where(positive, tf.constant(1, tf.int64), neither)


def group_members(
    raw: Mapping[str, tf.Tensor | tf.SparseTensor],
    features: Features,
    names: Iterable[str] | None = None,
) -> dict[str, tf.Tensor]:
    """Feature -> (n, groups) bool, who is in which of its groups; crossings are features, too.

    Args:
      raw: columns, see `values_of`.
      features: what the columns mean.
      names: of the features that are wanted; None for all.
    """
    found: dict[str, tf.Tensor] = {}

    def of(feature: str) -> tf.Tensor:
        if feature not in found:
            group = features.groups[feature]
            found[feature] = tf.stack(members(raw[group.name], group.membership).groups, axis=1)
        return found[feature]

    result = {}
    for name in features.group_names if names is None else names:
        if name in features.groups:
            result[name] = of(name)
            continue
        cells = []
        for cell in features.cells(name):
            parts = [
                of(feature)[:, features.group_names[feature].index(group)]
                for feature, group in cell
            ]
            cells.append(functools.reduce(tf.logical_and, parts))
        result[name] = tf.stack(cells, axis=1)
    return result


def one_or_none(column: tf.Tensor | tf.SparseTensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(values, present), (n,) each: zeros or empty text where a row has no value."""
    if not isinstance(column, tf.SparseTensor):
        values = tf.reshape(column, [-1])
        return values, tf.fill(tf.shape(values), True)
    rows, width = column.dense_shape[0], tf.maximum(column.dense_shape[1], 1)

    def dense(values: tf.Tensor) -> tf.Tensor:
        whole = tf.SparseTensor(column.indices, values, tf.stack([rows, width]))
        return tf.sparse.to_dense(whole)[:, 0]

    return dense(column.values), dense(tf.fill(tf.shape(column.values), True))
