"""The base of every object that people write: settings files, command lines, arguments."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown fields are errors, and instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
