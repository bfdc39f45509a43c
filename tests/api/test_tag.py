"""The list of tags over HTTP, with a real worker behind it."""

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.test_ticket import act, opened
from tests.api.work import working


async def tagged(api: Api, **parameters: str) -> dict[str, int]:
    answer = await api.get("/api/v1/tags", params=parameters)
    assert answer.status_code == 200, answer.text
    return {one["tag"]: one["tickets"] for one in answer.json()["data"]}


async def test_tags_follow_what_happens_to_their_tickets(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    made = [
        (await admin.post("/api/v1/teams", json={"name": name, "categories": [name]})).json()["id"]
        for name in ("storage", "network")
    ]
    storage, network = [await make_person("agent", teams=[team]) for team in made]
    async with working(desk):
        ticket = await opened(admin, category="storage", tags=["Late", "late", "vip"])
        await opened(admin, category="network", tags=["late"])
        assert await tagged(admin) == {"late": 2, "vip": 1}
        assert await tagged(storage) == {"late": 1, "vip": 1}
        assert await tagged(network) == {"late": 1}
        await act(admin, ticket, "tag", add=["new"], remove=["late"])
        assert await tagged(admin) == {"late": 1, "new": 1, "vip": 1}
        await act(admin, ticket, "set_category", category="network")
        moved = (await admin.get(f"/api/v1/tickets/{ticket['id']}")).json()
        assert moved["team"]["id"] == made[1]
        assert await tagged(storage) == {}
        assert await tagged(network) == {"late": 1, "new": 1, "vip": 1}
    assert await tagged(admin, q="v") == {"vip": 1}
    first = (await admin.get("/api/v1/tags", params={"page[size]": 1})).json()
    second = (await admin.get(first["links"]["next"])).json()
    assert [one["tag"] for page in (first, second) for one in page["data"]] == ["late", "new"]
    assert first["data"][0] == {"tag": "late", "tickets": 1, "more": False}
    requester = await make_person("requester")
    assert (await requester.get("/api/v1/tags")).status_code == 403
    assert (await admin.get("/api/v1/tags", params={"q": "two words"})).status_code == 422
