"""Telling all who follow an item of a turn, page by page, so that ten thousand are told as surely as one.

A page is one transaction: the notifications of the next followers, in the order of their ids, and how far it came. Ids
of notifications are made of the event and the person, so nobody is told twice, and whoever comes last finds the turn
done. The first page is told in the transaction of the turn itself; only a longer audience needs the process of
`workflows/feedback.py`.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select, update

from domain.feedback.fields import Role
from domain.feedback.messages import Change
from domain.feedback.process import CLOSE_AFTER
from domain.notification.kind import Kind
from domain.notification.notice import NewNotification, Notice, event_key, plan
from storage import link, notification, outbox
from storage.database import Writer
from storage.feedback import followers
from storage.feedback.audience import FEATURE, facts
from storage.feedback.question import PURPOSE
from storage.tables.feedback import FeedbackFollowerRow as Follower
from storage.tables.feedback import FeedbackTurnRow as Turn

PAGE: Final = 500


def telling_key(feedback_id: UUID, version: int) -> str:
    return f"{feedback_id}:{version}"


async def begin(writer: Writer, change: Change, *, smtp_configured: bool) -> None:
    """Keeps the turns of `change` and tells the first page of each; asks for the process where that is not all."""
    version, whole = change.state.event_number, True
    for position, turn in enumerate(change.turns):
        actor_id = None if turn.actor_too else change.actor_id
        audience = followers.following(
            change.feedback_id, version, requesters_only=turn.requesters_only, without=actor_id
        )
        values = {
            "kind": turn.kind,
            "params": turn.params,
            "requesters_only": turn.requesters_only,
            "actor_id": actor_id,
            "at": change.at,
            "total": await followers.count(writer, audience),
        }
        place = {"feedback_id": change.feedback_id, "version": version, "position": position}
        await writer.execute(insert(Turn).values(**place, **values))
    if change.turns:
        whole = await tell_page(writer, change.feedback_id, version, smtp_configured=smtp_configured)
    if not whole:
        await outbox.put(writer, "telling", telling_key(change.feedback_id, version), {})


async def tell_page(writer: Writer, feedback_id: UUID, version: int, *, smtp_configured: bool) -> bool:
    """Tells the next page of every turn of this version; whether that was the last. Two at once wait for each
    other at the rows of the turns."""
    statement = (
        select(Turn)
        .where(Turn.feedback_id == feedback_id, Turn.version == version, Turn.done_at.is_(None))
        .order_by(Turn.position)
        .with_for_update()
    )
    done = [
        await _tell(writer, turn, smtp_configured=smtp_configured)
        for turn in (await writer.scalars(statement)).all()
    ]
    return all(done)


async def _tell(writer: Writer, turn: Turn, *, smtp_configured: bool) -> bool:
    audience = followers.following(
        turn.feedback_id, turn.version, requesters_only=turn.requesters_only, without=turn.actor_id
    )
    columns = (Follower.person_id, Follower.role)
    statement = select(*columns).where(*audience).order_by(Follower.person_id).limit(PAGE)
    if turn.told_to is not None:
        statement = statement.where(Follower.person_id > turn.told_to)
    roles = {row.person_id: Role(row.role) for row in await writer.execute(statement)}
    people = list(roles)
    notice = Notice(kind=Kind(turn.kind), audience=[], params=turn.params)
    told = await facts(writer, turn.feedback_id, turn.actor_id)
    recipients = await notification.recipients(writer, people)
    rows = plan(notice, turn_key(turn.feedback_id, turn.version, notice), told, recipients, turn.at)
    if "round" in turn.params:
        asked = {person for person, role in roles.items() if role is Role.REQUESTER}
        rows = [_asking(row, turn.at) if row.recipient_id in asked else row for row in rows]
        await link.ensure_key(writer)
    await notification.add(writer, rows, smtp_configured=smtp_configured)
    last = len(people) < PAGE
    place = (
        Turn.feedback_id == turn.feedback_id,
        Turn.version == turn.version,
        Turn.position == turn.position,
    )
    await writer.execute(
        update(Turn)
        .where(*place)
        .values(
            passed=Turn.passed + len(people),
            told_to=people[-1] if people else turn.told_to,
            done_at=datetime.now(UTC) if last else None,
        )
    )
    return last


def _asking(row: NewNotification, at: datetime) -> NewNotification:
    """With a link by which its recipient answers whether it is solved, as long as the item may stay open."""
    wanted = {"purpose": PURPOSE, "expires_at": (at + CLOSE_AFTER).isoformat()}
    return replace(row, params={**row.params, "link": wanted})


def turn_key(feedback_id: UUID, version: int, notice: Notice) -> str:
    """The event key of the notifications of a turn."""
    return event_key(feedback_id, version, notice, FEATURE)


async def unfinished(writer: Writer) -> list[tuple[UUID, int]]:
    """The turns that somebody has yet to be told of."""
    statement = select(Turn.feedback_id, Turn.version).where(Turn.done_at.is_(None)).distinct()
    return [(row.feedback_id, row.version) for row in await writer.execute(statement)]
