"""Who wants it, and how they are told: votes, links, the ledger of deliveries."""

import asyncio

from tests.api.conftest import Api, MakePerson
from tests.api.feedback.wishes import API, act, deliveries, kinds_told, said, voted


async def test_everybody_is_told_once_and_the_ledger_says_so(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person()
    item = await said(asker)
    await act(admin, item, "triage")
    voters = [await make_person() for _ in range(5)]
    for voter in voters:
        await voted(voter, item)
        assert (await voted(voter, item, status=409))["code"] == "already_voted"
    await act(admin, item, "decline", reason="It would cost a year.")
    told = await deliveries(admin, item)
    assert {name: told[name] for name in ("told", "total", "bounced", "pending")} == {
        "told": 6,
        "total": 6,
        "bounced": 0,
        "pending": 0,
    }
    assert (told["turn"]["kind"], told["turn"]["done"]) == ("feedback_declined", True)
    assert {row["person"]["id"] for row in told["rows"]["data"]} == {
        str(one.person_id) for one in (asker, *voters)
    }
    for one in (asker, *voters):
        assert (await kinds_told(one)).count("feedback_declined") == 1
    mails = (await admin.get("/api/v1/notifications?state=kept&kind=feedback_declined")).json()["data"]
    assert len(mails) == 6


async def test_a_vote_is_one_a_person_and_can_be_withdrawn(admin: Api, make_person: MakePerson) -> None:
    asker, voter = await make_person(), await make_person()
    item = await said(asker)
    await voted(voter, item, status=404)  # nobody has read it yet, so it is nobody else's
    await act(admin, item, "triage")
    answers = await asyncio.gather(*(voter.post(f"{API}/{item['id']}/vote") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert (await admin.get(f"{API}/{item['id']}")).json()["reach"] == 2
    assert (await voted(asker, item, status=409))["code"] == "your_own"
    for _ in range(2):
        after = (await voter.delete(f"{API}/{item['id']}/vote")).json()
        assert (after["reach"], after["voted"]) == (1, False)
    refused = await asker.delete(f"{API}/{item['id']}/vote")
    assert (refused.status_code, refused.json()["code"]) == (409, "your_own")
    await act(admin, item, "decline", reason="No.")
    assert "feedback_declined" not in await kinds_told(voter)
    assert (await voted(voter, item, status=409))["code"] == "not_open"


async def test_votes_raise_the_priority_and_with_it_the_promises(admin: Api, make_person: MakePerson) -> None:
    item = await said(await make_person())
    await act(admin, item, "triage", importance=5)
    for _ in range(7):
        await voted(await make_person(), item)
    for _ in range(100):
        now = (await admin.get(f"{API}/{item['id']}")).json()
        if now["priority"] == "high":
            break
        await asyncio.sleep(0.05)
    assert (now["reach"], now["score"], now["priority"]) == (8, 40, "high")


async def test_a_linked_tickets_requester_is_told_too(admin: Api, make_person: MakePerson) -> None:
    customer = await make_person()
    ticket = (
        await customer.post("/api/v1/tickets", json={"subject": "Bright", "description": "Ouch"})
    ).json()
    item = await said(admin)
    await act(admin, item, "link", ticket=ticket["id"])
    detail = (await admin.get(f"{API}/{item['id']}")).json()
    assert ([one["number"] for one in detail["tickets"]], detail["reach"]) == ([ticket["number"]], 2)
    url = f"/api/v1/tickets/{ticket['id']}/feedback"
    assert [one["id"] for one in (await admin.get(url)).json()["data"]] == [item["id"]]
    assert (await customer.get(url)).json()["data"] == []  # it is not theirs to read yet
    await act(admin, item, "triage")
    assert [one["id"] for one in (await customer.get(url)).json()["data"]] == [item["id"]]
    assert (await (await make_person()).get(url)).status_code == 404
    await act(admin, item, "unlink", ticket=ticket["id"])
    await act(admin, item, "decline", reason="No.")
    assert await kinds_told(customer) == ["feedback_moved"]
