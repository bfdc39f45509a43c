"""What is awarded and taken back in the commits of members, and who is found by looking at everybody."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from domain.account import Role
from domain.achievement import record
from domain.achievement.record import State
from domain.errors import Conflict, Invalid
from domain.member.record import Advance
from domain.member.rules import DEFAULT
from storage.achievement import backfill, records
from storage.achievement.backfill import Backfills
from storage.achievement.read import awards
from storage.database import Database
from storage.member.commit import advance
from storage.tables.achievement import AwardRow, BackfillRow
from storage.tables.notification import NotificationRow
from tests.storage.test_member import NOW, bring, ledger_sum, points, take
from tests.storage.world import person

POSTS = {"metric": "count", "action": "post_created", "operator": ">=", "threshold": 3}


@pytest.fixture
async def member(database: Database) -> UUID:
    return await person(database, Role.REQUESTER)


async def drafted(database: Database, criteria: Any = POSTS, **fields: Any) -> UUID:
    values = {
        "name": uuid4().hex,
        "description": "For a test",
        "criteria": criteria,
        "reward": {"type": "badge"},
        "repeat": "once",
        "revocable": True,
        **fields,
    }
    by = await person(database, Role.ADMIN)
    async with database.writing() as writer:
        return (await records.create(writer, values, DEFAULT, by)).id


async def changed(database: Database, achievement: UUID, **changes: Any) -> None:
    by = await person(database, Role.ADMIN)
    async with database.writing() as writer:
        await records.change(writer, achievement, changes, DEFAULT, by, None)


async def active(database: Database, criteria: Any = POSTS, **fields: Any) -> UUID:
    made = await drafted(database, criteria, **fields)
    await changed(database, made, state=State.ACTIVE)
    return made


async def post(database: Database, member: UUID, *fact_ids: str, **fields: Any) -> None:
    await bring(database, member, *({"fact_id": one, **fields} for one in fact_ids))
    await take(database, member)


async def held(database: Database, member: UUID, *, revoked: bool = False) -> list[tuple[UUID, int]]:
    async with database.reading() as reader:
        found = await awards(reader, member, revoked=revoked, after=None, size=100)
    return sorted(((one.achievement.id, one.occurrence) for one in found), key=str)


async def kinds(database: Database) -> list[str]:
    async with database.reading() as reader:
        told = select(NotificationRow.kind).where(NotificationRow.channel == "in_app")
        rows = await reader.scalars(told.order_by(NotificationRow.created_at))
    return [kind for kind in rows if kind.startswith("achievement")]


async def test_what_is_met_is_awarded_once_and_told(database: Database, member: UUID) -> None:
    made = await active(database)
    await post(database, member, "a", "b")
    assert await held(database, member) == []
    await post(database, member, "c", "d")
    await post(database, member, "e")
    assert await held(database, member) == [(made, 1)]
    assert await kinds(database) == ["achievement_awarded"]


async def test_a_draft_is_awarded_to_nobody(database: Database, member: UUID) -> None:
    await drafted(database)
    await post(database, member, "a", "b", "c")
    assert await held(database, member) == []


async def test_a_reversal_takes_an_award_and_its_points_back_and_another_fact_brings_both_again(
    database: Database, member: UUID
) -> None:
    made = await active(database, reward={"type": "points", "value": 100})
    await post(database, member, "a", "b", "c")
    assert await points(database, member) == 130
    await post(database, member, "undo", reverses="a")
    assert (await held(database, member), await points(database, member)) == ([], 20)
    assert await held(database, member, revoked=True) == [(made, 1)]
    await post(database, member, "d")
    assert (await held(database, member), await points(database, member)) == ([(made, 1)], 130)
    assert await ledger_sum(database, member) == 130
    assert sorted(await kinds(database)) == ["achievement_awarded", "achievement_revoked"]


async def test_what_is_not_revocable_stays(database: Database, member: UUID) -> None:
    made = await active(database, revocable=False)
    await post(database, member, "a", "b", "c")
    await post(database, member, "undo", reverses="a")
    assert await held(database, member) == [(made, 1)]


async def test_what_expires_is_warned_of_and_ends_once(database: Database, member: UUID) -> None:
    reward = {"type": "points", "value": 9, "expires_after": "PT10H"}
    made = await active(database, reward=reward)
    await post(database, member, "a", "b", "c")

    async def at(hours: float) -> tuple[Any, int, list[str]]:
        """When the process wants to look again, after it has looked so late."""
        now = NOW + timedelta(hours=hours)
        async with database.writing() as writer:
            done = await advance(writer, Advance(member_id=member, now=now), mail=False)
        wanted = None if done.state.next_at is None else (done.state.next_at - NOW) / timedelta(hours=1)
        return wanted, done.state.points, await kinds(database)

    awarded = "achievement_awarded"
    assert await at(4.9) == (5, 39, [awarded])
    assert await at(5) == (10, 39, [awarded, "achievement_expires"])
    assert await at(9.9) == (10, 39, [awarded, "achievement_expires"])
    ended = [awarded, "achievement_expires", "achievement_expired"]
    assert await at(10) == (None, 30, ended)
    await post(database, member, "d")
    assert (await held(database, member), await held(database, member, revoked=True)) == ([], [(made, 1)])
    assert await points(database, member) == await ledger_sum(database, member) == 40
    assert await kinds(database) == ended


async def test_what_more_facts_make_unmet_is_taken_back(database: Database, member: UUID) -> None:
    few = await active(database, {"metric": "count", "operator": "<=", "threshold": 2})
    await post(database, member, "a", "b")
    assert await held(database, member) == [(few, 1)]
    await post(database, member, "c")
    assert await held(database, member) == []


async def test_what_has_expired_still_counts_for_what_asks_for_it(database: Database, member: UUID) -> None:
    first = await active(database, reward={"type": "badge", "expires_after": "PT1H"})
    asked = {"metric": "achievement", "of": str(first), "operator": ">=", "threshold": 1}
    second = await active(database, asked)
    await post(database, member, "a", "b", "c")
    async with database.writing() as writer:
        await advance(writer, Advance(member_id=member, now=NOW + timedelta(hours=2)), mail=False)
    await post(database, member, "d")
    await post(database, member, "undo", reverses="d")
    assert await held(database, member) == [(second, 1)]


async def test_each_multiple_is_an_occasion_of_its_own(database: Database, member: UUID) -> None:
    made = await active(database, repeat="each", reward={"type": "points", "value": 7})
    await post(database, member, *(f"a{number}" for number in range(7)))
    assert await held(database, member) == [(made, 1), (made, 2)]
    await post(database, member, "u1", reverses="a1")
    await post(database, member, "u2", reverses="a2")
    assert await held(database, member) == [(made, 1)]
    assert await points(database, member) == await ledger_sum(database, member) == 57


async def test_achievements_ask_for_points_levels_and_each_other(database: Database, member: UUID) -> None:
    """Points and levels are those that facts gave: what an achievement gives makes no other one due."""
    first = await active(database, reward={"type": "points", "value": 1000})
    level = await active(database, {"metric": "level", "operator": ">=", "threshold": "beginner"})
    needed = [
        {"metric": "achievement", "of": str(one), "operator": ">=", "threshold": 1} for one in (first, level)
    ]
    both = await active(database, {"all": needed})
    rich = await active(database, {"metric": "points", "operator": ">", "threshold": 95})
    await post(database, member, *(f"a{number}" for number in range(9)))
    assert await held(database, member) == [(first, 1)]
    await post(database, member, "last")
    assert [one for one, _ in await held(database, member)] == sorted([first, level, both, rich], key=str)
    await post(database, member, "undo", reverses="a1")
    assert await held(database, member) == [(first, 1)]


@pytest.mark.parametrize(
    ("criteria", "met"),
    [
        ({"metric": "sum", "action": "post_created", "operator": ">=", "threshold": 60}, True),
        ({"metric": "sum", "action": "post_created", "operator": ">", "threshold": 60}, False),
        ({"metric": "distinct", "of": "subject", "operator": "=", "threshold": 2}, True),
        ({"metric": "distinct", "of": "by", "operator": "=", "threshold": 0}, True),
        ({"metric": "distinct", "of": "day", "operator": "=", "threshold": 5}, True),
        ({"metric": "streak", "action": "post_created", "operator": "=", "threshold": 3}, True),
        ({"metric": "streak", "action": "comment_added", "operator": "=", "threshold": 0}, True),
        ({"metric": "count", "operator": "=", "threshold": 6}, True),
        ({**POSTS, "operator": "=", "window": "P1D"}, True),
        ({**POSTS, "threshold": 4, "window": "P1D"}, False),
        ({**POSTS, "threshold": 4, "window": "P2D"}, True),
        ({"metric": "sum", "operator": "=", "threshold": 50, "window": "P3D"}, True),
    ],
)
async def test_metrics_are_found_in_the_facts_that_count(
    database: Database, member: UUID, criteria: Any, met: bool
) -> None:
    """Days 0, 1, 1, 2 ago, then 8 and 20; one's own and one taken back do not count."""
    made = await active(database, criteria)
    ago = (0, 1, 1, 2, 8, 20)
    facts = [
        {"fact_id": f"f{number}", "at": NOW - timedelta(days=days), "amount": 10 if days < 20 else 20 - 10}
        | {"subject": f"s{number % 2}"}
        for number, days in enumerate(ago)
    ]
    facts[3]["amount"] = 20
    facts[5]["amount"] = 0
    own = {"fact_id": "own", "by": member, "amount": 1000, "subject": "own"}
    undone = [{"fact_id": "x", "amount": 1000, "subject": "x"}, {"fact_id": "y", "reverses": "x"}]
    await bring(database, member, *facts, own, *undone)
    await take(database, member)
    assert await held(database, member) == ([(made, 1)] if met else [])


async def test_one_award_under_fifty_facts_at_once(database: Database, member: UUID) -> None:
    """No more at once than there are connections."""
    made, room = await active(database, reward={"type": "points", "value": 1}), asyncio.Semaphore(8)

    async def one(number: int) -> None:
        async with room:
            await bring(database, member, {"fact_id": f"f{number}"})
            await take(database, member)

    await asyncio.gather(*(one(number) for number in range(50)))
    assert await held(database, member) == [(made, 1)]
    assert await points(database, member) == 201


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_held_in_the_end_does_not_depend_on_the_order(database: Database, seed: int) -> None:
    """Two members with the same facts in two orders and in pages of other sizes."""
    chance = random.Random(seed)
    await active(database, reward={"type": "points", "value": 30})
    await active(
        database,
        {"metric": "points", "operator": ">=", "threshold": 60},
        reward={"type": "points", "value": 5},
    )
    await active(database, {**POSTS, "threshold": 2}, repeat="each", reward={"type": "points", "value": 3})
    facts: list[dict[str, Any]] = [
        {"fact_id": f"f{number}", "at": NOW - timedelta(days=chance.randrange(4))} for number in range(12)
    ]
    facts += [{"fact_id": f"u{number}", "reverses": f"f{chance.randrange(14)}"} for number in range(6)]
    outcomes = []
    for _ in range(3):
        someone = await person(database, Role.REQUESTER)
        arriving = chance.sample(facts, len(facts))
        while arriving:
            size = chance.randrange(1, 6)
            await bring(database, someone, *arriving[:size])
            await take(database, someone)
            arriving = arriving[size:]
        assert await points(database, someone) == await ledger_sum(database, someone)
        outcomes.append((await held(database, someone), await points(database, someone)))
    assert outcomes[0] == outcomes[1] == outcomes[2]


async def looked(database: Database, achievement: UUID) -> tuple[str, int, int, int]:
    """Carries out the latest backfill in pages of two."""
    async with database.reading() as reader:
        found = (await backfill.backfills(reader, achievement, after=None, size=1))[0]
    while await Backfills(database, size=2).look(found.id):
        pass
    async with database.reading() as reader:
        row = (await reader.execute(select(BackfillRow).where(BackfillRow.id == found.id))).scalar_one()
    return row.state, row.checked, row.met, row.asked


async def people_with_posts(database: Database, counts: Sequence[int]) -> list[UUID]:
    people = [await person(database, Role.REQUESTER) for _ in counts]
    for one, count in zip(people, counts, strict=True):
        await post(database, one, *(f"a{number}" for number in range(count)))
    return people


async def test_activating_awards_what_was_met_before(database: Database) -> None:
    people = await people_with_posts(database, (3, 1, 4, 5, 1))
    made = await active(database)
    assert await looked(database, made) == ("done", 5, 3, 3)
    for one in people:
        await take(database, one)
    assert [len(await held(database, one)) for one in people] == [1, 0, 1, 1, 0]
    async with database.writing() as writer:
        await backfill.begin(writer, made, dry_run=False)
    await looked(database, made)
    for one in people:
        await take(database, one)
    async with database.reading() as reader:
        assert await reader.scalar(select(func.count()).select_from(AwardRow)) == 3


async def test_more_occasions_than_one_commit_awards_are_awarded_by_those_behind_it(
    database: Database, member: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "AT_ONCE", 2)
    await post(database, member, *(f"a{number}" for number in range(5)))
    made = await active(database, {**POSTS, "threshold": 1}, repeat="each")
    await looked(database, made)
    assert await take(database, member) == 3
    assert len(await held(database, member)) == 5
    assert await take(database, member) == 1


async def test_a_dry_run_counts_and_asks_nobody(database: Database) -> None:
    people = await people_with_posts(database, (3, 1, 3))
    made = await drafted(database)
    async with database.writing() as writer:
        await backfill.begin(writer, made, dry_run=True)
    assert await looked(database, made) == ("done", 3, 2, 0)
    for one in people:
        await take(database, one)
        assert await held(database, one) == []


async def test_a_cancelled_backfill_looks_no_further(database: Database) -> None:
    await people_with_posts(database, (3, 3, 3))
    made = await drafted(database)
    async with database.writing() as writer:
        begun = await backfill.begin(writer, made, dry_run=True)
    assert await Backfills(database, size=2).look(begun.id)
    async with database.writing() as writer:
        await backfill.cancel(writer, begun.id)
    assert not await Backfills(database, size=2).look(begun.id)
    async with database.reading() as reader:
        found = await backfill.backfill(reader, made, begun.id)
    assert (found.state, found.checked) == ("cancelled", 2)
    assert found.finished_at is not None


async def test_achievements_never_ask_for_each_other_in_a_circle(database: Database) -> None:
    first = await drafted(database)

    def after(other: UUID) -> dict[str, Any]:
        return {"metric": "achievement", "of": str(other), "operator": ">=", "threshold": 1}

    second = await drafted(database, after(first))
    with pytest.raises(Invalid) as refused:
        await changed(database, first, criteria=after(second))
    assert refused.value.code == "cyclic_criteria"
    with pytest.raises(Invalid) as unknown:
        await drafted(database, after(uuid4()))
    assert unknown.value.code == "unknown_achievement"


async def test_what_is_active_is_fixed_and_what_is_retired_stays(database: Database, member: UUID) -> None:
    made = await active(database)
    with pytest.raises(Conflict) as fixed:
        await changed(database, made, criteria={**POSTS, "threshold": 1})
    assert fixed.value.code == "achievement_active"
    await changed(database, made, description="Better words")
    await post(database, member, "a", "b", "c")
    await changed(database, made, state=State.RETIRED)
    other = await person(database, Role.REQUESTER)
    await post(database, other, "a", "b", "c")
    assert (await held(database, member), await held(database, other)) == ([(made, 1)], [])
    for changes in ({"state": State.ACTIVE}, {"name": "Anew"}):
        with pytest.raises(Conflict):
            await changed(database, made, **changes)
