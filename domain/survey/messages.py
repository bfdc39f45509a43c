"""The messages of a survey's process. They cross processes: changes are only ever additive."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

PAGE: Final = 200
"""Invitations that one commit takes a step with."""

LINGER: Final = timedelta(days=1)
"""How long a process with nothing to wait for stays, so that the next resolution need not start it."""

TOGETHER: Final = timedelta(seconds=1)
"""What falls due within it is done together: a busy desk has a resolution each second, and each would be a commit."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class SurveyState(Message):
    """What a survey's process knows; everything else is in the database. `event_number` grows by one with each commit
    that did something."""

    survey_id: UUID
    event_number: int = 0
    next_at: AwareDatetime | None = None


class SurveyInput(Message):
    """`state` is that of the run before. Every run begins by doing what is due, whoever asked for it."""

    survey_id: UUID
    state: SurveyState | None = None
    runs: int = 0
    linger: timedelta = LINGER
    together: timedelta = TOGETHER
    history_limit: int | None = None


class Advance(Message):
    """Do what is due `now`."""

    survey_id: UUID
    now: AwareDatetime


class Advanced(Message):
    """`more`: more is due than one commit does."""

    state: SurveyState
    more: bool
