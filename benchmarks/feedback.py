"""Feedback: votes over HTTP, and telling ten thousand voters of an answer; beside it a bare insert of as many rows."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import psycopg

from benchmarks.crowd import insert_followers
from benchmarks.desk import PASSWORD, BenchDesk, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.wire import Connection
from storage.database import Database

VOTERS: Final = {"short": 2000, "long": 10_000}
ITEMS: Final = {"short": 50, "long": 200}
_CLIENTS: Final = 8
_PAGE: Final = 500
_READS: Final = 20
_COPY: Final = "CREATE TABLE bare (LIKE notifications INCLUDING ALL)"
_BARE: Final = """
    INSERT INTO bare (id, event_key, recipient_id, channel, kind, params, locale, state, created_at)
    SELECT gen_random_uuid(), 'bare', person_id, 'in_app', 'feedback_answered', '{}', 'en', 'unread',
        now()
    FROM feedback_followers WHERE feedback_id = %s ORDER BY person_id LIMIT %s OFFSET %s
"""
_TOLD: Final = """
    SELECT count(DISTINCT recipient_id), count(*), bool_and(done_at IS NOT NULL)
    FROM notifications JOIN feedback_turns ON event_key =
        concat_ws(':', 'feedback', feedback_id, version, feedback_turns.kind)
    WHERE feedback_id = %s AND feedback_turns.kind = 'feedback_answered' AND channel = 'in_app'
"""


async def measure(size: str) -> Section:
    count, items = VOTERS[size], ITEMS[size]
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk())
        admin = await stack.enter_async_context(desk.connection(desk.admin_token))
        votes, together = await _vote(desk, admin, items)
        item = await _submit(admin, "Everybody wants this")
        database = Database(desk.database_url())
        await insert_followers(database, UUID(item), count)
        await database.close()
        async with await psycopg.AsyncConnection.connect(desk.database_url(), autocommit=True) as rows:
            answered, told = await _tell(admin, rows, item, count)
            bare = await _insert(rows, item, count)
        reads = []
        for _ in range(_READS):
            began = time.perf_counter()
            (await admin.get(f"/api/v1/feedback/{item}/deliveries")).expect(200)
            reads.append(time.perf_counter() - began)
    return Section(
        "Feedback",
        f"{_CLIENTS} people vote for {items} items over HTTP. Then one item of {count} voters is answered: the "
        "request, and the time until the last of them has a notification. Beside it as many rows of the same table are "
        "inserted in the same pages, without a desk.",
        [
            Table(
                ("", "count", "seconds", "a second"),
                [
                    ("votes", len(votes), together, len(votes) / together),
                    ("voters told", count, told, count / told),
                    ("rows, bare", count, bare, count / bare),
                ],
            )
        ],
        [
            Goal("p50 of a vote", percentile(votes, 0.5) * 1000, at_most=60, unit="ms"),
            Goal("answering what many follow", answered * 1000, at_most=500, unit="ms"),
            Goal("voters told a second", count / told, at_least=1000),
            Goal("p50 of the ledger of deliveries", percentile(reads, 0.5) * 1000, at_most=100, unit="ms"),
        ],
    )


async def _submit(admin: Connection, title: str) -> str:
    body = {"title": title, "body": "It would help.", "kind": "suggestion"}
    item = str((await admin.post("/api/v1/feedback", body)).expect(201)["id"])
    (await admin.post(f"/api/v1/feedback/{item}/actions/triage", {})).expect(200)
    return item


async def _vote(desk: BenchDesk, admin: Connection, count: int) -> tuple[list[float], float]:
    """How long each vote took, and all of them together."""
    items = [await _submit(admin, f"Item {number}") for number in range(count)]
    async with AsyncExitStack() as stack:
        voters = []
        for number in range(_CLIENTS):
            email = f"voter{number}@desk.example"
            person = {"email": email, "name": f"Voter {number}", "password": PASSWORD}
            (await admin.post("/api/v1/people", person)).expect(201)
            connection = desk.connection(await desk.sign_in(email))
            voters.append(await stack.enter_async_context(connection))

        each: list[float] = []

        async def vote(voter: Connection) -> None:
            for item in items:
                began = time.perf_counter()
                (await voter.post(f"/api/v1/feedback/{item}/vote")).expect(200)
                each.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(vote(voter) for voter in voters))
        return each, time.perf_counter() - began


async def _tell(
    admin: Connection, rows: psycopg.AsyncConnection[Any], item: str, count: int
) -> tuple[float, float]:
    """Until the answer to the request, and until everybody was told; raises if somebody was told twice."""
    began = time.perf_counter()
    (await admin.post(f"/api/v1/feedback/{item}/actions/answer", {"body": "It is on its way."})).expect(200)
    answered = time.perf_counter() - began
    while True:
        found = await (await rows.execute(_TOLD, (item,))).fetchone()
        if found is not None and found[2] and found[0] >= count:
            break
        await asyncio.sleep(0.02)
    told = time.perf_counter() - began
    if found[0] != found[1]:
        raise RuntimeError(f"{found[1]} notifications for {found[0]} people")
    return answered, told


async def _insert(rows: psycopg.AsyncConnection[Any], item: str, count: int) -> float:
    await rows.execute(_COPY)
    began = time.perf_counter()
    for start in range(0, count, _PAGE):
        await rows.execute(_BARE, (item, _PAGE, start))
    return time.perf_counter() - began
