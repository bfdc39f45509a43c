"""What every process says of itself, and answers, whatever it is about."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from domain.errors import Unavailable

MOVING: Final = "process_moving"


class Committed(BaseModel):
    """The answer to an update: the version at which the caller's wish is true and stored."""

    model_config = ConfigDict(frozen=True)

    version: int


class OpenTimer(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    due_at: datetime


class ProcessView(BaseModel):
    """What a running process says of itself."""

    model_config = ConfigDict(frozen=True)

    workflow_id: str
    run_id: str
    state: str
    event_number: int
    timers: list[OpenTimer]
    pending_handlers: int
    history_length: int
    continued_runs: int


def moving() -> Unavailable:
    """The answer of a process that is about to continue in a new run: nothing was done, ask again at once."""
    return Unavailable(MOVING, "The process is about to continue in a new run. Ask again.", retry_after=1)
