"""Parts of a running desk stand still or are away for a while: nobody waits long, nothing is lost or done twice."""

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from temporalio.client import Client as Temporal

from tests.adapters.mail_server import STALL, MailServer, mail_server
from tests.running import POSTGRES, TEMPORAL, WORKER, Client, RunningDesk

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(180)]

LONGEST_WAIT = 10.0
LOCAL_COMMIT = 6.0
"""Seconds after which a commit that runs locally becomes a patient one (`workflows/durable.py`)."""
SECONDS = {
    "name": "Seconds",
    "position": 1,
    "match": {"category": ["seconds"]},
    "targets": {"normal": {"first_response": "PT8S", "resolution": "PT10S"}},
    "ladder": [
        {"clock": "*", "at": "50%", "do": ["tag:soon"]},
        {"clock": "*", "at": "100%", "do": ["tag:late"]},
    ],
}


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    """A mail server with a thread of its own: these tests block."""
    there, over = threading.Event(), threading.Event()
    servers: list[MailServer] = []

    async def serve() -> None:
        async with mail_server() as server:
            servers.append(server)
            there.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    there.wait()
    yield servers[0]
    over.set()
    thread.join()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, post: MailServer) -> Iterator[RunningDesk]:
    desk = RunningDesk(tmp_path_factory.mktemp("desk") / "home", SMTP_URL=post.url)
    Client(desk).post("/sla-policies", SECONDS)
    yield desk
    desk.stop()


@pytest.fixture
def desk(running: RunningDesk) -> Iterator[RunningDesk]:
    """A desk that is whole; none of its processes may have failed in the end."""
    running.wait_until_ready()
    yield running
    running.wait_until_ready()
    assert asyncio.run(failed_processes(running)) == []


@pytest.fixture
def client(desk: RunningDesk) -> Client:
    return Client(desk)


async def failed_processes(desk: RunningDesk) -> list[str]:
    temporal = await Temporal.connect(desk.temporal_address)
    query = "ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut')"
    return [run.id async for run in temporal.list_workflows(query)]


def ticket(tag: str, **fields: Any) -> dict[str, Any]:
    return {"subject": "The disk is full", "description": "磁盘空间不足", "tags": [tag], **fields}


def tagged(client: Client, tag: str) -> list[str]:
    return [one["id"] for one in client.get(f"/tickets?tags={tag}")["data"]]


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


def refused(answer: httpx.Response, *codes: str) -> bool:
    """A problem document that says when to come again, in time."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.elapsed.total_seconds() < LONGEST_WAIT
    return answer.json()["code"] in codes


def test_what_a_suspended_worker_missed_happens_once_when_it_is_repeated(
    desk: RunningDesk, client: Client
) -> None:
    known = client.post("/tickets", ticket("known"))["id"]
    requests = {
        "open": ("/tickets", ticket("worker-away")),
        "note": (f"/tickets/{known}/actions/note", {"body": "Looked at it."}),
        "hold": (f"/tickets/{known}/actions/set_priority", {"priority": "high"}),
    }
    with desk.suspended(WORKER), ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(client.ask, "POST", *request, key) for key, request in requests.items()]
        assert all(refused(answer.result(), "no_worker") for answer in answers)
    first = [client.post(*request, key) for key, request in requests.items()]
    again = [client.post(*request, key) for key, request in requests.items()]
    assert [one["id"] for one in first] == [one["id"] for one in again]
    assert tagged(client, "worker-away") == [first[0]["id"]]
    assert len(client.get(f"/tickets/{known}/comments")["data"]) == 1
    kinds = Counter(event["type"] for event in client.get(f"/tickets/{known}/events")["data"])
    assert kinds["priority_changed"] == 1


def test_tickets_opened_and_clocks_due_without_a_database_complete(desk: RunningDesk, client: Client) -> None:
    due = [client.post("/tickets", ticket("due", category="seconds"))["id"] for _ in range(3)]
    unheard = ticket("unheard", category="seconds")
    with ExitStack() as away:
        with desk.suspended(WORKER):
            with pytest.raises(httpx.ReadTimeout):
                client.ask("POST", "/tickets", unheard, "unheard", seconds=2)
            away.enter_context(desk.gone(POSTGRES))
        # From here on the worker opens the ticket and fires steps, and cannot commit.
        patient = time.monotonic() + LOCAL_COMMIT + 3
        assert httpx.get(f"{desk.url}/healthz").status_code == 200
        ready = httpx.get(f"{desk.url}/readyz", timeout=20)
        assert (ready.status_code, ready.json()["parts"]["database"]["up"]) == (503, False)
        while time.monotonic() < patient:
            assert refused(client.ask("GET", "/tickets"), "database_away")
            assert refused(client.ask("POST", "/tickets", ticket("away"), "away"), "database_away")
            time.sleep(0.5)
    desk.wait_until_ready()
    wait_for(lambda: tagged(client, "unheard"))
    assert [client.post("/tickets", unheard, "unheard")["id"]] == tagged(client, "unheard")
    assert tagged(client, "away") == []
    for one in [*due, *tagged(client, "unheard")]:
        wait_for(lambda one=one: len(fired(client, one)) >= 4)  # type: ignore[misc]  # bound by its default
        steps = Counter((row["clock"], row["step"]) for row in fired(client, one))
        assert (len(steps), set(steps.values())) == (4, {1})
        assert all(row["fired_at"] >= row["due_at"] for row in fired(client, one))


def fired(client: Client, ticket_id: str) -> list[dict[str, Any]]:
    return [row for row in client.get(f"/tickets/{ticket_id}/sla/ledger")["data"] if row["fired_at"]]


def test_a_suspended_database_keeps_nobody_waiting(desk: RunningDesk, client: Client) -> None:
    """More ask at once than there are connections."""
    known = client.post("/tickets", ticket("before"))["id"]
    note = (f"/tickets/{known}/actions/note", {"body": "Looked at it."})
    with desk.suspended(POSTGRES), ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(client.ask, "GET", f"/tickets/{known}") for _ in range(30)]
        answers.append(pool.submit(client.ask, "POST", "/tickets", ticket("held"), "held"))
        answers.append(pool.submit(client.ask, "POST", *note, "held-note"))
        ready = pool.submit(httpx.get, f"{desk.url}/readyz", timeout=20)
        assert all(refused(answer.result(), "database_away") for answer in answers)
        assert ready.result().status_code == 503
        assert ready.result().elapsed.total_seconds() < LONGEST_WAIT
    desk.wait_until_ready()
    assert (
        client.post("/tickets", ticket("held"), "held")["id"]
        == client.post("/tickets", ticket("held"), "held")["id"]
    )
    client.post(*note, "held-note")
    client.post(*note, "held-note")
    assert len(tagged(client, "held")) == 1
    assert len(client.get(f"/tickets/{known}/comments")["data"]) == 1


@pytest.mark.parametrize("away", ["suspended", "gone"])
def test_without_temporal_reads_work_and_writes_are_refused(
    desk: RunningDesk, client: Client, away: str
) -> None:
    known = client.post("/tickets", ticket("known"))["id"]
    writes = {
        "open": ("/tickets", ticket(away)),
        "note": (f"/tickets/{known}/actions/note", {"body": "Looked at it."}),
    }
    reads = ["", "/events", "/comments", "/sla", "/sla/ledger", "/attachments"]
    with getattr(desk, away)(TEMPORAL), ThreadPoolExecutor(4) as pool:
        ready = pool.submit(httpx.get, f"{desk.url}/readyz", timeout=20)
        answers = [pool.submit(client.ask, "POST", *write, f"{away}-{key}") for key, write in writes.items()]
        answers.append(pool.submit(client.ask, "GET", f"/tickets/{known}/process"))
        for read in [
            "/tickets",
            "/tickets/statistics",
            "/escalations",
            *(f"/tickets/{known}{one}" for one in reads),
        ]:
            assert client.ask("GET", read).status_code == 200, read
        assert all(refused(answer.result(), "no_worker", "process_away") for answer in answers)
        parts = ready.result().json()["parts"]
        assert (parts["database"]["up"], parts["temporal"]["up"]) == (True, False)
    for key, write in writes.items():
        assert client.post(*write, f"{away}-{key}") == client.post(*write, f"{away}-{key}")
    assert len(tagged(client, away)) == 1
    assert len(client.get(f"/tickets/{known}/comments")["data"]) == 1


def recipient(mail: EmailMessage) -> str:
    return str(mail["To"].addresses[0].addr_spec)


def test_every_mail_arrives_though_the_server_refuses_and_the_worker_is_killed(
    desk: RunningDesk, client: Client, post: MailServer
) -> None:
    wait_for(lambda: not client.get("/notifications?channel=email&state=pending")["data"])
    post.heard, post.taken = [], []
    post.rcpt, post.data = ["451 4.3.0 Later"] * 2, [STALL] * 2
    people = [f"person{count}@customer.example" for count in range(4)]
    for person in people:
        client.post("/tickets", ticket("mailed", requester={"email": person}), person)
    wait_for(lambda: len(post.heard) == 2)
    worker = desk.part(WORKER)
    assert worker is not None
    worker.kill()
    wait_for(lambda: {recipient(mail) for mail in post.taken} >= set(people), seconds=90)
    ids = defaultdict(list)
    for mail in post.heard:
        ids[recipient(mail)].append(mail["Message-ID"])
    assert set(ids) == set(people)
    assert sorted(map(len, ids.values())) == [1, 1, 2, 2]
    assert len({name for names in ids.values() for name in names}) == len(people)
    wait_for(lambda: not client.get("/notifications?channel=email&state=pending")["data"])
