"""Prizes and claims in the database: one for each award, a budget that is kept, and ways back that restore it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select

from domain.account import Role
from domain.achievement.claim import Act, Action, ClaimAdvance, ClaimDetail, ClaimState, Prize, State
from domain.errors import Conflict, Forbidden, Invalid, StaleVersion
from storage.achievement import claim, prize
from storage.achievement.claim import Claims
from storage.database import Database
from storage.tables.account import PersonRow
from storage.tables.notification import NotificationRow
from storage.tables.outbox import OutboxRow
from tests.storage.test_achievement import active, post
from tests.storage.test_member import NOW
from tests.storage.world import person

COST = 10


@pytest.fixture
async def manager(database: Database) -> UUID:
    return await person(database, Role.MANAGER)


async def prized(database: Database, budget: int = 25) -> UUID:
    values = {"name": uuid4().hex, "description": "A mug", "currency": "EUR", "cost": COST, "budget": budget}
    async with database.writing() as writer:
        return (await prize.create(writer, values)).id


async def won(database: Database, prize_id: UUID, members: int = 1) -> list[UUID]:
    """The claims of so many members who meet the same criteria."""
    await active(database, reward={"type": "prize", "prize": str(prize_id)})
    for _ in range(members):
        await post(database, await person(database, Role.REQUESTER), "a", "b", "c")
    async with database.reading() as reader:
        found = await reader.scalars(select(OutboxRow.key).where(OutboxRow.topic == "claim"))
        ids = [UUID(key) for key in found]
    for one in ids:
        await look(database, one)
    return ids


async def look(database: Database, claim_id: UUID, **later: float) -> ClaimState:
    wanted = ClaimAdvance(claim_id=claim_id, now=NOW + timedelta(**later))
    return (await Claims(database, mail=False).advance(wanted)).state


async def winner(database: Database, claim_id: UUID) -> UUID:
    async with database.reading() as reader:
        found = (await claim.claim(reader, claim_id)).member
    assert found is not None
    return found.id


async def act(
    database: Database, by: UUID, claim_id: UUID, *actions: Action, note: str | None = None, **fields: Any
) -> ClaimDetail:
    done = None
    for action in actions:
        known_by = {"request_id": uuid4().hex, "fingerprint": f"{action} {note}", **fields}
        wanted = Act(action=action, by=by, note=note, **known_by)
        done = await Claims(database, mail=False).act(claim_id, wanted, NOW)
    assert done is not None
    return done


async def budget(database: Database, prize_id: UUID) -> tuple[int, int]:
    async with database.reading() as reader:
        found = await prize.prize(reader, prize_id)
    return found.reserved, found.spent


async def told(database: Database) -> list[tuple[str, Any]]:
    async with database.reading() as reader:
        rows = (await reader.scalars(select(NotificationRow).order_by(NotificationRow.event_key))).all()
    return [
        (one.kind, one.params["state"])
        for one in rows
        if one.kind.startswith("prize") and one.channel == "in_app"
    ]


async def test_from_an_award_to_the_member(database: Database, manager: UUID) -> None:
    prize_id = await prized(database)
    (claim_id,) = await won(database, prize_id)
    assert await look(database, claim_id) == await look(database, claim_id)
    assert await told(database) == [("prize_waiting", "asked")]
    assert (await act(database, manager, claim_id, Action.APPROVE)).state is State.APPROVED
    assert await budget(database, prize_id) == (COST, 0)
    await act(database, manager, claim_id, Action.FULFIL, note="Parcel 7")
    assert await budget(database, prize_id) == (0, COST)
    waiting = await look(database, claim_id, days=13)
    assert (waiting.next_at, waiting.over) == (NOW + timedelta(days=14), False)
    assert (await look(database, claim_id, days=14)).over
    async with database.reading() as reader:
        found = await claim.detail(reader, claim_id)
    steps = [(one.state, one.by, one.note) for one in found.steps]
    assert steps == [
        (State.ASKED, None, None),
        (State.APPROVED, manager, None),
        (State.FULFILLED, manager, "Parcel 7"),
        (State.CONFIRMED, None, None),
    ]
    assert await told(database) == [
        ("prize_waiting", "asked"),
        ("prize_moved", "approved"),
        ("prize_moved", "fulfilled"),
    ]


async def test_what_cannot_be_got_or_never_came_gives_the_money_back(
    database: Database, manager: UUID
) -> None:
    prize_id = await prized(database)
    (claim_id,) = await won(database, prize_id)
    assert (await act(database, manager, claim_id, Action.APPROVE, Action.FAIL)).state is State.ASKED
    assert await budget(database, prize_id) == (0, 0)
    await act(database, manager, claim_id, Action.APPROVE, Action.FULFIL)
    member = await winner(database, claim_id)
    await act(database, member, claim_id, Action.DISPUTE)
    assert await budget(database, prize_id) == (COST, 0)


async def test_an_award_that_is_lost_withdraws_its_claim_and_one_that_comes_back_asks_again(
    database: Database, manager: UUID
) -> None:
    prize_id = await prized(database)
    (claim_id,) = await won(database, prize_id)
    await act(database, manager, claim_id, Action.APPROVE)
    member = await winner(database, claim_id)
    await post(database, member, "undo", reverses="a")
    assert (await look(database, claim_id)).over
    assert await budget(database, prize_id) == (0, 0)
    await post(database, member, "d")
    assert not (await look(database, claim_id)).over
    assert (await act(database, manager, claim_id, Action.APPROVE)).state is State.APPROVED


async def test_a_request_that_comes_twice_moves_a_claim_once(database: Database, manager: UUID) -> None:
    prize_id = await prized(database)
    (claim_id,) = await won(database, prize_id)
    again = {"request_id": "first", "expected_version": 1}
    for _ in range(2):
        assert (await act(database, manager, claim_id, Action.APPROVE, **again)).version == 2
        assert await budget(database, prize_id) == (COST, 0)
    await act(database, manager, claim_id, Action.FAIL)
    assert (await act(database, manager, claim_id, Action.APPROVE, **again)).state is State.ASKED
    with pytest.raises(Conflict) as reused:
        await act(database, manager, claim_id, Action.DECLINE, **again)
    assert reused.value.code == "idempotency_key_reused"
    with pytest.raises(StaleVersion):
        await act(database, manager, claim_id, Action.APPROVE, expected_version=2)


@pytest.mark.parametrize(
    ("actions", "budgets", "state"),
    [
        ((), (0, 0), State.WITHDRAWN),
        ((Action.APPROVE,), (0, 0), State.WITHDRAWN),
        ((Action.APPROVE, Action.FULFIL), (0, COST), State.CONFIRMED),
    ],
)
async def test_a_claim_outlives_its_member_without_a_name_and_gives_back_what_is_not_spent(
    database: Database, manager: UUID, actions: tuple[Action, ...], budgets: tuple[int, int], state: State
) -> None:
    prize_id = await prized(database)
    (claim_id,) = await won(database, prize_id)
    for action in actions:
        await act(database, manager, claim_id, action)
    member = await winner(database, claim_id)
    async with database.writing() as writer:
        await writer.execute(delete(PersonRow).where(PersonRow.id == member))
    assert (await look(database, claim_id, days=15)).over
    assert await budget(database, prize_id) == budgets
    async with database.reading() as reader:
        found = await claim.detail(reader, claim_id)
    assert (found.member, found.state) == (None, state)


async def test_a_claim_is_not_made_for_who_was_erased_before_it_was_looked_at(database: Database) -> None:
    assert (await look(database, uuid4())).over


async def test_a_budget_holds_no_more_than_it_is_under_approvals_at_once(
    database: Database, manager: UUID
) -> None:
    prize_id = await prized(database, budget=3 * COST + 5)
    ids = await won(database, prize_id, members=8)
    outcomes = await asyncio.gather(
        *(act(database, manager, one, Action.APPROVE) for one in ids), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, Conflict)]
    assert [one.code for one in refused] == ["budget_exceeded"] * 5
    assert await budget(database, prize_id) == (3 * COST, 0)
    with pytest.raises(Conflict) as too_little:
        await changed(database, prize_id, budget=3 * COST - 1)
    assert too_little.value.code == "budget_in_use"
    await changed(database, prize_id, budget=8 * COST, cost=99)
    left = [one for one, outcome in zip(ids, outcomes, strict=True) if isinstance(outcome, Conflict)]
    assert (await act(database, manager, left[0], Action.APPROVE)).cost == COST


async def changed(database: Database, prize_id: UUID, **changes: Any) -> Prize:
    async with database.writing() as writer:
        return await prize.change(writer, prize_id, changes, None)


async def test_managers_are_reminded_once_and_nobody_decides_about_their_own(
    database: Database, manager: UUID
) -> None:
    (claim_id,) = await won(database, await prized(database))
    assert (await look(database, claim_id)).next_at == NOW + timedelta(days=3)
    for _ in range(2):
        assert (await look(database, claim_id, days=3)).next_at is None
    assert await told(database) == [("prize_waiting", "asked")] * 2
    member = await winner(database, claim_id)
    with pytest.raises(Forbidden):
        await act(database, member, claim_id, Action.APPROVE)


async def test_an_achievement_names_a_prize_that_is_there(database: Database) -> None:
    with pytest.raises(Invalid) as refused:
        await active(database, reward={"type": "prize", "prize": str(uuid4())})
    assert refused.value.code == "unknown_prize"
