"""What happened that people are told of, whom it is for, and over which channel.

A new kind has its words in `adapters/notification.py`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Kind(StrEnum):
    """What happened, from the recipient's side."""

    TICKET_CREATED = "ticket_created"
    TICKET_ASSIGNED = "ticket_assigned"
    TICKET_REPLIED = "ticket_replied"
    TICKET_NOTED = "ticket_noted"
    TICKET_WAITING = "ticket_waiting"
    TICKET_RESOLVED = "ticket_resolved"
    TICKET_CLOSED = "ticket_closed"
    TICKET_REOPENED = "ticket_reopened"
    TICKET_ESCALATED = "ticket_escalated"
    TICKET_MENTIONED = "ticket_mentioned"
    TICKET_SHARED = "ticket_shared"
    TICKET_MERGED = "ticket_merged"
    SLA_WARNING = "sla_warning"
    SLA_BREACHED = "sla_breached"
    LEVEL_REACHED = "level_reached"
    SURVEY_ASKED = "survey_asked"
    SURVEY_REMINDED = "survey_reminded"
    SURVEY_TASK = "survey_task"
    SURVEY_TASK_OVERDUE = "survey_task_overdue"
    FEEDBACK_RECEIVED = "feedback_received"
    FEEDBACK_MOVED = "feedback_moved"
    FEEDBACK_PLANNED = "feedback_planned"
    FEEDBACK_STARTED = "feedback_started"
    FEEDBACK_SHIPPED = "feedback_shipped"
    FEEDBACK_CHECK = "feedback_check"
    FEEDBACK_REOPENED = "feedback_reopened"
    FEEDBACK_DECLINED = "feedback_declined"
    FEEDBACK_MERGED = "feedback_merged"
    FEEDBACK_UNMERGED = "feedback_unmerged"
    FEEDBACK_ANSWERED = "feedback_answered"
    FEEDBACK_ARRIVED = "feedback_arrived"
    FEEDBACK_ASSIGNED = "feedback_assigned"
    FEEDBACK_ASSESSMENT = "feedback_assessment"
    FEEDBACK_NOTED = "feedback_noted"
    FEEDBACK_DUE = "feedback_due"
    FEEDBACK_OVERDUE = "feedback_overdue"
    FEEDBACK_SILENT = "feedback_silent"
    ACHIEVEMENT_AWARDED = "achievement_awarded"
    ACHIEVEMENT_REVOKED = "achievement_revoked"
    ACHIEVEMENT_EXPIRES = "achievement_expires"
    ACHIEVEMENT_EXPIRED = "achievement_expired"
    PRIZE_WAITING = "prize_waiting"
    PRIZE_MOVED = "prize_moved"
    CONTEST_EXTENDED = "contest_extended"
    CONTEST_CANCELLED = "contest_cancelled"
    CONTEST_JUDGING = "contest_judging"
    CONTEST_JUDGING_DUE = "contest_judging_due"
    CONTEST_JUDGE_REPLACED = "contest_judge_replaced"
    CONTEST_SHORT = "contest_short"
    CONTEST_PROVISIONAL = "contest_provisional"
    CONTEST_APPEALED = "contest_appealed"
    CONTEST_APPEALS_WAIT = "contest_appeals_wait"
    CONTEST_APPEAL_DECIDED = "contest_appeal_decided"
    CONTEST_FINAL = "contest_final"
    CONTEST_WON = "contest_won"


class Channel(StrEnum):
    IN_APP = "in_app"
    EMAIL = "email"


class Audience(StrEnum):
    """Whom a notice is for; who that is at the moment is looked up when the event is written.

    The values are also what a ladder says after `notify:`.
    """

    REQUESTER = "requester"
    ASSIGNEE = "assignee"
    LEAD = "lead"
    MANAGERS = "manager"
    TEAM = "team"
    WATCHERS = "watchers"
    STAFF_WATCHERS = "staff_watchers"
    COLLABORATORS = "collaborators"
    MENTIONED = "mentioned"
    NAMED = "named"


DEFAULT_CHANNELS: Final[Mapping[Kind, frozenset[Channel]]] = {
    **{kind: frozenset(Channel) for kind in Kind},
    Kind.TICKET_NOTED: frozenset({Channel.IN_APP}),
    Kind.TICKET_CLOSED: frozenset({Channel.IN_APP}),
    Kind.LEVEL_REACHED: frozenset({Channel.IN_APP}),
    Kind.FEEDBACK_MOVED: frozenset({Channel.IN_APP}),
    Kind.FEEDBACK_ARRIVED: frozenset({Channel.IN_APP}),
    Kind.FEEDBACK_NOTED: frozenset({Channel.IN_APP}),
    Kind.ACHIEVEMENT_AWARDED: frozenset({Channel.IN_APP}),
    Kind.ACHIEVEMENT_REVOKED: frozenset({Channel.IN_APP}),
    Kind.ACHIEVEMENT_EXPIRED: frozenset({Channel.IN_APP}),
}
"""The channels of a person who chose none."""


URGENT: Final = frozenset(
    {Kind.TICKET_ESCALATED, Kind.SLA_WARNING, Kind.SLA_BREACHED, Kind.FEEDBACK_DUE, Kind.FEEDBACK_OVERDUE}
    | {Kind.CONTEST_JUDGING_DUE}
)
"""Kinds that quiet hours do not hold back: a promise is at stake."""
