"""Who follows an item: its requester, those who voted, requesters of linked tickets, all of merged duplicates.

Rows are never removed: `since` and `until` are versions of the item, so the audience of a turn is the same at any
later time. Whoever comes or goes does so under a lock on the item's row, which each commit takes, too.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, case, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.authorization import not_found
from domain.errors import Conflict
from domain.feedback.fields import OPEN, Role, Status, priority_of, score
from domain.feedback.messages import Change
from storage import outbox
from storage.database import Reader, Writer
from storage.tables.feedback import FeedbackFollowerRow as Follower
from storage.tables.feedback import FeedbackRow, FeedbackTicketRow
from storage.tables.ticket import TicketRow

_CARRY: Final = text("""
    INSERT INTO feedback_followers AS known (feedback_id, person_id, role, via, since, at)
    SELECT :into, person_id, role, :id, :since, :at FROM feedback_followers
    WHERE feedback_id = :id AND until IS NULL
    ON CONFLICT (feedback_id, person_id) DO UPDATE SET
        role = CASE WHEN known.until IS NOT NULL THEN excluded.role
            WHEN excluded.role = 'requester' THEN excluded.role ELSE known.role END,
        via = CASE WHEN known.until IS NULL THEN known.via ELSE excluded.via END,
        since = CASE WHEN known.until IS NULL THEN known.since ELSE excluded.since END,
        until = NULL
""").bindparams(bindparam("into", type_=Uuid()), bindparam("id", type_=Uuid()))
_BOTH: Final = (bindparam("other", type_=Uuid()), bindparam("id", type_=Uuid()))
_STAY: Final = text("""
    UPDATE feedback_followers AS known SET via = third.feedback_id
    FROM feedback_followers AS third JOIN feedback ON feedback.id = third.feedback_id
    WHERE known.feedback_id = :other AND known.via = :id AND known.until IS NULL
        AND feedback.merged_into = :other AND third.person_id = known.person_id AND third.until IS NULL
""").bindparams(*_BOTH)
_LEAVE: Final = text("""
    UPDATE feedback_followers AS known SET until = feedback.version FROM feedback
    WHERE feedback.id = :other AND known.feedback_id = :other AND known.via = :id AND known.until IS NULL
""").bindparams(*_BOTH)
_AS_VOTER: Final = text("""
    UPDATE feedback_followers AS known SET role = 'voter' FROM feedback
    WHERE feedback.id = :other AND known.feedback_id = :other AND known.role = 'requester' AND known.until IS NULL
        AND known.person_id <> feedback.requester_id AND NOT EXISTS (
            SELECT FROM feedback AS third JOIN feedback_followers AS asked ON asked.feedback_id = third.id
            WHERE third.merged_into = :other AND third.id <> :id AND asked.person_id = known.person_id
                AND asked.role = 'requester'
        )
""").bindparams(*_BOTH)
_LEAVE_ALL: Final = text("""
    WITH RECURSIVE one AS (
        SELECT CAST(:id AS uuid) AS id
        UNION SELECT feedback.id FROM feedback JOIN one ON feedback.merged_into = one.id
    )
    UPDATE feedback_followers AS known SET until = feedback.version
    FROM one JOIN feedback ON feedback.id = one.id
    WHERE known.feedback_id = one.id AND known.person_id = :person AND known.until IS NULL
""").bindparams(bindparam("id", type_=Uuid()), bindparam("person", type_=Uuid()))


def following(
    feedback_id: UUID, version: int, *, requesters_only: bool, without: UUID | None = None
) -> list[ColumnElement[bool]]:
    """The condition of those who followed when the item became this version, `without` the one whose act it was."""
    conditions = [
        Follower.feedback_id == feedback_id,
        Follower.since < version,
        or_(Follower.until.is_(None), Follower.until >= version),
    ]
    if requesters_only:
        conditions.append(Follower.role == Role.REQUESTER)
    if without is not None:
        conditions.append(Follower.person_id != without)
    return conditions


async def count(writer: Writer, conditions: list[ColumnElement[bool]]) -> int:
    """How many there are, by `following`."""
    return await writer.scalar(select(func.count()).where(*conditions)) or 0


async def role_of(reader: Reader | Writer, feedback_id: UUID, person_id: UUID) -> Role | None:
    """Why this person follows the item; None if they do not."""
    role = await reader.scalar(select(Follower.role).where(*_own(feedback_id, person_id)))
    return None if role is None else Role(role)


def _own(feedback_id: UUID, person_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (Follower.feedback_id == feedback_id, Follower.person_id == person_id, Follower.until.is_(None))


async def lock(writer: Writer, change: Change) -> None:
    """Locks the item's row, and that of the item it is merged into or taken out of, in the order of their ids. Raises
    Conflict `cannot_merge_into` unless the other is open, so no circle can close, `not_public` where the followers of
    this one would be told of what they may not read, and `merged_on` where they went on to a third one."""
    ids = [one for one in (change.feedback_id, change.merge, change.unmerge) if one is not None]
    columns = (FeedbackRow.id, FeedbackRow.status, FeedbackRow.public, FeedbackRow.requester_id)
    statement = select(*columns).where(FeedbackRow.id.in_(ids)).order_by(FeedbackRow.id)
    rows = {row.id: row for row in await writer.execute(statement.with_for_update())}
    if change.unmerge is not None and rows[change.unmerge].status == Status.MERGED:
        raise Conflict(
            "merged_on", "The item that this one went into was merged, too. Take that one out first."
        )
    if change.merge is None:
        return
    this, other = rows[change.feedback_id], rows.get(change.merge)
    if other is None or other.status not in OPEN:
        status = "gone" if other is None else other.status
        raise Conflict(
            "cannot_merge_into",
            f"Feedback can only be merged into an open item; this one is {status}.",
            field="into",
        )
    if not other.public and (this.public or this.requester_id != other.requester_id):
        raise Conflict(
            "not_public",
            "Those who follow this one may not read the other. Make the other one public, or merge both into "
            "one that is.",
            field="into",
        )


async def write(writer: Writer, change: Change) -> None:
    """Those who come or go by this change."""
    state, version = change.state, change.state.event_number
    if change.submitted is not None and state.requester_id is not None:
        await _join(writer, change.feedback_id, state.requester_id, Role.REQUESTER, None, 0, change.at)
    for ticket_id in change.link:
        await _link(writer, change, ticket_id)
    for ticket_id in change.unlink:
        await _unlink(writer, change.feedback_id, ticket_id, version)
    if change.submitted is not None or change.link or change.unlink:
        await _count_anew(writer, change.feedback_id)
    if change.merge is not None:
        await _carry(writer, change, change.merge)
    if change.unmerge is not None:
        await _fetch_back(writer, change, change.unmerge)


async def _link(writer: Writer, change: Change, ticket_id: UUID) -> None:
    values = {"feedback_id": change.feedback_id, "ticket_id": ticket_id}
    await writer.execute(upsert(FeedbackTicketRow).values(values).on_conflict_do_nothing())
    requester = await writer.scalar(select(TicketRow.requester_id).where(TicketRow.id == ticket_id))
    if requester is not None:
        since = change.state.event_number
        await _join(writer, change.feedback_id, requester, Role.TICKET, ticket_id, since, change.at)


async def _unlink(writer: Writer, feedback_id: UUID, ticket_id: UUID, version: int) -> None:
    link = (FeedbackTicketRow.feedback_id == feedback_id, FeedbackTicketRow.ticket_id == ticket_id)
    await writer.execute(delete(FeedbackTicketRow).where(*link))
    came = (Follower.feedback_id == feedback_id, Follower.via == ticket_id, Follower.until.is_(None))
    await writer.execute(update(Follower).where(*came, Follower.role == Role.TICKET).values(until=version))


async def _carry(writer: Writer, change: Change, into: UUID) -> None:
    since = await writer.scalar(select(FeedbackRow.version).where(FeedbackRow.id == into))
    values = {"into": into, "id": change.feedback_id, "since": since, "at": change.at}
    await writer.execute(_CARRY, values)
    await _count_anew(writer, into)
    await _tell(writer, change, "merged", into)


async def _fetch_back(writer: Writer, change: Change, other: UUID) -> None:
    """Whoever came to the other item by this one leaves it, unless they came by a third one, too; and nobody is asked
    there any more for what they asked for here."""
    for statement in (_STAY, _LEAVE, _AS_VOTER):
        await writer.execute(statement, {"other": other, "id": change.feedback_id})
    for one in (change.feedback_id, other):
        await _count_anew(writer, one)
    await _tell(writer, change, "unmerged", other)


async def _tell(writer: Writer, change: Change, cause: str, other: UUID) -> None:
    told = {"cause": cause, "feedback_id": str(change.feedback_id), "version": change.state.event_number}
    await outbox.put(writer, "feedback", str(other), told)


async def _count_anew(writer: Writer, feedback_id: UUID) -> None:
    reach = (
        select(func.count())
        .where(Follower.feedback_id == feedback_id, Follower.until.is_(None))
        .scalar_subquery()
    )
    await writer.execute(
        update(FeedbackRow)
        .where(FeedbackRow.id == feedback_id)
        .values(reach=reach, score=reach * FeedbackRow.importance)
    )


async def _join(
    writer: Writer,
    feedback_id: UUID,
    person_id: UUID,
    role: Role,
    via: UUID | None,
    since: int,
    at: datetime,
) -> None:
    """Nothing changes for somebody who follows it already."""
    values = {"role": role, "via": via, "since": since, "at": at}
    # Who left and comes back before anything else happened was there all the time.
    begun = case((Follower.until >= since, Follower.since), else_=since)
    statement = upsert(Follower).values(feedback_id=feedback_id, person_id=person_id, **values)
    statement = statement.on_conflict_do_update(
        index_elements=["feedback_id", "person_id"],
        set_={**values, "since": begun, "until": None},
        where=Follower.until.is_not(None),
    )
    await writer.execute(statement)


async def vote(writer: Writer, feedback_id: UUID, person_id: UUID, now: datetime) -> UUID:
    """The person wants it, too, and is told of every turn from now on; gives the item that the vote is for: a vote for
    a duplicate is one for the item that goes on. Raises NotFound, and Conflict for a second vote of one person, or
    when nobody can join any more."""
    row = await _survivor(writer, feedback_id)
    if row.status not in OPEN:
        raise Conflict("not_open", f"Nobody can vote for feedback that is {row.status}.", state=row.status)
    role = await role_of(writer, row.id, person_id)
    if role is Role.REQUESTER:
        raise Conflict("your_own", "You asked for this yourself, which counts like a vote.")
    if role is Role.VOTER:
        raise Conflict("already_voted", "You have voted for this already; a vote counts once.")
    if role is Role.TICKET:
        await writer.execute(
            update(Follower).where(*_own(row.id, person_id)).values(role=Role.VOTER, via=None)
        )
    else:
        await _join(writer, row.id, person_id, Role.VOTER, None, row.version, now)
        await _reach(writer, row, row.reach + 1)
    return row.id


async def withdraw(writer: Writer, feedback_id: UUID, person_id: UUID) -> UUID:
    """The person is told no more; gives the item that the vote was for. Withdrawing twice changes nothing. Raises
    NotFound, and Conflict for the one who asked for it, whose wish it stays."""
    row = await _survivor(writer, feedback_id)
    role = await role_of(writer, row.id, person_id)
    if role is Role.REQUESTER:
        raise Conflict("your_own", "You asked for this yourself; there is no vote to withdraw.")
    if role is not None:
        await writer.execute(_LEAVE_ALL, {"id": row.id, "person": person_id})
        await _reach(writer, row, row.reach - 1)
    return row.id


async def _survivor(writer: Writer, feedback_id: UUID) -> FeedbackRow:
    """The row of the item, or of the one that goes on with it, locked; only that one, so nobody waits in a circle."""
    while True:
        this = FeedbackRow.id == feedback_id
        into = await writer.scalar(select(FeedbackRow.merged_into).where(this))
        if into is not None:
            feedback_id = into
            continue
        row = (await writer.scalars(select(FeedbackRow).where(this).with_for_update())).one_or_none()
        if row is None:
            raise not_found()
        if row.merged_into is None:
            return row


async def _reach(writer: Writer, row: FeedbackRow, reach: int) -> None:
    """The process is told only where another priority follows from it."""
    points = score(reach, row.importance)
    await writer.execute(
        update(FeedbackRow).where(FeedbackRow.id == row.id).values(reach=reach, score=points)
    )
    if priority_of(reach, row.importance) != row.priority:
        await outbox.put(writer, "feedback", str(row.id), {"cause": "reach"})
