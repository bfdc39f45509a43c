"""The ledger of a ticket's promises: a row for everything that ever happened to a clock."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.sla.policy import ClockName


class Entry(StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    RETARGET = "retarget"
    WARN = "warn"
    BREACH = "breach"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    SATISFY = "satisfy"
    CANCEL = "cancel"


class LedgerEntry(BaseModel):
    """`due_at` and `fired_at` are set for steps of the ladder: when it was due, and when the process fired it.

    `elapsed` is the working time spent at `at`; `missed` counts repeats that an outage swallowed and that are
    not listed one by one.
    """

    model_config = ConfigDict(frozen=True)

    clock: ClockName
    cycle: int
    kind: Entry
    at: datetime
    cause: str
    step: str | None = None
    due_at: datetime | None = None
    fired_at: datetime | None = None
    started_at: datetime | None = None
    target: timedelta | None = None
    elapsed: timedelta | None = None
    missed: int = 0
    policy_id: UUID
    policy_version: int
    calendar_version: int
