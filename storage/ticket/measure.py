"""What reports count, written with the history that it follows from: milestones, and promises kept or broken.

Each of the three statements makes its rows from the whole history of some tickets, so doing it again changes
nothing, and what a version without them left out is made up for by `catch_up`. What a ticket was at that moment is
what its row says when the statement first meets the milestone: in a commit, that moment.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BindParameter, Connection, DateTime, Float, Integer, Text, Uuid, bindparam, text

from domain.calendar import ALWAYS, Calendar, working
from domain.sla.ledger import Entry
from domain.ticket.messages import Change
from storage.database import Reader, connection_of
from storage.pipeline import Pipeline, Statement

COLUMNS: Final = (
    "response_working",
    "resolution_working",
    "first_contact",
    "reopened_at",
    "promises_kept",
    "promises_broken",
)
"""The columns of `tickets` that are written here."""

TURNS: Final = frozenset({"resolved", "merged", "reopened", "unmerged"})
"""The events with which the work on a ticket ends, or begins again."""

_DECIDING: Final = frozenset({Entry.SATISFY, Entry.BREACH, Entry.CANCEL})

_GIVEN: Final = "CASE WHEN found.at = :at THEN CAST(:working AS double precision) END"
_AROUND_THE_CLOCK: Final = """
    CASE WHEN NOT EXISTS (
        SELECT FROM ticket_processes AS process
        WHERE process.ticket_id = found.ticket_id AND CAST(process.policy -> 'calendar' AS text) <> ALL(:always)
    ) THEN CAST(greatest(extract(epoch FROM found.at - tickets.created_at), 0) AS double precision) END
"""
"""Where the calendar is always open, SQL counts the working time itself."""

# A ticket that is merged after it was resolved was done already. One that says that it was done before it was created,
# by a clock that is ahead, was opened at that moment.
MILESTONES: Final = """
    WITH told AS (
        SELECT ticket_id, version, position, type, at, lag(type) OVER history AS before
        FROM ticket_events
        WHERE ticket_id = ANY(:ids) AND type IN ('resolved', 'merged', 'reopened', 'unmerged')
        WINDOW history AS (PARTITION BY ticket_id ORDER BY version, position)
    ), turns AS (
        SELECT ticket_id, version, position, type, at, lag(at) OVER history AS opened_at,
            lead(at) OVER history AS reopened_at
        FROM told WHERE type <> 'merged' OR before IS DISTINCT FROM 'resolved'
        WINDOW history AS (PARTITION BY ticket_id ORDER BY version, position)
    ), ends AS (
        SELECT *, row_number() OVER (PARTITION BY ticket_id ORDER BY version, position) AS number
        FROM turns WHERE type IN ('resolved', 'merged')
    ), found AS (
        SELECT id AS ticket_id, 0 AS number, 'first_response' AS type, first_responded_at AS at,
            CAST(NULL AS timestamptz) AS opened_at, CAST(NULL AS timestamptz) AS reopened_at,
            CAST(NULL AS boolean) AS first_contact
        FROM tickets WHERE id = ANY(:ids) AND first_responded_at IS NOT NULL
        UNION ALL
        SELECT ends.ticket_id, ends.number, CASE ends.type WHEN 'resolved' THEN 'resolution' ELSE 'merge' END, ends.at,
            least(coalesce(ends.opened_at, tickets.created_at), ends.at), ends.reopened_at,
            CASE WHEN ends.type = 'resolved' THEN ends.number = 1 AND NOT EXISTS (
                SELECT FROM ticket_events AS said
                WHERE said.ticket_id = ends.ticket_id AND said.type = 'commented'
                    AND (said.version, said.position) < (ends.version, ends.position)
                    AND (said.version, said.position) > (
                        SELECT version, position FROM ticket_events AS answer
                        WHERE answer.ticket_id = ends.ticket_id AND answer.type IN ('replied', 'resolved')
                        ORDER BY version, position LIMIT 1
                    )
            ) END
        FROM ends JOIN tickets ON tickets.id = ends.ticket_id
    )
    INSERT INTO report_milestones AS known (
        ticket_id, number, type, at, created_at, opened_at, reopened_at, working, first_contact,
        priority, category, kind, channel, team_id, agent_id, organization_id
    )
    SELECT found.ticket_id, found.number, found.type, found.at, tickets.created_at, found.opened_at, found.reopened_at,
        CASE WHEN found.at = :at THEN CAST(:working AS double precision) END,
        found.first_contact,
        tickets.priority, tickets.category, tickets.kind, tickets.channel, tickets.team_id, tickets.assignee_id,
        tickets.organization_id
    FROM found JOIN tickets ON tickets.id = found.ticket_id
    ON CONFLICT (ticket_id, number) DO UPDATE SET reopened_at = excluded.reopened_at
    WHERE known.reopened_at IS DISTINCT FROM excluded.reopened_at
"""
"""The milestones of the tickets `ids`. `working` is the working time of those at the instant `at`."""

# A cycle that a reopened ticket goes on with is decided anew, unless it was broken before.
PROMISES: Final = """
    WITH cycles AS (
        SELECT ticket_id, clock, cycle, max(row) FILTER (WHERE kind IN ('satisfy', 'cancel')) AS last,
            max(row) FILTER (WHERE kind = 'resume') AS resumed, min(row) FILTER (WHERE kind = 'breach') AS broken
        FROM sla_ledger WHERE ticket_id = ANY(:ids) GROUP BY ticket_id, clock, cycle
    ), decided AS (
        SELECT cycles.ticket_id, cycles.clock, cycles.cycle,
            CASE WHEN broke.row IS NOT NULL THEN 'broken' WHEN ended.kind = 'satisfy' THEN 'kept' END AS outcome,
            coalesce(broke.due_at, ended.at) AS decided_at, ended.at AS ended_at, ended.elapsed,
            coalesce(broke.target, ended.target) AS target, coalesce(broke.policy_id, ended.policy_id) AS policy_id
        FROM cycles
        LEFT JOIN sla_ledger AS broke ON broke.row = cycles.broken
        LEFT JOIN sla_ledger AS ended ON ended.row = cycles.last AND cycles.last > coalesce(cycles.resumed, 0)
    )
    MERGE INTO report_promises AS known
    USING (
        SELECT decided.*, tickets.priority, tickets.category, tickets.kind, tickets.channel, tickets.team_id,
            tickets.assignee_id, tickets.organization_id
        FROM decided JOIN tickets ON tickets.id = decided.ticket_id
    ) AS now
    ON known.ticket_id = now.ticket_id AND known.clock = now.clock AND known.cycle = now.cycle
    WHEN MATCHED AND now.outcome IS NULL THEN DELETE
    WHEN MATCHED AND (known.outcome, known.decided_at) <> (now.outcome, now.decided_at)
    THEN UPDATE SET outcome = now.outcome, decided_at = now.decided_at, ended_at = now.ended_at,
        elapsed = now.elapsed, target = now.target, policy_id = now.policy_id, priority = now.priority,
        category = now.category, kind = now.kind, channel = now.channel, team_id = now.team_id,
        agent_id = now.assignee_id, organization_id = now.organization_id
    WHEN MATCHED AND (known.ended_at, known.elapsed) IS DISTINCT FROM (now.ended_at, now.elapsed)
    THEN UPDATE SET ended_at = now.ended_at, elapsed = now.elapsed
    WHEN NOT MATCHED AND now.outcome IS NOT NULL THEN INSERT (
        ticket_id, clock, cycle, outcome, decided_at, ended_at, target, elapsed, policy_id,
        priority, category, kind, channel, team_id, agent_id, organization_id
    ) VALUES (
        now.ticket_id, now.clock, now.cycle, now.outcome, now.decided_at, now.ended_at, now.target, now.elapsed,
        now.policy_id, now.priority, now.category, now.kind, now.channel, now.team_id, now.assignee_id,
        now.organization_id
    )
"""

TICKETS: Final = """
    UPDATE tickets SET
        response_working = (
            SELECT working FROM report_milestones WHERE ticket_id = id AND number = 0
        ),
        (resolution_working, first_contact) = (
            SELECT working, first_contact FROM report_milestones
            WHERE ticket_id = id AND type = 'resolution' AND reopened_at IS NULL
        ),
        reopened_at = (
            SELECT max(report_milestones.reopened_at) FROM report_milestones WHERE ticket_id = id
        ),
        (promises_kept, promises_broken) = (
            SELECT count(*) FILTER (WHERE outcome = 'kept'), count(*) FILTER (WHERE outcome = 'broken')
            FROM report_promises WHERE ticket_id = id
        )
    WHERE id = ANY(:ids)
"""

_IDS: Final = bindparam("ids", type_=ARRAY(Uuid()))
_AT: Final = (bindparam("at", type_=DateTime(timezone=True)), bindparam("working", type_=Float()))
_MILESTONES: Final = text(MILESTONES).bindparams(_IDS, *_AT)
_PROMISES: Final = text(PROMISES).bindparams(_IDS)
_TICKETS: Final = text(TICKETS).bindparams(_IDS)


def _of_one(statement: str, *binds: BindParameter[Any]) -> Statement:
    """The same for one ticket `id`, of which PostgreSQL keeps a plan: for a list it makes one each time, which
    takes longer than the rest."""
    one = statement.replace("= ANY(:ids)", "= :id")
    return Statement(text(one).bindparams(bindparam("id", type_=Uuid()), *binds))


_ADD_MILESTONES: Final = _of_one(MILESTONES, *_AT)
_ADD_PROMISES: Final = _of_one(PROMISES)
_UPDATE_TICKET: Final = _of_one(TICKETS)
_INCOMPLETE: Final = text("""
    SELECT id FROM tickets WHERE id = ANY(:ids) AND (
        (first_responded_at IS NOT NULL AND response_working IS NULL)
        OR (resolved_at IS NOT NULL AND resolution_working IS NULL)
        OR (reopen_count > 0 AND reopened_at IS NULL)
        OR (breached AND promises_broken = 0)
    )
""").bindparams(_IDS)
_LOCK: Final = text(
    "SELECT FROM ticket_processes WHERE ticket_id = ANY(:ids) ORDER BY ticket_id FOR UPDATE"
).bindparams(_IDS)
_UNCOUNTED: Final = text("""
    SELECT ticket_id, number, created_at, at, CAST(policy -> 'calendar' AS text) AS calendar
    FROM report_milestones LEFT JOIN ticket_processes USING (ticket_id)
    WHERE ticket_id = ANY(:ids) AND working IS NULL
""").bindparams(_IDS)
_COUNT: Final = text(
    "UPDATE report_milestones SET working = :working WHERE ticket_id = :ticket_id AND number = :number"
)

# The same for every ticket: joined as a whole instead of looked up one by one.
_EVERY: Final = "IS NOT NULL"
_CALENDARS: Final = text("""
    SELECT DISTINCT CAST(policy -> 'calendar' AS text) AS calendar
    FROM ticket_processes WHERE policy -> 'calendar' IS NOT NULL
""")
_ALL_MILESTONES: Final = text(
    MILESTONES.replace("= ANY(:ids)", _EVERY).replace(_GIVEN, _AROUND_THE_CLOCK)
).bindparams(bindparam("always", type_=ARRAY(Text())))
_ALL_UNCOUNTED: Final = text(_UNCOUNTED.text.replace("= ANY(:ids)", _EVERY))
_COUNT_SOME: Final = text("""
    UPDATE report_milestones AS known SET working = counted.working
    FROM unnest(:ticket_id, :number, :working) AS counted (ticket_id, number, working)
    WHERE known.ticket_id = counted.ticket_id AND known.number = counted.number
""").bindparams(
    bindparam("ticket_id", type_=ARRAY(Uuid())),
    bindparam("number", type_=ARRAY(Integer())),
    bindparam("working", type_=ARRAY(Float())),
)
_ALL_PROMISES: Final = text(PROMISES.replace("= ANY(:ids)", _EVERY))
_ANALYZE: Final = text("ANALYZE report_milestones, report_promises")
_ALL_TICKETS: Final = text("""
    UPDATE tickets SET
        response_working = reached.response, resolution_working = reached.resolution,
        first_contact = reached.first_contact, reopened_at = reached.reopened_at,
        promises_kept = coalesce(decided.kept, 0), promises_broken = coalesce(decided.broken, 0)
    FROM (
        SELECT ticket_id, max(working) FILTER (WHERE number = 0) AS response,
            max(working) FILTER (WHERE type = 'resolution' AND reopened_at IS NULL) AS resolution,
            bool_or(first_contact) FILTER (WHERE type = 'resolution' AND reopened_at IS NULL) AS first_contact,
            max(reopened_at) AS reopened_at
        FROM report_milestones GROUP BY ticket_id
    ) AS reached FULL JOIN (
        SELECT ticket_id, count(*) FILTER (WHERE outcome = 'kept') AS kept,
            count(*) FILTER (WHERE outcome = 'broken') AS broken
        FROM report_promises GROUP BY ticket_id
    ) AS decided USING (ticket_id)
    WHERE id = ticket_id
""")


def add(asking: Pipeline, change: Change) -> None:
    """What the change adds, after its row and its history have been written."""
    reached, decided = _reaches(change), _decides(change)
    if reached:
        policy = change.state.policy
        calendar = ALWAYS if policy is None else policy.calendar
        seconds = working(calendar, change.state.created_at, change.at).total_seconds()
        asking.ask(_ADD_MILESTONES, id=change.ticket_id, at=change.at, working=seconds)
    if decided:
        asking.ask(_ADD_PROMISES, id=change.ticket_id)
    if reached or decided:
        asking.ask(_UPDATE_TICKET, id=change.ticket_id)


def _reaches(change: Change) -> bool:
    """Whether the change is a milestone, or takes the ticket up again."""
    return change.state.first_responded_at == change.at or any(one.type in TURNS for one in change.events)


def _decides(change: Change) -> bool:
    """Whether it decides a promise, or goes on with one that was decided."""
    return any(row.kind in _DECIDING for row in change.ledger) or any(
        one.type in TURNS for one in change.events
    )


def fill(connection: Connection) -> None:
    """What `catch_up` does, for all tickets at once, where nothing was counted before. Nobody else may write."""
    calendars = {row.calendar: _calendar(row.calendar) for row in connection.execute(_CALENDARS)}
    always = [written for written, calendar in calendars.items() if calendar.always]
    connection.execute(_ALL_MILESTONES, {"always": always})
    with connection.execute(_ALL_UNCOUNTED.execution_options(yield_per=5000)) as rows:
        for some in rows.partitions():
            counted = [_counted(row) for row in some]
            connection.execute(_COUNT_SOME, {name: [one[name] for one in counted] for name in counted[0]})
    connection.execute(_ALL_PROMISES)
    connection.execute(_ANALYZE)
    connection.execute(_ALL_TICKETS)


async def incomplete(reader: Reader, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the tickets whose history says more than was counted: an older version wrote it."""
    connection = await connection_of(reader)
    return list((await connection.execute(_INCOMPLETE, {"ids": ids})).scalars())


def catch_up(connection: Connection, ids: Sequence[UUID]) -> None:
    """Makes up for what was left out on these tickets. Their working times are counted in the calendar of the
    promises that are in force now."""
    connection.execute(_LOCK, {"ids": ids})
    connection.execute(_MILESTONES, {"ids": ids, "at": None, "working": None})
    counted = [_counted(row) for row in connection.execute(_UNCOUNTED, {"ids": ids})]
    if counted:
        connection.execute(_COUNT, counted)
    connection.execute(_PROMISES, {"ids": ids})
    connection.execute(_TICKETS, {"ids": ids})


def _counted(row: Any) -> dict[str, Any]:
    calendar = ALWAYS if row.calendar is None else _calendar(row.calendar)
    seconds = working(calendar, row.created_at, row.at).total_seconds()
    return {"ticket_id": row.ticket_id, "number": row.number, "working": seconds}


@lru_cache(maxsize=100)
def _calendar(written: str) -> Calendar:
    return Calendar.model_validate(orjson.loads(written))
