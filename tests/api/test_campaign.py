"""Campaigns over HTTP: made, looked at, started, answered by link, and counted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.desk import Desk
from domain.survey.definition import AFTER_RESOLUTION
from tests.api.conftest import Api, MakePerson
from tests.api.letters import mail_of, path_in
from tests.api.work import working
from tests.rows import insert_answer, insert_invitation, insert_ticket


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def create(api: Api, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/surveys", json={"name": "Do you like it?", "kind": "nps", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/api/v1/surveys/{made['id']}"
    return made


async def move(api: Api, survey: dict[str, Any], state: str) -> dict[str, Any]:
    answer = await api.patch(f"/api/v1/surveys/{survey['id']}", json={"state": state})
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


@pytest.mark.usefixtures("worker")
async def test_a_campaign_asks_counts_and_ends(admin: Api, client: Api, make_person: MakePerson) -> None:
    people = [await make_person(locale=locale) for locale in ("en", "zh-CN", "en")]
    made = await create(admin)
    assert (made["state"], made["occasion"], made["rest"]) == ("draft", "campaign", "PT720H")
    path = f"/api/v1/surveys/{made['id']}"
    assert (await admin.get(f"{path}/preview")).json() == {"audience": 3, "resting": 0, "drawn": 3}
    await move(admin, made, "active")
    mails = [await mail_of(one, "survey_asked") for one in people]
    assert mails[0]["mail"]["subject"] == "We would like your opinion: Do you like it?"
    assert "意见" in mails[1]["mail"]["subject"]
    page = await client.get(path_in(mails[1]))
    assert "推荐给朋友" in page.text
    assert 'value="10"' in page.text
    for mail, score in zip(mails, ("10", "9", "3"), strict=True):
        assert (await client.post(path_in(mail), data={"score": score})).status_code == 201
    total = (await admin.get(f"{path}/results")).json()["total"]
    assert (total["asked"], total["answered"], total["net_promoter_score"]) == (3, 3, pytest.approx(1 / 3))
    assert total["net_promoter_score_interval"]["low"] < 0 < total["net_promoter_score_interval"]["high"]
    listed = (await admin.get(f"{path}/invitations?state=answered&round=1")).json()["data"]
    assert {one["person"]["id"] for one in listed} == {str(one.person_id) for one in people}
    assert (await admin.get(f"{path}/preview")).json()["resting"] == 3
    await move(admin, made, "paused")
    await move(admin, made, "active")  # it looks again, and finds that all have answered
    for _ in range(400):
        if (await admin.get(path)).json()["state"] == "ended":
            return
        await asyncio.sleep(0.05)
    raise AssertionError((await admin.get(path)).json())


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "stars"}, "kind"),
        ({"kind": "custom"}, ""),
        ({"sample": 0}, "sample"),
        ({"sample": 1.01}, "sample"),
        ({"quota": 0}, "quota"),
        ({"per_day": -1}, "per_day"),
        ({"schedule": {"rounds": 3}}, "schedule"),
        ({"schedule": {"every": "year"}}, "schedule.every"),
        ({"schedule": {"starts_at": "2026-01-01T00:00:00"}}, "schedule.starts_at"),
        ({"schedule": {"starts_at": "0001-01-01T00:00:00+14:00"}}, "schedule.starts_at"),
        ({"schedule": {"starts_at": "9999-12-31T23:59:59-12:00"}}, "schedule.starts_at"),
        ({"schedule": {"time_zone": "Mars/Olympus"}}, "schedule.time_zone"),
        ({"audience": {"roles": []}}, "audience.roles"),
        ({"audience": {"colour": "red"}}, "audience.colour"),
        ({"delay": "PT1H"}, "delay"),
        ({"low_score": 2}, "low_score"),
        ({"remind_after": "P8D"}, ""),
        ({"rest": "-P1D"}, "rest"),
    ],
)
async def test_a_campaign_that_makes_no_sense_is_refused(
    admin: Api, fields: dict[str, Any], field: str
) -> None:
    refused = await admin.post("/api/v1/surveys", json={"name": "A", "kind": "nps", **fields})
    assert refused.status_code == 422, refused.text
    assert not field or refused.json()["errors"][0]["field"] == field


async def test_whoever_works_on_a_ticket_sees_what_its_requester_said(
    desk: Desk, make_person: MakePerson
) -> None:
    asker, agent = await make_person(), await make_person("agent")
    ticket = await insert_ticket(desk.database, asker.person_id)
    first = await insert_invitation(desk.database, asker.person_id, ticket_id=ticket, cycle=1)
    await insert_answer(desk.database, first, 2, comment="It took long.")
    later = datetime.now(UTC) + timedelta(hours=1)
    await insert_invitation(desk.database, asker.person_id, ticket_id=ticket, cycle=2, ask_at=later)
    rows = (await agent.get(f"/api/v1/tickets/{ticket}/surveys")).json()["data"]
    assert [(row["cycle"], row["state"], row["score"], row["comment"]) for row in rows] == [
        (2, "asked", None, None),
        (1, "answered", 2, "It took long."),
    ]
    assert (await asker.get(f"/api/v1/tickets/{ticket}/surveys")).status_code == 403


@pytest.mark.usefixtures("worker")
async def test_the_survey_after_resolutions_becomes_no_campaign(admin: Api) -> None:
    path = f"/api/v1/surveys/{AFTER_RESOLUTION}"
    wanted = {"audience": {}, "schedule": {}, "delay": "PT0S", "low_score": None}
    for refused in (await admin.patch(path, json=wanted), await admin.get(f"{path}/preview")):
        assert (refused.status_code, refused.json()["code"]) == (409, "no_campaign")
    assert (await admin.patch(path, json={"audience": {}})).status_code == 422


async def test_a_campaign_goes_only_where_it_may(admin: Api) -> None:
    made = await create(admin)
    for state in ("paused", "ended"):
        refused = await admin.patch(f"/api/v1/surveys/{made['id']}", json={"state": state})
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
        assert refused.json()["allowed"] == ["active"]
    await move(admin, made, "active")
    fixed = await admin.patch(f"/api/v1/surveys/{made['id']}", json={"sample": 0.5})
    assert (fixed.status_code, fixed.json()["code"], fixed.json()["errors"][0]["field"]) == (
        409,
        "survey_started",
        "sample",
    )
    assert (await move(admin, made, "ended"))["state"] == "ended"
