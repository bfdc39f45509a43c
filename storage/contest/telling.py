"""Telling people of a contest: a few by name or by role at once, all participants page by page.

The ids of notifications are made of the event, the person and the channel, so a page that is written again writes
nothing, and a judge who takes part as well is told once.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import select

from domain.contest.messages import Change, Facts
from domain.notification.kind import Audience
from domain.notification.notice import Notice, event_key, plan
from storage import notification
from storage.account.people import managers
from storage.database import Writer
from storage.tables.contest import ContestParticipantRow, ContestRow

PAGE: Final = 500
"""Participants who are told in one commit."""


async def notify(writer: Writer, change: Change, *, mail: bool) -> None:
    """The notices of a change."""
    for notice in change.notices:
        people = await _people(writer, notice)
        params = {name: value for name, value in notice.params.items() if name != "people"}
        told = notice.model_copy(update={"params": params})
        await _add(writer, change, told, change.state.event_number, people, mail=mail)


async def page(writer: Writer, change: Change, *, mail: bool) -> Facts:
    """Tells the next participants what is told first; those who came after it are not meant."""
    telling = change.state.tellings[0]
    row = ContestParticipantRow
    statement = (
        select(row.person_id)
        .where(row.contest_id == change.contest_id, row.standing > 0, row.version < telling.event_number)
        .order_by(row.person_id)
        .limit(PAGE + 1)
    )
    if telling.after is not None:
        statement = statement.where(row.person_id > telling.after)
    people = list(await writer.scalars(statement))
    notice = Notice(kind=telling.kind, audience=[Audience.NAMED], params=telling.params)
    await _add(writer, change, notice, telling.event_number, people[:PAGE], mail=mail)
    return Facts(after=people[PAGE - 1] if len(people) > PAGE else None)


async def _people(writer: Writer, notice: Notice) -> list[UUID]:
    if Audience.MANAGERS in notice.audience:
        return await managers(writer)
    return [UUID(one) for one in notice.params.get("people", ())]


async def _add(
    writer: Writer, change: Change, notice: Notice, event_number: int, people: list[UUID], *, mail: bool
) -> None:
    name = await writer.scalar(select(ContestRow.name).where(ContestRow.id == change.contest_id))
    facts = {"contest_id": str(change.contest_id), "contest": name}
    key = event_key(change.contest_id, event_number, notice, "contest")
    rows = plan(notice, key, facts, await notification.recipients(writer, people), change.at)
    await notification.add(writer, rows, smtp_configured=mail)
