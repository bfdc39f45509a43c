"""Merging, splitting, sharing and mentioning over HTTP, with a real worker behind it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.desk import Desk
from api.ticket.act import send
from domain.ticket.fields import Priority
from domain.ticket.messages import Act, OpenTicket, Requester
from domain.ticket.moves import Action
from tests.api.conftest import Api, MakePerson
from tests.api.test_ticket import act, opened, until
from tests.api.work import working


@pytest.fixture(autouse=True)
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def comments(api: Api, ticket: dict[str, Any]) -> list[dict[str, Any]]:
    found = (await api.get(f"/api/v1/tickets/{ticket['id']}/comments")).json()["data"]
    assert isinstance(found, list)
    return found


async def events(api: Api, ticket: dict[str, Any]) -> list[str]:
    found = (await api.get(f"/api/v1/tickets/{ticket['id']}/events?page[size]=100")).json()["data"]
    return [event["type"] for event in found]


async def told(api: Api, kind: str) -> int:
    rows = (await api.get("/api/v1/notifications", params={"channel": "in_app"})).json()["data"]
    return [row["kind"] for row in rows].count(kind)


async def test_a_merged_ticket_goes_on_in_the_other_and_can_be_taken_out(
    admin: Api, make_person: MakePerson
) -> None:
    await make_person("agent")
    asker = await make_person("requester")
    first, second = await opened(asker, subject="disk"), await opened(asker, subject="disk again")
    await act(asker, second, "reply", body="still full")
    merged = await act(admin, second, "merge", into=first["id"])
    assert (merged["status"], merged["merged_into"]) == ("merged", first["id"])
    await until(admin, first, lambda one: one["version"] == 2)
    assert [one["body"] for one in await comments(asker, first)] == [second["description"], "still full"]
    sla = (await admin.get(f"/api/v1/tickets/{second['id']}/sla")).json()["clocks"]["resolution"]
    assert (sla["ongoing_cycle"], sla["completed_cycles"][0]["outcome"]) == (None, "cancelled")

    await act(asker, second, "reply", body="to the merged one")
    assert [one["body"] for one in await comments(admin, first)][-1] == "to the merged one"
    refused = await act(admin, second, "reply", status=409, body="staff")
    assert (refused["state"], refused["allowed"]) == ("merged", ["unmerge"])

    again = await act(admin, second, "unmerge")
    assert (again["status"], again["merged_into"]) == ("assigned", None)
    assert again["assignee"] is not None
    await until(admin, first, lambda one: one["version"] == 4)
    assert [one["body"] for one in await comments(asker, first)] == ["to the merged one"]
    assert (await events(admin, first))[-1] == "unmerged_from"
    clocks = (await admin.get(f"/api/v1/tickets/{second['id']}/sla")).json()["clocks"]
    assert clocks["resolution"]["ongoing_cycle"]["cycle"] == 2


async def test_no_circle_can_be_merged(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person("requester")
    first, second = await opened(asker), await opened(asker)
    itself = await act(admin, first, "merge", status=422, into=first["id"])
    assert itself["code"] == "merge_into_itself"
    answers = await asyncio.gather(
        admin.post(f"/api/v1/tickets/{first['id']}/actions/merge", json={"into": second["id"]}),
        admin.post(f"/api/v1/tickets/{second['id']}/actions/merge", json={"into": first["id"]}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refused,) = [answer.json() for answer in answers if answer.status_code == 409]
    assert refused["code"] == "cannot_merge_into"
    third = await opened(asker)
    survivor = first if answers[1].status_code == 200 else second
    await act(admin, survivor, "merge", into=third["id"])
    await act(admin, third, "close", status=409)
    gone = await act(admin, third, "merge", status=409, into=survivor["id"])
    assert gone["code"] == "cannot_merge_into"


async def test_customers_read_each_other_only_where_it_is_meant(admin: Api, make_person: MakePerson) -> None:
    one, other = await make_person("requester"), await make_person("requester")
    first, second = await opened(one, subject="mine"), await opened(other, subject="theirs")
    refused = await act(admin, second, "merge", status=422, into=first["id"])
    assert refused["code"] == "requesters_differ"
    await act(admin, second, "merge", into=first["id"], share=True)
    seen = (await other.get(f"/api/v1/tickets/{first['id']}")).json()
    assert [person["id"] for person in seen["collaborators"]] == [str(other.person_id)]
    assert first["id"] in [row["id"] for row in (await other.get("/api/v1/tickets")).json()["data"]]
    await act(admin, second, "unmerge")
    assert (await other.get(f"/api/v1/tickets/{first['id']}")).status_code == 404


async def test_a_collaborator_follows_and_answers(admin: Api, make_person: MakePerson) -> None:
    await make_person("agent")
    asker, friend = await make_person("requester"), await make_person("requester")
    ticket = await opened(asker)
    assert (await friend.get(f"/api/v1/tickets/{ticket['id']}")).status_code == 404
    await act(admin, ticket, "share", person=str(friend.person_id))
    assert await told(friend, "ticket_shared") == 1
    await act(admin, ticket, "note", body="secret")
    await act(admin, ticket, "reply", body="for both")
    assert [one["body"] for one in await comments(friend, ticket)] == ["for both"]
    assert await told(friend, "ticket_replied") == 1
    await act(friend, ticket, "reply", body="thanks")
    assert await told(asker, "ticket_replied") == 2
    await act(admin, ticket, "unshare", person=str(friend.person_id))
    assert (await friend.get(f"/api/v1/tickets/{ticket['id']}")).status_code == 404
    both = await act(admin, ticket, "share", status=422)
    assert both["errors"][0]["code"] == "one_of"
    new = await act(admin, ticket, "share", email="new.colleague@customers.example")
    assert new["collaborators"][0]["name"] == "new.colleague@customers.example"


async def test_a_split_copies_the_comments_it_is_made_of(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person("requester")
    ticket = await opened(asker)
    for body in ("another question: how to upgrade?", "to version 2"):
        await act(asker, ticket, "reply", body=body)
    await act(admin, ticket, "note", body="that is another story")
    question, more, note = [one["id"] for one in await comments(admin, ticket)]
    new = await act(admin, ticket, "split", comments=[question, more, note], subject="Upgrade")
    assert (new["subject"], new["description"]) == ("Upgrade", "another question: how to upgrade?")
    assert new["requester"]["id"] == str(asker.person_id)
    assert [one["body"] for one in await comments(admin, new)] == ["to version 2", "that is another story"]
    assert [one["body"] for one in await comments(asker, new)] == ["to version 2"]
    links = (await admin.get(f"/api/v1/tickets/{new['id']}")).json()["linked"]
    assert [(link["relation"], link["ticket"]["id"]) for link in links] == [("split_from", ticket["id"])]
    assert (await events(admin, ticket))[-1] == "split"

    assert (await act(admin, ticket, "split", status=422, comments=[]))["errors"][0]["field"] == "comments"
    assert (await act(admin, ticket, "split", status=422, comments=[note]))["code"] == "nothing_public"
    other = await opened(asker)
    assert (await act(admin, other, "split", status=422, comments=[question]))["code"] == "unknown_comment"


async def test_a_split_that_is_repeated_makes_one_ticket(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person("requester")
    ticket = await opened(asker)
    await act(asker, ticket, "reply", body="one more thing")
    (comment,) = await comments(admin, ticket)
    path, body = f"/api/v1/tickets/{ticket['id']}/actions/split", {"comments": [comment["id"]]}
    answers = [await admin.post(path, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await events(admin, ticket)).count("split") == 1


async def test_a_split_that_is_refused_leaves_nothing(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person("requester")
    ticket, other = await opened(asker), await opened(asker)
    await act(admin, ticket, "reply", body="one more thing")
    (comment,) = await comments(admin, ticket)
    await act(admin, ticket, "merge", into=other["id"])
    refused = await act(admin, ticket, "split", status=409, comments=[comment["id"]])
    assert refused["code"] == "illegal_move"
    assert (await admin.get("/api/v1/tickets/statistics")).json()["total_tickets"] == 2


async def test_a_split_is_finished_though_nobody_waits_for_it(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    """As when the API dies between the word of the ticket and the opening of the new one."""
    asker = await make_person("requester")
    ticket = await opened(asker)
    new = OpenTicket(
        ticket_id=uuid4(),
        fingerprint="",
        subject="Upgrade",
        description="how?",
        requester=Requester(person_id=asker.person_id),
        priority=Priority.HIGH,
        split_from=UUID(ticket["id"]),
    )
    split = Act(
        action=Action.SPLIT,
        actor_id=admin.person_id,
        request_id="broken off",
        split=new,
        linked_id=new.ticket_id,
    )
    await send(desk, UUID(ticket["id"]), split)
    for _ in range(200):
        answer = await admin.get(f"/api/v1/tickets/{new.ticket_id}")
        if answer.status_code == 200:
            break
        await asyncio.sleep(0.05)
    (link,) = answer.json()["linked"]
    assert (link["relation"], link["ticket"]["id"]) == ("split_from", ticket["id"])


async def test_a_mention_calls_colleagues_who_may_read_it(admin: Api, make_person: MakePerson) -> None:
    asker = await make_person("requester", email="asker@customers.example")
    called = await make_person("agent", email="lin.wei@desk.example", capacity=0)
    ticket = await opened(asker)
    await act(admin, ticket, "note", body="@Lin.Wei@desk.example please look, @nobody@desk.example too")
    assert await told(called, "ticket_mentioned") == 1
    await act(admin, ticket, "note", body="@asker@customers.example")
    assert await told(asker, "ticket_mentioned") == 0
