"""Turns the notices of a change into notifications: who the audience is at this moment, and in what language."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, and_, any_, bindparam, func, or_, select, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from domain.account import Role
from domain.notification.kind import Audience
from domain.notification.notice import NewNotification, Notice, event_key, plan
from domain.ticket.messages import Change
from domain.ticket.state import TicketState
from storage import notification
from storage.pipeline import Answer, Pipeline, Statement
from storage.tables.account import PersonRow, TeamMemberRow, TeamRow
from storage.tables.ticket import TicketCollaboratorRow, TicketRow, TicketWatcherRow

_STAFF = (Role.AGENT.value, Role.MANAGER.value, Role.ADMIN.value)
_ONE = aliased(PersonRow)
_NAMED: Final = bindparam("named", type_=ARRAY(Uuid()))
_TEAM_ID: Final = bindparam("team_id", type_=Uuid())
_ASSIGNEE_ID: Final = bindparam("assignee_id", type_=Uuid())
_MENTIONS: Final = bindparam("mentions", type_=ARRAY(Text()))
_TICKET_ID: Final = bindparam("ticket_id", type_=Uuid())
_ACTOR: Final = (
    select(PersonRow.name).where(PersonRow.id == bindparam("actor_id", type_=Uuid())).scalar_subquery()
)
_FACTS: Final = Statement(select(TicketRow.subject, _ACTOR.label("actor")).where(TicketRow.id == _TICKET_ID))


def ask_notifications(asking: Pipeline, change: Change) -> Callable[[], list[NewNotification]]:
    """The notifications of `change`, once it is written: people hear of it in the words that hold then."""
    if not change.notices:
        return list
    audiences = [_ask_audience(asking, notice, change.state) for notice in change.notices]
    facts = _ask_facts(asking, change)

    def notifications() -> list[NewNotification]:
        rows: list[NewNotification] = []
        for notice, audience in zip(change.notices, audiences, strict=True):
            key = event_key(change.ticket_id, change.state.event_number, notice)
            told = [notification.recipient(row) for row in audience.rows]
            rows += plan(notice, key, facts(), told, change.at)
        return rows

    return notifications


def _ask_facts(asking: Pipeline, change: Change) -> Callable[[], dict[str, Any]]:
    """What every notice tells: the ticket, and who did it."""
    known = {
        "ticket_id": str(change.ticket_id),
        "number": change.state.number,
        "priority": change.state.priority,
        "actor": None,
    }
    opened = change.opened
    if opened is not None:
        return lambda: {**known, "subject": opened.subject}
    answer = asking.ask(_FACTS, ticket_id=change.ticket_id, actor_id=change.actor_id)
    return lambda: {**known, **answer.rows[0]._asdict()}


def _ask_audience(asking: Pipeline, notice: Notice, state: TicketState) -> Answer:
    """The people of a notice, each once: those who are known by their ids, and those who are looked up."""
    known: dict[Audience, list[UUID | None]] = {
        Audience.REQUESTER: [state.requester_id],
        Audience.ASSIGNEE: [state.assignee_id],
        Audience.NAMED: [UUID(person) for person in notice.params.get("people", ())],
    }
    ids = [person for one in notice.audience for person in known.get(one, ()) if person is not None]
    looked_up = frozenset(one for one in notice.audience if one not in known)
    asked = {
        "named": ids,
        "team_id": state.team_id,
        "ticket_id": state.id,
        "assignee_id": state.assignee_id,
        "mentions": notice.params.get("mentions", []),
    }
    return asking.ask(_people(looked_up), **asked)


@lru_cache(maxsize=64)
def _people(looked_up: frozenset[Audience]) -> Statement:
    """The named and those of each audience, found by their ids: no audience makes PostgreSQL read all people."""
    ids = [
        select(func.unnest(_NAMED)),
        *(found for one in Audience if one in looked_up for found in _ids(one)),
    ]
    return Statement(notification.RECIPIENTS.where(PersonRow.id.in_(union(*ids))))


def _ids(audience: Audience) -> list[Select[Any]]:
    """Who belongs to an audience; a team without a lead is led by the managers."""
    watchers = select(TicketWatcherRow.person_id).where(TicketWatcherRow.ticket_id == _TICKET_ID)
    leads = select(TeamRow.lead_id).where(TeamRow.id == _TEAM_ID, TeamRow.lead_id.is_not(None))
    managers = select(_ONE.id).where(_ONE.roles.contains([Role.MANAGER.value]))
    match audience:
        case Audience.MANAGERS:
            return [managers]
        case Audience.LEAD:
            return [leads, managers.where(~leads.exists())]
        case Audience.TEAM:
            return [select(TeamMemberRow.person_id).where(TeamMemberRow.team_id == _TEAM_ID)]
        case Audience.WATCHERS:
            return [watchers]
        case Audience.STAFF_WATCHERS:
            staff = watchers.join(_ONE, _ONE.id == TicketWatcherRow.person_id)
            return [staff.where(_ONE.roles.overlap(list(_STAFF)))]
        case Audience.COLLABORATORS:
            collaborators = select(TicketCollaboratorRow.person_id)
            return [collaborators.where(TicketCollaboratorRow.ticket_id == _TICKET_ID)]
        case Audience.MENTIONED:
            return [select(_ONE.id).where(func.lower(_ONE.email) == any_(_MENTIONS), _works_on())]
    return []


def _works_on() -> ColumnElement[bool]:
    """The colleagues who may read the ticket's notes: a mention opens no door. As `Visibility.is_worked_on`."""
    everything = _ONE.roles.overlap([Role.MANAGER.value, Role.ADMIN.value])
    agent = _ONE.roles.contains([Role.AGENT.value])
    members = select(TeamMemberRow.person_id).where(TeamMemberRow.team_id == _TEAM_ID)
    theirs = or_(_TEAM_ID.is_(None), _ONE.id.in_(members), _ONE.id == _ASSIGNEE_ID)
    return or_(everything, and_(agent, theirs))
