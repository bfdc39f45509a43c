"""People and credentials on a real PostgreSQL, above all where two do the same at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from domain.account import Absence, Person, Role, Scope
from domain.errors import Conflict, StaleVersion
from storage.account import people, teams, tokens
from storage.account.people import ensure_admin, ensure_person
from storage.database import Database
from storage.tables.account import TokenRow
from storage.tables.outbox import OutboxRow


async def _make(database: Database, email: str = "ada@desk.example", **fields: Any) -> Person:
    values = {"email": email, "name": "Ada", "roles": [Role.AGENT], **fields}
    async with database.writing() as writer:
        return await people.create_person(writer, values)


async def _issue(database: Database, person_id: UUID, **more: Any) -> str:
    wanted = {"expires_at": datetime.now(UTC) + timedelta(hours=1), "scopes": None, **more}
    async with database.writing() as writer:
        return (await tokens.issue(writer, person_id, "test", **wanted)).secret


async def _outbox(database: Database) -> list[tuple[str, str]]:
    async with database.writing() as writer:
        found = await writer.execute(select(OutboxRow.topic, OutboxRow.key).order_by(OutboxRow.id))
        return [(row.topic, row.key) for row in found]


async def test_one_address_is_one_person_however_many_ask_at_once(database: Database) -> None:
    async def ensure(number: int) -> UUID:
        async with database.writing() as writer:
            email = "New@desk.example" if number % 2 else "new@desk.example"
            return await ensure_person(writer, email, f"Name {number}")

    found = await asyncio.gather(*(ensure(number) for number in range(16)))
    assert len(set(found)) == 1


async def test_ensuring_a_person_changes_nothing_of_someone_who_is_there(database: Database) -> None:
    ada = await _make(database)
    async with database.writing() as writer:
        assert await ensure_person(writer, "ADA@desk.example", "Mallory") == ada.id
        assert await people.person(writer, ada.id) == ada


async def test_the_first_administrator_is_made_once_and_keeps_a_changed_password(database: Database) -> None:
    async with database.writing() as writer:
        assert await ensure_admin(writer, "root@desk.example", "first password", locale="zh-CN") is True
    async with database.writing() as writer:
        assert await ensure_admin(writer, "root@desk.example", "second password") is False
        root = await people.person(writer, await ensure_person(writer, "root@desk.example"))
    assert Role.ADMIN in root.roles
    assert root.locale == "zh-CN"


async def test_a_token_tells_who_it_is(database: Database) -> None:
    async with database.writing() as writer:
        team = await teams.create_team(writer, {"name": "Storage"}, [])
        ada = await people.create_person(
            writer, {"email": "a@desk.example", "name": "Ada", "roles": [Role.AGENT]}, teams=["storage"]
        )
        led = await teams.create_team(writer, {"name": "Network", "lead_id": ada.id}, [])
    secret = await _issue(database, ada.id, scopes=[Scope.TICKETS_READ])
    async with database.reading() as reader:
        principal = await tokens.authenticate_token(reader, secret)
    assert principal is not None
    assert principal.person_id == ada.id
    assert principal.roles == {Role.AGENT}
    assert principal.team_ids == {team.id, led.id}
    assert principal.scopes == frozenset({Scope.TICKETS_READ})


async def test_an_expired_revoked_or_altered_token_is_nobody(database: Database) -> None:
    ada = await _make(database)
    secret = await _issue(database, ada.id)
    assert await tokens.authenticate(database, secret) is not None
    assert await tokens.authenticate(database, secret[:-1] + ("A" if secret[-1] != "A" else "B")) is None
    assert await tokens.authenticate(database, secret + "\x00\ud800") is None
    expired = await _issue(database, ada.id, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await tokens.authenticate(database, expired) is None
    async with database.writing() as writer:
        await tokens.revoke_all(writer, ada.id)
    assert await tokens.authenticate(database, secret) is None


async def test_the_secret_is_not_in_the_database(database: Database) -> None:
    ada = await _make(database)
    secret = await _issue(database, ada.id)
    async with database.reading() as reader:
        stored = str((await reader.execute(text("SELECT tokens::text FROM tokens"))).scalars().all())
    assert secret not in stored
    assert secret.removeprefix("ddk_")[8:] not in stored


async def test_a_use_is_noted_at_most_once_a_minute(database: Database) -> None:
    ada = await _make(database)
    secret = await _issue(database, ada.id)

    async def used() -> datetime | None:
        await tokens.authenticate(database, secret)
        async with database.reading() as reader:
            return await reader.scalar(select(TokenRow.last_used_at))

    first = await used()
    assert first is not None
    assert await used() == first
    async with database.writing() as writer:
        await writer.execute(update(TokenRow).values(last_used_at=first - timedelta(minutes=2)))
    later = await used()
    assert later is not None
    assert later > first


async def test_changes_that_free_or_take_an_agent_are_told_with_the_fact(database: Database) -> None:
    ada = await _make(database)
    key = str(ada.id)
    async with database.writing() as writer:
        await people.update_person(writer, ada.id, {"capacity": 30})
        await people.update_person(writer, ada.id, {"name": "Ada B"})
        await people.set_absence(writer, ada.id, Absence(since=datetime.now(UTC)))
        await people.set_absence(writer, ada.id, None)
        await people.update_person(writer, ada.id, {"active": False})
    topics = ["capacity", "capacity", "absence", "capacity", "absence"]
    assert await _outbox(database) == [(topic, key) for topic in topics]


async def test_a_requester_frees_nobody(database: Database) -> None:
    await _make(database, roles=[Role.REQUESTER])
    assert await _outbox(database) == []


async def test_of_two_changes_to_one_version_one_wins(database: Database) -> None:
    ada = await _make(database)

    async def change(tier: int) -> bool:
        try:
            async with database.writing() as writer:
                await people.update_person(writer, ada.id, {"tier": tier}, expected_version=1)
        except StaleVersion:
            return False
        return True

    assert sorted(await asyncio.gather(change(2), change(3))) == [False, True]


async def test_two_administrators_who_step_down_at_once_do_not_leave_the_desk_alone(
    database: Database,
) -> None:
    admins = [await _make(database, f"admin{number}@desk.example", roles=[Role.ADMIN]) for number in range(2)]

    async def step_down(admin: Person) -> bool:
        try:
            async with database.writing() as writer:
                await people.update_person(writer, admin.id, {"roles": [Role.AGENT]})
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*map(step_down, admins))) == [False, True]


async def test_a_refused_change_leaves_nothing_behind(database: Database) -> None:
    await _make(database)
    with pytest.raises(Conflict):
        await _make(database, "ADA@DESK.example")
    assert len(await _outbox(database)) == 1
