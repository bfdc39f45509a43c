"""Finding tickets over HTTP: the query language, its mistakes, relevance, and what nobody else may read."""

from base64 import urlsafe_b64encode
from typing import Any

import orjson
import pytest

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.work import working
from tests.rows import insert_ticket

PATH = "/api/v1/tickets"


async def found(api: Api, q: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = await api.get(PATH, params={"q": q, **parameters})
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_what_is_said_and_edited_is_found_as_far_as_it_may_be_read(
    desk: Desk, admin: Api, make_person: MakePerson
) -> None:
    asker = await make_person("requester")
    async with working(desk):
        body = {"subject": "磁盘空间不足", "description": "Node E1024 stopped"}
        ticket = (await asker.post(PATH, json=body)).json()
        act = f"{PATH}/{ticket['id']}/actions"
        assert (await admin.post(f"{act}/note", json={"body": "他总是这样 difficult"})).status_code == 200
        assert (await admin.post(f"{act}/reply", json={"body": "Cleaned /var/spool"})).status_code == 200
        for words, sees in {
            "磁盘": {admin, asker},
            "E1024 /var/spool": {admin, asker},
            "difficult": {admin},
            "总是": {admin},
            f"#{ticket['number']}": {admin, asker},
        }.items():
            for api in (admin, asker):
                assert [one["id"] for one in await found(api, words)] == [ticket["id"]] * (api in sees), words
        (one,) = await found(admin, "difficult spool")
        fragments = {(mark["field"], mark["text"]) for mark in one["highlights"]}
        assert fragments == {("comment", "他总是这样 difficult"), ("comment", "Cleaned /var/spool")}
        (one,) = await found(asker, "cleaned")
        assert [mark["text"] for mark in one["highlights"]] == ["Cleaned /var/spool"]
        changes = {"subject": "内存不足", "description": "Node <b>stopped</b>"}
        assert (await admin.patch(f"{PATH}/{ticket['id']}", json=changes)).status_code == 200
        assert await found(admin, "磁盘") == []
        (one,) = await found(admin, "内存 difficult stopped")
        description = one["highlights"][1]
        assert description["text"] == "Node <b>stopped</b>"
        assert [description["text"][start:end] for start, end in description["marks"]] == ["stopped"]


@pytest.mark.parametrize(
    ("q", "code"),
    [
        ("stauts:open", "unknown_field"),
        ("status:opne", "unknown_value"),
        ("created:>soon", "invalid_time"),
        ("created:2026-02-01..2026-01-01", "invalid_time"),
        ('"open end', "quote_open"),
        ("x " * 10_000, "query_too_long"),
        ("a " * 51, "query_too_many_terms"),
        (".*(a+)+$" * 200, None),
        ("((((" * 100, "query_empty"),
        ("^.*$", "query_empty"),
        ("", "query_empty"),
        ("team:Nowhere", "unknown_team"),
        ("' OR 1=1; DROP TABLE tickets --", None),
        ("x* b !c & | <-> \\ '", None),
        ("%s {0} $1 :x", None),
    ],
)
async def test_a_query_is_answered_or_refused_with_its_place(admin: Api, q: str, code: str | None) -> None:
    answer = await admin.get(PATH, params={"q": q})
    assert answer.status_code == (422 if code else 200), answer.text
    if code:
        assert answer.json()["code"] == code
        assert answer.json()["errors"][0]["field"] == "q"
        assert code.startswith("unknown_team") or answer.json()["position"] >= 0
    if code == "unknown_value":
        assert "open" in answer.json()["allowed"]


async def test_forged_cursors_reach_no_query(admin: Api) -> None:
    def cursor(*key: Any) -> str:
        return urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")

    now, one = "2026-11-21T00:00:00Z", "0190b6c8-5a4e-7d2c-9a51-3f6d5f9c7a11"
    for forged in (
        "%%%", cursor("-created_at"), cursor("-created_at", now), cursor("created_at", now, one),
        cursor("-created_at", 7, one), cursor("-created_at", now, one, one), cursor("-created_at", "x", one),
        cursor("priority", 1, one), "A" * 2001,
    ):  # fmt: skip
        answer = await admin.get(PATH, params={"page[after]": forged})
        assert answer.status_code == 422, forged
    for sort, key in (("priority", (9, now, one)), ("relevance", (-5, one)), ("number", (2**62, one))):
        asked = {"sort": sort, "q": "x", "page[after]": cursor(sort, *key)}
        assert (await admin.get(PATH, params=asked)).status_code == 200


async def test_relevance_needs_words(admin: Api, desk: Desk) -> None:
    refused = await admin.get(PATH, params={"sort": "relevance", "q": "status:open"})
    assert (refused.status_code, refused.json()["code"]) == (422, "relevance_needs_words")
    for subject in ("disk", "disk and disk", "none of it"):
        await insert_ticket(desk.database, admin.person_id, subject=subject)
    first = (await admin.get(PATH, params={"sort": "relevance", "q": "disk", "page[size]": 1})).json()
    second = (await admin.get(first["links"]["next"])).json()
    assert [page["meta"]["has_more"] for page in (first, second)] == [True, False]
    assert {page["data"][0]["subject"] for page in (first, second)} == {"disk", "disk and disk"}


async def test_a_day_is_one_of_whoever_asks(desk: Desk, make_person: MakePerson) -> None:
    east = await make_person("manager", time_zone="Pacific/Kiritimati")  # fourteen hours before UTC
    west = await make_person("manager", time_zone="Pacific/Niue")  # eleven hours behind it
    await insert_ticket(desk.database, east.person_id)
    assert len(await found(east, "created:today")) == len(await found(west, "created:today")) == 1
    (one,) = await found(east, "created:today")
    day = one["created_at"][:10]
    assert len(await found(east, f"created:{day}")) + len(await found(west, f"created:{day}")) == 1


async def test_the_query_goes_with_parameters_and_statistics(desk: Desk, admin: Api) -> None:
    for status in ("open", "open", "closed"):
        await insert_ticket(desk.database, admin.person_id, status=status, category="storage")
    assert len(await found(admin, "printer", status="open")) == 2
    assert len(await found(admin, "printer -status:open", category="storage")) == 1
    for q, total in {"printer": 3, "status:open": 2, "printer status:open": 2, "the": 0, "absent": 0}.items():
        figures = (await admin.get(f"{PATH}/statistics", params={"q": q})).json()
        assert (figures["total_tickets"], sum(figures["by_status"].values())) == (total, total)
        assert figures["resolution_time"] == {"mean": None, "p50": None, "p90": None}


async def test_a_list_without_words_has_no_highlights(desk: Desk, admin: Api) -> None:
    await insert_ticket(desk.database, admin.person_id)
    assert [one["highlights"] for one in await found(admin, "status:open")] == [None]
    (one,) = await found(admin, "fire")
    assert one["highlights"] == [
        {"field": "subject", "comment": None, "text": "The printer is on fire", "marks": [[18, 22]]}
    ]


async def test_tickets_without_a_kind_are_found_by_filter_and_by_query(desk: Desk, admin: Api) -> None:
    without = await insert_ticket(desk.database, admin.person_id)
    await insert_ticket(desk.database, admin.person_id, kind="fault")
    for parameters in ({"kind": "none"}, {"q": "kind:none"}):
        answer = await admin.get(PATH, params=parameters)
        assert [one["id"] for one in answer.json()["data"]] == [str(without)], parameters
