"""No deadline lost, whatever dies: clocks run while the worker, Temporal and then everything is killed."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from tests.running import Client, RunningDesk

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(400)]

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
    """The supervisor first; what the kernel or another's end takes along meanwhile is dead as well."""
    parent = psutil.Process(desk.process.pid)
    for process in [parent, *parent.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
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
    wait_until(lambda: all(all_is_fired(client, ticket) for ticket in tickets))
    client.post(f"/tickets/{answered}/actions/resolve", {"resolution": "done"}, key="resolve")
    for ticket in tickets:
        rows = client.get(f"/tickets/{ticket}/sla/ledger")["data"]
        fired = [row for row in rows if row["fired_at"]]
        steps = Counter((row["clock"], row["cycle"], row["step"]) for row in fired)
        assert set(steps.values()) == {1}
        assert {step for _, _, step in steps} == {"50%", "100%", "150%"}
        assert all(row["fired_at"] >= row["due_at"] for row in fired)
    wait_until(lambda: all(list_and_process_agree(client, ticket) for ticket in tickets))
    assert client.get(f"/tickets/{answered}")["status"] == "resolved"


def all_is_fired(client: Client, ticket: str) -> bool:
    """Six steps a ticket: two clocks, three steps each."""
    return sum(1 for row in client.get(f"/tickets/{ticket}/sla/ledger")["data"] if row["fired_at"]) >= 6


def list_and_process_agree(client: Client, ticket: str) -> bool:
    """In the end: a ticket that waited for somebody free is assigned in between."""
    told = client.get(f"/tickets/{ticket}/process")["event_number"]
    return bool(told == client.get(f"/tickets/{ticket}")["version"])


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not met():
        assert time.monotonic() < deadline
        time.sleep(1)
