"""Finding tickets by their words: Chinese, English, codes, what may be read, what is best, what is marked."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text

from domain.authorization import Visibility
from storage.database import connection_of
from storage.tables.ticket import TicketCommentRow
from storage.ticket.find import RANKED
from storage.ticket.highlight import highlights
from storage.ticket.listing import RELEVANCE
from storage.ticket.words import write_anew
from tests.rows import insert_ticket
from tests.storage.world import EVERYTHING, World

NOW = datetime.now(UTC).replace(microsecond=0)


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
