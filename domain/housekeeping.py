"""Housekeeping: what the desk no longer needs, and how long it keeps it. Finding and removing it is left to
`storage/housekeeping.py` and `workers/housekeeping.py`; history, promises and open work are never swept."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Leftover(StrEnum):
    TOKENS = "tokens"
    VIEWERS = "viewers"
    NOTIFICATIONS = "notifications"
    BULKS = "bulks"
    OBJECTS = "objects"


KEPT: Final[Mapping[Leftover, timedelta]] = {
    Leftover.TOKENS: timedelta(days=30),  # since they expired or were revoked
    Leftover.VIEWERS: timedelta(days=1),  # since they were last seen
    Leftover.NOTIFICATIONS: timedelta(days=180),  # since they were read or sent; all others stay
    Leftover.BULKS: timedelta(days=90),  # since they ended
    Leftover.OBJECTS: timedelta(days=1),  # files that no attachment names, since they were written
}
"""In the order in which they are swept."""


class Sweep(BaseModel):
    """Removes what ended `before` an instant."""

    model_config = ConfigDict(frozen=True)

    leftover: Leftover
    before: AwareDatetime
