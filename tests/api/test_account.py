"""People, teams, organizations, sessions and tokens over HTTP."""

import asyncio
from collections import Counter
from typing import Any, cast
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient

from api import throttle
from api.app import create_app
from api.desk import Desk
from tests.api.conftest import Api, MakePerson

AGENT: dict[str, Any] = {
    "email": "Ada@Desk.Example",
    "name": "Ada 王",
    "roles": ["agent"],
    "tier": 2,
    "teams": [],
    "skills": ["storage"],
    "languages": ["zh", "en"],
    "capacity": 15,
    "locale": "zh-CN",
    "password": "correct horse",
}


async def _create(admin: Api, **changes: Any) -> dict[str, Any]:
    answer = await admin.post("/api/v1/people", json={**AGENT, **changes})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def _sign_in(client: Api, password: str = "correct horse", email: str = "ada@desk.example") -> str:
    answer = await client.post("/api/v1/sessions", json={"email": email, "password": password})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_person_is_created_and_read_back(admin: Api) -> None:
    team = (await admin.post("/api/v1/teams", json={"name": "Storage", "categories": ["storage"]})).json()
    answer = await admin.post("/api/v1/people", json={**AGENT, "teams": ["storage"]})
    person = answer.json()
    assert answer.status_code == 201
    assert person["email"] == "Ada@desk.example"
    assert person["teams"] == [{"id": team["id"], "name": "Storage"}]
    assert person["absence"] is None
    assert person["created_at"].endswith("Z")
    assert "password" not in answer.text
    assert (await admin.get(answer.headers["Location"])).json() == person


async def test_a_second_person_with_the_same_address_is_a_conflict(admin: Api) -> None:
    await _create(admin)
    answer = await admin.post("/api/v1/people", json={**AGENT, "email": "ADA@desk.example"})
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


async def test_an_unknown_team_is_refused_and_nothing_is_stored(admin: Api) -> None:
    answer = await admin.post("/api/v1/people", json={**AGENT, "teams": ["nowhere"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "teams")
    assert (await admin.get("/api/v1/people?email=ada@desk.example")).json()["data"] == []


async def test_signing_in_gives_a_token_and_signing_out_ends_it(admin: Api, client: Api) -> None:
    person = await _create(admin)
    answer = await client.post(
        "/api/v1/sessions", json={"email": "ADA@desk.example", "password": "correct horse"}
    )
    assert answer.json()["person"]["id"] == person["id"]
    headers = _bearer(answer.json()["token"])
    assert (await client.get("/api/v1/people/me", headers=headers)).json()["name"] == "Ada 王"
    assert (await client.delete("/api/v1/sessions/current", headers=headers)).status_code == 204
    assert (await client.get("/api/v1/people/me", headers=headers)).status_code == 401


async def test_unknown_address_and_wrong_password_answer_alike(admin: Api, client: Api) -> None:
    await _create(admin)
    known = await client.post("/api/v1/sessions", json={"email": "ada@desk.example", "password": "wrong"})
    unknown = await client.post("/api/v1/sessions", json={"email": "bob@desk.example", "password": "wrong"})
    answers = [known.json(), unknown.json()]
    for answer in answers:
        answer.pop("request_id")
    assert known.status_code == unknown.status_code == 401
    assert answers[0] == answers[1]


async def test_guessing_a_password_is_throttled(admin: Api, client: Api) -> None:
    await _create(admin)
    attempt = {"email": "ada@desk.example", "password": "guess"}
    statuses = [(await client.post("/api/v1/sessions", json=attempt)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    answer = await client.post("/api/v1/sessions", json={**attempt, "password": "correct horse"})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 301


async def test_all_api_processes_count_wrong_passwords_together(admin: Api, desk: Desk) -> None:
    await _create(admin)
    attempt = {"email": "ADA@desk.example", "password": "guess"}
    statuses = []
    for _ in range(11):
        async with _another_process(desk) as client:
            statuses.append((await client.post("/api/v1/sessions", json=attempt)).status_code)
    assert statuses == [401] * 10 + [429]


async def test_wrong_passwords_that_come_at_once_do_not_all_pass(admin: Api, client: Api) -> None:
    await _create(admin)
    attempt = {"email": "ada@desk.example", "password": "guess"}
    answers = await asyncio.gather(*(client.post("/api/v1/sessions", json=attempt) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {401: 10, 429: 10}


async def test_a_right_password_clears_the_count(admin: Api, client: Api) -> None:
    await _create(admin)
    attempt = {"email": "ada@desk.example", "password": "guess"}
    right = {"email": "ada@desk.example", "password": "correct horse"}
    for _ in range(2):
        wrong = [(await client.post("/api/v1/sessions", json=attempt)).status_code for _ in range(9)]
        assert wrong == [401] * 9
        assert (await client.post("/api/v1/sessions", json=right)).status_code == 201


async def test_guessing_tokens_is_throttled_and_right_ones_work(
    admin: Api, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "TOKENS_OF_CLIENT", 5)
    statuses = []
    for count in range(4):  # two requests to each of four processes
        async with _another_process(desk) as client:
            for secret in (f"guess{count}", "ddk_" + str(count) * 43):
                answer = await client.get("/api/v1/people/me", headers=_bearer(secret))
                statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 3
    assert 1 <= int(answer.headers["Retry-After"]) <= 301
    assert (await admin.get("/api/v1/people/me")).status_code == 200


def _another_process(desk: Desk) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(cast(Any, create_app(desk))), base_url="http://desk.test")


async def test_without_a_valid_token_nothing_is_shown(client: Api) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, _bearer("x"), _bearer("ddk_" + "a" * 43)):
        answer = await client.get("/api/v1/people/me", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_scoped_token_is_for_its_scopes_only(make_person: MakePerson, client: Api) -> None:
    agent = await make_person("agent")
    answer = await agent.post("/api/v1/tokens", json={"name": "script", "scopes": ["tickets:read"]})
    secret = answer.json()["token"]
    assert secret.startswith(answer.json()["prefix"])
    assert (await client.get("/api/v1/people/me", headers=_bearer(secret))).status_code == 200
    refused = await client.get("/api/v1/people", headers=_bearer(secret))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    more = await client.post("/api/v1/tokens", json={"name": "more"}, headers=_bearer(secret))
    assert more.status_code == 403


async def test_a_token_never_allows_more_than_its_person(make_person: MakePerson, client: Api) -> None:
    agent = await make_person("agent")
    answer = await agent.post("/api/v1/tokens", json={"name": "all", "scopes": ["admin"]})
    headers = _bearer(answer.json()["token"])
    assert (await client.post("/api/v1/people", json=AGENT, headers=headers)).status_code == 403


async def test_a_token_for_somebody_who_is_not_there_is_refused(admin: Api) -> None:
    answer = await admin.post("/api/v1/tokens", json={"name": "script", "person": str(uuid4())})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "person")


async def test_a_revoked_token_stops_at_once(make_person: MakePerson, client: Api) -> None:
    agent = await make_person("agent")
    token = (await agent.post("/api/v1/tokens", json={"name": "script"})).json()
    listed = (await agent.get("/api/v1/tokens")).json()["data"]
    assert token["id"] in [one["id"] for one in listed]
    assert token["token"] not in str(listed)
    stranger = await make_person("agent")
    assert (await stranger.delete(f"/api/v1/tokens/{token['id']}")).status_code == 404
    assert (await agent.delete(f"/api/v1/tokens/{token['id']}")).status_code == 204
    assert (await client.get("/api/v1/people/me", headers=_bearer(token["token"]))).status_code == 401


async def test_nobody_but_an_administrator_raises_roles(make_person: MakePerson) -> None:
    for role in ("requester", "agent", "manager", "editor", "moderator"):
        person = await make_person(role)
        answer = await person.patch(f"/api/v1/people/{person.person_id}", json={"roles": ["admin"]})
        assert answer.status_code == 403
        answer = await person.post("/api/v1/people", json={**AGENT, "roles": ["admin"]})
        assert answer.status_code == 403


async def test_people_change_their_own_profile(make_person: MakePerson) -> None:
    person = await make_person("requester")
    path = f"/api/v1/people/{person.person_id}"
    answer = await person.patch(path, json={"name": "Nové jméno", "time_zone": "Asia/Shanghai"})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["version"]) == ("Nové jméno", 2)


async def test_requesters_see_themselves_and_nobody_else(make_person: MakePerson) -> None:
    one, other = await make_person("requester"), await make_person("requester")
    assert (await one.get(f"/api/v1/people/{one.person_id}")).status_code == 200
    assert (await one.get(f"/api/v1/people/{other.person_id}")).status_code == 404
    assert (await one.patch(f"/api/v1/people/{other.person_id}", json={"name": "x"})).status_code == 404
    assert (await one.get("/api/v1/people")).status_code == 403


async def test_a_stale_version_is_refused(admin: Api) -> None:
    person = await _create(admin)
    path = f"/api/v1/people/{person['id']}"
    first = await admin.patch(path, json={"tier": 3}, headers={"If-Match": '"1"'})
    second = await admin.patch(path, json={"tier": 1}, headers={"If-Match": '"1"'})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["current"] == 2
    assert (await admin.patch(path, json={}, headers={"If-Match": "soon"})).status_code == 422


async def test_null_clears_only_what_may_be_empty(admin: Api) -> None:
    person = await _create(admin)
    path = f"/api/v1/people/{person['id']}"
    assert (await admin.patch(path, json={"organization": None})).status_code == 200
    assert (await admin.patch(path, json={"name": None})).status_code == 422


async def test_deactivating_ends_every_session(admin: Api, client: Api) -> None:
    person = await _create(admin)
    headers = _bearer(await _sign_in(client))
    path = f"/api/v1/people/{person['id']}"
    assert (await admin.patch(path, json={"active": False})).status_code == 200
    assert (await client.get("/api/v1/people/me", headers=headers)).status_code == 401
    await admin.patch(path, json={"active": True})
    assert (await client.get("/api/v1/people/me", headers=headers)).status_code == 401


async def test_the_last_administrator_stays(admin: Api) -> None:
    path = f"/api/v1/people/{admin.person_id}"
    for change in ({"active": False}, {"roles": ["agent"]}):
        answer = await admin.patch(path, json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


async def test_absence_is_set_and_ended_by_oneself(make_person: MakePerson) -> None:
    agent, colleague = await make_person("agent"), await make_person("agent")
    path = f"/api/v1/people/{agent.person_id}/absence"
    answer = await agent.put(path, json={"until": "2126-01-01T00:00:00+08:00"})
    assert answer.json()["absence"]["until"] == "2125-12-31T16:00:00Z"
    assert (await colleague.put(path, json={})).status_code == 403
    assert (await agent.put(path, json={"until": "2020-01-01T00:00:00Z"})).status_code == 422
    assert (await agent.put(path, json={"until": "2126-01-01T00:00:00"})).status_code == 422
    assert (await agent.delete(path)).json()["absence"] is None


async def test_a_new_password_needs_the_current_one_and_ends_other_sessions(admin: Api, client: Api) -> None:
    person = await _create(admin)
    old, other = _bearer(await _sign_in(client)), _bearer(await _sign_in(client))
    path = f"/api/v1/people/{person['id']}/password"
    wrong = await client.put(path, json={"password": "new password"}, headers=old)
    assert wrong.status_code == 403
    body = {"password": "new password", "current_password": "correct horse"}
    assert (await client.put(path, json=body, headers=old)).status_code == 204
    assert (await client.get("/api/v1/people/me", headers=old)).status_code == 200
    assert (await client.get("/api/v1/people/me", headers=other)).status_code == 401
    await _sign_in(client, "new password")


async def test_lists_are_paged_without_loss_or_repeat(admin: Api) -> None:
    for number in range(7):
        await _create(admin, email=f"p{number}@desk.example", name=f"Same {number // 4}", password=None)
    for sort in ("name", "-name", "created_at", "-created_at"):
        seen: list[str] = []
        link: str | None = f"/api/v1/people?sort={sort}&role=agent&page[size]=2"
        while link:
            answer = (await admin.get(link)).json()
            seen += [person["id"] for person in answer["data"]]
            link = answer["links"]["next"]
            assert answer["meta"]["has_more"] == (link is not None)
        assert len(seen) == len(set(seen)) == 7


async def test_people_are_found_by_their_fields(admin: Api) -> None:
    team = (await admin.post("/api/v1/teams", json={"name": "网络"})).json()
    ada = await _create(admin, teams=[team["id"]])
    await _create(admin, email="bo@desk.example", name="Bo 100%", tier=1)

    async def found(query: str) -> list[str]:
        answer = await admin.get(f"/api/v1/people?{query}")
        return [person["name"] for person in answer.json()["data"]]

    assert await found("tier=2&role=agent") == [ada["name"]]
    assert await found(f"team={team['id']}") == [ada["name"]]
    assert await found("q=%E7%8E%8B") == [ada["name"]]
    assert await found("q=0%25") == ["Bo 100%"]
    assert await found("active=false") == []


async def test_forged_cursors_and_unknown_filters_are_refused(admin: Api) -> None:
    queries = (
        "page[after]=x", "page[after]=W10", "page[after]=%00", "page[size]=0", "page[size]=101", "colour=red",
        "q=%00", "tier=9", "team=x", "page[after]=WyJuYW1lIiwiXHUwMDAwIiwieCJd",
    )  # fmt: skip
    for query in queries:
        answer = await admin.get(f"/api/v1/people?{query}")
        assert answer.status_code == 422, query


async def test_a_team_has_a_lead_members_and_a_name_of_its_own(admin: Api) -> None:
    ada = await _create(admin)
    body = {
        "name": "Storage",
        "lead": ada["id"],
        "categories": ["Storage", "storage"],
        "members": [ada["id"]],
    }
    team = (await admin.post("/api/v1/teams", json=body)).json()
    assert team["lead"] == {"id": ada["id"], "name": ada["name"]}
    assert team["categories"] == ["storage"]
    path = f"/api/v1/teams/{team['id']}"
    changed = await admin.patch(path, json={"members": [], "lead": None}, headers={"If-Match": "1"})
    assert (changed.json()["members"], changed.json()["lead"], changed.json()["version"]) == ([], None, 2)
    assert (await admin.post("/api/v1/teams", json={"name": "STORAGE"})).json()["code"] == "name_taken"
    unknown = await admin.post(
        "/api/v1/teams", json={"name": "x", "lead": "00000000-0000-4000-8000-000000000000"}
    )
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "lead")


async def test_new_people_join_the_organization_of_their_domain(admin: Api) -> None:
    body = {"name": "Example", "domains": ["Customer.Example"]}
    organization = (await admin.post("/api/v1/organizations", json=body)).json()
    person = await _create(admin, email="x@customer.example")
    assert person["organization"] == {"id": organization["id"], "name": "Example"}
    path = f"/api/v1/organizations/{organization['id']}"
    changed = await admin.patch(path, json={"name": "Example Ltd"}, headers={"If-Match": '"1"'})
    assert (changed.json()["name"], changed.json()["domains"]) == ("Example Ltd", ["customer.example"])
    assert (await admin.get("/api/v1/organizations?q=LTD")).json()["data"] == [changed.json()]
