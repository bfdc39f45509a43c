"""Turns the notices of a change into notifications: who the audience is at this moment, and in what language."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from domain.account import Role
from domain.notification import Audience, NewNotification, Notice, Recipient, event_key, plan
from domain.ticket.messages import Change
from domain.ticket.state import TicketState
from storage import notification
from storage.database import Writer
from storage.tables.account import Person as PersonRow
from storage.tables.account import Team as TeamRow
from storage.tables.account import TeamMember as TeamMemberRow
from storage.tables.ticket import TicketRow, TicketWatcherRow

_STAFF = (Role.AGENT.value, Role.MANAGER.value, Role.ADMIN.value)


async def tell(writer: Writer, change: Change, *, mail: bool) -> None:
    """Writes the notifications of `change` in its own transaction."""
    if not change.notices:
        return
    facts = await _facts(writer, change)
    rows: list[NewNotification] = []
    for notice in change.notices:
        recipients = await _recipients(writer, notice, change.state)
        key = event_key(change.ticket_id, change.state.event_number, notice)
        rows += plan(notice, key, facts, recipients, change.at)
    await notification.add(writer, rows, smtp_configured=mail)


async def _facts(writer: Writer, change: Change) -> dict[str, Any]:
    """What every notice tells: the ticket, and who did it."""
    statement = select(
        TicketRow.subject,
        select(PersonRow.name).where(PersonRow.id == change.actor_id).scalar_subquery().label("actor"),
    ).where(TicketRow.id == change.ticket_id)
    row = (await writer.execute(statement)).one()
    return {
        "ticket_id": str(change.ticket_id),
        "number": change.state.number,
        "subject": row.subject,
        "priority": change.state.priority,
        "actor": row.actor,
    }


async def _recipients(writer: Writer, notice: Notice, state: TicketState) -> Iterable[Recipient]:
    conditions = [condition for one in notice.audience for condition in _condition(one, state)]
    if not conditions:
        return []
    found = select(PersonRow.id).where(or_(*conditions), PersonRow.active)
    ids: list[UUID] = list((await writer.scalars(found)).all())
    return await notification.recipients(writer, ids)


def _condition(audience: Audience, state: TicketState) -> list[ColumnElement[bool]]:
    """Who belongs to an audience; a team without a lead is led by the managers."""
    if audience is Audience.REQUESTER:
        return [PersonRow.id == state.requester_id]
    if audience is Audience.ASSIGNEE:
        return [] if state.assignee_id is None else [PersonRow.id == state.assignee_id]
    if audience is Audience.MANAGERS:
        return [_managers()]
    if audience is Audience.LEAD:
        leads = select(TeamRow.lead_id).where(TeamRow.id == state.team_id, TeamRow.lead_id.is_not(None))
        return [PersonRow.id.in_(leads), and_(_managers(), ~leads.exists())]
    if audience is Audience.TEAM:
        members = select(TeamMemberRow.person_id).where(TeamMemberRow.team_id == state.team_id)
        return [PersonRow.id.in_(members)]
    if audience in (Audience.WATCHERS, Audience.STAFF_WATCHERS):
        watchers = select(TicketWatcherRow.person_id).where(TicketWatcherRow.ticket_id == state.id)
        watching = PersonRow.id.in_(watchers)
        if audience is Audience.STAFF_WATCHERS:
            watching &= PersonRow.roles.overlap(list(_STAFF))
        return [watching]
    return []


def _managers() -> ColumnElement[bool]:
    return PersonRow.roles.contains([Role.MANAGER.value])
