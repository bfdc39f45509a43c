"""Points for those who asked for what is shipped."""

import asyncio
from typing import Any

from tests.api.conftest import Api, MakePerson
from tests.api.feedback.wishes import act, said, shipped, voted


async def points(api: Api, person: Api) -> list[dict[str, Any]]:
    """The rows that explain a balance, when no fact waits any more."""
    url = f"/api/v1/members/{person.person_id}"
    for _ in range(200):
        if not (await api.get(url)).json()["pending"]:
            break
        await asyncio.sleep(0.05)
    rows: list[dict[str, Any]] = (await api.get(f"{url}/points")).json()["data"]
    return rows


async def test_who_asked_for_what_is_shipped_gets_points_once(admin: Api, make_person: MakePerson) -> None:
    asker, duplicate, voter = [await make_person() for _ in range(3)]
    item, other = await said(asker), await said(duplicate)
    await act(admin, item, "triage")
    await voted(voter, item)
    await act(admin, other, "merge", into=item["id"])
    await shipped(admin, item)
    await act(asker, item, "confirm", solved=False, reason="It is still bright.")
    await act(admin, item, "ship")
    for one in (asker, duplicate):
        (row,) = await points(admin, one)
        assert (row["points"], row["action"], row["fact_id"]) == (
            20,
            "feedback_shipped",
            f"feedback:{item['id']}:shipped",
        )
    assert await points(admin, voter) == []


async def test_nobody_gets_points_for_what_they_ship_themselves(admin: Api) -> None:
    await shipped(admin, await said(admin))
    assert await points(admin, admin) == []


async def test_a_desk_without_points_for_it_ships_as_well(admin: Api, make_person: MakePerson) -> None:
    rules = (await admin.get("/api/v1/members/rules")).json()
    actions = {name: rule for name, rule in rules["actions"].items() if name != "feedback_shipped"}
    contents = {name: rules[name] for name in ("daily_cap", "levels")}
    changed = await admin.put("/api/v1/members/rules", json={**contents, "actions": actions})
    assert changed.status_code == 200, changed.text
    asker = await make_person()
    assert (await shipped(admin, await said(asker)))["status"] == "shipped"
    assert await points(admin, asker) == []
