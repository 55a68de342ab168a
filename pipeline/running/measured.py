"""Groups that the training split decides, by its quantiles or by sizes, measured before anything runs.

What was measured is in the settings that a run keeps, so that training, the gate and the served model go
by the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from components import measured
from fairgate.errors import DataError, SettingsError
from pipeline import sources
from pipeline.settings import Settings, revalidated


def waits(settings: Settings) -> bool:
    """Whether something must be measured."""
    return settings.data.features.waits_for_training


def resolved(settings: Settings) -> Settings:
    """The settings with the numbers that the training split gives.

    Raises:
      DataError: the split cannot be read.
      SettingsError: with these numbers the groups, or constraints on them, are none.
    """
    if not waits(settings):
        return settings
    from components.example_gen import measuring
    from components.example_gen.shards import list_shards

    data = settings.data
    features = measuring.measured(
        list_shards(data.folder, "train", data.splits.train), data.features
    )
    # What was not given stays so: a search of settings goes by it.
    tree = settings.model_dump(exclude_unset=True)
    tree.setdefault("data", {})["features"] = features
    try:
        return revalidated(tree, settings)
    except ValidationError as error:
        raise SettingsError(sources.explain(error, ["the training split"], Settings)) from None


def resolved_elsewhere(settings: Settings) -> Settings:
    """The same for a run on a cluster, whose data may not be in reach of this machine.

    Raises:
      SettingsError: it is not, and the numbers are not given.
    """
    try:
        return resolved(settings)
    except DataError as error:
        raise SettingsError(
            f"groups are decided by the training split, which cannot be read here: {error}. Give the "
            "numbers themselves: quantiles of a group feature, left_out_crossings for least_crossing"
        ) from None


def sentences(settings: Settings) -> Iterable[str]:
    """What was measured, for people."""
    return measured.sentences(settings.data.features)
