"""Request bodies: what all of them share."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Form(BaseModel):
    """A request body. A field that it does not name is a 422."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def absent() -> Any:
    """Default of a field that may be left out but is never null; look into `model_fields_set`."""
    return None
