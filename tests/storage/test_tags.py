"""Which tags there are, for whom, and on how many tickets."""

from uuid import UUID, uuid4

from sqlalchemy import text

from domain.authorization import Visibility
from domain.view import COUNTED
from storage.ticket import tags
from tests.storage.world import EVERYTHING, World


async def listed(
    world: World, visible: Visibility = EVERYTHING, prefix: str = "", size: int = 100
) -> dict[str, int]:
    """All of them, page by page."""
    found: dict[str, int] = {}
    after = ""
    while True:
        async with world.database.reading() as reader:
            rows = await tags.listed(reader, visible, prefix, after, size)
        found |= {one.tag: one.tickets for one in rows[:size]}
        if len(rows) <= size:
            return found
        after = rows[size - 1].tag


async def test_tags_are_those_of_tickets_that_one_works_on(world: World) -> None:
    east, west = world.teams
    await world.insert(team_id=east, tags=["late", "vip"])
    await world.insert(team_id=east, tags=["late"])
    await world.insert(team_id=west, tags=["late", "west"])
    await world.insert(team_id=west, tags=["mine", "vip"], assignee_id=world.agent)
    await world.insert(tags=["vip", "打印机"])
    everything = {"late": 3, "mine": 1, "vip": 3, "west": 1, "打印机": 1}
    agent = Visibility(False, world.agent, works=True, team_ids=frozenset({east}))
    other = Visibility(False, uuid4(), works=True, team_ids=frozenset({west, UUID(int=7)}))
    for size in (1, 2, 100):
        assert await listed(world, size=size) == everything
        assert await listed(world, agent, size=size) == {"late": 2, "mine": 1, "vip": 3, "打印机": 1}
        assert await listed(world, other, size=size) == {
            "late": 1,
            "mine": 1,
            "vip": 2,
            "west": 1,
            "打印机": 1,
        }


async def test_a_beginning_narrows_them(world: World) -> None:
    await world.insert(tags=["vip", "via", "vi", "w", "100%", "1000", "打印机", "打字"])
    for prefix, names in {
        "vi": ["vi", "via", "vip"],
        "w": ["w"],
        "100%": ["100%"],
        "打": ["打印机", "打字"],
        "vil": [],
        "zz": [],
    }.items():
        for size in (1, 100):
            assert list(await listed(world, prefix=prefix, size=size)) == sorted(names), prefix


async def test_nothing_is_counted_further_than_anybody_reads(world: World) -> None:
    ticket = await world.insert(team_id=world.teams[0])
    many = (
        "INSERT INTO tickets (id, number, version, fingerprint, subject, description, status, priority, rank,"
        " requested_priority, channel, tier, requester_id, created_at, updated_at)"
        " SELECT gen_random_uuid(), 5000 + n, 1, '', 'x', 'x', 'open', 'low', 4, 'low', 'api', 1, requester_id,"
        " created_at, updated_at FROM tickets, generate_series(1, :count) AS n WHERE id = :ticket"
    )
    async with world.database.writing() as writer:
        await writer.execute(text(many), {"count": COUNTED + 5, "ticket": ticket})
        await writer.execute(
            text("INSERT INTO ticket_tags (ticket_id, tag, team_id) SELECT id, 'all', :team FROM tickets"),
            {"team": world.teams[0]},
        )
    agent = Visibility(False, world.agent, works=True, team_ids=frozenset(world.teams))
    for visible in (EVERYTHING, agent):
        async with world.database.reading() as reader:
            (one,) = await tags.listed(reader, visible, "", "", 10)
        assert (one.tickets, one.more) == (COUNTED, True)
