"""Groups that the training split decides: by its quantiles, or by how large their crossings are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import ValidationError

from components.features import Features
from fairgate.data.membership import Values
from fairgate.errors import FairGateError


def measured(
    features: Features,
    column: Callable[[str], Values],
    sizes: Callable[[Features], Mapping[str, int]],
) -> Features:
    """The features with what the training split says: numbers of quantiles, crossings that are too small.

    What is written down already stays as it is.

    Args:
      features: what is declared.
      column: the values of a column in the training split, NumPy's.
      sizes: name of each group of a crossing -> its examples there.

    Raises:
      ValueError: with these numbers the groups are none; names the setting.
    """
    where = "data.features"
    try:
        groups = dict(features.groups)
        for feature, group in features.groups.items():
            if group.membership.waits_for:
                where = f"data.features.groups.{feature}"
                groups[feature] = group.measured(column(group.name))
        where = "data.features"
        found = Features.model_validate(features.model_dump() | {"groups": groups})
        least = found.least_crossing
        if least is None or found.small_crossings or not found.crossings_named:
            return found
        small = {name: size for name, size in sizes(found).items() if size < least}
        return Features.model_validate(found.model_dump() | {"small_crossings": small})
    except FairGateError:  # what was wrong with reading
        raise
    except ValidationError as error:
        reasons = [each["msg"].removeprefix("Value error, ") for each in error.errors()]
        raise ValueError(f"{where}: {'; '.join(reasons)}") from None
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def sentences(features: Features) -> list[str]:
    """What was measured, for people."""
    found = []
    for feature, group in features.groups.items():
        if group.quantiles:
            numbers = ", ".join(f"{name} = {number:g}" for name, number in group.quantiles.items())
            found.append(f"quantiles of {feature} in the training split: {numbers}")
    return found + small_crossings(features)


def small_crossings(features: Features) -> list[str]:
    """Which groups of crossings are left out for their size, and how large they are."""
    if not features.small_crossings:
        return []
    named = ", ".join(f"{name} ({size:,})" for name, size in features.small_crossings.items())
    return [
        f"{len(features.small_crossings):,} groups of crossings are left out, because they have fewer "
        f"than {features.least_crossing:,} examples in the training split "
        f"(data.features.least_crossing): {named}"
    ]
