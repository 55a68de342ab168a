"""What a candidate is held against: this run's baseline, the model that is served, or another one."""

from __future__ import annotations

import pathlib

from fairgate.errors import SettingsError
from pipeline.settings import Settings

BASELINE, SERVED = "baseline", "served"


def resolved(settings: Settings) -> Settings:
    """The settings with a folder in the place of `gate.compare_with: served`: the newest version there.

    Raises:
      SettingsError: nothing is served yet, or no model is in the folder that is named.
    """
    given = settings.gate.compare_with
    if given == BASELINE:
        return settings
    folder = pathlib.Path(given)
    if given == SERVED:
        home = pathlib.Path(settings.serving, settings.model_name)
        versions = [each for each in home.glob("*") if each.name.isdigit() and each.is_dir()]
        if not versions:
            raise SettingsError(
                f"gate.compare_with = 'served': nothing is served in {home} yet. Run with baseline until "
                "a model has passed, or name the folder of a model"
            )
        folder = max(versions, key=lambda version: int(version.name))
    if not (folder / "saved_model.pb").is_file():
        raise SettingsError(
            f"gate.compare_with = {given!r}: {folder} holds no SavedModel. Give baseline, served, or the "
            "folder of a model, such as serving/NAME/VERSION"
        )
    gate = settings.gate.model_copy(update={"compare_with": str(folder)})
    return settings.model_copy(update={"gate": gate})


def sentences(settings: Settings) -> list[str]:
    """What everybody should know who reads `baseline` in a verdict; nothing where it is the run's own."""
    given = settings.gate.compare_with
    if given == BASELINE:
        return []
    return [
        f"In the gate's constraints and in tables of this run, baseline is the model in {given}, and not "
        "the one that the run trained without constraints."
    ]
