"""The contest process: its whole life on virtual time, with the real activities and a real database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from domain.account import Role
from domain.contest import checks, process
from domain.contest.fields import APPEALS, GRACE, Status
from domain.contest.moves import Action
from domain.errors import DeskError
from domain.notification.kind import Kind
from storage.contest import entries as contest_entries
from storage.contest import judging, read, telling
from storage.database import Database
from storage.tables.contest import ContestEntryRow, ContestPrizeRow
from storage.tables.member import MemberFactRow
from storage.tables.notification import NotificationRow
from tests.replay.stage import histories, until
from tests.workflows.contests import ContestDesk, LostAnswers, now_of, running

SECOND: Final = timedelta(seconds=1)
PEOPLE: Final = 20


@pytest.fixture
async def desk(time_skipping: WorkflowEnvironment, database: Database) -> AsyncIterator[ContestDesk]:
    async with running(time_skipping.client, database) as desk:
        yield desk
        await desk.stop()


async def told(desk: ContestDesk, kind: Kind) -> Counter[UUID]:
    """How often each person was told in the app."""
    statement = select(NotificationRow.recipient_id).where(
        NotificationRow.kind == kind, NotificationRow.channel == "in_app"
    )
    async with desk.database.reading() as reader:
        return Counter(await reader.scalars(statement))


async def given(desk: ContestDesk) -> Counter[UUID]:
    """The points that members were given and have not given back."""
    async with desk.database.reading() as reader:
        facts = list(await reader.scalars(select(MemberFactRow)))
    taken_back = {(one.member_id, one.reverses) for one in facts}
    points = Counter[UUID]()
    for one in facts:
        if (one.member_id, one.fact_id) not in taken_back:
            points[one.member_id] += one.worth
    return +points


async def test_a_contest_from_its_opening_to_its_prizes(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(3)]
    people = [await desk.person() for _ in range(4)]
    now = await now_of(time_skipping)
    prizes = [{"rank": 1, "name": "A camera", "points": 500}]
    contest = await desk.create(now, judges, opens=timedelta(minutes=5), prizes=prizes)
    with pytest.raises(DeskError, match="takes entries from"):
        await desk.enter(contest, people[0], now)
    await time_skipping.sleep(timedelta(minutes=6))
    at = await now_of(time_skipping)
    entries = [await desk.enter(contest, person, at) for person in people]
    await time_skipping.sleep(timedelta(hours=1) + GRACE)
    await desk.becomes(contest, Status.JUDGING)
    assert await given(desk) == Counter(dict.fromkeys(people, 50))
    assert (await told(desk, Kind.CONTEST_JUDGING)).keys() == set(judges)
    await desk.score_all(contest)
    await desk.becomes(contest, Status.PROVISIONAL)
    assert await told(desk, Kind.CONTEST_PROVISIONAL) == Counter(people)
    async with desk.database.reading() as reader:
        standing = await read.standings(reader, contest, after=None, size=10)
    assert [one.place for one in standing] == [1, 2, 3, 4]
    assert {one.entry_id for one in standing} == set(entries)
    last = standing[-1]
    appeal = {"record_id": uuid4(), "entry_id": last.entry_id, "text": "Mine is better"}
    await desk.act(contest, Action.APPEAL, actor_id=last.person.id, **appeal)
    with pytest.raises(DeskError, match="open already"):
        await desk.act(contest, Action.APPEAL, actor_id=last.person.id, **(appeal | {"record_id": uuid4()}))
    decided = {"record_id": appeal["record_id"], "upheld": True, "adjustment": 1000, "text": "It is"}
    with pytest.raises(DeskError, match="your own appeal"):
        await desk.act(contest, Action.DECIDE, actor_id=last.person.id, **decided)
    await desk.act(contest, Action.DECIDE, actor_id=judges[0], **decided)
    await desk.becomes(contest, Status.PROVISIONAL)
    await time_skipping.sleep(APPEALS)
    await desk.becomes(contest, Status.FINAL)
    assert await told(desk, Kind.CONTEST_FINAL) == Counter(people)
    await desk.act(contest, Action.AWARD)
    await desk.handle(contest).result()
    async with desk.database.reading() as reader:
        prizes_given = list(await reader.scalars(select(ContestPrizeRow)))
        assert [(one.person_id, one.points) for one in prizes_given] == [(last.person.id, 500)]
        first = (await read.standings(reader, contest, after=None, size=10))[0]
    assert (first.entry_id, first.prize, first.adjustment) == (last.entry_id, "A camera", 1000)
    assert await told(desk, Kind.CONTEST_WON) == Counter([last.person.id])
    assert (await given(desk))[last.person.id] == 550


async def test_limits_count_the_days_of_the_contest_and_withdrawn_entries_stand_no_more(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    person, now = await desk.person(), await now_of(time_skipping)
    limits = {"per_day": 2, "per_person": 2, "time_zone": "Asia/Shanghai"}
    contest = await desk.create(now, judges, closes=timedelta(days=3), **limits)
    midnight = datetime.combine((now + timedelta(days=1)).date(), datetime.min.time(), UTC)
    evening = midnight - timedelta(hours=8) - SECOND  # of a day in Shanghai
    if evening < now:
        evening += timedelta(days=1)
    first = await desk.enter(contest, person, evening)
    await desk.enter(contest, person, evening)
    with pytest.raises(DeskError, match="at most 2 entries"):
        await desk.enter(contest, person, evening)
    await desk.act(contest, Action.WITHDRAW, actor_id=person, entry_id=first)
    assert (await given(desk))[person] == 50
    with pytest.raises(DeskError, match="2 times a day"):
        await desk.enter(contest, person, evening)
    await desk.enter(contest, person, evening + SECOND)
    assert (await desk.state(contest)).participants == 1
    with pytest.raises(DeskError, match="withdrawn"):
        await desk.act(contest, Action.WITHDRAW, actor_id=person, entry_id=first)


async def test_who_withdraws_the_last_entry_gives_the_points_back_and_may_earn_them_again(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    person, now = await desk.person(), await now_of(time_skipping)
    contest = await desk.create(now, judges, per_day=5, per_person=5)
    for _ in range(2):
        entry = await desk.enter(contest, person, now)
        assert await given(desk) == Counter({person: 50})
        await desk.act(contest, Action.WITHDRAW, actor_id=person, entry_id=entry)
        assert not await given(desk)


async def test_only_who_is_eligible_enters(desk: ContestDesk, time_skipping: WorkflowEnvironment) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    acme, now = await desk.organization("Acme"), await now_of(time_skipping)
    who = {
        "roles": ["requester"],
        "organizations": [acme],
        "registered_before": datetime(2199, 1, 1, tzinfo=UTC),
    }
    contest = await desk.create(now, judges, eligibility=who)
    late = await desk.create(now, judges, eligibility={"registered_before": datetime(2001, 1, 1, tzinfo=UTC)})
    await desk.enter(contest, await desk.person(organization_id=acme), now)
    for refused, where in (
        (await desk.person(), contest),
        (await desk.person(Role.AGENT, organization_id=acme), contest),
        (await desk.person(), late),
    ):
        with pytest.raises(DeskError) as error:
            await desk.enter(where, refused, now)
        assert (error.value.kind, error.value.code) == ("forbidden", "not_eligible")


async def test_nobody_judges_their_own_or_their_neighbours_entries(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    acme, team = await desk.organization("Acme"), await desk.team("Disks")
    own = await desk.person(Role.AGENT)
    colleague = await desk.person(Role.AGENT, organization_id=acme)
    teammate = await desk.person(Role.AGENT, teams=[team])
    declared = await desk.person(Role.AGENT)
    free = [await desk.person(Role.AGENT) for _ in range(2)]
    now = await now_of(time_skipping)
    judges = [own, colleague, teammate, declared, *free]
    contest = await desk.create(now, judges, judges_per_entry=2)
    people = {
        own: own,
        await desk.person(organization_id=acme): colleague,
        await desk.person(Role.AGENT, teams=[team]): teammate,
    }
    entries = {await desk.enter(contest, person, now): judge for person, judge in people.items()}
    for person in people:
        await desk.act(contest, Action.RECUSE, people=[declared], person_id=person)
    await time_skipping.sleep(timedelta(hours=1) + GRACE)
    await desk.becomes(contest, Status.JUDGING)
    async with desk.database.reading() as reader:
        found = await read.assignments(reader, contest, judge_id=None, state=None, after=None, size=100)
    assert Counter(one.entry_id for one in found) == Counter(dict.fromkeys(entries, 2))
    assert not [one for one in found if one.judge.id in (entries[one.entry_id], declared)]
    stranger = next(one for one in found)
    with pytest.raises(DeskError) as refused:
        await desk.act(
            contest,
            Action.SCORE,
            actor_id=declared,
            entry_id=stranger.entry_id,
            scores={"idea": 1, "form": 1},
        )
    assert refused.value.code == "not_assigned"


async def test_a_judge_who_misses_the_deadline_is_warned_before_and_replaced_after(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(3)]
    manager, now = await desk.person(Role.MANAGER), await now_of(time_skipping)
    contest = await desk.create(now, judges, judges_per_entry=2)
    for _ in range(6):
        await desk.enter(contest, await desk.person(), now)
    await time_skipping.sleep(timedelta(hours=1) + GRACE)
    await desk.becomes(contest, Status.JUDGING)
    lazy = frozenset(judges[:1])
    assert await desk.score_all(contest, but=lazy) == 8
    await time_skipping.sleep(timedelta(days=6, hours=1))
    assert await told(desk, Kind.CONTEST_JUDGING_DUE) == Counter(lazy)
    await time_skipping.sleep(timedelta(days=1))
    await desk.becomes(contest, Status.JUDGING)
    assert await told(desk, Kind.CONTEST_JUDGE_REPLACED) == Counter(lazy)
    async with desk.database.reading() as reader:
        missed = await read.assignments(reader, contest, judge_id=judges[0], state=None, after=None, size=1)
    scored = {"entry_id": missed[0].entry_id, "scores": {"idea": 1, "form": 1}}
    with pytest.raises(DeskError) as refused:
        await desk.act(contest, Action.SCORE, actor_id=judges[0], **scored)
    assert refused.value.code == "assignment_missed"
    assert await desk.score_all(contest) == 4
    await desk.becomes(contest, Status.PROVISIONAL)
    assert await told(desk, Kind.CONTEST_SHORT) == Counter()
    assert manager


async def test_without_anybody_left_the_managers_are_told_and_appoint_another_judge(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    manager, now = await desk.person(Role.MANAGER), await now_of(time_skipping)
    contest = await desk.create(now, judges, judges_per_entry=2)
    await desk.enter(contest, await desk.person(), now)
    await time_skipping.sleep(timedelta(hours=1) + GRACE)
    await desk.becomes(contest, Status.JUDGING)
    await desk.act(contest, Action.DISMISS, person_id=judges[0])
    await desk.becomes(contest, Status.JUDGING)
    assert (await desk.state(contest)).short == 1
    assert (await told(desk, Kind.CONTEST_SHORT))[manager] == 1
    another = await desk.person(Role.AGENT)
    await desk.act(contest, Action.APPOINT, people=[another])
    await desk.becomes(contest, Status.JUDGING)
    assert await desk.score_all(contest) == 2
    await desk.becomes(contest, Status.PROVISIONAL)


async def test_a_score_given_anew_replaces_the_first_and_one_in_a_conflict_does_not_count(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    person, now = await desk.person(), await now_of(time_skipping)
    contest = await desk.create(now, judges, judges_per_entry=1)
    entry = await desk.enter(contest, person, now)
    other = await desk.enter(contest, await desk.person(), now)
    await time_skipping.sleep(timedelta(hours=1) + GRACE)
    await desk.becomes(contest, Status.JUDGING)

    async def judge_of(wanted: UUID) -> UUID:
        async with desk.database.reading() as reader:
            found = await read.assignments(reader, contest, judge_id=None, state=None, after=None, size=10)
        return next(one.judge.id for one in found if one.entry_id == wanted and one.state != "recused")

    async def score(wanted: UUID, value: int) -> None:
        given = {"entry_id": wanted, "scores": {"idea": value, "form": value}}
        await desk.act(contest, Action.SCORE, actor_id=await judge_of(wanted), **given)

    partial_judge = await judge_of(entry)
    await score(entry, 2)
    await score(entry, 10)
    await desk.act(contest, Action.RECUSE, people=[partial_judge], person_id=person)
    await desk.becomes(contest, Status.JUDGING)
    assert await judge_of(entry) == next(one for one in judges if one != partial_judge)
    await score(entry, 3)
    await score(other, 2)
    await desk.becomes(contest, Status.PROVISIONAL)
    async with desk.database.reading() as reader:
        standing = await read.standings(reader, contest, after=None, size=10)
    assert [(one.entry_id, one.total) for one in standing] == [(entry, 3), (other, 2)]


async def test_an_extension_during_judging_moves_every_deadline(
    desk: ContestDesk, time_skipping: WorkflowEnvironment
) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    now = await now_of(time_skipping)
    contest = await desk.create(now, judges)
    person = await desk.person()
    await desk.enter(contest, person, now)
    await time_skipping.sleep(timedelta(hours=1) + GRACE)
    await desk.becomes(contest, Status.JUDGING)
    before = (await desk.view(contest)).timers
    await desk.act(contest, Action.EXTEND, by=timedelta(days=2), text="Snow")
    await desk.becomes(contest, Status.JUDGING)
    after = (await desk.view(contest)).timers
    assert [one.due_at + timedelta(days=2) for one in before] == [one.due_at for one in after]
    async with desk.database.reading() as reader:
        found = await read.assignments(reader, contest, judge_id=None, state=None, after=None, size=10)
        known = await read.contest(reader, contest)
    assert {one.due_at for one in found} == {known.rules.judging_until} == {now + timedelta(days=9)}
    assert await told(desk, Kind.CONTEST_EXTENDED) == Counter([person, *judges])
    await time_skipping.sleep(timedelta(days=7, hours=1))
    assert (await desk.state(contest)).status is Status.JUDGING
    assert await told(desk, Kind.CONTEST_JUDGE_REPLACED) == Counter()


async def test_everybody_is_told_once_a_turn_though_answers_are_lost_and_workers_die(
    temporal: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two extensions and a cancellation, page by page, with runs that are kept short; every third commit is made and
    its answer lost, and in the middle of it all the worker is replaced by another one."""
    monkeypatch.setattr(telling, "PAGE", 4)
    monkeypatch.setattr(judging, "PAGE", 4)
    monkeypatch.setattr(contest_entries, "PAGE", 4)
    lost = LostAnswers(3)
    async with running(temporal, database, lost=lost) as desk:
        now = datetime.now(UTC)
        judges = [await desk.person(Role.AGENT) for _ in range(2)]
        people = [await desk.person() for _ in range(PEOPLE)]
        contest = await desk.create(now, judges, history_limit=120)
        await asyncio.gather(*(desk.enter(contest, person, datetime.now(UTC)) for person in people))
        await desk.act(contest, Action.EXTEND, by=timedelta(hours=1))
        await desk.act(contest, Action.EXTEND, by=timedelta(hours=1))
    async with running(temporal, database, queue=desk.queue, lost=lost):
        assert await given(desk) == Counter(dict.fromkeys(people, 50))
        await desk.act(contest, Action.CANCEL, text="No money")
        await desk.handle(contest).result()
        extended, cancelled = (
            await told(desk, Kind.CONTEST_EXTENDED),
            await told(desk, Kind.CONTEST_CANCELLED),
        )
        assert {extended[person] for person in (*people, *judges)} == {2}
        assert {cancelled[person] for person in (*people, *judges)} == {1}
        assert len(extended) == len(cancelled) == PEOPLE + 2
        assert not await given(desk)
        assert lost.count > 30
        assert len(await histories(temporal, desk.handle(contest).id)) > 1


async def test_at_the_bell_every_entry_that_arrived_in_time_counts_and_no_other(
    temporal: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the real server, with a crowd: the arrival decides, whatever waits for whom, also on a machine that needs
    longer than the grace for all of them."""
    for module in (checks, process):
        monkeypatch.setattr(module, "GRACE", timedelta(minutes=1))
    async with running(temporal, database) as desk:
        now = datetime.now(UTC)
        judges = [await desk.person(Role.AGENT) for _ in range(2)]
        people = [await desk.person() for _ in range(PEOPLE)]
        contest = await desk.create(now, judges, closes=timedelta(seconds=3), judged=timedelta(days=1))
        closes_at = (await desk.state(contest)).rules.closes_at
        step = timedelta(milliseconds=1)

        async def enter(number: int, person: UUID) -> str:
            """Half of them arrive until the bell, half of them from a millisecond after it."""
            at = closes_at - step * (number // 2) if number % 2 else closes_at + step * (number // 2 + 1)
            try:
                await desk.enter(contest, person, at)
            except DeskError as error:
                return error.code
            return ""

        async def rung() -> bool:
            return (await desk.state(contest)).status is Status.JUDGING

        await until(rung)
        view = await desk.view(contest)
        assert [one.name for one in view.timers] == ["assign"]
        taken = await asyncio.gather(*(enter(number, person) for number, person in enumerate(people)))
        assert taken == ["" if number % 2 else "contest_closed" for number in range(PEOPLE)]
        async with database.reading() as reader:
            arrived = list(await reader.scalars(select(ContestEntryRow.arrived_at)))
            events = await read.events(reader, contest, after=None, size=100)
        assert len(arrived) == PEOPLE // 2
        assert max(arrived) == closes_at
        (closed,) = [one for one in events if one.cause == "closes"]
        assert timedelta(0) <= closed.at - closes_at < timedelta(seconds=3)


async def test_a_refusal_leaves_nothing_behind(desk: ContestDesk, time_skipping: WorkflowEnvironment) -> None:
    judges = [await desk.person(Role.AGENT) for _ in range(2)]
    person, now = await desk.person(), await now_of(time_skipping)
    contest = await desk.create(now, judges)
    await desk.enter(contest, person, now)
    before = await desk.state(contest)
    with pytest.raises(DeskError):
        await desk.enter(contest, person, now)
    with pytest.raises(DeskError):
        await desk.enter(contest, uuid4(), now)
    assert await desk.state(contest) == before
    assert (await desk.view(contest)).event_number == before.event_number
