"""What reports count is what the history says, whatever happened to a ticket."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import delete, select, text, update

from domain.ticket.fields import Kind
from domain.ticket.messages import Step
from domain.ticket.moves import Action
from storage import reconciliation
from storage.database import Base, Database, Writer, connection_of
from storage.tables.report import MilestoneRow, PromiseRow
from storage.tables.ticket import TicketRow
from storage.ticket import measure
from tests.storage.hand import Hand
from tests.storage.play import Play, Turn, play, turns
from tests.storage.recount import Counted, Milestone, Promise, Was, recount

_NOT_COUNTED: Final[dict[str, Any]] = {
    "response_working": None,
    "resolution_working": None,
    "first_contact": None,
    "reopened_at": None,
    "promises_kept": 0,
    "promises_broken": 0,
}


async def rows_of(database: Database) -> tuple[list[Milestone], list[Promise]]:
    async with database.reading() as reader:
        milestones = (await reader.scalars(select(MilestoneRow))).all()
        promises = (await reader.scalars(select(PromiseRow))).all()
    return (
        [
            Milestone(
                one.ticket_id, one.number, one.type, one.at, one.created_at, one.opened_at, one.reopened_at,
                one.working if one.working is not None else -1, one.first_contact, _was(one),
            )
            for one in milestones
        ],
        [
            Promise(
                one.ticket_id, one.clock, one.cycle, one.outcome, one.decided_at, one.ended_at, one.target,
                one.elapsed, _was(one),
            )
            for one in promises
        ],
    )  # fmt: skip


def _was(row: Any) -> Was:
    return Was(
        row.priority, row.category, row.kind, row.channel, row.team_id, row.agent_id, row.organization_id
    )


async def emptied(database: Database) -> None:
    names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    async with database.engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


async def check(database: Database, hand: Hand) -> Counted:
    counted = await recount(database, hand)
    milestones, promises = await rows_of(database)
    assert sorted(milestones, key=repr) == sorted(counted.milestones, key=repr)
    assert sorted(promises, key=repr) == sorted(counted.promises, key=repr)
    for ticket in counted.tickets:
        check_row(ticket, counted)
    return counted


def check_row(ticket: Any, counted: Counted) -> None:
    """The columns of a ticket say the same."""
    own = [one for one in counted.milestones if one.ticket_id == ticket.id]
    resolution = next((one for one in own if one.type == "resolution" and one.reopened_at is None), None)
    outcomes = [one.outcome for one in counted.promises if one.ticket_id == ticket.id]
    assert ticket.response_working == next((one.working for one in own if one.number == 0), None)
    assert ticket.resolution_working == (resolution and resolution.working)
    assert ticket.first_contact == (resolution and resolution.first_contact)
    assert ticket.reopened_at == max((one.reopened_at for one in own if one.reopened_at), default=None)
    assert (ticket.promises_kept, ticket.promises_broken) == (
        outcomes.count("kept"),
        outcomes.count("broken"),
    )


# Making a story shorter takes longer than reading it.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=25, suppress_health_check=list(HealthCheck), phases=_PHASES)
@given(turns)
async def test_whatever_happens_is_counted_as_it_happened(database: Database, story: list[Turn]) -> None:
    await emptied(database)
    world = await play(database)
    for turn in story:
        await world.turn(turn)
    await world.end()
    await check(database, world.hand)


async def lived(world: Play, *actions: Action) -> UUID:
    """A ticket that took these actions, an hour after each other."""
    ticket_id = await world.hand.open(world.askers[0], world.now, category="net")
    for action in actions:
        world.now += timedelta(hours=1)
        actor = world.askers[0] if action is Action.COMMENT else world.agents[2]
        await world.hand.act(ticket_id, action, actor, world.now, body="Some words.")
    return ticket_id


@pytest.mark.parametrize(
    ("actions", "first_contact"),
    [
        ([Action.RESOLVE], True),
        ([Action.REPLY, Action.RESOLVE], True),
        ([Action.COMMENT, Action.REPLY, Action.NOTE, Action.RESOLVE, Action.CLOSE], True),
        ([Action.REPLY, Action.COMMENT, Action.RESOLVE], False),
        ([Action.RESOLVE, Action.REOPEN, Action.RESOLVE], False),
        ([Action.RESOLVE, Action.COMMENT], None),
        ([Action.REPLY], None),
    ],
)
async def test_a_ticket_is_done_at_first_contact_unless_its_requester_comes_back(
    database: Database, actions: list[Action], first_contact: bool | None
) -> None:
    world = await play(database)
    ticket_id = await lived(world, *actions)
    counted = await check(database, world.hand)
    (row,) = [one for one in counted.tickets if one.id == ticket_id]
    assert row.first_contact == first_contact


async def test_working_time_is_that_of_the_calendar_at_that_moment(database: Database) -> None:
    """Answered on Tuesday an hour before the office closes, resolved on Wednesday an hour after it opened."""
    world = await play(database)
    opened_at = datetime(2026, 10, 20, 14, 30, tzinfo=UTC)
    ticket_id = await world.hand.open(world.askers[0], opened_at, category="disk")
    for action, hours in ((Action.REPLY, 0), (Action.RESOLVE, 17.5)):
        at = opened_at + timedelta(hours=hours)
        await world.hand.act(ticket_id, action, world.agents[0], at, body="Some words.")
    milestones, _ = await rows_of(database)
    assert sorted((one.number, one.working) for one in milestones) == [(0, 0), (1, 2 * 3600)]


async def test_a_promise_that_is_kept_again_is_judged_by_what_the_ticket_is_then(database: Database) -> None:
    """Taken up again, called a fault and resolved in one commit, where the policy lets the promise go on."""
    world = await play(database)
    ticket_id = await world.hand.open(world.askers[0], world.now, category="disk", priority="high")
    agent, again = world.agents[0], world.now + timedelta(hours=1)
    await world.hand.act(ticket_id, Action.RESOLVE, agent, world.now + timedelta(minutes=20), body="Done.")
    steps = [
        Step(action=Action.REOPEN, body="Not yet.", body_id=uuid4()),
        Step(action=Action.RESOLVE, body="Done.", body_id=uuid4(), kind=Kind.FAULT),
    ]
    await world.hand.act(ticket_id, Action.APPLY, agent, again, steps=steps)
    _, promises = await rows_of(database)
    (resolution,) = [one for one in promises if one.clock == "resolution"]
    assert (resolution.outcome, resolution.decided_at, resolution.was.kind) == ("kept", again, Kind.FAULT)
    await check(database, world.hand)


@settings(max_examples=8, suppress_health_check=list(HealthCheck), phases=_PHASES)
@given(turns)
async def test_what_an_older_version_left_out_is_made_up_for(database: Database, story: list[Turn]) -> None:
    """All but what the tickets were at the time: that they are now."""
    await emptied(database)
    world = await play(database)
    for turn in story:
        await world.turn(turn)
    before = plain(await rows_of(database))
    paged = await made_up_for(
        database, world.tickets, lambda writer: reconciliation.catch_up(writer, world.tickets)
    )
    assert plain(await rows_of(database)) == before
    assert await made_up_for(database, world.tickets, fill) == paged


async def fill(writer: Writer) -> None:
    """As the migration does it."""
    await (await connection_of(writer)).run_sync(measure.fill)


async def made_up_for(
    database: Database, tickets: list[UUID], make_up: Callable[[Writer], Awaitable[None]]
) -> list[str]:
    """Everything that is counted, after it was left out and made up for."""
    async with database.writing() as writer:
        await writer.execute(delete(MilestoneRow))
        await writer.execute(delete(PromiseRow))
        await writer.execute(update(TicketRow).values(_NOT_COUNTED))
        await make_up(writer)
    columns = (getattr(TicketRow, name) for name in measure.COLUMNS)
    async with database.reading() as reader:
        assert await reconciliation.incomplete(reader, tickets) == []
        counted = (await reader.execute(select(TicketRow.id, *columns))).all()
    milestones, promises = await rows_of(database)
    return sorted(map(repr, [*milestones, *promises, *counted]))


def plain(rows: tuple[list[Milestone], list[Promise]]) -> list[str]:
    """Without what may differ."""
    milestones, promises = rows
    nothing = Was("", None, None, "", None, None, None)
    found = [replace(one, was=nothing, working=float(one.working < 0)) for one in milestones]
    return sorted(map(repr, [*found, *(replace(one, was=nothing) for one in promises)]))


async def test_reconciliation_sees_what_was_left_out(database: Database) -> None:
    world = await play(database)
    tickets = [
        await lived(world, Action.REPLY),
        await lived(world, Action.RESOLVE),
        await lived(world, Action.RESOLVE, Action.REOPEN),
        await lived(world),
    ]
    world.now += timedelta(hours=3)
    await world.hand.pass_time(tickets[3:], world.now)  # its first promise breaks
    untouched = await lived(world)
    async with database.writing() as writer:
        await writer.execute(update(TicketRow).values(_NOT_COUNTED))
    async with database.reading() as reader:
        missed = await reconciliation.incomplete(reader, [*tickets, untouched])
    assert sorted(missed) == sorted(tickets)
