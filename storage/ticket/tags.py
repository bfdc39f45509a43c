"""Tags of tickets as rows: which there are, and how many tickets of those that a person works on have each.

A tag stands beside the team of its ticket, so counting those of some teams reads nothing but an index, and no
further than `COUNTED`. What a ticket is tagged with is `tickets.tags`, in the order in which it came.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Row, Text, Uuid, bindparam, text, update

from domain.authorization import Visibility
from domain.ticket.messages import Change
from domain.ticket.record import TagCount
from domain.view import COUNTED
from storage.database import Reader, table_of
from storage.pipeline import Pipeline, Statement
from storage.tables.ticket import TicketTagRow

_TAGS: Final = table_of(TicketTagRow)
_ADD: Final = Statement(
    text("""
    INSERT INTO ticket_tags (ticket_id, team_id, tag)
    SELECT :ticket_id, :team_id, tag FROM unnest(:tags) AS given (tag) ON CONFLICT DO NOTHING
""").bindparams(
        bindparam("ticket_id", type_=Uuid()),
        bindparam("team_id", type_=Uuid()),
        bindparam("tags", type_=ARRAY(Text)),
    )
)
_KEEP: Final = Statement(
    text("DELETE FROM ticket_tags WHERE ticket_id = :ticket_id AND tag <> ALL(:tags)").bindparams(
        bindparam("ticket_id", type_=Uuid()), bindparam("tags", type_=ARRAY(Text))
    )
)
_MOVE: Final = Statement(update(_TAGS).where(_TAGS.c.ticket_id == bindparam("of")), ("team_id",))

# From each tag the index leads to the next, however many tickets have it.
_LISTED: Final = """
    WITH RECURSIVE names (tag) AS (
        (SELECT tag FROM ticket_tags WHERE tag > :after AND tag >= :prefix ORDER BY tag LIMIT 1)
        UNION ALL
        SELECT (SELECT next.tag FROM ticket_tags AS next WHERE next.tag > names.tag ORDER BY next.tag LIMIT 1)
        FROM names WHERE starts_with(names.tag, :prefix)
    ), elsewhere AS MATERIALIZED (
        SELECT tag, count(*) AS tickets FROM tickets, unnest(tags) AS given (tag)
        WHERE assignee_id = :person AND team_id <> ALL(:teams) AND tags <> '{}' AND NOT :everything GROUP BY tag
    )
    SELECT names.tag, counted.tickets FROM names, LATERAL (
        SELECT CASE WHEN :everything THEN (
            SELECT count(*) FROM (SELECT FROM ticket_tags AS one WHERE one.tag = names.tag LIMIT :counted) AS each_one
        ) ELSE (
            SELECT count(*) FROM (
                SELECT FROM ticket_tags AS one WHERE one.tag = names.tag AND one.team_id IS NULL LIMIT :counted
            ) AS each_one
        ) + (
            SELECT coalesce(sum(of_team.tickets), 0) FROM unnest(:teams) AS own (id), LATERAL (
                SELECT count(*) AS tickets FROM (
                    SELECT FROM ticket_tags AS one WHERE one.tag = names.tag AND one.team_id = own.id LIMIT :counted
                ) AS each_one
            ) AS of_team
        ) + coalesce((SELECT tickets FROM elsewhere WHERE elsewhere.tag = names.tag), 0) END AS tickets
    ) AS counted
    WHERE starts_with(names.tag, :prefix) AND counted.tickets > 0
    LIMIT :size
"""
_LIST: Final = text(_LISTED).bindparams(
    bindparam("person", type_=Uuid()), bindparam("teams", type_=ARRAY(Uuid()))
)


def add(asking: Pipeline, change: Change, tags: Sequence[str] | None, team_before: UUID | None) -> None:
    """Writes what a ticket is tagged with now, if that is another than before (else None), and its team."""
    team = change.state.team_id
    if change.opened is None and team != team_before:
        asking.ask(_MOVE, of=change.ticket_id, team_id=team)
    if tags is None:
        return
    if change.opened is None:
        asking.ask(_KEEP, ticket_id=change.ticket_id, tags=tags)
    if tags:
        asking.ask(_ADD, ticket_id=change.ticket_id, team_id=team, tags=tags)


async def listed(reader: Reader, visible: Visibility, prefix: str, after: str, size: int) -> list[TagCount]:
    """Up to `size + 1` tags after `after`, by name, of tickets that this person works on."""
    given: dict[str, Any] = {
        "prefix": prefix,
        "after": after,
        "everything": visible.everything,
        "person": visible.person_id,
        "teams": sorted(visible.team_ids),
        "counted": COUNTED + 1,
        "size": size + 1,
    }
    return [_record(row) for row in await reader.execute(_LIST, given)]


def _record(row: Row[Any]) -> TagCount:
    return TagCount(tag=row.tag, tickets=min(row.tickets, COUNTED), more=row.tickets > COUNTED)
