"""The closed sets and the limits of a ticket's fields. Lengths count characters."""

from enum import StrEnum
from typing import Literal

SUBJECT_LIMIT = 500
DESCRIPTION_LIMIT = 100_000
BODY_LIMIT = 100_000
REASON_LIMIT = 2_000
CATEGORY_LIMIT = 100
TAG_LIMIT = 60
TAGS_LIMIT = 50
CUSTOM_FIELDS_LIMIT = 50


class Status(StrEnum):
    """Where a ticket stands. `waiting` is for the requester, `on_hold` for a third party."""

    OPEN = "open"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"


ACTIVE = (Status.OPEN, Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING, Status.ON_HOLD)
"""The states in which somebody still owes something."""

LOADING = (Status.ASSIGNED, Status.IN_PROGRESS)
"""The states that take a place of their assignee's capacity."""


class Priority(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def weight(self) -> int:
        """How much a ticket of this priority weighs in its assignee's load."""
        return _WEIGHTS[self]

    @property
    def key(self) -> int:
        """Temporal's priority key, 1 first to 5 last."""
        return _KEYS[self]


_WEIGHTS = {Priority.CRITICAL: 8, Priority.HIGH: 4, Priority.NORMAL: 2, Priority.LOW: 1}
_KEYS = {Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.NORMAL: 3, Priority.LOW: 4}


class Kind(StrEnum):
    """What a contact is about; decided at the latest when it is resolved."""

    USAGE = "usage"
    GETTING_STARTED = "getting_started"
    UNEXPECTED_RESULT = "unexpected_result"
    FAULT = "fault"
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"
    PRESALES = "presales"


USAGE_KINDS = (Kind.USAGE, Kind.GETTING_STARTED, Kind.UNEXPECTED_RESULT)
"""`usage` and the two kinds that it is split in."""


class Channel(StrEnum):
    WEB = "web"
    EMAIL = "email"
    API = "api"
    ASSISTANT = "assistant"
    PHONE = "phone"
    IMPORT = "import"


class Visibility(StrEnum):
    """Who may read a comment: everyone on the ticket, or the staff."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Relation(StrEnum):
    """What one ticket is to another."""

    RELATED = "related"
    PARENT = "parent"
    CHILD = "child"
    DUPLICATE_OF = "duplicate_of"
    DUPLICATED_BY = "duplicated_by"
    PROBLEM_OF = "problem_of"
    HAS_PROBLEM = "has_problem"
    FOLLOW_UP_OF = "follow_up_of"
    FOLLOWED_UP_BY = "followed_up_by"
    SPLIT_FROM = "split_from"
    SPLIT_INTO = "split_into"
    MERGED_INTO = "merged_into"
    MERGED_FROM = "merged_from"

    @property
    def inverse(self) -> "Relation":
        """The same link seen from the other ticket."""
        return _INVERSE.get(self, self)


ChosenRelation = Literal[
    Relation.RELATED,
    Relation.PARENT,
    Relation.CHILD,
    Relation.DUPLICATE_OF,
    Relation.DUPLICATED_BY,
    Relation.PROBLEM_OF,
    Relation.HAS_PROBLEM,
]
"""The relations that people make; the others tell where a ticket came from or went."""

_INVERSE = {
    Relation.PARENT: Relation.CHILD,
    Relation.CHILD: Relation.PARENT,
    Relation.DUPLICATE_OF: Relation.DUPLICATED_BY,
    Relation.DUPLICATED_BY: Relation.DUPLICATE_OF,
    Relation.PROBLEM_OF: Relation.HAS_PROBLEM,
    Relation.HAS_PROBLEM: Relation.PROBLEM_OF,
    Relation.FOLLOW_UP_OF: Relation.FOLLOWED_UP_BY,
    Relation.FOLLOWED_UP_BY: Relation.FOLLOW_UP_OF,
    Relation.SPLIT_FROM: Relation.SPLIT_INTO,
    Relation.SPLIT_INTO: Relation.SPLIT_FROM,
    Relation.MERGED_INTO: Relation.MERGED_FROM,
    Relation.MERGED_FROM: Relation.MERGED_INTO,
}
