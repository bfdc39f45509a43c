"""Reads of one feedback item: itself, what belongs to it, and what the policy has to know of it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, or_, select
from sqlalchemy.orm import aliased

from domain.account import Ref
from domain.authorization import FeedbackFacts, FeedbackVisibility
from domain.feedback.fields import Assessment
from domain.feedback.promises import ASSESSING
from domain.feedback.record import AssessmentRecord, CommentRecord, Feedback, FollowerRecord
from domain.feedback.state import FeedbackState
from domain.sla.ledger import LedgerEntry
from domain.ticket.fields import Relation, Visibility
from domain.ticket.record import EventRecord, LinkRecord, PersonRef
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.feedback import (
    FeedbackCommentRow,
    FeedbackEventRow,
    FeedbackFollowerRow,
    FeedbackLedgerRow,
    FeedbackProcessRow,
    FeedbackRow,
    FeedbackTicketRow,
)
from storage.tables.ticket import TicketRow

INTERNAL_EVENTS: Final = (
    "noted",
    "delegated",
    "assessed",
    "acknowledged",
    "sla_breached",
    "tagged",
    "linked",
    "unlinked",
    "confirmed",
    "merged_from",
    "unmerged_from",
)
"""Events that only the staff may read."""

BY_PERSON: Final = Order((FeedbackFollowerRow.at, FeedbackFollowerRow.person_id))

_REQUESTER = aliased(PersonRow, name="requester")
_OWNER = aliased(PersonRow, name="owner")
_PLAIN: Final = [name for name in Feedback.model_fields if name not in ("requester", "owner", "voted")]


def items(caller_id: UUID) -> Select[Any]:
    """All items with the names that go with them, as this person sees them; `record` reads a row."""
    follows = exists().where(
        FeedbackFollowerRow.feedback_id == FeedbackRow.id,
        FeedbackFollowerRow.person_id == caller_id,
        FeedbackFollowerRow.until.is_(None),
    )
    return (
        select(
            *(getattr(FeedbackRow, name) for name in _PLAIN),
            FeedbackRow.requester_id,
            _REQUESTER.name.label("requester_name"),
            _REQUESTER.email.label("requester_email"),
            FeedbackRow.owner_id,
            _OWNER.name.label("owner_name"),
            follows.label("voted"),
        )
        .join(_REQUESTER, _REQUESTER.id == FeedbackRow.requester_id)
        .outerjoin(_OWNER, _OWNER.id == FeedbackRow.owner_id)
    )


def record(row: Row[Any]) -> Feedback:
    return Feedback(
        requester=PersonRef(id=row.requester_id, name=row.requester_name, email=row.requester_email),
        owner=Ref.of(row.owner_id, row.owner_name),
        voted=row.voted,
        **{name: getattr(row, name) for name in _PLAIN},
    )


def visible(to: FeedbackVisibility) -> list[ColumnElement[bool]]:
    """The same rule as `FeedbackVisibility.covers`, in SQL."""
    if to.everything:
        return []
    return [or_(FeedbackRow.public, FeedbackRow.requester_id == to.person_id)]


def facts(item: Feedback) -> FeedbackFacts:
    return FeedbackFacts(requester_id=item.requester.id, public=item.public)


async def get(reader: Reader | Writer, caller_id: UUID, feedback_id: UUID) -> Feedback | None:
    row = (await reader.execute(items(caller_id).where(FeedbackRow.id == feedback_id))).one_or_none()
    return None if row is None else record(row)


async def state(reader: Reader | Writer, feedback_id: UUID) -> FeedbackState | None:
    """The process's state after its last commit."""
    found = await reader.scalar(
        select(FeedbackProcessRow.state).where(FeedbackProcessRow.feedback_id == feedback_id)
    )
    return None if found is None else FeedbackState.model_validate(found)


async def fingerprint(reader: Reader, feedback_id: UUID) -> str | None:
    found: str | None = await reader.scalar(
        select(FeedbackRow.fingerprint).where(FeedbackRow.id == feedback_id)
    )
    return found


async def assessments(reader: Reader, known: FeedbackState) -> list[AssessmentRecord]:
    """The four, with who owes them until when."""
    owners = {one.owner_id for one in known.assessments.values() if one.owner_id is not None}
    rows = await reader.execute(select(PersonRow.id, PersonRow.name).where(PersonRow.id.in_(owners)))
    names = {row.id: row.name for row in rows}
    found = []
    for assessment in Assessment:
        opinion, clock = known.assessments.get(assessment), known.clocks.get(ASSESSING[assessment])
        if opinion is None:
            empty = {"owner": None, "verdict": None, "result": None, "at": None, "due_at": None}
            found.append(AssessmentRecord.model_validate({"assessment": assessment, **empty}))
            continue
        owner = Ref.of(opinion.owner_id, names.get(opinion.owner_id) if opinion.owner_id else None)
        due_at = None if clock is None or known.policy is None else clock.due_at(known.policy)
        found.append(
            AssessmentRecord(
                assessment=assessment,
                owner=owner,
                due_at=due_at,
                verdict=opinion.verdict,
                result=opinion.result,
                at=opinion.at,
            )
        )
    return found


async def comments(
    reader: Reader, feedback_id: UUID, *, internal: bool, after: Sequence[Any] | None, size: int
) -> list[CommentRecord]:
    """Oldest first; notes only for those who may read them."""
    statement: Any = (
        select(FeedbackCommentRow, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == FeedbackCommentRow.author_id)
        .where(FeedbackCommentRow.feedback_id == feedback_id)
    )
    if not internal:
        statement = statement.where(FeedbackCommentRow.visibility == Visibility.PUBLIC)
    order = Order((FeedbackCommentRow.at, FeedbackCommentRow.id))
    return [
        CommentRecord(
            id=row.id,
            author=Ref.of(row.author_id, name),
            visibility=Visibility(row.visibility),
            body=row.body,
            at=row.at,
        )
        for row, name in (await reader.execute(page(statement, order, after, size))).all()
    ]


async def events(
    reader: Reader, feedback_id: UUID, *, internal: bool, after: Sequence[Any] | None, size: int
) -> list[EventRecord]:
    """The history, oldest first."""
    statement: Any = (
        select(FeedbackEventRow, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == FeedbackEventRow.actor_id)
        .where(FeedbackEventRow.feedback_id == feedback_id)
    )
    if not internal:
        statement = statement.where(FeedbackEventRow.type.not_in(INTERNAL_EVENTS))
    order = Order((FeedbackEventRow.version, FeedbackEventRow.position))
    return [
        EventRecord(
            number=row.version,
            position=row.position,
            type=row.type,
            at=row.at,
            actor=Ref.of(row.actor_id, name),
            cause=row.cause,
            data=row.data,
        )
        for row, name in (await reader.execute(page(statement, order, after, size))).all()
    ]


async def followers(
    reader: Reader, feedback_id: UUID, *, after: Sequence[Any] | None, size: int
) -> list[FollowerRecord]:
    statement: Any = (
        select(FeedbackFollowerRow, PersonRow.name, PersonRow.email)
        .join(PersonRow, PersonRow.id == FeedbackFollowerRow.person_id)
        .where(FeedbackFollowerRow.feedback_id == feedback_id, FeedbackFollowerRow.until.is_(None))
    )
    return [
        FollowerRecord(person=PersonRef(id=row.person_id, name=name, email=email), role=row.role, at=row.at)
        for row, name, email in (await reader.execute(page(statement, BY_PERSON, after, size))).all()
    ]


async def tickets(reader: Reader, feedback_id: UUID) -> list[LinkRecord]:
    """The tickets that are linked, by number."""
    statement = (
        select(TicketRow.id, TicketRow.subject, TicketRow.number)
        .join(FeedbackTicketRow, FeedbackTicketRow.ticket_id == TicketRow.id)
        .where(FeedbackTicketRow.feedback_id == feedback_id)
        .order_by(TicketRow.number)
    )
    return [
        LinkRecord(ticket=Ref(id=row.id, name=row.subject), number=row.number, relation=Relation.RELATED)
        for row in (await reader.execute(statement)).all()
    ]


async def ledger(reader: Reader, feedback_id: UUID) -> list[LedgerEntry]:
    """Every row of the ledger of promises, in the order in which it was written."""
    mine = FeedbackLedgerRow.feedback_id == feedback_id
    statement = select(*FeedbackLedgerRow.__table__.columns).where(mine)
    rows = (await reader.execute(statement.order_by(FeedbackLedgerRow.row))).mappings()
    return [LedgerEntry.model_validate(dict(row)) for row in rows]
