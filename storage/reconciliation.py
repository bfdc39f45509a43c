"""The tickets that should have a process, what was found about them, about feedback and contests, and asking the
durable side again. Which feedback and contests should have one know `storage/feedback/reconciliation.py` and
`storage/contest/reconciliation.py`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, literal, null, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.reconciliation import Finding, Kind, Of
from domain.ticket.process import is_finished
from domain.ticket.state import TicketState
from storage.database import Reader, Writer, connection_of
from storage.page import Order, page
from storage.tables.feedback import FeedbackRow
from storage.tables.reconciliation import (
    AnyFindingRow,
    ContestFindingRow,
    FeedbackFindingRow,
    FindingRow,
)
from storage.tables.ticket import TicketProcessRow, TicketRow
from storage.ticket import measure, read

_TABLES: Final[dict[Of, tuple[type[AnyFindingRow], Any]]] = {
    "ticket": (FindingRow, FindingRow.ticket_id),
    "feedback": (FeedbackFindingRow, FeedbackFindingRow.feedback_id),
    "contest": (ContestFindingRow, ContestFindingRow.contest_id),
}


def _found(of: Of, numbered: Any = None) -> Select[Any]:
    """With the number of what has one."""
    table, record = _TABLES[of]
    columns = (table.kind, table.detail, table.found_at, table.healed_at)
    number = null().label("number") if numbered is None else numbered.number
    named: Any = select(literal(of).label("of"), record.label("record_id"), number, *columns)
    found: Select[Any] = named if numbered is None else named.join(numbered, numbered.id == record)
    return found


ALL: Final = union_all(
    _found("ticket", TicketRow), _found("feedback", FeedbackRow), _found("contest")
).subquery("differing")
"""Whatever was found, of tickets, of feedback and of contests."""

NEWEST_FIRST: Final = Order((ALL.c.found_at, ALL.c.record_id), descending=True)

# What the relay does with each of them finds out by itself whether it was done before.
_REPEAT: Final = text("""
    WITH repeated AS (
        INSERT INTO outbox (topic, key, payload)
        SELECT 'notification', id || ':' || generation,
            jsonb_strip_nulls(jsonb_build_object('send_after', send_after))
        FROM notifications WHERE state = 'pending'
        UNION ALL SELECT 'absence', id::text, '{}' FROM people
            WHERE absent_from IS NOT NULL AND (absent_until IS NULL OR absent_until > now())
        UNION ALL SELECT 'bulk', id::text, '{}' FROM bulks WHERE finished_at IS NULL
        UNION ALL SELECT 'backfill', id::text, '{}' FROM backfills WHERE finished_at IS NULL
        UNION ALL SELECT 'claim', coalesce(claims.id, won.id)::text, '{}' FROM claims
            FULL JOIN (SELECT id FROM awards WHERE reward ->> 'type' = 'prize' AND state = 'held') AS won
                ON won.id = claims.id
            WHERE claims.id IS NULL OR claims.state NOT IN ('confirmed', 'declined')
        UNION ALL SELECT 'member', person_id::text, '{}' FROM members
            WHERE wanted_since IS NOT NULL OR next_at IS NOT NULL
        UNION ALL SELECT 'survey', id::text, '{}' FROM surveys
        UNION ALL SELECT 'ticket', merged_into::text,
            jsonb_build_object('cause', 'merged', 'ticket_id', id, 'version', version)
            FROM tickets WHERE merged_into IS NOT NULL AND updated_at > now() - interval '14 days'
        UNION ALL SELECT 'feedback', merged_into::text,
            jsonb_build_object('cause', 'merged', 'feedback_id', id, 'version', version)
            FROM feedback WHERE merged_into IS NOT NULL AND updated_at > now() - interval '90 days'
        UNION ALL SELECT 'feedback', feedback_id::text,
                jsonb_build_object('cause', 'released', 'release_id', release_id)
            FROM release_items JOIN releases ON releases.id = release_id
            WHERE shipped_at IS NULL AND published_at > now() - interval '90 days'
        UNION ALL SELECT DISTINCT 'telling', feedback_id || ':' || version, '{}'::jsonb
            FROM feedback_turns WHERE done_at IS NULL
        UNION ALL SELECT 'policy', 'reconciliation', '{}'
        UNION ALL SELECT 'capacity', 'reconciliation', '{}'
        RETURNING id
    )
    SELECT pg_notify('duradesk_outbox', 'reconciliation') FROM repeated LIMIT 1
""")

_LATE: Final = timedelta(minutes=5)
_WAKE_LATE: Final = text("""
    WITH woken AS (
        INSERT INTO outbox (topic, key, payload)
        SELECT 'member', person_id::text, '{}'::jsonb FROM members WHERE wanted_since < :late OR next_at < :late
        UNION ALL SELECT 'survey', id::text, '{}' FROM surveys WHERE next_at < :late OR EXISTS (
            SELECT FROM survey_invitations AS one WHERE one.survey_id = surveys.id AND one.next_at < :late
        )
        UNION ALL SELECT 'claim', coalesce(claims.id, won.id)::text, '{}' FROM claims
            FULL JOIN (SELECT id, awarded_at FROM awards WHERE reward ->> 'type' = 'prize' AND state = 'held') AS won
                ON won.id = claims.id
            WHERE due_at < :late OR (claims.id IS NULL AND awarded_at < :late)
                OR (won.id IS NULL AND claims.state IN ('asked', 'approved'))
                OR (won.id IS NOT NULL AND claims.state = 'withdrawn')
        UNION ALL SELECT DISTINCT 'telling', feedback_id || ':' || version, '{}'::jsonb
            FROM feedback_turns WHERE done_at IS NULL AND at < :late
        RETURNING id
    )
    SELECT pg_notify('duradesk_outbox', 'reconciliation') FROM woken LIMIT 1
""")


async def with_process(
    reader: Reader, after: UUID | None, size: int, now: datetime
) -> tuple[UUID | None, list[TicketState]]:
    """The states of the next tickets that should have a process, and the last id looked at, None at the end."""
    ended = TicketRow.closed_at.is_not(None)
    statement = (
        select(TicketProcessRow)
        .join(TicketRow, TicketRow.id == TicketProcessRow.ticket_id)
        .where((~ended) | (TicketRow.updated_at > now - read.KEPT_OPEN))
        .order_by(TicketProcessRow.ticket_id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(TicketProcessRow.ticket_id > after)
    rows = (await reader.scalars(statement)).all()
    states = [read.state_of(row) for row in rows]
    last = rows[-1].ticket_id if len(rows) == size else None
    return last, [state for state in states if not is_finished(state, now)]


async def incomplete(reader: Reader, ticket_ids: Sequence[UUID]) -> list[UUID]:
    return await measure.incomplete(reader, ticket_ids)


async def catch_up(writer: Writer, ticket_ids: Sequence[UUID]) -> None:
    """Counts for reports what a worker of an older version did to these tickets."""
    connection = await connection_of(writer)
    await connection.run_sync(measure.catch_up, ticket_ids)


async def event_number(reader: Reader, ticket_id: UUID) -> int:
    statement = select(TicketProcessRow.version).where(TicketProcessRow.ticket_id == ticket_id)
    return await reader.scalar(statement) or 0


async def note(writer: Writer, of: Of, record_id: UUID, kind: Kind, detail: str, now: datetime) -> None:
    table, record = _TABLES[of]
    values = {"detail": detail, "found_at": now, "healed_at": None}
    statement = upsert(table).values({record.key: record_id, "kind": kind, **values})
    await writer.execute(statement.on_conflict_do_update(index_elements=[record.key, "kind"], set_=values))


async def heal(writer: Writer, of: Of, record_ids: Sequence[UUID], now: datetime) -> None:
    """These were found to be right."""
    table, record = _TABLES[of]
    open_ones = (record.in_(record_ids), table.healed_at.is_(None))
    await writer.execute(update(table).where(*open_ones).values(healed_at=now))


async def findings(
    reader: Reader, *, healed: bool | None, after: Sequence[Any] | None, size: int
) -> list[Finding]:
    statement = select(ALL)
    if healed is not None:
        statement = statement.where(ALL.c.healed_at.is_not(None) if healed else ALL.c.healed_at.is_(None))
    rows = await reader.execute(page(statement, NEWEST_FIRST, after, size))
    return [_finding(row) for row in rows]


async def unhealed(reader: Reader) -> dict[Kind, int]:
    """What was found and is still wrong, by kind."""
    open_ones = select(ALL.c.kind, func.count()).where(ALL.c.healed_at.is_(None))
    return {Kind(row[0]): row[1] for row in await reader.execute(open_ones.group_by(ALL.c.kind))}


def _finding(row: Any) -> Finding:
    about: dict[Of, UUID] = {row.of: row.record_id}
    return Finding(
        kind=Kind(row.kind),
        of=row.of,
        ticket_id=about.get("ticket"),
        feedback_id=about.get("feedback"),
        contest_id=about.get("contest"),
        number=row.number,
        detail=row.detail,
        found_at=row.found_at,
        healed_at=row.healed_at,
    )


async def repeat_requests(writer: Writer) -> None:
    """Asks again for everything that a lost Temporal store may have forgotten: mails under way, absences, bulk
    actions, members, surveys, claims, merges, changed promises. What runs or ran already is not done twice."""
    await writer.execute(_REPEAT)


async def wake_late(writer: Writer, now: datetime) -> None:
    """Asks again for members, surveys, claims and tellings whose process should have done something by now. One more
    call does no harm."""
    await writer.execute(_WAKE_LATE, {"late": now - _LATE})
