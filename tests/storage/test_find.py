"""Finding tickets in PostgreSQL: the same rows as a rule written down in Python would pick, page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, text, update

from domain.account import Role
from domain.authorization import TicketFacts, Visibility
from domain.errors import Invalid
from domain.ticket.fields import Priority
from domain.ticket.filter import Filter
from domain.ticket.query import Asking, parse
from domain.ticket.record import Ticket
from storage.account import people, teams
from storage.database import Database, connection_of
from storage.tables.ticket import TicketCollaboratorRow, TicketCommentRow, TicketRow
from storage.ticket.find import RANKED, RELEVANCE, find
from storage.ticket.highlight import highlights
from storage.ticket.words import write_anew
from tests.rows import insert_ticket

NOW = datetime.now(UTC).replace(microsecond=0)
EVERYTHING = Visibility(True, UUID(int=1))
TEXTS = (
    ("The printer does not print", "It shows E1024 and stops.", "printer"),
    ("磁盘空间不足", "服务器磁盘满了，报错 v2.3.1。", "磁盘"),
    ("Disk full on node 3", "See /var/log/disk.log for more.", "disk"),
    ("打印机没有反应", "重启之后仍然没有反应 ORA-00600", "打印机"),
)


@dataclass
class World:
    """A desk with two teams, an agent of the first, two who ask, and sixty tickets."""

    database: Database
    agent: UUID
    teams: Sequence[UUID]
    askers: Sequence[UUID]

    def query(self, words: str) -> Filter:
        asking = Asking(self.agent, datetime.now(UTC), ZoneInfo("UTC"))
        return parse(words, asking) if words else Filter()

    async def find(
        self, words: str, visible: Visibility = EVERYTHING, sort: str = "-created_at", size: int = 100
    ) -> list[Ticket]:
        """Everything, page by page."""
        found: list[Ticket] = []
        after: Any = None
        while True:
            async with self.database.reading() as reader:
                rows = await find(reader, visible, self.query(words), sort, after, size)
            found += [ticket for ticket, _ in rows[:size]]
            if len(rows) <= size:
                return found
            after = rows[size - 1][1]

    async def insert(self, **fields: Any) -> UUID:
        return await insert_ticket(self.database, self.askers[0], **fields)


async def _person(database: Database, *roles: Role, teams: Sequence[UUID] = ()) -> UUID:
    name = uuid4().hex[:8]
    values = {"email": f"{name}@desk.example", "name": name, "roles": list(roles)}
    async with database.writing() as writer:
        return (await people.create_person(writer, values, teams=teams, password=None)).id


@pytest.fixture
async def world(database: Database) -> World:
    async with database.writing() as writer:
        own = [(await teams.create_team(writer, {"name": name}, [])).id for name in ("East", "West")]
    agent = await _person(database, Role.AGENT, teams=own[:1])
    askers = [await _person(database, Role.REQUESTER) for _ in range(2)]
    return World(database, agent, own, askers)


@pytest.fixture
async def crowded(world: World) -> World:
    """Sixty tickets, in a second each other or at the very same moment."""
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
            rows = await find(reader, EVERYTHING, Filter(), "-created_at", after, 5)
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


async def test_every_two_characters_of_a_text_find_it(world: World) -> None:
    chinese = "机房里第三台服务器的磁盘满了请尽快扩容"
    ticket = await world.insert(subject="x", description=f"Hi，{chinese}！")
    await world.insert(subject="y", description="别的事情 entirely")
    for at in range(len(chinese) - 1):
        assert [one.id for one in await world.find(chinese[at : at + 2])] == [ticket], chinese[at : at + 2]
    for words in (chinese, f'"{chinese[3:9]}"', "容", "服务器 扩容", "磁盘满了没有反应吗"):
        expected = [] if "反应" in words else [ticket]
        assert [one.id for one in await world.find(words)] == expected, words


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("E1024", True), ("e1024", True), ("E102", False), ("1024", False), ("v2.3.1", True), ("2.3.1", False),
        ("v2.3", False), ("ORA-00600", True), ("00600", False), ("/var/log/app/error.log", True),
        ("error.log", True), ("10.0.3.7", True), ("10.0.3", False), ("ERR_DISK_FULL", True), ("x9@host.example", True),
        ("KB5034441", True), ("running", True), ("run", True), ('"E1024 twice"', True), ('"twice E1024"', False),
    ],
)  # fmt: skip
async def test_codes_are_found_whole(world: World, words: str, found: bool) -> None:
    await world.insert(
        subject="E1024 twice",
        description="v2.3.1 runs: ORA-00600 in /var/log/app/error.log, 10.0.3.7 (ERR_DISK_FULL). "
        "x9@host.example; KB5034441",
    )
    assert len(await world.find(words)) == found


async def test_a_ticket_is_found_by_its_number_and_its_ids(world: World) -> None:
    ticket = await world.insert(external_id="JIRA-77")
    await world.insert()
    (one,) = await world.find(f'"{ticket}"')
    for words in (f"#{one.number}", str(one.number), "JIRA-77", f"id:{ticket}", "external_id:JIRA-77"):
        assert [found.id for found in await world.find(words)] == [ticket], words


async def _said(world: World, ticket: UUID, body: str, visibility: str = "public") -> UUID:
    comment = uuid4()
    async with world.database.writing() as writer:
        row = {"id": comment, "ticket_id": ticket, "visibility": visibility, "body": body, "at": NOW}
        await writer.execute(insert(TicketCommentRow).values(row))
        await write_anew(await connection_of(writer), ticket)
    return comment


async def test_internal_notes_are_found_by_those_who_work_on_the_ticket(world: World) -> None:
    asker = world.askers[0]
    east = await insert_ticket(world.database, asker, team_id=world.teams[0])
    west = await insert_ticket(world.database, world.agent, team_id=world.teams[1])
    for ticket in (east, west):
        await _said(world, ticket, "suspicious gibberish", "internal")
        await _said(world, ticket, "helpful answer")
    agent = Visibility(False, world.agent, works=True, team_ids=frozenset(world.teams[:1]))

    async def found(words: str, visible: Visibility) -> set[UUID]:
        return {one.id for one in await world.find(words, visible)}

    assert await found("gibberish", EVERYTHING) == {east, west}
    assert await found("gibberish", agent) == {east}  # of the other they are only the requester
    assert await found("-gibberish", agent) == {west}
    assert await found("gibberish", Visibility(False, asker)) == set()
    assert await found("-gibberish answer", Visibility(False, asker)) == {east}
    assert await found("answer printer fire", EVERYTHING) == {east, west}  # words of several texts together


async def test_the_best_come_first_and_pages_go_on(world: World) -> None:
    plain = await world.insert(subject="Something", description="The scanner, among many other things. " * 9)
    best = await world.insert(subject="Scanner", description="scanner")
    said = await world.insert(subject="Other", description="nothing")
    await _said(world, said, "try the scanner next door")
    assert [one.id for one in await world.find("scanner", sort=RELEVANCE)] == [best, plain, said]
    assert [one.id for one in await world.find("scanner", sort=RELEVANCE, size=1)] == [best, plain, said]
    assert RANKED >= 100


async def test_marks_stand_where_the_words_are(world: World) -> None:
    ticket = await world.insert(
        subject="<b>Printing</b> 打印机 fails",
        description="A long beginning. " * 20
        + "The printers print <script>alert(1)</script> and 打印机 E1024.",
    )
    comment = await _said(world, ticket, "Printed again, happily")
    await _said(world, ticket, "print secret", "internal")
    words = world.query("print 打印机 E1024 -happy")
    found = await world.find("print 打印机 E1024")
    async with world.database.reading() as reader:
        marked = (await highlights(reader, found, words.terms, internal=[]))[ticket]
    assert [(one.field, one.comment) for one in marked] == [
        ("subject", None),
        ("description", None),
        ("comment", comment),
    ]
    marks = [[one.text[start:end] for start, end in one.marks] for one in marked]
    assert marks == [["Printing", "打印机"], ["print", "打印机", "E1024"], ["Printed"]]
    assert "<script>" in marked[1].text
    async with world.database.reading() as reader:
        marked = (await highlights(reader, found, words.terms, internal=[ticket]))[ticket]
    assert next(one.text for one in marked if one.field == "comment") in (
        "print secret",
        "Printed again, happily",
    )


async def test_what_a_ticket_hides_from_its_requester_finds_it_for_nobody_else(world: World) -> None:
    hidden = {"tags": ["churn"], "waiting_reason": "no_skill", "next_step_at": NOW}
    east = await world.insert(team_id=world.teams[0], **hidden)
    west = await insert_ticket(world.database, world.agent, team_id=world.teams[1], **hidden)
    agent = Visibility(False, world.agent, works=True, team_ids=frozenset(world.teams[:1]))
    asker = Visibility(False, world.askers[0])
    for words in ("tag:churn", "waiting_reason:no_skill", "next_step:any", "next_step:2020..2100"):
        for visible, found, rest in (
            (EVERYTHING, {east, west}, set[UUID]()),
            (agent, {east}, {west}),  # of the other they are only the requester
            (asker, set[UUID](), {east}),
        ):
            assert {one.id for one in await world.find(words, visible)} == found, words
            assert {one.id for one in await world.find(f"-{words}", visible)} == rest, words
    for words in ("tag:none", "waiting_reason:none", "next_step:none"):
        assert [one.id for one in await world.find(words, agent)] == [west], words
        assert [one.id for one in await world.find(words, asker)] == [east], words
    assert [one.id for one in await world.find("", agent, sort="next_step_at")] == [east]
    assert await world.find("printer", asker, sort="-next_step_at") == []


async def test_a_name_that_nobody_has_is_an_error_only_for_the_staff(world: World) -> None:
    for words in ("team:Nowhere", "assignee:nobody@desk.example", 'organization:"No Ltd"'):
        with pytest.raises(Invalid, match="There is no"):
            await world.find(words)
        assert await world.find(words, Visibility(False, world.askers[0])) == []


async def test_a_frequent_word_that_stands_late_in_the_order_is_found(world: World) -> None:
    """Statistics promise a match every second ticket, and the first hundreds have none."""
    old = [
        await world.insert(subject="gateway", created_at=NOW - timedelta(days=9, hours=hour))
        for hour in range(40)
    ]
    async with world.database.writing() as writer:
        await writer.execute(
            text(
                "INSERT INTO tickets (id, number, version, fingerprint, subject, description, status, priority, rank,"
                " requested_priority, channel, tier, requester_id, created_at, updated_at)"
                " SELECT gen_random_uuid(), 1000 + n, 1, '', 'x', 'x', 'open', 'low', 4, 'low', 'api', 1, :asker,"
                " CAST(:now AS timestamptz) - n * interval '1 second', :now FROM generate_series(1, 1500) AS n"
            ),
            {"asker": world.askers[0], "now": NOW},
        )
        await writer.execute(text("ANALYZE ticket_search"))
        await writer.execute(
            text(
                "INSERT INTO ticket_search (ticket_id, created_at, shared)"
                " SELECT id, created_at, to_tsvector('x') FROM tickets WHERE number > 1000"
            )
        )
    assert [one.id for one in await world.find("gateway", size=30)] == old
