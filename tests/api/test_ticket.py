"""Tickets over HTTP, with a real worker behind it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.work import working

TICKET = {"subject": "磁盘空间不足 Disk full on node 3", "description": "E1024 since this morning"}


@pytest.fixture(autouse=True)
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def opened(api: Api, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/tickets", json={**TICKET, **fields})
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


async def act(api: Api, on: dict[str, Any], action: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await api.post(f"/api/v1/tickets/{on['id']}/actions/{action}", json=body)
    assert answer.status_code == status, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def test_a_ticket_is_opened_assigned_and_promised(admin: Api, make_person: MakePerson) -> None:
    agent = await make_person("agent")
    answer = await admin.post(
        "/api/v1/tickets",
        json={
            **TICKET,
            "priority": "high",
            "requester": {"email": "lin.wei@customers.example", "name": "Lin Wei"},
        },
    )
    ticket = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/tickets/{ticket['id']}"
    assert (ticket["status"], ticket["version"], ticket["channel"]) == ("assigned", 1, "api")
    assert ticket["assignee"]["id"] == str(agent.person_id)
    assert ticket["requester"]["name"] == "Lin Wei"
    clocks = (await admin.get(f"/api/v1/tickets/{ticket['id']}/sla")).json()["clocks"]
    assert clocks["resolution"]["ongoing_cycle"]["target"] == "PT24H"
    assert clocks["first_response"]["ongoing_cycle"]["next_step"]["step"] == "75%"


async def test_who_comes_by_an_address_is_written_to_in_the_language_of_the_desk(
    admin: Api, desk: Desk
) -> None:
    desk.settings.locale = "zh-CN"
    ticket = await opened(admin, requester={"email": "lin.wei@customers.example"})
    await act(admin, ticket, "share", email="hao@customers.example")
    people = (await admin.get("/api/v1/people", params={"role": "requester"})).json()["data"]
    assert {person["email"]: person["locale"] for person in people} == {
        "lin.wei@customers.example": "zh-CN",
        "hao@customers.example": "zh-CN",
    }


async def test_a_whole_life(admin: Api, make_person: MakePerson) -> None:
    agent = await make_person("agent")
    ticket = await opened(admin, requester={"email": "lin.wei@customers.example"})
    states = [
        (await act(agent, ticket, action, **body))["status"]
        for action, body in [
            ("start", {}),
            ("reply", {"body": "Have a look at /var"}),
            ("note", {"body": "third time this week"}),
            ("wait", {}),
            ("resume", {}),
            ("set_priority", {"priority": "critical"}),
            ("resolve", {"resolution": "Cleaned /var", "kind": "fault"}),
            ("reopen", {"reason": "full again"}),
            ("resolve", {"resolution": "Bigger disk"}),
            ("close", {}),
        ]
    ]
    assert states == [
        "in_progress",
        "in_progress",
        "in_progress",
        "waiting",
        "in_progress",
        "in_progress",
        "resolved",
        "in_progress",
        "resolved",
        "closed",
    ]
    sla = (await admin.get(f"/api/v1/tickets/{ticket['id']}/sla")).json()["clocks"]["resolution"]
    assert sla["ongoing_cycle"] is None
    assert [cycle["outcome"] for cycle in sla["completed_cycles"]] == ["satisfied", "satisfied"]
    ledger = (await admin.get(f"/api/v1/tickets/{ticket['id']}/sla/ledger")).json()["data"]
    resolution = [row["kind"] for row in ledger if row["clock"] == "resolution"]
    assert resolution == ["start", "pause", "resume", "retarget", "satisfy", "start", "satisfy"]


async def test_the_requester_sees_the_conversation_and_no_notes(admin: Api, make_person: MakePerson) -> None:
    await make_person("agent")
    asker = await make_person("requester")
    ticket = await opened(asker)
    await act(admin, ticket, "note", body="difficult customer")
    await act(admin, ticket, "reply", body="hello")
    comments = (await asker.get(f"/api/v1/tickets/{ticket['id']}/comments")).json()["data"]
    assert [comment["body"] for comment in comments] == ["hello"]
    events = (await asker.get(f"/api/v1/tickets/{ticket['id']}/events")).json()["data"]
    assert "noted" not in [event["type"] for event in events]
    assert (await asker.get(f"/api/v1/tickets/{ticket['id']}/sla")).status_code in (403, 404)
    stranger = await make_person("requester")
    assert (await stranger.get(f"/api/v1/tickets/{ticket['id']}")).status_code == 404
    assert (await stranger.get("/api/v1/tickets")).json()["data"] == []


async def test_an_answer_of_the_requester_resumes_a_waiting_ticket(
    admin: Api, make_person: MakePerson
) -> None:
    await make_person("agent")
    asker = await make_person("requester")
    ticket = await opened(asker)
    await act(admin, ticket, "wait")
    answer = await asker.post(f"/api/v1/tickets/{ticket['id']}/comments", json={"body": "here it is"})
    assert (answer.status_code, answer.json()["status"]) == (201, "in_progress")


async def test_an_illegal_move_names_what_is_allowed(admin: Api) -> None:
    ticket = await opened(admin)
    refused = await act(admin, ticket, "resume", status=409)
    assert (refused["code"], refused["state"], refused["action"]) == ("illegal_move", "open", "resume")
    assert "assign" in refused["allowed"]


async def test_a_stale_version_is_refused_and_the_current_one_passes(admin: Api) -> None:
    ticket = await opened(admin)
    path = f"/api/v1/tickets/{ticket['id']}/actions/note"
    stale = await admin.post(path, json={"body": "x"}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    fresh = await admin.post(path, json={"body": "x"}, headers={"If-Match": '"1"'})
    assert fresh.json()["version"] == 2


async def test_an_idempotency_key_opens_one_ticket(admin: Api) -> None:
    headers = {"Idempotency-Key": "form-17"}
    answers = await asyncio.gather(
        *(admin.post("/api/v1/tickets", json=TICKET, headers=headers) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await admin.post("/api/v1/tickets", json={**TICKET, "subject": "Other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_an_idempotency_key_acts_once(admin: Api) -> None:
    ticket = await opened(admin)
    path, headers = f"/api/v1/tickets/{ticket['id']}/actions/note", {"Idempotency-Key": "note-1"}
    first = await admin.post(path, json={"body": "once"}, headers=headers)
    again = await admin.post(path, json={"body": "once"}, headers=headers)
    assert first.json()["version"] == again.json()["version"] == 2
    other = await admin.post(path, json={"body": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_the_same_external_id_is_the_same_ticket(admin: Api) -> None:
    first = await opened(admin, external_id="t01501")
    again = await opened(admin, external_id="t01501")
    assert first["id"] == again["id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"priority": "urgent"},
        {"subject": "  "},
        {"subject": "x" * 501},
        {"description": "x" * 100_001},
        {"colour": "red"},
        {"created_at": "2026-11-01T10:00:00"},
        {"created_at": "2999-01-01T10:00:00Z"},
        {"kind": "whatever"},
        {"requester": {"email": "not an address"}},
        {"subject": "a\x00b"},
        {"tags": ["a b"]},
    ],
)
async def test_bad_input_is_a_clear_422(admin: Api, fields: dict[str, Any]) -> None:
    answer = await admin.post("/api/v1/tickets", json={**TICKET, **fields})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"]


async def test_long_and_strange_text_is_kept_as_it_came(admin: Api) -> None:
    body = "\u202eمرحبا 👩\u200d💻 磁盘\r\n" + "x" * 99_000
    ticket = await opened(admin, description=body)
    assert ticket["description"] == body


async def test_an_unknown_action_names_the_known_ones(admin: Api) -> None:
    ticket = await opened(admin)
    refused = await act(admin, ticket, "explode", status=422)
    assert refused["code"] == "unknown_action"
    assert "resolve" in refused["allowed"]


async def test_lists_are_filtered_sorted_and_paged(admin: Api, make_person: MakePerson) -> None:
    for priority in ("low", "critical", "normal", "high", "critical"):
        await opened(admin, priority=priority, category="storage", tags=["disk"])
    first = (await admin.get("/api/v1/tickets", params={"sort": "priority", "page[size]": 2})).json()
    assert [ticket["priority"] for ticket in first["data"]] == ["critical", "critical"]
    assert first["meta"]["has_more"]
    second = (await admin.get(first["links"]["next"])).json()
    assert [ticket["priority"] for ticket in second["data"]] == ["high", "normal"]
    found = await admin.get("/api/v1/tickets", params={"priority": ["low", "high"], "tags": "disk"})
    assert len(found.json()["data"]) == 2
    assert (await admin.get("/api/v1/tickets", params={"assignee": "none"})).json()["data"]
    assert (await admin.get("/api/v1/tickets", params={"nonsense": "1"})).status_code == 422


@pytest.mark.parametrize("words", ["磁盘", "空间", "disk", "disks", "E1024", "node 磁盘"])
async def test_words_are_found_in_chinese_and_english(admin: Api, words: str) -> None:
    ticket = await opened(admin)
    await opened(admin, subject="Something else", description="网络延迟")
    found = (await admin.get("/api/v1/tickets", params={"q": words})).json()["data"]
    assert [one["id"] for one in found] == [ticket["id"]]


async def test_thirty_two_at_once_never_overfill_anyone(admin: Api, make_person: MakePerson) -> None:
    agents = [await make_person("agent", capacity=5) for _ in range(4)]
    tickets = await asyncio.gather(*(opened(admin) for _ in range(32)))
    carried = [ticket["assignee"]["id"] for ticket in tickets if ticket["assignee"]]
    assert sorted(carried.count(str(agent.person_id)) for agent in agents) == [5, 5, 5, 5]
    assert {ticket["waiting_reason"] for ticket in tickets if not ticket["assignee"]} == {"all_full"}


async def test_a_waiting_ticket_gets_someone_the_moment_they_are_free(
    admin: Api, make_person: MakePerson
) -> None:
    await make_person("agent", capacity=1)
    first, second = await opened(admin), await opened(admin)
    assert second["assignee"] is None
    await act(admin, first, "resolve", resolution="done")
    for _ in range(100):
        waiting = (await admin.get(f"/api/v1/tickets/{second['id']}")).json()
        if waiting["assignee"]:
            break
        await asyncio.sleep(0.05)
    assert (waiting["status"], waiting["waiting_reason"]) == ("assigned", None)


async def test_an_absence_returns_the_tickets_and_its_end_brings_work(
    admin: Api, make_person: MakePerson
) -> None:
    agent = await make_person("agent")
    ticket = await opened(admin)
    away = await agent.put(f"/api/v1/people/{agent.person_id}/absence", json={})
    assert away.status_code == 200, away.text
    await until(admin, ticket, lambda one: one["waiting_reason"] == "all_absent")
    back = await agent.delete(f"/api/v1/people/{agent.person_id}/absence")
    assert back.status_code in (200, 204), back.text
    await until(admin, ticket, lambda one: one["assignee"] is not None)


async def until(api: Api, ticket: dict[str, Any], happened: Any) -> None:
    for _ in range(200):
        now = (await api.get(f"/api/v1/tickets/{ticket['id']}")).json()
        if happened(now):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(now)


async def test_the_process_and_the_next_escalations_can_be_read(admin: Api, make_person: MakePerson) -> None:
    ticket = await opened(admin, priority="critical")
    process = (await admin.get(f"/api/v1/tickets/{ticket['id']}/process")).json()
    assert process["workflow_id"] == f"ticket:{ticket['id']}"
    assert (process["state"], process["event_number"]) == ("open", 1)
    assert process["timers"][0]["name"] == "first_response 75%"
    coming = (await admin.get("/api/v1/escalations", params={"due_before": "2999-01-01T00:00:00Z"})).json()
    assert coming["data"][0]["ticket_id"] == ticket["id"]
    agent = await make_person("agent")
    assert (await agent.get("/api/v1/escalations")).status_code == 403


async def test_statistics_add_up_and_an_empty_period_is_null(admin: Api) -> None:
    await opened(admin, priority="low")
    done = await opened(admin, priority="high", kind="fault")
    await act(admin, done, "resolve", resolution="done")
    figures = (await admin.get("/api/v1/tickets/statistics")).json()
    assert figures["total_tickets"] == 2
    assert figures["by_priority"] == {"high": 1, "low": 1}
    assert figures["by_kind"] == {"fault": 1, "none": 1}
    assert figures["resolution_time"]["p50"] > 0
    empty = await admin.get("/api/v1/tickets/statistics", params={"created_before": "2001-01-01T00:00:00Z"})
    assert (empty.json()["total_tickets"], empty.json()["resolution_time"]["mean"]) == (0, None)
    reversed_period = {"created_after": "2026-01-02T00:00:00Z", "created_before": "2026-01-01T00:00:00Z"}
    assert (await admin.get("/api/v1/tickets/statistics", params=reversed_period)).status_code == 422


async def test_tickets_are_linked_from_both_sides(admin: Api) -> None:
    one, other = await opened(admin), await opened(admin)
    await act(admin, one, "link", ticket=other["id"], relation="parent")
    seen = (await admin.get(f"/api/v1/tickets/{other['id']}")).json()["linked"]
    assert [(link["relation"], link["ticket"]["id"]) for link in seen] == [("child", one["id"])]
    missing = await act(admin, one, "link", status=404, ticket=str(uuid4()))
    assert missing["code"] == "not_found"


async def test_tags_and_watchers(admin: Api) -> None:
    ticket = await opened(admin, tags=["disk"])
    tagged = await act(admin, ticket, "tag", add=["urgent", "disk"], remove=[])
    assert tagged["tags"] == ["disk", "urgent"]
    await act(admin, ticket, "watch")
    detail = (await admin.get(f"/api/v1/tickets/{ticket['id']}")).json()
    assert [watcher["id"] for watcher in detail["watchers"]] == [str(admin.person_id)]


async def test_contents_are_edited_and_found_by_their_new_words(admin: Api) -> None:
    ticket = await opened(admin)
    path = f"/api/v1/tickets/{ticket['id']}"
    edited = await admin.patch(path, json={"subject": "网络延迟 Slow link"}, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.json()["subject"], edited.json()["version"]) == (
        200,
        "网络延迟 Slow link",
        2,
    )
    assert edited.json()["description"] == TICKET["description"]
    assert len((await admin.get("/api/v1/tickets", params={"q": "网络"})).json()["data"]) == 1
    assert (await admin.get("/api/v1/tickets", params={"q": "磁盘"})).json()["data"] == []
    assert (await admin.patch(path, json={})).status_code == 422
    assert (await admin.patch(path, json={"status": "closed"})).status_code == 422


async def test_a_message_to_an_ended_ticket_opens_a_linked_one(
    admin: Api, make_person: MakePerson, desk: Desk
) -> None:
    asker = await make_person("requester")
    ticket = await opened(asker)
    await act(admin, ticket, "resolve", resolution="done")
    await act(admin, ticket, "close")
    await desk.temporal.get_workflow_handle(f"ticket:{ticket['id']}").terminate()
    lost = await admin.post(f"/api/v1/tickets/{ticket['id']}/actions/note", json={"body": "x"})
    assert (lost.status_code, lost.json()["code"]) == (503, "process_lost")
    async with desk.database.writing() as writer:  # as if fourteen days had passed
        passed = 'UPDATE ticket_processes SET state = state || \'{"finish_at": "2026-01-01T00:00:00Z"}\''
        await writer.execute(text(passed))
    path, headers = f"/api/v1/tickets/{ticket['id']}/comments", {"Idempotency-Key": "late"}
    answers = [await asker.post(path, json={"body": "again!"}, headers=headers) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    new = answers[0].json()
    assert (new["subject"], new["description"]) == (f"Re: {TICKET['subject']}", "again!")
    linked = (await admin.get(f"/api/v1/tickets/{new['id']}")).json()["linked"]
    assert [link["relation"] for link in linked] == ["follow_up_of"]
    gone = await admin.post(f"/api/v1/tickets/{ticket['id']}/actions/note", json={"body": "x"})
    assert (gone.status_code, gone.json()["code"]) == (409, "process_ended")
