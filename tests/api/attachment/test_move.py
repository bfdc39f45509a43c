"""Files of another desk keep what they were there, for those who import tickets."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert

from api.desk import Desk
from storage.tables.ticket import TicketCommentRow
from tests.api.attachment.conftest import World
from tests.api.conftest import Api, MakePerson
from tests.rows import insert_ticket

BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
async def manager(make_person: MakePerson) -> Api:
    return await make_person("manager")


@pytest.fixture
async def comment(desk: Desk, world: World) -> str:
    """Its id, on the ticket of the world."""
    comment_id, ticket_id = uuid4(), world.path.split("/")[-2]
    values = {"visibility": "public", "body": "See the log.", "at": "2026-01-01T09:00:00+00:00"}
    async with desk.database.writing() as writer:
        await writer.execute(insert(TicketCommentRow).values(id=comment_id, ticket_id=ticket_id, **values))
    return str(comment_id)


async def put(api: Api, path: str, content: bytes = b"full", **said: Any) -> Any:
    return await api.post(path, params={"name": "log.txt", **said}, content=content, headers=BYTES)


async def test_a_file_keeps_its_id_its_comment_its_author_and_its_time(
    world: World, manager: Api, comment: str
) -> None:
    said = {
        "id": str(uuid4()),
        "comment": comment,
        "created_by": "lin@customers.example",
        "created_at": "2026-01-01T10:00:00+08:00",
        "visibility": "internal",
    }
    made = await put(manager, world.path, **said)
    assert made.status_code == 201, made.text
    record = made.json()
    assert (record["id"], record["comment_id"], record["visibility"]) == (said["id"], comment, "internal")
    assert (record["created_by"]["name"], record["created_at"]) == (
        "lin@customers.example",
        "2026-01-01T02:00:00Z",
    )
    again = await put(manager, world.path, **said)
    assert (again.status_code, again.json()) == (201, record)
    assert (await world.rows(), world.objects()) == (1, 1)


async def test_an_id_stands_for_one_file_of_one_ticket(desk: Desk, world: World, manager: Api) -> None:
    taken = str(uuid4())
    assert (await put(manager, world.path, id=taken)).status_code == 201
    another = await put(manager, world.path, b"empty", id=taken)
    assert (another.status_code, another.json()["code"]) == (409, "idempotency_key_reused")
    ticket = await insert_ticket(desk.database, world.asker.person_id)
    elsewhere = await put(manager, f"/api/v1/tickets/{ticket}/attachments", id=taken)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "id_taken")
    assert (await world.rows(), world.objects()) == (1, 1)


async def test_a_comment_of_another_ticket_is_left_out(
    desk: Desk, world: World, manager: Api, comment: str
) -> None:
    ticket = await insert_ticket(desk.database, world.asker.person_id)
    made = await put(manager, f"/api/v1/tickets/{ticket}/attachments", id=str(uuid4()), comment=comment)
    assert (made.status_code, made.json()["comment_id"]) == (201, None)


async def test_only_who_imports_says_what_a_file_was(world: World, manager: Api) -> None:
    for caller in (world.asker, world.agent):
        refused = await put(caller, world.path, id=str(uuid4()))
        assert refused.status_code == 403
    for said, field in (
        ({"created_by": "ada@acme.example"}, "created_by"),
        ({"created_at": "2026-01-01T10:00:00Z"}, "created_at"),
        ({"id": str(uuid4()), "created_at": "2999-01-01T10:00:00Z"}, "created_at"),
        ({"id": str(uuid4()), "created_at": "2026-01-01"}, "created_at"),
        ({"id": str(uuid4()), "created_by": "nobody"}, "created_by"),
        ({"id": "1"}, "id"),
    ):
        refused = await put(manager, world.path, **said)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), said
    assert (await world.rows(), world.objects()) == (0, 0)
