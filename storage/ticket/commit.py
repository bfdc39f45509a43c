"""Commits one change of a ticket process: all of it in one transaction, once.

The guard is the event number. A workflow task that is lost after its commit (its worker died, its answer came
too late) runs again, perhaps in another order and with other messages; then the database is ahead, nothing is
written, and the process is given the state that holds, to decide again from there. So nothing is written
twice, and no row of an older change ever overwrites a newer one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Integer, Table, Uuid, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.errors import Conflict, Unavailable
from domain.sla.ledger import LedgerEntry
from domain.ticket.messages import Change, Comment, Outcome
from domain.ticket.process import is_empty, timers, with_facts
from domain.ticket.state import TicketState
from storage import assignment, notification, outbox
from storage.database import Writer, connection_of, table_of
from storage.pipeline import Answer, Pipeline, Statement, pipeline
from storage.survey import invite
from storage.tables.ticket import (
    TicketCollaboratorRow,
    TicketCommentRow,
    TicketLinkRow,
    TicketProcessRow,
    TicketRow,
    TicketWatcherRow,
)
from storage.ticket import custom, feed, live, measure, merge, past, tags, words
from storage.ticket import facts as finding
from storage.ticket.audience import ask_notifications
from storage.ticket.read import state_of

_TICKETS: Final = table_of(TicketRow)
_COMMENTS: Final = table_of(TicketCommentRow)
_PROCESSES: Final = table_of(TicketProcessRow)
_WATCHERS: Final = table_of(TicketWatcherRow)
_COLLABORATORS: Final = table_of(TicketCollaboratorRow)
_LINKS: Final = table_of(TicketLinkRow)

_PROCESS: Final = Statement(
    select(_PROCESSES).where(_PROCESSES.c.ticket_id == bindparam("id")).with_for_update()
)
_CONTENTS: Final = Statement(
    select(_TICKETS.c.tags, _TICKETS.c.subject, _TICKETS.c.description, _TICKETS.c.custom_fields).where(
        _TICKETS.c.id == bindparam("id")
    )
)
_OPENED: Final = (
    "id",
    "number",
    "fingerprint",
    "external_id",
    "subject",
    "description",
    "requested_priority",
    "channel",
    "tags",
    "custom_fields",
    "classification",
)
_MIRRORED: Final = tuple(
    name
    for name in _TICKETS.c.keys()  # noqa: SIM118  its names, not its columns
    if name not in (*_OPENED, *measure.COLUMNS, "satisfaction", "changed_at", "changed_in")
)
"""The columns that mirror the process's state; the others are its contents, and what follows from the history."""
_COMMENT: Final = tuple(Comment.model_fields)
_INSERT_TICKET: Final = Statement(insert(_TICKETS), (*_OPENED, *_MIRRORED))
_INSERT_COMMENT: Final = Statement(
    upsert(_COMMENTS).on_conflict_do_nothing().returning(_COMMENTS.c.id), ("ticket_id", *_COMMENT)
)
# The copy's id follows from both, so a second attempt makes the same.
_COPY_COMMENTS: Final = Statement(
    text("""
    INSERT INTO ticket_comments (id, ticket_id, author_id, visibility, body, at)
    SELECT CAST(md5(id::text || :id) AS uuid), :id, author_id, visibility, body, at
    FROM ticket_comments WHERE id = ANY(:copies)
""").bindparams(bindparam("id", type_=Uuid()))
)
_WRITE_HISTORY: Final = Statement(
    text("""
    WITH events AS (
        INSERT INTO ticket_events (ticket_id, version, position, type, at, actor_id, cause, data)
        SELECT :ticket_id, :version, row_number() OVER () - 1, type, at, actor_id, cause, data
        FROM jsonb_to_recordset(:events)
            AS row (type text, at timestamptz, actor_id uuid, cause text, data jsonb)
    ), ledger AS (
        INSERT INTO sla_ledger (
            ticket_id, version, position, clock, cycle, kind, step, at, due_at, fired_at, started_at, target,
            elapsed, missed, cause, policy_id, policy_version, calendar_version
        )
        SELECT :ticket_id, :version, row_number() OVER () - 1, row.*
        FROM jsonb_to_recordset(:ledger) AS row (
            clock text, cycle int, kind text, step text, at timestamptz, due_at timestamptz,
            fired_at timestamptz, started_at timestamptz, target float8, elapsed float8, missed int,
            cause text, policy_id uuid, policy_version int, calendar_version int
        )
    )
    INSERT INTO ticket_processes AS known (ticket_id, version, state, policy)
    VALUES (:ticket_id, :version, :state, :policy)
    ON CONFLICT (ticket_id) DO UPDATE SET version = :version, state = :state,
        policy = CASE WHEN :adopted THEN :policy ELSE known.policy END
    RETURNING pg_notify(:channel, concat(:ticket_id, ':', :version))
""").bindparams(
        bindparam("ticket_id", type_=Uuid()),
        bindparam("version", type_=Integer()),
        bindparam("adopted", type_=Boolean()),
        *(
            bindparam(name, type_=JSONB(none_as_null=True))
            for name in ("events", "ledger", "state", "policy")
        ),
    )
)
_ONE_TICKET: Final = update(_TICKETS).where(_TICKETS.c.id == bindparam("of"))
_UPDATE_TICKET: Final = Statement(_ONE_TICKET.values(changed_at=func.now()), _MIRRORED)
_UPDATE_TAGS: Final = Statement(_ONE_TICKET, ("tags",))
_UPDATE_CONTENTS: Final = Statement(_ONE_TICKET, ("subject", "description", "custom_fields"))


def _joining(table: Table) -> Statement:
    return Statement(upsert(table).on_conflict_do_nothing(), ("ticket_id", "person_id"))


def _leaving(table: Table) -> Statement:
    of, person = table.c.ticket_id == bindparam("of"), table.c.person_id == bindparam("person")
    return Statement(delete(table).where(of, person))


_WATCH: Final = _joining(_WATCHERS)
_UNWATCH: Final = _leaving(_WATCHERS)
_SHARE: Final = _joining(_COLLABORATORS)
_UNSHARE: Final = _leaving(_COLLABORATORS)
_LINKING: Final = upsert(_LINKS)
_LINK: Final = Statement(
    _LINKING.on_conflict_do_update(
        index_elements=["ticket_id", "linked_id"], set_={"relation": _LINKING.excluded.relation}
    ),
    ("ticket_id", "linked_id", "relation"),
)
_UNLINK: Final = Statement(
    delete(_LINKS).where(_LINKS.c.ticket_id == bindparam("of"), _LINKS.c.linked_id == bindparam("to"))
)

_FREEING: Final = frozenset({"status_changed", "assigned", "unassigned"})


async def commit(writer: Writer, change: Change, *, mail: bool) -> Outcome:
    """Finds the facts that `change` wants, completes it, writes it.

    `mail` says whether mails can be sent; without, they are kept to be read. Raises Unavailable when the
    database is behind the process: one of them was restored, and they have to be reconciled first.
    """
    async with pipeline(writer) as asking:
        process = asking.ask(_PROCESS, id=change.ticket_id)
        contents = asking.ask(_CONTENTS, id=change.ticket_id) if _changes_contents(change) else None
        questions = finding.ask(asking, change)
    ahead = _ahead(process.one_or_none(), change)
    if ahead is not None:
        return Outcome(state=ahead)
    connection = await connection_of(writer)
    await merge.check(connection, change)
    facts = await finding.gather(writer, change, questions) if change.wants else None
    if facts is not None:
        change = with_facts(change, facts)
        if is_empty(change):
            return Outcome(facts=facts)
    async with pipeline(writer) as asking:
        if facts is not None and facts.assignee_id is not None:
            assignment.give(asking, facts.assignee_id, change.at)
        _write_ticket(asking, change)
        before = contents and contents.one_or_none()
        if contents is not None:
            _write_contents(asking, change, before)
        tags.add(asking, change, _tags(change, before), _team(process.one_or_none()))
        taken = past.add(asking, change)
        said = _write_history(asking, change, policy=facts is not None and facts.matched)
        measure.add(asking, change)
        words.add(asking, change)
        custom.add(asking, change)
        _write_relations(asking, change)
        notifications = ask_notifications(asking, change)
        invite.follow(asking, change)
        is_anyone_waiting = _offer_free_place(asking, change)
    _check_new(said)
    if words.is_new_text(change):
        await words.write_anew(connection, change.ticket_id)
    await merge.write(writer, connection, change)
    if change.split is not None:
        opening = {"open": change.split.model_dump(mode="json")}
        await outbox.put(writer, "split", str(change.split.ticket_id), opening)
    await notification.add(writer, notifications(), smtp_configured=mail)
    if is_anyone_waiting():
        await outbox.put(writer, "capacity", str(change.ticket_id), {})
    await past.finish(writer, connection, change, taken)
    if linked := [*(link.ticket_id for link in change.link), *change.unlink]:
        await feed.touch(writer, linked)  # a link is a fact of both; last, because it locks the others
    return Outcome(facts=facts)


def _ahead(row: Any, change: Change) -> TicketState | None:
    """The state that holds, if the database knows this event number already. The process's row is locked.

    Two first commits of one ticket cannot pass each other: the second waits at the primary key and fails, and
    its retry finds the first.
    """
    version, expected = (0 if row is None else row.version), change.state.event_number
    if row is not None and version >= expected:
        return state_of(row)
    if version != expected - 1:
        raise Unavailable(
            "process_out_of_step",
            f"Ticket {change.ticket_id} is at version {version} in the database and the process commits "
            f"{expected}.",
        )
    return None


def _write_ticket(asking: Pipeline, change: Change) -> None:
    """A new row, or the columns that mirror the process."""
    opened = change.opened
    before = None if opened is None else opened.past
    mirrored = _mirrored(change.state, change.at if before is None else before.updated_at)
    if opened is None:
        asking.ask(_UPDATE_TICKET, of=change.ticket_id, **mirrored)
        return
    asking.ask(
        _INSERT_TICKET,
        id=change.ticket_id,
        number=change.state.number,
        fingerprint=opened.fingerprint,
        external_id=opened.external_id,
        subject=opened.subject,
        description=opened.description,
        requested_priority=opened.priority,
        channel=opened.channel,
        tags=_tags(change, None),
        custom_fields=opened.custom_fields,
        classification=None
        if opened.classification is None
        else opened.classification.model_dump(mode="json"),
        **mirrored,
    )


def _changes_contents(change: Change) -> bool:
    return change.edit is not None or change.tags != ([], [])


def _write_contents(asking: Pipeline, change: Change, before: Any) -> None:
    """Tags, and an edit; `before` is the row as it was."""
    if (now := _tags(change, before)) is not None:
        asking.ask(_UPDATE_TAGS, of=change.ticket_id, tags=now)
    if change.edit is not None:
        contents = before._asdict() | change.edit.model_dump(exclude_none=True)
        asking.ask(_UPDATE_CONTENTS, of=change.ticket_id, **contents)


def _tags(change: Change, before: Any) -> list[str] | None:
    """What the ticket is tagged with now, None if that does not change."""
    if change.opened is not None:
        return merged([], change.opened.tags, [])
    if change.tags == ([], []):
        return None
    return merged([] if before is None else before.tags, *change.tags)


def _team(process: Any) -> UUID | None:
    """Of the state before this change."""
    team = None if process is None else process.state["team_id"]
    return None if team is None else UUID(team)


def merged(tags: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """The tags in the order in which they came, without repeats."""
    return [tag for tag in dict.fromkeys([*tags, *add]) if tag not in remove]


def _mirrored(state: TicketState, at: datetime) -> dict[str, Any]:
    """The values of the columns `_MIRRORED`."""
    step = next((timer for timer in timers(state) if timer.name != "finish"), None)
    return {
        "version": state.event_number,
        "status": state.status,
        "priority": state.priority,
        "rank": state.priority.key,
        "category": state.category,
        "kind": state.kind,
        "tier": state.tier,
        "requester_id": state.requester_id,
        "organization_id": state.organization_id,
        "team_id": state.team_id,
        "assignee_id": state.assignee_id,
        "waiting_reason": state.waiting_reason,
        "merged_into": state.merged_into,
        "created_at": state.created_at,
        "updated_at": at,
        "first_responded_at": state.first_responded_at,
        "resolved_at": state.resolved_at,
        "closed_at": state.closed_at,
        "reopen_count": state.reopen_count,
        "breached": state.breached,
        "next_step": None if step is None else step.name,
        "next_step_at": None if step is None else step.due_at,
    }


def _check_new(said: Sequence[Answer]) -> None:
    """The id of a comment is made of its request. If it stands there already, the request was carried out so long
    ago that the process has forgotten it; an error of the database would be tried again for ever."""
    if any(answer.scalar() is None for answer in said):
        raise Conflict(
            "request_repeated", "This request was carried out long ago. Read the ticket to see what it did."
        )


def _write_history(asking: Pipeline, change: Change, *, policy: bool) -> list[Answer]:
    """Events, ledger and the process's state, in one statement, and what was said: an answer a comment."""
    state = change.state
    asking.ask(
        _WRITE_HISTORY,
        ticket_id=change.ticket_id,
        version=state.event_number,
        events=[event.model_dump(mode="json") for event in change.events],
        ledger=[_ledger_row(row) for row in change.ledger],
        state=state.model_dump(mode="json", exclude={"policy"}),
        policy=None if state.policy is None else state.policy.model_dump(mode="json"),
        adopted=policy,
        channel=live.CHANNEL,
    )
    said = []
    for comment in change.comments:
        said.append(asking.ask(_INSERT_COMMENT, ticket_id=change.ticket_id, **comment.model_dump()))
    if change.opened is not None and change.opened.copies:
        asking.ask(_COPY_COMMENTS, id=change.ticket_id, copies=change.opened.copies)
    return said


def _ledger_row(entry: LedgerEntry) -> dict[str, Any]:
    lengths = {"target": _seconds(entry.target), "elapsed": _seconds(entry.elapsed)}
    return entry.model_dump(mode="json", exclude={"target", "elapsed"}) | lengths


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _write_relations(asking: Pipeline, change: Change) -> None:
    """Watchers, collaborators and links; a link is written on both tickets, seen from each side."""
    ticket_id = change.ticket_id
    for person_id in change.watch:
        asking.ask(_WATCH, ticket_id=ticket_id, person_id=person_id)
    for person_id in change.unwatch:
        asking.ask(_UNWATCH, of=ticket_id, person=person_id)
    for person_id in change.share:
        asking.ask(_SHARE, ticket_id=ticket_id, person_id=person_id)
    for person_id in change.unshare:
        asking.ask(_UNSHARE, of=ticket_id, person=person_id)
    for link in change.link:
        other, relation = link.ticket_id, link.relation
        asking.ask(_LINK, ticket_id=ticket_id, linked_id=other, relation=relation)
        asking.ask(_LINK, ticket_id=other, linked_id=ticket_id, relation=relation.inverse)
    for other in change.unlink:
        asking.ask(_UNLINK, of=ticket_id, to=other)
        asking.ask(_UNLINK, of=other, to=ticket_id)


def _offer_free_place(asking: Pipeline, change: Change) -> Callable[[], bool]:
    """Whether this change may have freed an agent while someone waits, who then is to be woken."""
    if change.opened is not None or not any(event.type in _FREEING for event in change.events):
        return lambda: False
    assignment.lock(asking)
    return assignment.ask_whether_anyone_waits(asking)
