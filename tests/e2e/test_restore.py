"""A desk is backed up while it works, and goes on from the backup in an empty place: no deadline moves, nothing fires
twice, and nothing that was there is missing."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import Client, RunningDesk

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(180)]

# The first answer is late after three seconds; the resolution is warned of 25 seconds after the opening.
POLICY = {
    "name": "Seconds",
    "position": 1,
    "targets": {"normal": {"first_response": "PT3S", "resolution": "PT2H"}},
    "ladder": [
        {"clock": "first_response", "at": "100%", "do": ["tag:late"]},
        {"clock": "resolution", "at": "-PT1H59M35S", "do": ["tag:soon"]},
        {"clock": "resolution", "at": "100%", "do": ["tag:broken"]},
    ],
}


def command(home: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
    done = subprocess.run(
        (sys.executable, "-P", "-m", "cli.main", *arguments),
        env={**environment, "DURADESK_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[list[RunningDesk]]:
    desks = [RunningDesk(tmp_path / "first")]
    yield desks
    for desk in desks:
        if desk.process.poll() is None:
            desk.stop()


def create(client: Client, subject: str) -> str:
    return str(
        client.post("/tickets", {"subject": subject, "description": "磁盘空间不足"}, key=subject)["id"]
    )


def attach(desk: RunningDesk, client: Client, ticket: str, content: bytes) -> str:
    url = f"{desk.url}/api/v1/tickets/{ticket}/attachments"
    answer = httpx.post(url, files={"file": ("日志.txt", content)}, headers=client._headers, timeout=20)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def fired(client: Client, ticket: str) -> list[dict[str, Any]]:
    return [row for row in client.get(f"/tickets/{ticket}/sla/ledger")["data"] if row["fired_at"]]


def wait_until_fired(client: Client, tickets: list[str], steps: int) -> None:
    deadline = time.monotonic() + 90
    while any(len(fired(client, ticket)) < steps for ticket in tickets):
        assert time.monotonic() < deadline
        time.sleep(0.5)


class Opening:
    """Opens tickets one after the other until it is told to stop."""

    def __init__(self, client: Client) -> None:
        self._client, self._over = client, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        count = 0
        while not self._over.is_set():
            create(self._client, f"Meanwhile {count}")
            count += 1
            time.sleep(0.1)


def wait_until_each_has_its_process(client: Client) -> int:
    """Every ticket that is there is asked itself, also those that were opened while the backup was made."""
    deadline = time.monotonic() + 60
    while client.get("/processes/rebuild")["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    tickets = client.get("/tickets?page[size]=100")["data"]
    for ticket in tickets:
        process = client.get(f"/tickets/{ticket['id']}/process")
        assert process["event_number"] == client.get(f"/tickets/{ticket['id']}")["version"]
    return len(tickets)


def test_open_tickets_go_on_from_a_backup(desks: list[RunningDesk], tmp_path: Path) -> None:
    first = desks[0]
    client = Client(first)
    client.post("/people", {"email": "lin@desk.example", "name": "Lin", "roles": ["agent"]})
    client.post("/sla-policies", POLICY)
    tickets = [create(client, f"Ticket {count}") for count in range(4)]
    content = os.urandom(3_000_000)
    attached = attach(first, client, tickets[0], content)
    wait_until_fired(client, tickets, 1)
    before = {ticket: client.get(f"/tickets/{ticket}/sla/ledger")["data"] for ticket in tickets}
    timers = {ticket: client.get(f"/tickets/{ticket}/process")["timers"] for ticket in tickets}

    with Opening(client):
        said = command(first.home, "backup", str(tmp_path / "backup.tar.gz"), "--json")
    assert '"attachments": 1' in said
    first.stop()

    command(tmp_path / "second", "restore", str(tmp_path / "backup.tar.gz"))
    desks.append(RunningDesk(tmp_path / "second"))
    second = Client(desks[-1])
    for ticket in tickets:
        known = second.get(f"/tickets/{ticket}/sla/ledger")["data"]
        assert known[: len(before[ticket])] == before[ticket]
        asked = {
            timer["name"]: timer["due_at"] for timer in second.get(f"/tickets/{ticket}/process")["timers"]
        }
        promised = {timer["name"]: timer["due_at"] for timer in timers[ticket]}
        assert asked["resolution 100%"] == promised["resolution 100%"]
    wait_until_fired(second, tickets, 2)
    for ticket in tickets:
        rows = fired(second, ticket)
        assert set(Counter((row["clock"], row["cycle"], row["step"]) for row in rows).values()) == {1}
        (soon,) = [row for row in rows if row["clock"] == "resolution"]
        assert soon["due_at"] in {timer["due_at"] for timer in timers[ticket]}
        assert soon["fired_at"] >= soon["due_at"]
    url = f"{desks[-1].url}/api/v1/tickets/{tickets[0]}/attachments/{attached}"
    assert httpx.get(url, headers=second._headers, timeout=20).content == content
    assert wait_until_each_has_its_process(second) > len(tickets)
    acted = second.post(f"/tickets/{tickets[1]}/actions/resolve", {"resolution": "done"}, key="resolve")
    assert acted["status"] == "resolved"
