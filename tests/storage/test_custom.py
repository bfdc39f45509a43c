"""Finding tickets by custom fields: the same rows as a rule written down in Python would pick, in every order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from domain.authorization import Visibility
from domain.errors import Invalid
from domain.field import FieldType
from domain.ticket.record import Ticket
from runtime.embedded.postgres import EmbeddedPostgres
from storage import field as fields
from storage import view as views
from storage.migrate import upgrade
from storage.ticket.statistics import statistics
from tests.rows import insert_ticket
from tests.storage.world import EVERYTHING, World

NOW = datetime.now(UTC).replace(microsecond=0)
DEFINITIONS: dict[str, tuple[FieldType, list[str]]] = {
    "plan": (FieldType.CHOICE, ["Gold", "Silver"]),
    "parts": (FieldType.CHOICES, ["Disk", "Fan", "Screen"]),
    "seats": (FieldType.NUMBER, []),
    "due": (FieldType.DATE, []),
    "order_no": (FieldType.TEXT, []),
    "trial": (FieldType.BOOLEAN, []),
}


def _values(random: Random, number: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "plan": random.choice(("Gold", "Gold", "Silver", None)),
        "parts": random.sample(["Disk", "Fan", "Screen"], random.randrange(3)),
        "seats": random.choice((1, 2.5, 10, 10, 1000, -4, None)),
        "due": (NOW + timedelta(days=random.randrange(-20, 20))).date().isoformat(),
        "order_no": f"AB-{number}" if number % 7 else "",
        "trial": random.random() < 0.5,
        "unknown": {"deep": [1]},
    }
    return {key: value for key, value in values.items() if value is not None and random.random() < 0.9}


@pytest.fixture
async def filled(world: World) -> World:
    """Sixty tickets with values of every type, half of them of a team that the agent is not in."""
    async with world.database.writing() as writer:
        for key, (type_, options) in DEFINITIONS.items():
            await fields.create(writer, {"key": key, "label": key, "type": type_, "options": options})
    random = Random(5)
    for number in range(60):
        await world.insert(
            custom_fields=_values(random, number),
            team_id=world.teams[number % 2],
            status=random.choice(("open", "closed")),
            subject=random.choice(("A printer", "A scanner")),
            created_at=NOW - timedelta(hours=number // 2),
        )
    async with world.database.writing() as writer:
        await writer.execute(text("ANALYZE tickets, ticket_fields, ticket_search"))
    return world


Value = Callable[[dict[str, Any]], bool]

RULES: tuple[tuple[str, Value], ...] = (
    ("field.plan:gold", lambda has: has.get("plan") == "Gold"),
    ("field.plan:gold,silver", lambda has: "plan" in has),
    ("-field.plan:gold", lambda has: has.get("plan") != "Gold"),
    ("field.plan:none", lambda has: "plan" not in has),
    ("field.plan:silver,none", lambda has: has.get("plan") != "Gold"),
    ("-field.plan:none", lambda has: "plan" in has),
    ("field.plan:any", lambda has: "plan" in has),
    ("field.parts:disk", lambda has: "Disk" in has.get("parts", ())),
    ("field.parts:disk,fan", lambda has: bool({"Disk", "Fan"} & set(has.get("parts", ())))),
    ("field.parts:disk field.parts:fan", lambda has: {"Disk", "Fan"} <= set(has.get("parts", ()))),
    ("field.parts:none", lambda has: not has.get("parts")),
    ("field.seats:10", lambda has: has.get("seats") == 10),
    ("field.seats:2.5,-4", lambda has: has.get("seats") in (2.5, -4)),
    ("field.seats:>10", lambda has: has.get("seats", 0) > 10),
    ("field.seats:<=2.5", lambda has: has.get("seats", 99) <= 2.5),
    ("field.seats:2..10", lambda has: 2 <= has.get("seats", 0) <= 10),
    ("-field.seats:>1", lambda has: has.get("seats", 0) <= 1),
    ("field.seats:>5000", lambda has: False),
    ("field.due:>today", lambda has: has.get("due", "") > NOW.date().isoformat()),
    ("field.due:any", lambda has: "due" in has),
    ("field.trial:true field.seats:any", lambda has: has.get("trial") is True and "seats" in has),
    ("field.trial:false", lambda has: has.get("trial") is False),
    ("field.order_no:ab-3", lambda has: has.get("order_no") == "AB-3"),
    ("field.order_no:none", lambda has: not has.get("order_no")),
)


async def _read(world: World) -> dict[UUID, dict[str, Any]]:
    return {one.id: one.custom_fields for one in await world.find("")}


async def test_every_condition_picks_what_its_rule_picks_in_every_order(filled: World) -> None:
    values = await _read(filled)
    for words, rule in RULES:
        expected = {ticket for ticket, has in values.items() if rule(has)}
        for sort in ("-created_at", "created_at", "priority", "-field.seats", "field.order_no"):
            found = [one.id for one in await filled.find(words, sort=sort, size=9)]
            assert len(found) == len(set(found)), (words, sort)
            ordered = expected
            if "field." in sort:
                key = sort.removeprefix("-").removeprefix("field.")
                ordered = {one for one in expected if values[one].get(key) not in (None, "")}
            assert set(found) == ordered, (words, sort)
            async with filled.database.reading() as reader:
                counted = await views.count(reader, EVERYTHING, filled.query(words))
                figures = await statistics(reader, EVERYTHING, filled.query(words), NOW)
            assert counted.tickets == figures["total_tickets"] == len(expected), words


async def test_conditions_stand_with_words_and_other_fields(filled: World) -> None:
    everything = await filled.find("")
    for sort in ("-created_at", "relevance", "field.seats"):
        found = await filled.find(
            "field.seats:<100 printer status:open -field.plan:silver", sort=sort, size=4
        )
        expected = {
            one.id
            for one in everything
            if one.custom_fields.get("seats", 999) < 100
            and "printer" in one.subject
            and one.status == "open"
            and one.custom_fields.get("plan") != "Silver"
        }
        assert {one.id for one in found} == expected
        assert len(found) == len(expected) > 2


KEYS: dict[str, Callable[[Ticket], Any]] = {
    "seats": lambda one: one.custom_fields["seats"],
    "due": lambda one: one.custom_fields["due"],
    "plan": lambda one: one.custom_fields["plan"].casefold(),
    "trial": lambda one: one.custom_fields["trial"],
}


async def test_a_list_by_a_field_has_the_tickets_with_a_value_in_its_order(filled: World) -> None:
    everything = await filled.find("")
    for name, key in KEYS.items():
        valued = [one for one in everything if name in one.custom_fields]
        expected = sorted(valued, key=lambda one: (key(one), one.created_at, one.id))
        assert await filled.find("", sort=f"field.{name}", size=7) == expected
        assert await filled.find("", sort=f"-field.{name}", size=7) == expected[::-1]


async def test_values_are_empty_to_whoever_may_not_read_them(filled: World) -> None:
    hidden = await insert_ticket(
        filled.database, filled.agent, team_id=filled.teams[1], custom_fields={"plan": "Gold", "seats": 10}
    )
    agent = Visibility(False, filled.agent, works=True, team_ids=frozenset(filled.teams[:1]))
    asker = Visibility(False, filled.askers[0])
    everything = await filled.find("")
    gold = {one.id for one in everything if one.custom_fields.get("plan") == "Gold"}
    east = {one.id for one in everything if one.team is not None and one.team.id == filled.teams[0]}
    for sort in ("-created_at", "priority"):
        assert {one.id for one in await filled.find("field.plan:gold", agent, sort)} == gold & east
        others = {one.id for one in await filled.find("-field.plan:gold", agent, sort)}
        assert others == east - gold | {hidden}
        assert hidden in {one.id for one in await filled.find("field.plan:none", agent, sort)}
    assert hidden not in {one.id for one in await filled.find("", agent, "field.seats")}
    assert await filled.find("field.plan:gold", asker) == []
    assert await filled.find("field.nothing:whatever", asker) == []  # nor learn which fields there are
    assert (
        len(await filled.find("field.plan:none", asker))
        == len(await filled.find("-field.plan:x", asker))
        == 60
    )
    with pytest.raises(Invalid):
        await filled.find("", asker, "field.plan")


async def test_a_field_that_is_made_later_finds_what_was_there(world: World) -> None:
    late = await world.insert(custom_fields={"weight": 7})
    await world.insert(custom_fields={"weight": "7"})
    await world.insert(custom_fields={"weight": [8, 7, 7, 9]})
    with pytest.raises(Invalid):
        await world.find("field.weight:7")
    async with world.database.writing() as writer:
        await fields.create(writer, {"key": "weight", "label": "x", "type": "number"})
    found = [one.id for one in await world.find("field.weight:>1 field.weight:7", sort="created_at")]
    assert len(found) == len(set(found)) == 2
    assert found[0] == late


def test_values_that_were_there_before_are_found_after_migrating(postgres_server: EmbeddedPostgres) -> None:
    postgres_server.create_database("migrated_values")
    url = postgres_server.url("migrated_values")
    upgrade(url, "0011_reports")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO people (id, email, name, roles) VALUES (%s, 'x@desk.example', 'X', '{}')", [uuid4()]
        )
        for value in ('{"plan": "Gold", "seats": 2.5, "parts": ["A", "B"]}', "{}"):
            connection.execute(
                "INSERT INTO tickets (id, version, fingerprint, subject, description, status, priority, rank,"
                " requested_priority, channel, tier, requester_id, created_at, updated_at, custom_fields)"
                " SELECT gen_random_uuid(), 1, '', 'x', 'x', 'open', 'low', 4, 'low', 'api', 1, id, now(), now(), %s"
                " FROM people",
                [value],
            )
    upgrade(url)
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT key, position, text, ticket_fields.number FROM ticket_fields JOIN tickets ON id = ticket_id"
            " WHERE ticket_fields.created_at = tickets.created_at ORDER BY key, position"
        ).fetchall()
    assert [(*row[:3], row[3] and float(row[3])) for row in rows] == [
        ("parts", 0, "a", None),
        ("parts", 1, "b", None),
        ("plan", 0, "gold", None),
        ("seats", 0, None, 2.5),
    ]
