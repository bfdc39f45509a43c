"""The closed sets and the limits of a feedback item's fields, and how its priority follows from them."""

from enum import StrEnum
from typing import Final

from domain.ticket.fields import Priority

TITLE_LIMIT: Final = 500
EXCERPT: Final = 500
"""Characters of a reason or an answer that a notification quotes; the item has all of it."""


class Status(StrEnum):
    SUBMITTED = "submitted"
    TRIAGED = "triaged"
    ASSESSED = "assessed"
    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    SHIPPED = "shipped"
    VERIFIED = "verified"
    DECLINED = "declined"
    CLOSED = "closed"
    MERGED = "merged"


OPEN: Final = (Status.SUBMITTED, Status.TRIAGED, Status.ASSESSED, Status.PLANNED, Status.IN_PROGRESS)
"""The states in which people can still join the wish."""

ENDED: Final = (Status.DECLINED, Status.CLOSED, Status.MERGED)


class Kind(StrEnum):
    SUGGESTION = "suggestion"
    EXPERIENCE = "experience"
    PROBLEM = "problem"
    COMPLAINT = "complaint"
    PRAISE = "praise"


class Source(StrEnum):
    WIDGET = "widget"
    API = "api"
    EMAIL = "email"
    SURVEY = "survey"
    COMMUNITY = "community"
    TICKET = "ticket"


class Assessment(StrEnum):
    """What has to be known before a decision: whether it is needed, can be done, what it changes, what it costs."""

    NEED = "need"
    FEASIBILITY = "feasibility"
    IMPACT = "impact"
    RESOURCES = "resources"


class Verdict(StrEnum):
    FOR = "for"
    AGAINST = "against"
    NEUTRAL = "neutral"


class Role(StrEnum):
    """Why somebody follows an item: they asked for it, voted for it, or asked in a ticket that is linked to it."""

    REQUESTER = "requester"
    VOTER = "voter"
    TICKET = "ticket"


IMPORTANCE: Final = range(1, 6)
USUAL_IMPORTANCE: Final = 3

_LEVELS: Final = ((150, Priority.CRITICAL), (40, Priority.HIGH), (6, Priority.NORMAL))


def score(reach: int, importance: int) -> int:
    """How many people it reaches, times how much it means to them."""
    return reach * importance


def priority_of(reach: int, importance: int) -> Priority:
    """The level of a score; promises are made by levels."""
    points = score(reach, importance)
    return next((level for least, level in _LEVELS if points >= least), Priority.LOW)
