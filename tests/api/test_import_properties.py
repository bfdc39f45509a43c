"""Whatever a desk exports, another one takes, and exports the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.desk import Desk
from domain.sla.ledger import Entry
from domain.sla.policy import ClockName
from domain.ticket.fields import ACTIVE, Channel, Kind, Priority, Status, Visibility
from tests.api.conftest import Api, MakePerson
from tests.api.lines import NUMBERS, exported, imported, left
from tests.api.work import working


@pytest.fixture(autouse=True)
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


WORDS: Final = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30
).filter(lambda value: bool(value.strip()) and value == value.strip())
BODIES_OF_TEXT: Final = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=80
).filter(lambda value: bool(value.strip()))
TIMES: Final = st.datetimes(datetime(1970, 1, 2), datetime(2026, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  the zone is given
    lambda at: at.isoformat().replace("+00:00", "Z")
)
RECENT: Final = st.just((datetime.now(UTC) - timedelta(days=1)).isoformat().replace("+00:00", "Z"))
"""Or it would be closed at once."""
PEOPLE: Final = st.sampled_from(
    [{"email": f"{name.lower()}@people.example", "name": name} for name in ("Ada", "Bo", "Cy")]
)
FIELDS: Final = st.dictionaries(
    st.sampled_from(["node", "磁盘", "x"]),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS | st.lists(WORDS, max_size=2),
    max_size=3,
)


@st.composite
def tickets(draw: st.DrawFn) -> dict[str, Any]:
    """Any ticket that a desk could have exported."""
    status = draw(st.sampled_from([one for one in Status if one is not Status.MERGED]))
    active = status in ACTIVE
    return {
        "id": str(uuid4()),
        "number": next(NUMBERS),
        "external_id": None,
        "subject": draw(WORDS),
        "description": draw(BODIES_OF_TEXT),
        "status": status,
        "priority": draw(st.sampled_from(Priority)),
        "requested_priority": draw(st.sampled_from(Priority)),
        "category": draw(st.none() | st.sampled_from(["storage", "网络"])),
        "kind": draw(st.none() | st.sampled_from(Kind)),
        "channel": draw(st.sampled_from(Channel)),
        "tier": draw(st.integers(1, 3)),
        "requester": draw(PEOPLE),
        "organization": None,
        "assignee": {"email": "agent@desk.example", "name": "Agent"},
        "team": None,
        "merged_into": None,
        "tags": draw(st.lists(st.sampled_from(["late", "vip", "磁盘"]), max_size=3, unique=True)),
        "custom_fields": draw(FIELDS),
        "reopen_count": draw(st.integers(0, 5)),
        "satisfaction": draw(st.none() | st.integers(1, 5)),
        "created_at": draw(TIMES),
        "updated_at": draw(TIMES),
        "first_responded_at": draw(st.none() | TIMES),
        "resolved_at": None if active else draw(RECENT if status is Status.RESOLVED else TIMES),
        "closed_at": draw(TIMES) if status == "closed" else None,
        "collaborators": draw(st.lists(PEOPLE, max_size=2, unique_by=lambda one: str(one["email"]))),
        "watchers": draw(st.lists(PEOPLE, max_size=2, unique_by=lambda one: str(one["email"]))),
        "comments": draw(st.lists(comments(), max_size=3)),
        "events": draw(st.lists(events(), max_size=3)),
        "ledger": draw(st.lists(entries(), max_size=4)),
    }


@st.composite
def comments(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "author": draw(st.none() | PEOPLE),
        "visibility": draw(st.sampled_from(Visibility)),
        "body": draw(BODIES_OF_TEXT),
        "at": draw(TIMES),
    }


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "type": draw(st.sampled_from(["opened", "replied", "resolved", "reopened", "merged", "unmerged"])),
        "at": draw(TIMES),
        "actor": draw(st.none() | PEOPLE),
        "cause": draw(st.none() | WORDS),
        "data": draw(FIELDS),
    }


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """Rows in any order, as no desk would write them."""
    kind = draw(st.sampled_from(Entry))
    steps = (Entry.WARN, Entry.BREACH, Entry.ESCALATE)
    at = draw(TIMES)
    return {
        "clock": draw(st.sampled_from(ClockName)),
        "cycle": draw(st.integers(0, 2)),
        "kind": kind,
        "at": at,
        "cause": draw(WORDS),
        "step": draw(st.none() | WORDS),
        "due_at": draw(TIMES) if kind in steps else None,
        "fired_at": at if kind in steps else None,
        "started_at": draw(st.none() | TIMES),
        "target": "PT4H",
        "elapsed": draw(st.sampled_from(["PT0S", "PT5H", "PT876000H"])),
        "missed": draw(st.integers(0, 2**31 - 1)),
        "policy_id": str(uuid4()),
        "policy_version": draw(st.integers(0, 2**31 - 1)),
        "calendar_version": draw(st.integers(0, 2**31 - 1)),
    }


async def test_whatever_was_exported_comes_in_and_goes_out_the_same(
    admin: Api, make_person: MakePerson
) -> None:
    await make_person("agent", email="agent@desk.example", name="Agent")
    loop = asyncio.get_running_loop()

    async def there_and_back(ticket: dict[str, Any]) -> None:
        await imported(admin, ticket)
        once = await exported(admin, ticket["id"])
        wanted = {**ticket, "comments": sorted(ticket["comments"], key=lambda one: (one["at"], one["id"]))}
        for name in ("collaborators", "watchers"):
            wanted[name] = sorted(ticket[name], key=lambda one: str(one["email"]))
        known = left(once)
        assert {name: known[name] for name in ticket if name in known} == left(wanted)
        assert once["ledger"][: len(ticket["ledger"])] == ticket["ledger"]
        await imported(admin, once)
        assert await exported(admin, ticket["id"]) == once

    @settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
    @given(tickets())
    def every(ticket: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(there_and_back(ticket), loop).result()

    await asyncio.to_thread(every)
