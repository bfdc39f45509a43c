"""Notifications over HTTP: one's own, those of others, mails, preferences."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from api.desk import Desk
from domain.account import Role
from domain.notification.kind import Audience, Kind
from domain.notification.notice import Notice, plan
from domain.notification.record import State
from storage import notification
from storage.database import Database
from storage.tables.notification import NotificationRow
from tests.api.conftest import Api, MakePerson

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
TICKET = UUID(int=7)
URL = "/api/v1/notifications"


async def _tell(
    database: Database, api: Api, kind: Kind = Kind.TICKET_REPLIED, *, smtp: bool = False, seconds: int = 0
) -> None:
    notice = Notice(kind=kind, audience=[Audience.REQUESTER])
    facts = {
        "ticket_id": str(TICKET),
        "number": 7,
        "subject": "磁盘 <b>",
        "actor": "Ada",
        "clock": "resolution",
        "due_at": "2026-11-21T06:30:00Z",
        "excerpt": "Have you tried **this**?",
    }
    async with database.writing() as writer:
        people = await notification.recipients(writer, [api.person_id])
        rows = plan(notice, uuid4().hex, facts, people, NOW + timedelta(seconds=seconds))
        await notification.add(writer, rows, smtp_configured=smtp)


async def _list(api: Api, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(URL, params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def _die(database: Database, notification_id: str) -> None:
    async with database.writing() as writer:
        await writer.execute(
            update(NotificationRow)
            .where(NotificationRow.id == UUID(notification_id))
            .values(state=State.DEAD, last_error="550 no such user")
        )


@pytest.fixture
def with_mail_server(app: FastAPI, desk: Desk) -> None:
    settings = desk.settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
    app.state.desk = replace(desk, settings=settings)


async def test_people_read_their_own_in_their_language(database: Database, make_person: MakePerson) -> None:
    lin = await make_person(locale="zh-CN", time_zone="Asia/Shanghai")
    other = await make_person()
    await _tell(database, lin, Kind.SLA_BREACHED)
    (row,) = await _list(lin)
    assert row["title"] == "工单 #7 已超时：磁盘 <b>"
    assert "14:30:00" in row["text"]
    assert (row["channel"], row["state"]) == ("in_app", "unread")
    assert row["ticket"] == {"id": str(TICKET), "number": 7, "subject": "磁盘 <b>"}
    assert row["created_at"] == "2026-11-21T06:00:00Z"
    assert await _list(other) == []


async def test_lists_filter_and_page(database: Database, make_person: MakePerson) -> None:
    lin = await make_person()
    for seconds, kind in enumerate([Kind.TICKET_CREATED, Kind.TICKET_REPLIED, Kind.TICKET_RESOLVED]):
        await _tell(database, lin, kind, seconds=seconds)
    kinds = [row["kind"] for row in await _list(lin)]
    assert kinds == ["ticket_resolved", "ticket_replied", "ticket_created"]
    assert [row["kind"] for row in await _list(lin, kind="ticket_replied")] == ["ticket_replied"]
    assert len(await _list(lin, channel="email")) == 3
    page = (await lin.get(URL, params={"page[size]": 2})).json()
    assert page["meta"] == {"has_more": True}
    rest = (await lin.get(page["links"]["next"])).json()
    assert [row["kind"] for row in page["data"] + rest["data"]] == kinds


async def test_reading_one_and_all(database: Database, make_person: MakePerson) -> None:
    lin = await make_person()
    for seconds in range(3):
        await _tell(database, lin, seconds=seconds)
    first = (await _list(lin))[0]
    answer = await lin.post(f"{URL}/{first['id']}/read")
    assert answer.status_code == 200
    assert answer.json()["state"] == "read"
    assert (await lin.get(f"{URL}/unread")).json() == {"unread": 2}
    assert [row["id"] for row in await _list(lin, unread="false")] == [first["id"]]
    assert (await lin.post(f"{URL}/read")).json() == {"unread": 0}
    assert await _list(lin, unread="true") == []


async def test_a_kept_mail_is_readable_as_it_would_go_out(
    database: Database, make_person: MakePerson
) -> None:
    lin = await make_person()
    await _tell(database, lin)
    (row,) = await _list(lin, channel="email")
    assert row["state"] == "kept"
    mail = (await lin.get(f"{URL}/{row['id']}")).json()["mail"]
    assert mail["subject"] == "Re: [#7] 磁盘 <b>"
    assert mail["message_id"].startswith(f"<notification.{row['id']}@")
    assert "Have you tried **this**?" in mail["text"]
    assert "<strong>this</strong>" in mail["html"]
    assert "磁盘 &lt;b&gt;" in mail["html"]


async def test_others_do_not_exist_for_people(database: Database, make_person: MakePerson) -> None:
    lin, other, agent = await make_person(), await make_person(), await make_person("agent")
    await _tell(database, lin)
    (row,) = await _list(lin)
    for api in (other, agent):
        assert (await api.get(f"{URL}/{row['id']}")).status_code == 404
        assert (await api.post(f"{URL}/{row['id']}/read")).status_code == 404
        assert (await api.get(URL, params={"recipient": str(lin.person_id)})).status_code == 403
        assert await _list(api, state="kept") == []
        assert (await api.post(f"{URL}/{row['id']}/resend")).status_code == 403


async def test_managers_watch_over_deliveries(database: Database, make_person: MakePerson) -> None:
    lin, manager = await make_person(), await make_person("manager")
    await _tell(database, lin)
    await _tell(database, lin, seconds=1)
    kept = await _list(manager, state="kept")
    await _die(database, kept[0]["id"])
    (dead,) = await _list(manager, state="dead")
    assert (dead["id"], dead["last_error"]) == (kept[0]["id"], "550 no such user")
    assert dead["recipient"]["id"] == str(lin.person_id)
    assert len(await _list(manager, recipient=str(lin.person_id))) == 4
    assert await _list(manager) == []
    assert (await _list(lin, state="dead"))[0]["last_error"] is None
    assert (await manager.get(f"{URL}/{dead['id']}")).json()["mail"]["subject"] == "Re: [#7] 磁盘 <b>"
    assert (await manager.post(f"{URL}/{dead['id']}/read")).status_code == 404


async def test_a_dead_mail_is_sent_again(
    with_mail_server: None, database: Database, make_person: MakePerson
) -> None:
    lin, manager = await make_person(), await make_person("manager")
    await _tell(database, lin, smtp=True)
    (mail,) = await _list(lin, channel="email")
    refused = await manager.post(f"{URL}/{mail['id']}/resend")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_resendable")
    await _die(database, mail["id"])
    answer = await manager.post(f"{URL}/{mail['id']}/resend")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["attempts"]) == ("pending", 0)


async def test_without_a_mail_server_nothing_is_sent_again(
    database: Database, make_person: MakePerson
) -> None:
    lin, manager = await make_person(), await make_person("manager")
    await _tell(database, lin)
    (mail,) = await _list(lin, channel="email")
    answer = await manager.post(f"{URL}/{mail['id']}/resend")
    assert (answer.status_code, answer.json()["code"]) == (409, "smtp_not_configured")


async def test_preferences_are_the_defaults_until_chosen(make_person: MakePerson) -> None:
    lin = await make_person(time_zone="Asia/Shanghai")
    before = (await lin.get(f"{URL}/preferences")).json()
    assert before["channels"]["ticket_replied"] == {"in_app": True, "email": True}
    assert before["channels"]["ticket_noted"] == {"in_app": True, "email": False}
    assert (before["quiet_hours"], before["time_zone"]) == (None, "Asia/Shanghai")
    chosen = {
        "channels": {"ticket_replied": {"email": False}},
        "quiet_hours": {"from": "22:00", "until": "07:30"},
    }
    answer = await lin.put(f"{URL}/preferences", json=chosen)
    assert answer.status_code == 200, answer.text
    after = (await lin.get(f"{URL}/preferences")).json()
    assert after == answer.json()
    assert after["channels"]["ticket_replied"] == {"in_app": True, "email": False}
    assert after["quiet_hours"] == {"from": "22:00", "until": "07:30"}


async def test_a_choice_is_followed(database: Database, make_person: MakePerson) -> None:
    lin = await make_person()
    await lin.put(f"{URL}/preferences", json={"channels": {"ticket_replied": {"email": False}}})
    await _tell(database, lin)
    assert len(await _list(lin)) == 1
    assert await _list(lin, channel="email") == []


@pytest.mark.parametrize(
    "body",
    [
        {"channels": {"ticket_exploded": {"email": True}}},
        {"channels": {"ticket_replied": {"pigeon": True}}},
        {"channels": {"ticket_replied": {"email": "maybe"}}},
        {"quiet_hours": {"from": "22:00"}},
        {"quiet_hours": {"from": "24:00", "until": "07:00"}},
        {"quiet_hours": {"from": "22:00", "until": "22:00"}},
        {"quiet_hours": {"from": "22:00\x00", "until": "07:00"}},
        {"colour": "red"},
        [],
    ],
)
async def test_bad_preferences_are_a_422(make_person: MakePerson, body: Any) -> None:
    lin = await make_person()
    assert (await lin.put(f"{URL}/preferences", json=body)).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "nothing"},
        {"state": "lost"},
        {"unread": "true", "state": "dead"},
        {"recipient": "someone"},
        {"page[after]": "forged"},
        {"page[size]": "1000"},
        {"colour": "red"},
    ],
)
async def test_bad_filters_are_a_422(make_person: MakePerson, query: dict[str, str]) -> None:
    lin = await make_person()
    assert (await lin.get(URL, params=query)).status_code == 422


async def test_unknown_ids_and_nobody(client: Api, make_person: MakePerson) -> None:
    lin = await make_person()
    assert (await client.get(URL)).status_code == 401
    for path in (uuid4(), "not-an-id"):
        assert (await lin.get(f"{URL}/{path}")).status_code == 404
        assert (await lin.post(f"{URL}/{path}/read")).status_code == 404


async def test_only_a_notice_in_the_app_is_marked_as_read(
    database: Database, make_person: MakePerson
) -> None:
    lin = await make_person(roles=[Role.REQUESTER])
    await _tell(database, lin)
    (mail,) = await _list(lin, channel="email")
    assert (await lin.post(f"{URL}/{mail['id']}/read")).status_code == 409
