"""Surveys over HTTP, from the resolution to the result: asked by mail with a link, answered once, counted, followed
up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from api.desk import Desk
from domain.survey.definition import AFTER_RESOLUTION
from tests.api.conftest import Api, MakePerson
from tests.api.letters import mail_of, path_in
from tests.api.work import working
from tests.rows import insert_answer, insert_invitation, insert_task, insert_ticket, link_to

SURVEY: Final = f"/api/v1/surveys/{AFTER_RESOLUTION}"


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def change(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.patch(SURVEY, json=changes)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def resolve(admin: Api, requester: Api) -> str:
    wanted = {"subject": "The disk is full", "description": "B", "category": "disk"}
    ticket = (await requester.post("/api/v1/tickets", json=wanted)).json()["id"]
    done = await admin.post(f"/api/v1/tickets/{ticket}/actions/resolve", json={"resolution": "Done."})
    assert done.status_code == 200, done.text
    return str(ticket)


@pytest.mark.usefixtures("worker")
async def test_from_the_resolution_to_the_answer_the_result_and_the_task(
    admin: Api, client: Api, make_person: MakePerson
) -> None:
    lead = await make_person("agent")
    team = {"name": "Disks", "lead": str(lead.person_id), "categories": ["disk"]}
    team_id = (await admin.post("/api/v1/teams", json=team)).json()["id"]
    await change(admin, delay="PT0S")
    asker = await make_person(locale="zh-CN", name="Li Hua")
    ticket = await resolve(admin, asker)
    mail = await mail_of(asker, "survey_asked")
    assert "服务" in mail["mail"]["subject"]
    assert "?score=5" in mail["mail"]["html"]
    path = path_in(mail)
    page = await client.get(path, params={"score": "2"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<html lang="zh-CN">' in page.text
    assert "The disk is full" in page.text
    assert 'value="2" required checked' in page.text
    done = await client.post(path, data={"score": "2", "comment": "<b>Slow</b> 太慢"})
    assert (done.status_code, "谢谢" in done.text) == (201, True)
    again = await client.post(path, data={"score": "5"})
    assert (again.status_code, "已经回答" in again.text) == (409, True)
    (answer,) = (await admin.get(f"{SURVEY}/answers")).json()["data"]
    assert (answer["score"], answer["comment"], answer["ticket"]["id"]) == (2, "<b>Slow</b> 太慢", ticket)
    found = (await admin.get(f"{SURVEY}/results?group_by=team")).json()
    assert [(row["team"]["id"], row["asked"], row["answered"]) for row in found["data"]] == [(team_id, 1, 1)]
    assert found["total"]["satisfaction_rate"] == 0
    statistics = (await admin.get("/api/v1/tickets/statistics")).json()
    assert (statistics["rated"], statistics["satisfaction_rate"], statistics["satisfaction"]) == (1, 0, 2)
    path = f"/api/v1/tickets/{ticket}"
    seen = [(await one.get(path)).json()["satisfaction"] for one in (lead, admin, asker)]
    assert seen == [2, 2, None], "the score is for those who work on the ticket"
    (task,) = (await lead.get("/api/v1/surveys/tasks?assignee=me&state=open")).json()["data"]
    assert (task["ticket"]["id"], task["score"], task["requester"]["name"]) == (ticket, 2, "Li Hua")
    due = datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(task["created_at"])
    assert due == timedelta(hours=8)
    told = await mail_of(lead, "survey_task")
    assert "Slow" in told["mail"]["text"]
    finished = await lead.post(f"/api/v1/surveys/tasks/{task['id']}/done", json={"note": "Called."})
    assert (finished.json()["state"], finished.json()["done_by"]["id"]) == ("done", str(lead.person_id))
    (listed,) = (await lead.get(f"/api/v1/tickets/{ticket}/tasks")).json()["data"]
    assert listed["note"] == "Called."


@pytest.mark.usefixtures("worker")
async def test_a_reminder_comes_with_the_same_end_and_a_change_of_the_survey_reaches_its_process(
    admin: Api, make_person: MakePerson
) -> None:
    await change(admin, delay="PT0S", remind_after="PT2S", close_after="PT1H")
    asker = await make_person()
    await resolve(admin, asker)
    first, second = await mail_of(asker, "survey_asked"), await mail_of(asker, "survey_reminded")
    sent, reminded = (datetime.fromisoformat(one["created_at"]) for one in (first, second))
    assert timedelta(seconds=2) <= reminded - sent < timedelta(seconds=30)
    assert path_in(first) == path_in(second), "the end of the link is the same, and so is the link"


async def test_the_api_answers_as_the_page_does(desk: Desk, client: Api, make_person: MakePerson) -> None:
    asker = await make_person(locale="zh-CN")
    ticket = await insert_ticket(desk.database, asker.person_id, number=71)
    asked = await insert_invitation(desk.database, asker.person_id, ticket_id=ticket)
    path = f"/api/v1/surveys/answers/{await link_to(desk.database, asked)}"
    sheet = (await client.get(path)).json()
    assert (sheet["kind"], sheet["locale"], sheet["ticket"]["number"]) == ("csat", "zh-CN", 71)
    assert (sheet["score"]["low"], sheet["score"]["high"], sheet["score"]["high_label"]) == (1, 5, "非常满意")
    for body, field in (
        ({}, "score"),
        ({"score": 6}, "score"),
        ({"score": 0}, "score"),
        ({"score": 4, "answers": {"why": "x"}}, "answers.why"),
        ({"score": 4, "mood": "good"}, "mood"),
    ):
        refused = await client.post(path, json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert (await client.post(path, json={"score": 4, "comment": "  "})).status_code == 201
    again = await client.post(path, json={"score": 4})
    assert (again.status_code, again.json()["code"]) == (409, "already_answered")
    assert (await client.get(path)).json()["code"] == "already_answered"


async def test_each_wrong_link_says_what_is_wrong_in_the_language_of_its_reader(
    desk: Desk, client: Api, make_person: MakePerson
) -> None:
    asker = await make_person(locale="zh-CN")
    now = datetime.now(UTC)
    fields = {
        "ended": {"closes_at": now - timedelta(hours=1)},
        "withdrawn": {"state": "withdrawn"},
        "skipped": {"state": "skipped"},
    }
    tokens = {"forged": "A" * 54, "short": "AAAA"}
    for name, changes in fields.items():
        asked = await insert_invitation(desk.database, asker.person_id, **changes)
        tokens[name] = await link_to(desk.database, asked)
    asked = await insert_invitation(desk.database, asker.person_id)
    tokens["expired"] = await link_to(desk.database, asked, now - timedelta(seconds=1))
    expected = {
        "forged": (404, "link_unknown", "链接无效"),
        "short": (404, "link_unknown", "链接无效"),
        "expired": (410, "link_expired", "已结束"),
        "ended": (410, "link_expired", "已结束"),
        "withdrawn": (410, "survey_withdrawn", "重新处理"),
        "skipped": (410, "survey_closed", "未开放"),
    }
    for name, (status, code, words) in expected.items():
        problem = await client.get(f"/api/v1/surveys/answers/{tokens[name]}")
        assert (problem.status_code, problem.json()["code"]) == (status, code), name
        for page in (
            await client.get(f"/surveys/{tokens[name]}", headers={"Accept-Language": "zh-TW, en;q=0.8"}),
            await client.post(
                f"/surveys/{tokens[name]}", data={"score": "4"}, headers={"Accept-Language": "zh"}
            ),
        ):
            assert (page.status_code, words in page.text) == (status, True), name
    english = await client.get(f"/surveys/{tokens['forged']}")
    assert "This link is not right" in english.text
    theirs = await client.get(f"/surveys/{tokens['expired']}", headers={"Accept-Language": "en"})
    assert "已结束" in theirs.text, "the link is theirs, so the page speaks their language"


async def test_the_page_runs_nothing_and_shows_what_people_wrote_as_text(
    desk: Desk, client: Api, make_person: MakePerson
) -> None:
    asker = await make_person()
    ticket = await insert_ticket(desk.database, asker.person_id, subject="<script>alert(1)</script>")
    asked = await insert_invitation(desk.database, asker.person_id, ticket_id=ticket)
    path = f"/surveys/{await link_to(desk.database, asked)}"
    page = await client.get(path, params={"score": '"><script>'})
    assert "<script>" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    wrong = await client.post(path, data={"comment": "<i>forgot the score</i>"})
    assert (wrong.status_code, "&lt;i&gt;forgot the score" in wrong.text) == (422, True)
    assert 'role="alert"' in wrong.text
    for data in ({"score": "9" * 400}, {"score": "é"}, {"score": "4", "comment": "x" * 4001}):
        assert (await client.post(path, data=data)).status_code == 422
    assert (await client.post(path, data={"score": "4"})).status_code == 201


async def test_own_questions_are_asked_answered_and_counted(
    desk: Desk, admin: Api, client: Api, make_person: MakePerson
) -> None:
    topics = [{"value": name, "label": {"en": name.title()}} for name in ("speed", "words")]
    questions = [
        {"key": "ease", "text": {"en": "How easy?"}, "type": "scale", "low": 1, "high": 5, "required": True},
        {"key": "topic", "text": {"en": "About what?"}, "type": "choice", "options": topics, "many": True},
        {"key": "why", "text": {"en": "Why?", "zh-CN": "为什么？"}, "type": "text"},
    ]
    asker = await make_person(locale="zh-CN")
    tokens = [
        await link_to(desk.database, await insert_invitation(desk.database, asker.person_id))
        for _ in range(3)
    ]
    await change(admin, questions=questions)
    page = await client.get(f"/surveys/{tokens[0]}")
    assert "为什么？" in page.text
    assert "How easy? *" in page.text
    missing = await client.post(f"/surveys/{tokens[0]}", data={"score": "5", "q.why": "x"})
    assert missing.status_code == 422
    sent = {"score": "5", "q.ease": "4", "q.topic": ["speed", "words"], "q.why": "因为"}
    assert (await client.post(f"/surveys/{tokens[0]}", data=sent)).status_code == 201
    body = {"score": 3, "answers": {"ease": 4, "topic": ["speed"]}}
    assert (await client.post(f"/api/v1/surveys/answers/{tokens[1]}", json=body)).status_code == 201
    found = (await admin.get(f"{SURVEY}/questions")).json()["data"]
    assert [one["counts"] for one in found] == [
        {"1": 0, "2": 0, "3": 0, "4": 2, "5": 0},
        {"speed": 2, "words": 1},
        {},
    ]
    answers = (await admin.get(f"{SURVEY}/answers")).json()["data"]
    assert answers[-1]["answers"] == {"ease": 4, "topic": ["speed", "words"], "why": "因为"}


async def test_a_link_is_for_its_recipient_alone(desk: Desk, admin: Api, make_person: MakePerson) -> None:
    """Managers watch over mails; with the link they could answer for others."""
    async with working(desk):
        await change(admin, delay="PT0S")
        asker = await make_person()
        await resolve(admin, asker)
        theirs = await mail_of(asker, "survey_asked")
        watched = (await admin.get(f"/api/v1/notifications/{theirs['id']}")).json()
        rows = (await asker.get("/api/v1/notifications?kind=survey_asked")).json()["data"]
        in_app = (await asker.get(f"/api/v1/notifications/{rows[0]['id']}")).json()
    path = path_in(theirs)
    assert urlsplit(in_app["link"]).path == path
    assert theirs["link"] == in_app["link"]
    assert watched["link"] is None
    assert path.rsplit("/", 1)[1] not in str(watched)
    assert "/surveys/" not in watched["mail"]["html"]


async def test_answers_come_page_by_page_and_results_as_a_table(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    asker = await make_person()
    for score in (1, 2, 3, 4, 5):
        asked = await insert_invitation(desk.database, asker.person_id)
        await insert_answer(desk.database, asked, score)
    page = (await admin.get(f"{SURVEY}/answers?page[size]=2")).json()
    found = page["data"]
    while page["meta"]["has_more"]:
        page = (await admin.get(page["links"]["next"])).json()
        found += page["data"]
    assert [one["score"] for one in found] == [5, 4, 3, 2, 1]
    header, line = (await admin.get(f"{SURVEY}/results?format=csv")).text.strip().split("\r\n")
    cells = dict(zip(header.split(","), line.split(","), strict=True))
    assert (cells["asked"], cells["response_rate"], cells["satisfaction_rate"]) == ("5", "1.0", "0.4")
    assert cells["scores"] == "1:1 2:1 3:1 4:1 5:1"
    assert float(cells["satisfaction_rate_interval_low"]) == pytest.approx(0.1176, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, ""),
        ({"remind_after": "P8D"}, ""),
        ({"close_after": "P91D"}, ""),
        ({"delay": "soon"}, "delay"),
        ({"low_score": 6}, ""),
        ({"state": "asleep"}, "state"),
        ({"kind": "nps"}, "kind"),
        ({"questions": [{"key": "a", "text": {}, "type": "text"}]}, "questions.0.text"),
    ],
)
@pytest.mark.usefixtures("worker")
async def test_a_survey_that_makes_no_sense_is_refused(
    admin: Api, changes: dict[str, Any], field: str
) -> None:
    refused = await admin.patch(SURVEY, json=changes)
    assert refused.status_code == 422
    assert not field or refused.json()["errors"][0]["field"] == field


@pytest.mark.usefixtures("worker")
async def test_two_who_change_a_survey_do_not_overwrite_each_other(admin: Api) -> None:
    version = (await admin.get(SURVEY)).json()["version"]
    changed = await change(admin, name="How did we do?")
    assert changed["version"] == version + 1
    assert (await change(admin, name="How did we do?"))["version"] == version + 1
    stale = await admin.patch(SURVEY, json={"state": "paused"}, headers={"If-Match": f'"{version}"'})
    assert stale.status_code == 412
    assert (await admin.get("/api/v1/surveys/00000000-0000-4000-8000-000000000000")).status_code == 404


async def test_tasks_are_seen_by_those_who_work_on_their_tickets(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    team = (await admin.post("/api/v1/teams", json={"name": "Disks"})).json()["id"]
    inside, outside = await make_person("agent", teams=["Disks"]), await make_person("agent")
    asker = await make_person()
    ticket = await insert_ticket(desk.database, asker.person_id, team_id=UUID(team))
    task = await insert_task(desk.database, asker.person_id, ticket)
    assert [one["id"] for one in (await inside.get("/api/v1/surveys/tasks")).json()["data"]] == [str(task)]
    assert (await outside.get("/api/v1/surveys/tasks")).json()["data"] == []
    assert (await outside.post(f"/api/v1/surveys/tasks/{task}/done", json={})).status_code == 404
    assert (await inside.post(f"/api/v1/surveys/tasks/{task}/done", json={})).status_code == 200
    again = await admin.post(f"/api/v1/surveys/tasks/{task}/done", json={})
    assert (again.status_code, again.json()["code"]) == (409, "task_done")
