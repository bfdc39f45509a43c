"""Members in the database: facts taken in, counted once, whatever comes again or at the same time."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, select

from domain.account import Role
from domain.errors import Conflict, NotFound
from domain.member.fact import NewFact, received
from domain.member.record import Advance, Window
from domain.member.rules import DEFAULT, Rules
from storage.database import Database
from storage.member import facts as intake
from storage.member import read
from storage.member.commit import advance
from storage.tables.account import PersonRow
from storage.tables.member import (
    MemberDayRow,
    MemberFactRow,
    MemberPointRow,
    MemberScoreCountRow,
    MemberScoreRow,
)
from storage.tables.notification import NotificationRow
from storage.tables.outbox import OutboxRow
from tests.storage.world import person

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY: Final = NOW.date()


async def bring(
    database: Database, member_id: UUID, *facts: dict[str, Any], rules: Rules = DEFAULT
) -> intake.Kept:
    new = [NewFact.model_validate({"action": "post_created", "at": NOW, **fact}) for fact in facts]
    async with database.writing() as writer:
        return await intake.receive(writer, [received(member_id, one, rules, NOW) for one in new])


async def take(database: Database, member_id: UUID) -> int:
    """How often the process has to look until there is nothing more."""
    for times in range(1, 100):
        async with database.writing() as writer:
            done = await advance(writer, Advance(member_id=member_id, now=NOW), mail=False)
        if not done.more:
            return times
    raise AssertionError("never")


async def points(database: Database, member_id: UUID) -> int:
    async with database.reading() as reader:
        return (await read.member(reader, member_id)).points


async def ledger_sum(database: Database, member_id: UUID) -> int:
    of = MemberPointRow.member_id == member_id
    async with database.reading() as reader:
        return await reader.scalar(select(func.coalesce(func.sum(MemberPointRow.points), 0)).where(of)) or 0


async def board(database: Database, window: Window = Window.ALL, **options: Any) -> list[tuple[int, int]]:
    asked = {"after": None, "size": 100, **options}
    async with database.reading() as reader:
        found = await read.leaderboard(reader, window, TODAY, **asked)
    return [(one.rank, one.points) for one in found]


@pytest.fixture
async def member(database: Database) -> UUID:
    return await person(database, Role.REQUESTER)


async def test_a_fact_that_comes_ten_times_counts_once(database: Database, member: UUID) -> None:
    kept = await asyncio.gather(*(bring(database, member, {"fact_id": "a"}) for _ in range(10)))
    assert sum(one.new for one in kept) == 1
    await take(database, member)
    assert await points(database, member) == 10


async def test_the_same_id_with_another_body_is_refused_and_nothing_of_the_request_is_kept(
    database: Database, member: UUID
) -> None:
    await bring(database, member, {"fact_id": "a"})
    with pytest.raises(Conflict) as refused:
        await bring(database, member, {"fact_id": "b"}, {"fact_id": "a", "action": "comment_added"})
    assert refused.value.code == "fact_id_reused"
    await take(database, member)
    assert await points(database, member) == 10


async def test_two_bodies_under_one_id_in_one_request_are_refused(database: Database, member: UUID) -> None:
    with pytest.raises(Conflict):
        await bring(database, member, {"fact_id": "a"}, {"fact_id": "a", "action": "comment_added"})


async def test_nobody_has_no_facts(database: Database) -> None:
    with pytest.raises(NotFound):
        await bring(database, uuid4(), {"fact_id": "a"})


async def test_another_like_counts_when_the_one_that_counted_is_taken_back_in_a_later_commit(
    database: Database, member: UUID
) -> None:
    like = {"action": "post_liked", "subject": "post 1", "by": await person(database, Role.REQUESTER)}
    for facts in (
        [{**like, "fact_id": "first"}, {**like, "fact_id": "second"}],
        [{"fact_id": "undo", "reverses": "first"}],
    ):
        await bring(database, member, *facts)
        await take(database, member)
        assert await points(database, member) == await ledger_sum(database, member) == 5


async def test_a_process_is_asked_for_once_until_it_has_looked(database: Database, member: UUID) -> None:
    async def asked() -> int:
        async with database.reading() as reader:
            return await reader.scalar(select(func.count()).select_from(OutboxRow)) or 0

    for number in range(3):
        await bring(database, member, {"fact_id": f"a{number}"})
    assert await asked() == 1
    await take(database, member)
    await take(database, member)  # woken once more than needed
    await bring(database, member, {"fact_id": "b"})
    assert await asked() == 2


async def test_what_comes_while_the_process_looks_is_taken_or_asked_for_again(
    database: Database, member: UUID
) -> None:
    """Intake and process meet at the member's row: no fact stays untaken without anybody being asked."""
    stop = asyncio.Event()

    async def look() -> None:
        while not stop.is_set():
            await take(database, member)

    looking = [asyncio.create_task(look()) for _ in range(2)]
    await asyncio.gather(*(bring(database, member, {"fact_id": f"a{number}"}) for number in range(60)))
    stop.set()
    await asyncio.gather(*looking)
    async with database.reading() as reader:
        found = await read.member(reader, member)
    if found.pending:
        await take(database, member)
    assert await points(database, member) == 200
    assert await ledger_sum(database, member) == 200


async def test_many_facts_are_taken_in_pages(database: Database, member: UUID) -> None:
    await bring(database, member, *({"fact_id": f"a{n}", "action": "comment_added"} for n in range(1000)))
    await bring(database, member, {"fact_id": "more", "action": "accepted_answer"})
    assert await take(database, member) == 3
    assert await points(database, member) == 215


async def test_levels_are_told_of_once_for_ever(database: Database, member: UUID) -> None:
    facts = [{"fact_id": f"a{number}"} for number in range(12)]
    await bring(database, member, *facts)
    await take(database, member)
    undo = [{"fact_id": f"u{number}", "reverses": f"a{number}"} for number in range(12)]
    await bring(database, member, *undo)
    await take(database, member)
    assert await points(database, member) == 0
    await bring(database, member, *({"fact_id": f"b{number}"} for number in range(12)))
    await take(database, member)
    async with database.reading() as reader:
        found = await read.member(reader, member)
        told = (await reader.scalars(select(NotificationRow.params))).all()
    assert (found.points, found.level.name) == (120, "beginner")
    assert [one.name for one in found.levels] == ["beginner"]
    assert [one["level"] for one in told] == ["beginner"]


async def test_ranks_are_dense_and_go_on_over_pages(database: Database) -> None:
    many = [await person(database, Role.REQUESTER) for _ in range(5)]
    for member, count in zip(many, (3, 2, 2, 1, 0), strict=True):
        await bring(database, member, *({"fact_id": f"a{number}"} for number in range(count)))
        await take(database, member)
    assert await board(database) == [(1, 30), (2, 20), (2, 20), (3, 10)]
    async with database.reading() as reader:
        first = await read.leaderboard(reader, Window.ALL, TODAY, after=None, size=1)
        key = (first[1].rank, first[1].points, first[1].member.id)
        rest = await read.leaderboard(reader, Window.ALL, TODAY, after=key, size=100)
        ranks = [(await read.member(reader, one)).rank for one in many]
    assert [(one.rank, one.points) for one in rest] == [(2, 20), (3, 10)]
    assert ranks == [1, 2, 2, 3, None]


async def test_windows_are_those_in_which_facts_happened(database: Database, member: UUID) -> None:
    last_month, monday = NOW - timedelta(days=40), NOW - timedelta(days=5)
    await bring(
        database,
        member,
        {"fact_id": "a", "at": last_month},
        {"fact_id": "b", "at": monday},
        {"fact_id": "c", "at": NOW - timedelta(days=6)},
        {"fact_id": "d"},
    )
    await take(database, member)
    assert {window: (await board(database, window))[0][1] for window in Window} == {
        Window.DAY: 10,
        Window.WEEK: 20,
        Window.MONTH: 30,
        Window.ALL: 40,
    }


async def test_who_is_not_listed_is_on_no_board_and_leaves_no_gap(database: Database) -> None:
    high, low = [await person(database, Role.REQUESTER) for _ in range(2)]
    await bring(database, high, {"fact_id": "a"}, {"fact_id": "b"})
    await bring(database, low, {"fact_id": "a"})
    for member in (high, low):
        await take(database, member)
    for _ in range(2):
        async with database.writing() as writer:
            await read.list_member(writer, high, listed=False)
    await bring(database, high, {"fact_id": "c"}, {"fact_id": "d", "at": NOW - timedelta(days=1)})
    await take(database, high)
    assert await board(database) == [(1, 10)]
    assert await board(database, Window.DAY) == [(1, 10)]
    async with database.reading() as reader:
        assert (await read.member(reader, low)).rank == 1
    async with database.writing() as writer:
        await read.list_member(writer, high, listed=True)
    assert await board(database) == [(1, 40), (2, 10)]


async def test_who_is_deleted_ranks_before_nobody(database: Database) -> None:
    high, hidden, low = [await person(database, Role.REQUESTER) for _ in range(3)]
    for member, facts in ((high, "ab"), (hidden, "ab"), (low, "a")):
        await bring(database, member, *({"fact_id": one} for one in facts))
        await take(database, member)
    async with database.writing() as writer:
        await read.list_member(writer, hidden, listed=False)
    ranks = []
    for gone in (hidden, high):
        async with database.writing() as writer:
            await writer.execute(delete(PersonRow).where(PersonRow.id == gone))
        async with database.reading() as reader:
            ranks.append((await read.member(reader, low)).rank)
    assert ranks == [2, 1]
    async with database.reading() as reader:
        counted = await reader.execute(select(MemberScoreCountRow.points, MemberScoreCountRow.members))
        assert sorted(tuple(row) for row in counted) == [(10, 1), (20, 0)]


def community(seed: int, members: Sequence[UUID]) -> list[tuple[UUID, dict[str, Any]]]:
    """A stream as of a real one: likes, toggled answers, contests twice, one's own likes, late and repeated facts."""
    chance = random.Random(seed)
    stream = []
    for number in range(600):
        member = chance.choice(members)
        fact: dict[str, Any] = {
            "fact_id": f"f{number}",
            "action": chance.choice(list(DEFAULT.actions)),
            "at": NOW - timedelta(hours=chance.randrange(80)),
            "by": chance.choice([*members, None]),
            "subject": f"s{chance.randrange(6)}",
        }
        if chance.random() < 0.2:
            fact["reverses"] = f"f{chance.randrange(600)}"
        if fact.get("reverses") != fact["fact_id"]:
            stream.append((member, fact))
    return stream


def recomputed(stream: Sequence[tuple[UUID, dict[str, Any]]]) -> dict[UUID, dict[date, int]]:
    """Points by member and day, from the definition and nothing of ours but the table of points."""
    found: dict[UUID, dict[date, int]] = {}
    for member in {member for member, _ in stream}:
        facts = {fact["fact_id"]: fact for one, fact in stream if one == member}
        undone = {fact.get("reverses") for fact in facts.values()}
        counted: dict[tuple[Any, ...], dict[str, Any]] = {}
        for fact in sorted(facts.values(), key=lambda one: (one["at"], one["fact_id"])):
            if fact.get("reverses") or fact["fact_id"] in undone or fact["by"] == member:
                continue
            key: tuple[Any, ...] = (fact["fact_id"],)
            if fact["action"] == "contest_participation":
                key = (fact["action"], fact["subject"])
            elif fact["action"] in ("post_liked", "comment_liked", "helpful_content") and fact["by"]:
                key = (fact["action"], fact["subject"], fact["by"])
            counted.setdefault(key, fact)
        days: dict[date, list[int]] = {}
        for fact in counted.values():
            worth = DEFAULT.actions[fact["action"]].points
            day = days.setdefault(fact["at"].date(), [0, 0])
            day[fact["action"] == "accepted_answer"] += worth
        found[member] = {day: min(200, capped) + free for day, (capped, free) in days.items()}
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_points_are_those_of_an_independent_recomputation_whatever_the_order(
    database: Database, seed: int
) -> None:
    members = [await person(database, Role.REQUESTER) for _ in range(3)]
    stream = community(seed, members)
    expected = recomputed(stream)
    chance = random.Random(seed)
    arriving = [*stream, *chance.sample(stream, 100)]
    chance.shuffle(arriving)
    while arriving:
        page, arriving = arriving[:40], arriving[40:]
        for member in members:
            if mine := [fact for one, fact in page if one == member]:
                await bring(database, member, *mine)
        await take(database, chance.choice(members))
    for member in members:
        await take(database, member)
        total = sum(expected[member].values())
        assert await points(database, member) == await ledger_sum(database, member) == total
    async with database.reading() as reader:
        days = (await reader.execute(select(*MemberDayRow.__table__.columns))).all()
        by_day = select(MemberScoreRow).where(MemberScoreRow.span == Window.DAY, MemberScoreRow.points > 0)
        scores = (await reader.scalars(by_day)).all()
        kept = await reader.scalar(select(func.count()).select_from(MemberFactRow))
        counted = select(MemberScoreCountRow.points).where(MemberScoreCountRow.members > 0)
        different = set(await reader.scalars(counted))
    assert kept == len(stream)
    assert {(one.member_id, one.begin): one.points for one in scores} == {
        (member, day): gained for member in members for day, gained in expected[member].items() if gained
    }
    assert len(days) >= len(scores)
    assert different == {sum(expected[member].values()) for member in members} - {0}
