"""/metrics: the state of the desk, the counters of the process, and what is shown while the database is away."""

from dataclasses import replace
from typing import Any, cast

from httpx import ASGITransport, AsyncClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.desk import Desk
from storage.database import Database
from tests.api.conftest import Api, MakePerson
from tests.rows import insert_ticket


async def _read(client: AsyncClient) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, without the part."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (
            sample.name,
            *(value for name, value in sorted(sample.labels.items()) if name != "part"),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_the_state_of_the_desk_is_shown(client: Api, database: Database, admin: Api) -> None:
    await insert_ticket(database, admin.person_id, breached=True, waiting_reason="all_absent")
    shown = await _read(client)
    assert shown["duradesk_database_up",] == 1
    assert shown["duradesk_tickets", "normal", "open"] == 1
    assert shown["duradesk_tickets", "low", "on_hold"] == 0
    assert shown["duradesk_tickets_overdue", "normal"] == 1
    assert shown["duradesk_tickets_waiting_for_agent", "all_absent"] == 1
    assert shown["duradesk_mails", "dead"] == 0


async def test_the_state_is_asked_for_only_every_few_seconds(
    client: Api, database: Database, admin: Api
) -> None:
    await _read(client)
    await insert_ticket(database, admin.person_id)
    assert (await _read(client))["duradesk_tickets", "normal", "open"] == 0


async def test_without_the_database_the_counters_are_still_shown(desk: Desk) -> None:
    nowhere = Database("postgresql://desk@127.0.0.1:1/desk")
    app = create_app(replace(desk, database=nowhere))
    async with AsyncClient(transport=ASGITransport(cast(Any, app)), base_url="http://desk") as client:
        shown = await _read(client)
    await nowhere.close()
    assert shown["duradesk_database_up",] == 0
    assert ("duradesk_tickets", "normal", "open") not in shown
    assert ("duradesk_passwords_total", "throttled") in shown


async def test_passwords_are_counted_by_outcome(client: Api, make_person: MakePerson) -> None:
    await make_person(email="lin@desk.example", password="a right password")
    before = await _read(client)
    for password in ("a right password", *["a wrong password"] * 12):
        await client.post("/api/v1/sessions", json={"email": "lin@desk.example", "password": password})
    after = await _read(client)
    more = {name: after[name] - before[name] for name in after if name[0] == "duradesk_passwords_total"}
    assert {name[1]: count for name, count in more.items()} == {"accepted": 1, "wrong": 10, "throttled": 2}
