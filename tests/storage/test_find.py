"""Finding tickets in PostgreSQL: the same rows as a rule written down in Python would pick, page by page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text, update

from domain.authorization import TicketFacts, Visibility
from domain.errors import Invalid
from domain.ticket.fields import Priority
from domain.ticket.filter import Filter
from domain.ticket.record import Ticket
from storage.tables.ticket import TicketCollaboratorRow, TicketRow
from storage.ticket.find import find
from storage.ticket.listing import sorting
from tests.rows import insert_ticket
from tests.storage.world import EVERYTHING, World

NOW = datetime.now(UTC).replace(microsecond=0)
TEXTS = (
    ("The printer does not print", "It shows E1024 and stops.", "printer"),
    ("磁盘空间不足", "服务器磁盘满了，报错 v2.3.1。", "磁盘"),
    ("Disk full on node 3", "See /var/log/disk.log for more.", "disk"),
    ("打印机没有反应", "重启之后仍然没有反应 ORA-00600", "打印机"),
)


@pytest.fixture(params=(2_000, 5), ids=("short list", "long list"))
async def crowded(world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    """Sixty tickets, in a second each other or at the very same moment. What is said of days looks at all of them, or
    at a few that tell how the others lie."""
    monkeypatch.setattr("storage.ticket.find._PROBE", request.param)
    random = Random(7)
    for number in range(60):
        subject, description, _ = TEXTS[number % len(TEXTS)]
        rank = random.randrange(1, 5)
        await insert_ticket(
            world.database,
            world.askers[number % 2] if number % 5 else world.agent,
            subject=subject,
            description=description,
            status=random.choice(("open", "assigned", "waiting", "resolved", "closed")),
            priority=("critical", "high", "normal", "low")[rank - 1],
            rank=rank,
            category=random.choice(("storage", "printing", None)),
            kind=random.choice(("fault", "usage", None)),
            team_id=random.choice((*world.teams, None)),
            assignee_id=random.choice((world.agent, None)),
            tags=random.choice(([], ["late"], ["late", "vip"])),
            breached=random.random() < 0.3,
            resolved_at=NOW if random.random() < 0.4 else None,
            created_at=NOW - timedelta(hours=number // 2),
            updated_at=NOW - timedelta(minutes=random.randrange(100)),
        )
    async with world.database.writing() as writer:
        await writer.execute(text("ANALYZE tickets, ticket_search"))
    return world


Rule = Callable[[Ticket], bool]

QUERIES: tuple[tuple[str, Rule], ...] = (
    ("", lambda one: True),
    ("status:open", lambda one: one.status == "open"),
    ("status:open,waiting", lambda one: one.status in ("open", "waiting")),
    ("-status:closed", lambda one: one.status != "closed"),
    (
        "priority:critical,high breached:true",
        lambda one: one.priority in ("critical", "high") and one.breached,
    ),
    ("category:none", lambda one: one.category is None),
    ("-category:storage", lambda one: one.category != "storage"),
    ("category:storage,none kind:fault", lambda one: one.category != "printing" and one.kind == "fault"),
    ("assignee:none", lambda one: one.assignee is None),
    ("-assignee:none status:active", lambda one: one.assignee is not None and one.resolved is False),
    ("team:east", lambda one: one.team is not None and one.team.name == "East"),
    ("team:none,West", lambda one: one.team is None or one.team.name == "West"),
    ("requester:me", lambda one: one.requester.name == one.me),
    ("tag:vip", lambda one: "vip" in one.tags),
    ("tag:vip,none", lambda one: "vip" in one.tags or not one.tags),
    ("-tag:late", lambda one: "late" not in one.tags),
    ("resolved:none", lambda one: one.resolved_at is None),
    ("resolved:any", lambda one: one.resolved_at is not None),
    ("created:<10h", lambda one: one.created_at > NOW - timedelta(hours=10)),
    ("created:>10h number:>5", lambda one: one.created_at <= NOW - timedelta(hours=10) and one.number > 5),
    ("number:3,4", lambda one: one.number in (3, 4)),
    ("printer", lambda one: "printer" in one.subject),
    ("printers -tag:late", lambda one: "printer" in one.subject and "late" not in one.tags),
    ("磁盘", lambda one: "磁盘" in one.subject),
    ("打印机", lambda one: "打印机" in one.subject),
    ("-磁盘", lambda one: "磁盘" not in one.subject),
    ("-disk -printer", lambda one: "isk" not in one.subject and "printer" not in one.subject),
    ('"disk full"', lambda one: "Disk full" in one.subject),
    ('"full disk"', lambda one: False),
    ("status:open E1024", lambda one: one.status == "open" and "E1024" in one.description),
    ("the", lambda one: False),
    ("nothinglikeit", lambda one: False),
)


@dataclass
class Shown:
    """A ticket with what the rules above ask beyond its fields."""

    ticket: Ticket
    me: str

    @property
    def resolved(self) -> bool:
        return self.ticket.status in ("resolved", "closed", "merged")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ticket, name)


def _facts(one: Ticket, collaborators: frozenset[UUID]) -> TicketFacts:
    return TicketFacts(
        one.requester.id, one.team and one.team.id, one.assignee and one.assignee.id, collaborators
    )


def _as_read(one: Ticket, worked_on: bool) -> Ticket:
    return one if worked_on else one.model_copy(update={"tags": ()})


async def test_every_query_picks_what_its_rule_picks_for_everybody(crowded: World) -> None:
    world = crowded
    everything = await world.find("")
    async with world.database.writing() as writer:
        await writer.execute(
            insert(TicketCollaboratorRow).values(ticket_id=everything[3].id, person_id=world.askers[0])
        )
    follows = {everything[3].id: frozenset({world.askers[0]})}
    viewers = (
        EVERYTHING,
        Visibility(False, world.agent, works=True, team_ids=frozenset(world.teams[:1])),
        Visibility(False, world.askers[0]),
        Visibility(False, uuid4()),
    )
    me = next(one.requester.name for one in everything if one.requester.id == world.agent)
    for words, rule in QUERIES:
        for visible in viewers:
            if "team:" in words and not (visible.everything or visible.works):
                continue
            expected = {
                one.id
                for one in everything
                if visible.covers(facts := _facts(one, follows.get(one.id, frozenset())))
                and rule(Shown(_as_read(one, visible.is_worked_on(facts)), me))  # type: ignore[arg-type]  # stands for a ticket
            }
            found = [one.id for one in await world.find(words, visible, size=7)]
            assert len(found) == len(set(found)), words
            assert set(found) == expected, (words, visible)


ORDERINGS: dict[str, Callable[[Ticket], Any]] = {
    "created_at": lambda one: (one.created_at, one.id),
    "updated_at": lambda one: (one.updated_at, one.id),
    "number": lambda one: (one.number, one.id),
    "priority": lambda one: (list(Priority).index(one.priority), one.created_at, one.id),
}


async def test_every_order_is_kept_over_pages_both_ways(crowded: World) -> None:
    agent = Visibility(False, crowded.agent, works=True, team_ids=frozenset(crowded.teams[:1]))
    for words in ("status:active", "-磁盘", "status:open,waiting disk"):
        for sort, key in ORDERINGS.items():
            found = await crowded.find(words, agent, sort, size=9)
            assert found == sorted(found, key=key)
            assert await crowded.find(words, agent, f"-{sort}", size=9) == list(reversed(found))


async def test_pages_hold_while_tickets_come_and_change(crowded: World) -> None:
    before = [one.id for one in await crowded.find("")]
    seen: list[UUID] = []
    after: Any = None
    for _ in range(30):
        async with crowded.database.reading() as reader:
            rows = await find(reader, EVERYTHING, Filter(), sorting("-created_at"), after, 5)
        seen += [ticket.id for ticket, _ in rows[:5]]
        if len(rows) <= 5:
            break
        after = rows[4][1]
        await crowded.insert(created_at=datetime.now(UTC))
        async with crowded.database.writing() as writer:
            await writer.execute(
                update(TicketRow).where(TicketRow.id == seen[-1]).values(status="closed", updated_at=NOW)
            )
    assert seen == before


async def test_what_a_ticket_hides_from_its_requester_finds_it_for_nobody_else(world: World) -> None:
    hidden = {"tags": ["churn"], "waiting_reason": "no_skill", "satisfaction": 2, "next_step_at": NOW}
    east = await world.insert(team_id=world.teams[0], **hidden)
    west = await insert_ticket(world.database, world.agent, team_id=world.teams[1], **hidden)
    agent = Visibility(False, world.agent, works=True, team_ids=frozenset(world.teams[:1]))
    asker = Visibility(False, world.askers[0])
    told = (
        "tag:churn",
        "waiting_reason:no_skill",
        "satisfaction:1,2",
        "next_step:any",
        "next_step:2020..2100",
    )
    for words in told:
        for visible, found, rest in (
            (EVERYTHING, {east, west}, set[UUID]()),
            (agent, {east}, {west}),  # of the other they are only the requester
            (asker, set[UUID](), {east}),
        ):
            assert {one.id for one in await world.find(words, visible)} == found, words
            assert {one.id for one in await world.find(f"-{words}", visible)} == rest, words
    for words in ("tag:none", "waiting_reason:none", "satisfaction:none", "next_step:none"):
        assert [one.id for one in await world.find(words, agent)] == [west], words
        assert [one.id for one in await world.find(words, asker)] == [east], words
    assert [one.id for one in await world.find("", agent, sort="next_step_at")] == [east]
    assert await world.find("printer", asker, sort="-next_step_at") == []


async def test_a_name_that_nobody_has_is_an_error_only_for_the_staff(world: World) -> None:
    for words in ("team:Nowhere", "assignee:nobody@desk.example", 'organization:"No Ltd"'):
        with pytest.raises(Invalid, match="There is no"):
            await world.find(words)
        assert await world.find(words, Visibility(False, world.askers[0])) == []


@pytest.mark.parametrize("sort", ["created_at", "-created_at"])
async def test_frequent_words_are_found_whenever_they_came(
    world: World, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many days without a ticket, days with many, and the ends of the calendar."""
    monkeypatch.setattr("storage.ticket.find._PROBE", 10)
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    burst = [NOW - timedelta(days=300, seconds=second) for second in range(30)]
    spread = [NOW - timedelta(days=9 * number) for number in range(40)]
    for at in (first, *burst, *spread, last):
        await world.insert(created_at=at, subject="Disk full", description="None left.")
    async with world.database.writing() as writer:
        await writer.execute(text("ANALYZE tickets, ticket_search"))
    found = [one.created_at for one in await world.find("disk full", sort=sort, size=9)]
    assert found == sorted((first, *burst, *spread, last), reverse=sort.startswith("-"))
