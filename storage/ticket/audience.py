"""Turns the notices of a change into notifications: who the audience is at this moment, and in what language."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from domain.account import Role
from domain.notification import Audience, NewNotification, Notice, event_key, plan
from domain.ticket.messages import Change
from domain.ticket.state import TicketState
from storage import notification
from storage.database import Writer
from storage.tables.account import Person, Team, TeamMember
from storage.tables.ticket import TicketCollaboratorRow, TicketRow, TicketWatcherRow

_STAFF = (Role.AGENT.value, Role.MANAGER.value, Role.ADMIN.value)


async def tell(writer: Writer, change: Change, *, mail: bool) -> None:
    """Writes the notifications of `change` in its own transaction."""
    if not change.notices:
        return
    audiences = [await _audience(writer, notice, change.state) for notice in change.notices]
    everyone = {person_id for audience in audiences for person_id in audience}
    recipients = {one.person_id: one for one in await notification.recipients(writer, everyone)}
    facts = await _facts(writer, change)
    rows: list[NewNotification] = []
    for notice, audience in zip(change.notices, audiences, strict=True):
        key = event_key(change.ticket_id, change.state.event_number, notice)
        told = [recipients[person_id] for person_id in audience if person_id in recipients]
        rows += plan(notice, key, facts, told, change.at)
    await notification.add(writer, rows, smtp_configured=mail)


async def _facts(writer: Writer, change: Change) -> dict[str, Any]:
    """What every notice tells: the ticket, and who did it."""
    facts = {
        "ticket_id": str(change.ticket_id),
        "number": change.state.number,
        "priority": change.state.priority,
        "actor": None,
    }
    if change.opened is not None:
        return {**facts, "subject": change.opened.subject}
    actor = select(Person.name).where(Person.id == change.actor_id).scalar_subquery()
    statement = select(TicketRow.subject, actor).where(TicketRow.id == change.ticket_id)
    subject, name = (await writer.execute(statement)).one()
    return {**facts, "subject": subject, "actor": name}


async def _audience(writer: Writer, notice: Notice, state: TicketState) -> Sequence[UUID]:
    """The people of a notice; those whom the state names need no query."""
    named = {Audience.REQUESTER: state.requester_id, Audience.ASSIGNEE: state.assignee_id}
    people = [named[one] for one in notice.audience if one in named]
    conditions = [condition for one in notice.audience for condition in _condition(one, notice, state)]
    if conditions:
        people += (await writer.scalars(select(Person.id).where(or_(*conditions)))).all()
    return list(dict.fromkeys(person_id for person_id in people if person_id is not None))


def _condition(audience: Audience, notice: Notice, state: TicketState) -> list[ColumnElement[bool]]:
    """Who belongs to an audience; a team without a lead is led by the managers."""
    if audience is Audience.MANAGERS:
        return [_managers()]
    if audience is Audience.LEAD:
        leads = select(Team.lead_id).where(Team.id == state.team_id, Team.lead_id.is_not(None))
        return [Person.id.in_(leads), and_(_managers(), ~leads.exists())]
    if audience is Audience.TEAM:
        members = select(TeamMember.person_id).where(TeamMember.team_id == state.team_id)
        return [Person.id.in_(members)]
    if audience in (Audience.WATCHERS, Audience.STAFF_WATCHERS):
        watchers = select(TicketWatcherRow.person_id).where(TicketWatcherRow.ticket_id == state.id)
        watching = Person.id.in_(watchers)
        if audience is Audience.STAFF_WATCHERS:
            watching &= Person.roles.overlap(list(_STAFF))
        return [watching]
    if audience is Audience.COLLABORATORS:
        following = select(TicketCollaboratorRow.person_id).where(TicketCollaboratorRow.ticket_id == state.id)
        return [Person.id.in_(following)]
    if audience is Audience.NAMED:
        return [Person.id.in_([UUID(person) for person in notice.params["people"]])]
    if audience is Audience.MENTIONED:
        called = func.lower(Person.email).in_(notice.params["mentions"])
        return [and_(called, _works_on(state))]
    return []


def _works_on(state: TicketState) -> ColumnElement[bool]:
    """The colleagues who may read the ticket's notes: a mention opens no door. As `Visibility.is_worked_on`."""
    everything = Person.roles.overlap([Role.MANAGER.value, Role.ADMIN.value])
    agent = Person.roles.contains([Role.AGENT.value])
    if state.team_id is None:
        return or_(everything, agent)
    members = select(TeamMember.person_id).where(TeamMember.team_id == state.team_id)
    return or_(everything, and_(agent, or_(Person.id.in_(members), Person.id == state.assignee_id)))


def _managers() -> ColumnElement[bool]:
    return Person.roles.contains([Role.MANAGER.value])
