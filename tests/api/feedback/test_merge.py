"""Duplicates: the item that goes on has the followers of both."""

import asyncio
from uuid import uuid4

from domain.feedback.fields import Assessment
from tests.api.conftest import Api, MakePerson
from tests.api.feedback.wishes import API, act, deliveries, kinds_told, said, voted


async def test_duplicates_merge_and_carry_all_voters(admin: Api, make_person: MakePerson) -> None:
    first, second, both, voter = [await make_person() for _ in range(4)]
    item, other = await said(first), await said(second, title="A dark theme")
    for one in (item, other):
        await act(admin, one, "triage")
        await voted(both, one)
    await voted(voter, other)
    assert (await act(admin, other, "merge", into=item["id"]))["merged_into"] == item["id"]
    after = (await admin.get(f"{API}/{item['id']}")).json()
    assert after["reach"] == 4
    late = await make_person()
    after = await voted(late, other)  # a vote for the duplicate is one for the other
    assert (after["id"], after["voted"], after["reach"]) == (item["id"], True, 5)
    assert (await voted(both, other, status=409))["code"] == "already_voted"
    await act(admin, item, "decline", reason="No.")
    for one in (first, second, both, voter, late):
        assert (await kinds_told(one)).count("feedback_declined") == 1
    assert (await deliveries(admin, item))["total"] == 5


async def test_nothing_can_be_merged_into_itself_or_in_a_circle(admin: Api) -> None:
    one, other = await said(admin), await said(admin)
    refused = await act(admin, one, "merge", status=409, into=one["id"])
    assert (refused["code"], refused["errors"][0]["field"]) == ("merge_into_itself", "into")
    await act(admin, one, "merge", status=404, into=str(uuid4()))
    answers = await asyncio.gather(
        admin.post(f"{API}/{one['id']}/actions/merge", json={"into": other["id"]}),
        admin.post(f"{API}/{other['id']}/actions/merge", json={"into": one["id"]}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    merged, survivor = (one, other) if answers[0].status_code == 200 else (other, one)
    assert (await act(admin, survivor, "merge", status=409, into=merged["id"]))["code"] == "cannot_merge_into"


async def test_nobody_is_merged_into_what_they_may_not_read(admin: Api, make_person: MakePerson) -> None:
    one, other = await make_person(), await make_person()
    secret, wish = await said(one, kind="complaint"), await said(other)
    await act(admin, wish, "triage")
    assert (await act(admin, wish, "merge", status=409, into=secret["id"]))["code"] == "not_public"
    assert (await other.get(f"{API}/{secret['id']}")).status_code == 404
    await act(admin, secret, "answer", body="We are sorry.")
    await act(admin, secret, "merge", into=wish["id"])


async def test_only_who_asked_for_it_says_whether_it_is_solved(admin: Api, make_person: MakePerson) -> None:
    asker, voter, duplicate = [await make_person() for _ in range(3)]
    item, other = await said(asker), await said(duplicate)
    await act(admin, item, "triage")
    await voted(voter, item)
    await act(admin, other, "merge", into=item["id"])
    for one in Assessment:
        await act(admin, item, "assess", assessment=one, verdict="for", result="Fine.")
    await act(admin, item, "plan")
    await act(admin, item, "ship")
    await act(voter, item, "confirm", status=403, solved=True)
    await act(duplicate, item, "confirm", solved=True)


async def heard(api: Api) -> int:
    return (await kinds_told(api)).count("feedback_answered")


async def test_what_was_merged_is_taken_out_again_with_its_followers(
    admin: Api, make_person: MakePerson
) -> None:
    first, second, both, voter = [await make_person() for _ in range(4)]
    item, other = await said(first), await said(second, title="A dark theme")
    for one in (item, other):
        await act(admin, one, "triage")
        await voted(both, one)
    await voted(voter, other)
    assert (await act(admin, item, "unmerge", status=409))["code"] == "illegal_move"
    await act(admin, other, "merge", into=item["id"])
    gone = await voter.delete(f"{API}/{item['id']}/vote")  # also where the merge is taken back
    assert (gone.json()["reach"], gone.json()["voted"]) == (3, False)
    alone = await act(admin, other, "unmerge")
    assert (alone["status"], alone["merged_into"], alone["reach"]) == ("triaged", None, 2)
    assert (await admin.get(f"{API}/{item['id']}")).json()["reach"] == 2
    await act(admin, item, "answer", body="Soon.")
    assert [await heard(one) for one in (first, second, both, voter)] == [1, 0, 1, 0]
    await act(admin, other, "answer", body="Later.")
    assert [await heard(one) for one in (first, second, both, voter)] == [1, 1, 2, 0]


async def test_a_merge_is_taken_back_without_what_others_brought(admin: Api, make_person: MakePerson) -> None:
    """Somebody who came by two duplicates stays while one of them is there, and who asked for one is asked no more."""
    twice, third = await make_person(), await make_person()
    one, other, item = await said(twice), await said(third), await said(admin)
    for wish in (one, other, item):
        await act(admin, wish, "triage")
    await voted(twice, other)
    await voted(twice, item)
    for wish in (one, other):
        await act(admin, wish, "merge", into=item["id"])
    assert (await voted(twice, item, status=409))["code"] == "your_own"
    await act(admin, one, "unmerge")
    assert (await admin.get(f"{API}/{item['id']}")).json()["reach"] == 3
    assert (await voted(twice, item, status=409))["code"] == "already_voted"
    await act(admin, other, "unmerge")
    after = (await admin.get(f"{API}/{item['id']}/followers")).json()["data"]
    assert [(row["person"]["id"], row["role"]) for row in after] == [
        (str(admin.person_id), "requester"),
        (str(twice.person_id), "voter"),
    ]


async def test_the_last_of_a_chain_of_merges_is_taken_out_first(admin: Api) -> None:
    one, two, three = await said(admin), await said(admin), await said(admin)
    await act(admin, one, "merge", into=two["id"])
    await act(admin, two, "merge", into=three["id"])
    assert (await act(admin, one, "unmerge", status=409))["code"] == "merged_on"
    await act(admin, two, "unmerge")
    assert (await act(admin, one, "unmerge"))["status"] == "submitted"
