"""Who made a model, when, and what it predicts in people's words: the head of report and card."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from components.report.data import ReportData
from fairgate.strict import Strict

_ID = re.compile(r"(\d{8}-\d{6})(-\d+)?")
_YES = ("1", "true", "yes", "y", "t")


class About(Strict):
    """What report and model card say of the model besides figures; nothing is trained or judged by it."""

    title: str | None = Field(
        None, description="name of the model for people; unset: the pipeline's"
    )
    predicts: str | None = Field(
        None, description="what the positive class means, such as 'smiling'; unset: label and value"
    )
    owner: str | None = Field(None, description="person or team that answers for the model")
    contact: str | None = Field(None, description="where questions go: an address, a page")
    licence: str | None = Field(
        None, description="of the model, such as Apache-2.0; that of its data may allow less"
    )


def started(run_id: str) -> datetime.datetime | None:
    """When a run on this machine was started, as its id says; None for other ids."""
    found = _ID.fullmatch(run_id)
    try:
        return datetime.datetime.strptime(found[1], "%Y%m%d-%H%M%S") if found else None
    except ValueError:
        return None


def about(settings: Mapping[str, Any]) -> About:
    """As the settings of the run have it."""
    return About.model_validate(settings.get("about") or {})


def predicts(data: ReportData, said: About) -> str:
    """What a Yes means: as people wrote it, or the label without its folder and a plain yes."""
    if said.predicts:
        return f"{said.predicts} ({data.label} = {data.positive})"
    short = data.label.rpartition("/")[2]
    plain = short if str(data.positive).lower() in _YES else f"{short} = {data.positive}"
    whole = f"{data.label} = {data.positive}"
    return plain if plain == whole else f"{plain} ({whole})"


def facts(data: ReportData, said: About) -> list[tuple[str, str]]:
    """Name and text of what is known of when, who and with what."""
    when = started(str(data.verdict.get("run_id", "")))
    found = [
        ("Date", when and f"{when:%Y-%m-%d %H:%M}"),
        ("Owner", said.owner or "not named (about.owner)"),
        ("Contact", said.contact),
        ("Licence", said.licence or "not stated (about.licence)"),
        *((name, data.versions.get(name.lower())) for name in ("FairGate", "TensorFlow")),
    ]
    return [(name, text) for name, text in found if text]
