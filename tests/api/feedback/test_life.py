"""Feedback over HTTP, with a real worker behind it: from a wish to the day it helps."""

import pytest

from domain.feedback.fields import Assessment
from tests.api.conftest import Api, MakePerson
from tests.api.feedback.wishes import API, act, kinds_told, said, shipped, voted


async def test_the_whole_way_from_a_wish_to_the_day_it_helps(admin: Api, make_person: MakePerson) -> None:
    asker, voter = await make_person(), await make_person()
    item = await said(asker)
    assert (item["status"], item["reach"], item["voted"]) == ("submitted", 1, True)
    triaged = await act(admin, item, "triage", category="display", importance=4)
    assert (triaged["status"], triaged["public"], triaged["priority"]) == ("triaged", True, "low")
    after = await voted(voter, item)
    assert (after["reach"], after["score"], after["voted"]) == (2, 8, True)
    for one in Assessment:
        await act(admin, item, "assess", assessment=one, verdict="for", result="Fine.")
    assert (await act(admin, item, "plan", reason="Next spring."))["status"] == "planned"
    await act(admin, item, "start")
    assert (await act(admin, item, "ship"))["status"] == "shipped"
    assert (await act(asker, item, "confirm", solved=True))["status"] == "verified"
    assert (await act(admin, item, "close"))["status"] == "closed"
    everything = [
        "feedback_received",
        "feedback_moved",
        "feedback_moved",
        "feedback_planned",
        "feedback_started",
        "feedback_shipped",
        "feedback_moved",
        "feedback_moved",
    ]
    # The voter came after the triage, and the requester knows what they said themselves.
    assert await kinds_told(asker) == everything[:7]
    assert await kinds_told(voter) == everything[2:]


async def test_declining_takes_a_reason_that_all_can_read(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person()
    item = await said(asker)
    for wrong in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 2001}):
        await act(admin, item, "decline", status=422, **wrong)
    await act(admin, item, "decline", reason="Too few want it.")
    (answer,) = (await asker.get(f"{API}/{item['id']}/comments")).json()["data"]
    assert answer["body"] == "Too few want it."


async def test_a_complaint_is_answered_by_a_human_before_it_ends(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person()
    item = await said(asker, kind="complaint", title="Nobody answers")
    triaged = await act(admin, item, "triage")
    assert triaged["public"] is False
    other = await said(asker)
    assert (await act(admin, item, "merge", status=409, into=other["id"]))["code"] == "answer_first"
    await act(admin, item, "answer", body="We are sorry, and call you today.")
    assert "feedback_answered" in await kinds_told(asker)
    await act(admin, item, "merge", into=other["id"])


async def test_a_no_reopens_with_its_reason(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person()
    item = await said(asker)
    await shipped(admin, item)
    back = await act(asker, item, "confirm", solved=False, reason="It is still bright.")
    assert (back["status"], back["reopen_count"], back["shipped_at"]) == ("in_progress", 1, None)
    assert (await act(asker, item, "confirm", status=409, solved=True))["code"] == "illegal_move"
    await act(admin, item, "ship")
    assert (await act(asker, item, "confirm", solved=True))["status"] == "verified"


async def test_the_same_key_is_the_same_item_and_the_same_action(admin: Api) -> None:
    first, again = await said(admin, key="k"), await said(admin, key="k")
    assert first["id"] == again["id"]
    assert (await said(admin, status=409, key="k", title="Other"))["code"] == "idempotency_key_reused"
    for _ in range(2):
        await act(admin, first, "answer", key="a", body="Soon.")
    assert len((await admin.get(f"{API}/{first['id']}/comments")).json()["data"]) == 1
    refused = await act(admin, first, "answer", status=409, key="a", body="Later.")
    assert refused["code"] == "idempotency_key_reused"


async def test_an_illegal_move_names_what_is_allowed(admin: Api) -> None:
    item = await said(admin)
    refused = await act(admin, item, "ship", status=409)
    assert (refused["code"], refused["state"], refused["action"]) == ("illegal_move", "submitted", "ship")
    assert "triage" in refused["allowed"]
    assert (await act(admin, item, "moon", status=422))["code"] == "unknown_action"
    stale = await admin.post(f"{API}/{item['id']}/actions/triage", json={}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412


async def test_others_see_what_is_public_and_the_staff_sees_all(admin: Api, make_person: MakePerson) -> None:
    asker, other, agent = await make_person(), await make_person(), await make_person("agent")
    secret, public = await said(asker), await said(asker)
    await act(agent, public, "triage", add=["late"])

    async def listed(api: Api, query: str = "") -> list[str]:
        return [one["id"] for one in (await api.get(f"{API}?sort=created_at{query}")).json()["data"]]

    assert await listed(asker) == await listed(agent) == [secret["id"], public["id"]]
    assert await listed(other) == [public["id"]]
    assert (await other.get(f"{API}/{secret['id']}")).status_code == 404
    shown = (await other.get(f"{API}/{public['id']}")).json()
    assert (shown["tags"], shown["requester"].get("email"), shown["next_step"]) == ([], None, None)
    assert (await other.get(f"{API}/{public['id']}/deliveries")).status_code == 403
    assert await listed(agent, "&tags=late") == [public["id"]]
    assert await listed(asker, "&followed=true&q=dark") == [secret["id"], public["id"]]
    assert await listed(agent, "&q=nothing") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a dark theme for the night", True),
        ("夜间模式", True),
        ("夜间需要深色模式", True),
        ("invoices in pdf", False),
    ],
)
async def test_what_was_said_before_is_proposed(admin: Api, text: str, found: bool) -> None:
    item = await said(admin, title="Dark theme 夜间深色模式", body="At night it is too bright. 晚上太亮。")
    await said(admin, title="Export as CSV", body="For the accountants. 财务需要。")
    rows = (await admin.get(f"{API}/similar", params={"text": text})).json()["data"]
    assert [row["id"] for row in rows] == ([item["id"]] if found else [])
    proposed = (await said(admin, title=text, body="Please"))["similar"]
    assert [row["id"] for row in proposed] == ([item["id"]] if found else [])


async def test_what_nobody_gave_is_guessed_until_a_human_confirms(admin: Api) -> None:
    body = {"title": "Your support is unacceptable", "body": "I complain about the rude answer."}
    item = (await admin.post(API, json=body)).json()
    assert item["kind"] == "complaint"
    assert "kind" in item["guessed"]
    assert (await act(admin, item, "triage", kind="experience"))["guessed"] == []
