"""What a change of a ticket means for its survey, in the transaction of that change: a resolution makes an invitation,
taking the ticket up again withdraws it.

The process of the survey sleeps until what is due next. Whoever adds something that is due earlier wakes it, and may
not miss the moment in which it decides how long to sleep: both meet at a lock of the survey, shared here and in
`storage/survey/answer.py`, exclusive for a moment at the end of `storage/survey/commit.py`.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BindParameter, DateTime, Uuid, bindparam, text

from domain.survey.definition import AFTER_RESOLUTION
from domain.survey.invitation import invitation_id, resolution
from domain.ticket.fields import Status
from domain.ticket.messages import Change
from storage import outbox
from storage.pipeline import Pipeline, Statement

_LOCK_SHARED: Final = Statement(
    text("SELECT pg_advisory_xact_lock_shared(72150, hashtext(CAST(:id AS text)))").bindparams(
        bindparam("id", type_=Uuid())
    )
)
_LOCK: Final = Statement(
    text("SELECT pg_advisory_xact_lock(72150, hashtext(CAST(:id AS text)))").bindparams(
        bindparam("id", type_=Uuid())
    )
)


def _ids(*names: str) -> list[BindParameter[UUID]]:
    return [bindparam(name, type_=Uuid()) for name in names]


# The commit of a ticket happens once, so the number of those before is that of this one.
_INVITE: Final = Statement(
    text("""
    WITH survey AS (
        SELECT id, next_at, CAST(contents ->> 'delay' AS interval) AS delay
        FROM surveys WHERE id = :survey_id AND state = 'active'
    ), invited AS (
        INSERT INTO survey_invitations (
            id, survey_id, person_id, ticket_id, cycle, state, ask_at, next_at,
            priority, category, kind, channel, team_id, agent_id, organization_id
        )
        SELECT :id, survey.id, tickets.requester_id, tickets.id,
            1 + (SELECT count(*) FROM survey_invitations AS earlier WHERE earlier.ticket_id = tickets.id),
            'waiting', :at + survey.delay, :at + survey.delay,
            tickets.priority, tickets.category, tickets.kind, tickets.channel, tickets.team_id, tickets.assignee_id,
            tickets.organization_id
        FROM survey, tickets
        WHERE tickets.id = :ticket_id AND tickets.requester_id IS DISTINCT FROM :actor_id
        ON CONFLICT DO NOTHING
        RETURNING next_at
    ), asked AS (
        INSERT INTO outbox (topic, key, payload)
        SELECT 'survey', CAST(survey.id AS text), '{}' FROM survey, invited
        WHERE survey.next_at IS NULL OR survey.next_at > invited.next_at
        RETURNING id
    )
    SELECT pg_notify(:channel, 'survey') FROM asked
""").bindparams(
        *_ids("survey_id", "id", "ticket_id", "actor_id"),
        bindparam("at", type_=DateTime(timezone=True)),
        channel=outbox.CHANNEL,
    )
)
_WITHDRAW: Final = Statement(
    text("""
    UPDATE survey_invitations SET state = 'withdrawn', next_at = NULL
    WHERE ticket_id = :ticket_id AND state IN ('waiting', 'asked')
""").bindparams(*_ids("ticket_id"))
)
_WAKE: Final = Statement(
    text("""
    WITH asked AS (
        INSERT INTO outbox (topic, key, payload)
        SELECT 'survey', CAST(id AS text), '{}' FROM surveys
        WHERE id = :id AND (next_at IS NULL OR next_at > :at)
        RETURNING id
    )
    SELECT pg_notify(:channel, 'survey') FROM asked
""").bindparams(*_ids("id"), bindparam("at", type_=DateTime(timezone=True)), channel=outbox.CHANNEL)
)

_ENDING: Final = frozenset({"reopened", "merged"})


def follow(asking: Pipeline, change: Change) -> None:
    """What the change of a ticket, whose row is written, means for its survey. Nobody is asked about what they
    resolved themselves."""
    types = {event.type for event in change.events}
    if types & _ENDING:
        asking.ask(_WITHDRAW, ticket_id=change.ticket_id)
    if "resolved" in types and change.state.status is Status.RESOLVED and change.state.requester_id:
        # The id follows from the event, so a second attempt would make the same.
        cause = resolution(change.ticket_id, change.state.event_number)
        asking.ask(_LOCK_SHARED, id=AFTER_RESOLUTION)
        asking.ask(
            _INVITE,
            survey_id=AFTER_RESOLUTION,
            id=invitation_id(AFTER_RESOLUTION, cause, change.state.requester_id),
            ticket_id=change.ticket_id,
            actor_id=change.actor_id,
            at=change.at,
        )


def ask_wake(asking: Pipeline, survey_id: UUID, at: datetime) -> None:
    """Wakes the process for what was added and is due `at`, unless it wakes earlier by itself. Comes last."""
    asking.ask(_LOCK_SHARED, id=survey_id)
    asking.ask(_WAKE, id=survey_id, at=at)


def lock(asking: Pipeline, survey_id: UUID) -> None:
    """Nobody adds anything from here to the end of the transaction, so what is due next can be told."""
    asking.ask(_LOCK, id=survey_id)
