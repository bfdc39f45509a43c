"""One person who is to be asked, from the cause to the answer or the end of the link.

    waiting ── asked ── answered
       │         ├───── expired
       │         └───── withdrawn   the ticket was taken up again, or merged
       ├── withdrawn
       └── skipped                  the person rests, wants no such mails, or left; enough have answered

Everything here is a function of what is known and the time, so whoever decides again, late or after a crash, decides
the same. What is due is done by `storage/survey/commit.py`, in one transaction with the mails that it causes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from pydantic import AwareDatetime

from domain.account import Ref, Value
from domain.errors import Conflict, DeskError, Gone
from domain.link import expired
from domain.survey.definition import Timing

PURPOSE: Final = "survey"
"""Of the links that this feature signs."""

_INVITATIONS: Final = UUID("2b8f4f0a-5d0e-5f53-8b0e-6a9d1c3e7f02")


class State(StrEnum):
    WAITING = "waiting"
    ASKED = "asked"
    ANSWERED = "answered"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SKIPPED = "skipped"


class Skip(StrEnum):
    """Why somebody was not asked."""

    RESTS = "rests"
    UNWANTED = "unwanted"
    INACTIVE = "inactive"
    QUOTA = "quota"
    ENDED = "ended"


class Step(StrEnum):
    ASK = "ask"
    REMIND = "remind"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Course:
    """How far an invitation has come. `ask_at` is when it may be asked."""

    state: State
    ask_at: datetime
    asked_at: datetime | None = None
    reminded_at: datetime | None = None
    closes_at: datetime | None = None


def invitation_id(survey_id: UUID, cause: str, person_id: UUID) -> UUID:
    """The same survey asks the same person for the same cause once, however often that is reported."""
    return uuid5(_INVITATIONS, f"{survey_id}\n{cause}\n{person_id}")


def resolution(ticket_id: UUID, event_number: int) -> str:
    """The cause of an invitation: a ticket was resolved by that event."""
    return f"{ticket_id}:{event_number}"


def of_round(number: int) -> str:
    """The cause of an invitation: a round of a campaign."""
    return f"round {number}"


def due_at(course: Course, timing: Timing) -> datetime | None:
    """When the next step is due; None if nothing happens any more by itself."""
    if course.state is State.WAITING:
        return course.ask_at
    if course.state is not State.ASKED or course.asked_at is None or course.closes_at is None:
        return None
    if course.reminded_at is None and timing.remind_after is not None:
        return min(course.asked_at + timing.remind_after, course.closes_at)
    return course.closes_at


def step(course: Course, timing: Timing, now: datetime) -> Step | None:
    """The step that is due by now, the first if several are. What an outage made meaningless is left out: nobody is
    reminded of a link that has ended."""
    at = due_at(course, timing)
    if at is None or at > now:
        return None
    if course.state is State.WAITING:
        return Step.ASK
    if course.closes_at is not None and course.closes_at <= now:
        return Step.CLOSE
    return Step.REMIND


def closes_at(timing: Timing, asked_at: datetime) -> datetime:
    """The end of the link, to the second, as a link says it."""
    return (asked_at + timing.close_after).replace(microsecond=0)


def may_ask(last_asked_at: datetime | None, rest: timedelta | None, now: datetime) -> bool:
    """Whether a person who was last asked then, by any survey, has rested."""
    return last_asked_at is None or rest is None or last_asked_at + rest <= now


def check_open(state: State, closes_at: datetime | None, now: datetime) -> None:
    """Raises Conflict for an invitation that was answered, and Gone for one that cannot be answered any more."""
    refusal = refused(state, closes_at, now)
    if refusal is not None:
        raise refusal


def refused(state: State, closes_at: datetime | None, now: datetime) -> DeskError | None:
    if state is State.ANSWERED:
        return Conflict("already_answered", "This survey was answered with this link already. Thank you.")
    if state is State.WITHDRAWN:
        return Gone("survey_withdrawn", "The ticket was taken up again, so this question is no longer asked.")
    if state is State.EXPIRED or (closes_at is not None and closes_at <= now):
        return expired()
    if state is not State.ASKED:
        return Gone("survey_closed", "This survey is not open.")
    return None


def is_low(score: int | None, low_score: int | None) -> bool:
    return score is not None and low_score is not None and score <= low_score


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"


class Task(Value):
    """What a low score asks for: that somebody calls the customer back. It is overdue from `due_at` on."""

    id: UUID
    ticket: Ref
    number: int
    requester: Ref
    team: Ref | None
    assignee: Ref | None
    state: TaskState
    score: int
    comment: str | None
    created_at: AwareDatetime
    due_at: AwareDatetime
    overdue: bool
    done_at: AwareDatetime | None
    done_by: Ref | None
    note: str | None
