"""Releases that ship feedback, and the roadmap."""

import asyncio
from typing import Any
from uuid import uuid4

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.feedback.wishes import API, act, assessed, kinds_told, said

RELEASES = "/api/v1/releases"
ROADMAP = "/api/v1/roadmap"


async def planned(api: Api, item: dict[str, Any]) -> dict[str, Any]:
    await assessed(api, item)
    return await act(api, item, "plan")


async def drafted(api: Api, *items: dict[str, Any], **fields: Any) -> str:
    """The address of a draft."""
    body = {"name": "2.0", "notes": "Night mode.", "items": [item["id"] for item in items], **fields}
    answer = await api.post(RELEASES, json=body)
    assert answer.status_code == 201, answer.text
    return f"{RELEASES}/{answer.json()['id']}"


async def when(api: Api, item: dict[str, Any], status: str) -> dict[str, Any]:
    """The item as soon as it is there."""
    for _ in range(200):
        now: dict[str, Any] = (await api.get(f"{API}/{item['id']}")).json()
        if now["status"] == status:
            return now
        await asyncio.sleep(0.05)
    raise AssertionError(f"it is still {now['status']}")


async def test_a_release_ships_what_it_names_and_tells_everybody_once(
    admin: Api, make_person: MakePerson
) -> None:
    asker = await make_person()
    ready, early = await said(asker), await said(asker)
    await planned(admin, ready)
    url = await drafted(admin, ready, early)
    assert (await asker.get(url)).status_code == 404
    refused = await admin.post(f"{url}/publish")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_ready")
    assert refused.json()["items"] == [early["number"]]
    await admin.patch(url, json={"items": [ready["id"]]})
    for _ in range(2):
        assert (await admin.post(f"{url}/publish")).json()["published_at"]
    assert (await when(admin, ready, "shipped"))["release_id"] == url.rpartition("/")[2]
    assert (await kinds_told(asker)).count("feedback_shipped") == 1
    assert (await admin.patch(url, json={"name": "3.0"})).json()["code"] == "published"


async def test_the_changelog_names_what_was_shipped_and_nothing_else(
    admin: Api, make_person: MakePerson
) -> None:
    asker = await make_person()
    shipped, other, secret = [await said(asker, title=title) for title in ("One", "Two", "Three")]
    for item in (shipped, other, secret):
        await planned(admin, item)
    await act(admin, secret, "edit", public=False)
    url = await drafted(admin, shipped, other, secret)
    assert (await asker.get(RELEASES)).json()["data"] == []
    assert (await admin.post(f"{url}/publish")).status_code == 200
    for item in (shipped, other, secret):
        await when(admin, item, "shipped")
    # What was shipped stays in the changelog, whatever becomes of it later.
    await act(asker, shipped, "confirm", solved=False, reason="It is still bright.")
    await act(admin, shipped, "decline", reason="It cannot be done.")
    (listed,) = (await asker.get(RELEASES)).json()["data"]
    assert [item["title"] for item in listed["items"]] == ["One", "Two"]
    (listed,) = (await admin.get(RELEASES)).json()["data"]
    assert [item["title"] for item in listed["items"]] == ["One", "Two", "Three"]


async def test_the_roadmap_shows_what_everybody_may_read_by_stage(
    admin: Api, make_person: MakePerson
) -> None:
    asker = await make_person()
    wish, begun, secret = [await said(asker) for _ in range(3)]
    for item in (wish, begun, secret):
        await planned(admin, item)
    await act(admin, begun, "start")
    await act(admin, secret, "edit", public=False)
    roadmap = (await asker.get(ROADMAP)).json()
    columns = {name: [item["id"] for item in items] for name, items in roadmap.items()}
    assert columns == {"planned": [wish["id"]], "in_progress": [begun["id"]], "shipped": []}


async def test_a_release_names_feedback_that_is_there_and_is_one_for_its_key(admin: Api) -> None:
    body = {"name": "2.0", "notes": "Night mode.", "items": [str(uuid4())]}
    refused = await admin.post(RELEASES, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_feedback")
    headers = {"Idempotency-Key": "spring"}
    made = [await admin.post(RELEASES, json={**body, "items": []}, headers=headers) for _ in range(2)]
    assert made[0].json()["id"] == made[1].json()["id"]
    other = await admin.post(RELEASES, json={**body, "items": [], "name": "3.0"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    url = f"{RELEASES}/{made[0].json()['id']}"
    assert (await admin.patch(url, json={})).json()["code"] == "nothing_to_change"
    assert (await admin.post(f"{RELEASES}/{uuid4()}/publish")).status_code == 404


async def test_the_roadmap_is_public_where_the_desk_says_so(desk: Desk, client: Api) -> None:
    for path in (ROADMAP, RELEASES):
        assert (await client.get(path)).status_code == 401
    desk.settings.public_roadmap = True
    for path in (ROADMAP, RELEASES):
        assert (await client.get(path)).status_code == 200
