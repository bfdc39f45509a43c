"""No deadline lost, whatever dies: clocks run while the worker, Temporal and then everything is killed."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from tests.running import Client, RunningDesk

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(180)]

TICKETS = 16
POLICY = {
    "name": "Seconds",
    "position": 1,
    "targets": {"normal": {"first_response": "PT6S", "resolution": "PT12S"}},
    "ladder": [
        {"clock": "*", "at": "50%", "do": ["notify:assignee"]},
        {"clock": "*", "at": "100%", "do": ["notify:lead", "tier:2"]},
        {"clock": "*", "at": "150%", "do": ["notify:manager", "tag:late"]},
    ],
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    desk = RunningDesk(tmp_path / "home")
    yield desk
    if desk.process.poll() is None:
        desk.stop()


def kill_everything(desk: RunningDesk) -> None:
    parent = psutil.Process(desk.process.pid)
    for process in [parent, *parent.children(recursive=True)]:
        process.kill()
    desk.process.wait(timeout=10)
    assert desk.process.stdout
    desk.process.stdout.close()


def kill(desk: RunningDesk, part: str) -> None:
    process = desk.part(part)
    assert process is not None
    process.kill()


def test_every_step_fires_once_and_never_early_whatever_is_killed(desk: RunningDesk) -> None:
    client = Client(desk)
    for tier in (1, 1, 2):
        name = f"agent{tier}-{time.monotonic_ns()}"
        client.post(
            "/people", {"email": f"{name}@desk.example", "name": name, "roles": ["agent"], "tier": tier}
        )
    client.post("/sla-policies", POLICY)

    def create(count: int) -> str:
        time.sleep(count * 0.4)  # spread over all three kills
        body = {"subject": f"Ticket {count}", "description": "磁盘空间不足"}
        return str(client.post("/tickets", body, key=f"create-{count}")["id"])

    with ThreadPoolExecutor(TICKETS) as pool:
        created = [pool.submit(create, count) for count in range(TICKETS)]
        time.sleep(1.5)
        kill(desk, "cli.main worker")
        time.sleep(2.0)
        kill(desk, "server start-dev")
        time.sleep(2.5)
        kill_everything(desk)
        desk.start()
        tickets = [one.result() for one in created]

    assert len(set(tickets)) == TICKETS
    assert client.get("/tickets/statistics")["total_tickets"] == TICKETS
    answered = tickets[0]
    wait_until_all_is_fired(client, tickets)
    client.post(f"/tickets/{answered}/actions/resolve", {"resolution": "done"}, key="resolve")
    for ticket in tickets:
        rows = client.get(f"/tickets/{ticket}/sla/ledger")["data"]
        fired = [row for row in rows if row["fired_at"]]
        steps = Counter((row["clock"], row["cycle"], row["step"]) for row in fired)
        assert set(steps.values()) == {1}
        assert {step for _, _, step in steps} == {"50%", "100%", "150%"}
        assert all(row["fired_at"] >= row["due_at"] for row in fired)
        process = client.get(f"/tickets/{ticket}/process")
        assert process["event_number"] == client.get(f"/tickets/{ticket}")["version"]
    assert client.get(f"/tickets/{answered}")["status"] == "resolved"


def wait_until_all_is_fired(client: Client, tickets: list[str]) -> None:
    """Six steps a ticket: two clocks, three steps each."""
    deadline = time.monotonic() + 90
    missing = list(tickets)
    while missing and time.monotonic() < deadline:
        time.sleep(1)
        missing = [
            ticket
            for ticket in missing
            if sum(1 for row in client.get(f"/tickets/{ticket}/sla/ledger")["data"] if row["fired_at"]) < 6
        ]
    assert not missing
