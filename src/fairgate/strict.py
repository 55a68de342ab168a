"""The base of every object that people write: settings files, command lines, arguments."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator

LEAST, MOST = 2.0**-126, (2 - 2.0**-23) * 2.0**127
"""Between these, and at 0, float32 tells numbers apart, in which training computes."""


class Strict(BaseModel):
    """Unknown fields are errors, instances do not change, and numbers are such as float32 can hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)

    @model_validator(mode="after")
    def _numbers_can_be_computed_with(self) -> Strict:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, float) and value and not LEAST <= abs(value) <= MOST:
                raise ValueError(
                    f"{name} = {value}: expected 0 or a number of a size between {LEAST:.3g} and "
                    f"{MOST:.3g}: others become 0 or infinite in float32"
                )
            if isinstance(value, int) and abs(value) >= 2**63:
                raise ValueError(f"{name} = {value}: expected a whole number below 2**63")
        return self


def in_words(error: ValueError) -> str:
    """What pydantic found wrong, a line for each field."""
    found = getattr(error, "errors", None)
    if found is None:
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'gate'} = {each['input']!r}: {each['msg']}"
        if each["loc"]
        else str(each["msg"]).removeprefix("Value error, ")
        for each in found()
    )
