"""An upgrade: the last release works on a data directory, is stopped, and this version goes on with it."""

import asyncio
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from temporalio.api.enums.v1 import EventType

from domain import ids
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.settings import Settings
from runtime.temporal import connect
from storage.migrate import newest_revision
from tests.running import Client, RunningDesk

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]

RELEASED: Final = Path(__file__).parent / "released"
STEPS: Final = ("50%", "100%", "150%")
POLICY: Final = {
    "name": "Seconds",
    "position": 1,
    "targets": {"normal": {"first_response": "PT4S", "resolution": "PT16S"}},
    "ladder": [{"clock": "*", "at": at, "do": ["notify:manager"]} for at in STEPS],
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own, which other runs of pytest close to the user that PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="duradesk-test-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@pytest.fixture
def code(folder: Path) -> Path:
    """The packages of the last release."""
    (wheel,) = RELEASED.glob("duradesk-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "released")
    return folder / "released"


def test_open_tickets_go_on_with_the_new_version(folder: Path, code: Path) -> None:
    desk = RunningDesk(folder / "home", code=code)
    try:
        client = Client(desk)
        tickets = work_before(client)
        due = promised(client, tickets["open"])
        assert desk.stop() == 0
        desk.code = None
        desk.start()
        desk.wait_until_ready()
        assert revision(desk) == newest_revision()
        for ticket in tickets.values():
            process = client.get(f"/tickets/{ticket}/process")
            assert process["event_number"] == client.get(f"/tickets/{ticket}")["version"]
        work_after(client, tickets)
        check_promises(client, tickets["open"], due)
        assert asyncio.run(failed_tasks(desk, tickets)) == []
    finally:
        if desk.process.poll() is None:
            desk.stop()


def work_before(client: Client) -> dict[str, str]:
    """Tickets in the states in which they may be for long, and an agent to whom they belong."""
    agent = {"email": "mei@desk.example", "name": "Mei", "roles": ["agent"]}
    client.post("/people", agent)
    client.post("/sla-policies", POLICY)
    tickets = {}
    for name in ("open", "waiting", "resolved", "closed"):
        tickets[name] = str(
            client.post("/tickets", {"subject": name, "description": "磁盘空间不足"}, name)["id"]
        )
    for name in ("waiting", "resolved", "closed"):
        act(client, tickets[name], "reply", body="Have a look at /var")
    act(client, tickets["waiting"], "wait")
    act(client, tickets["resolved"], "resolve", resolution="Cleaned")
    act(client, tickets["closed"], "resolve", resolution="Cleaned")
    act(client, tickets["closed"], "close")
    return tickets


def work_after(client: Client, tickets: dict[str, str]) -> None:
    """Each of them takes its next action, and there are new ones."""
    act(client, tickets["open"], "note", body="Still full")
    act(client, tickets["waiting"], "resume")
    act(client, tickets["resolved"], "reopen", reason="Full again")
    act(client, tickets["closed"], "reopen", reason="Full again")
    assert client.get(f"/tickets/{tickets['waiting']}")["status"] == "in_progress"
    assert client.get(f"/tickets/{tickets['closed']}")["reopen_count"] == 1
    again = client.post("/tickets", {"subject": "open", "description": "磁盘空间不足"}, "open")
    assert again["id"] == tickets["open"], "a key of the old version names the same ticket"
    assert client.post("/tickets", {"subject": "new", "description": "Full"})["number"] > len(tickets)


def act(client: Client, ticket: str, action: str, **fields: Any) -> None:
    client.post(f"/tickets/{ticket}/actions/{action}", fields, f"{ticket}:{action}:{fields}"[:100])


def promised(client: Client, ticket: str) -> dict[str, str]:
    """When each clock was due by the word of the old version."""
    clocks = client.get(f"/tickets/{ticket}/sla")["clocks"]
    return {name: one["ongoing_cycle"]["due_at"] for name, one in clocks.items() if one["ongoing_cycle"]}


def check_promises(client: Client, ticket: str, due: dict[str, str]) -> None:
    """All steps fire, each once, never early, and at the times that the old version named."""
    deadline = time.monotonic() + 60
    fired: list[dict[str, Any]] = []
    while len(fired) < len(due) * len(STEPS):
        assert time.monotonic() < deadline
        time.sleep(0.5)
        fired = [row for row in client.get(f"/tickets/{ticket}/sla/ledger")["data"] if row["fired_at"]]
    assert Counter((row["clock"], row["step"]) for row in fired) == Counter(
        (clock, step) for clock in due for step in STEPS
    )
    assert all(row["fired_at"] >= row["due_at"] for row in fired)
    assert {row["clock"]: row["due_at"] for row in fired if row["step"] == "100%"} == due


def revision(desk: RunningDesk) -> str:
    with psycopg.connect(EmbeddedPostgres(desk.home).url().replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row is not None
    return str(row[0])


async def failed_tasks(desk: RunningDesk, tickets: dict[str, str]) -> list[str]:
    """The tickets whose processes stumbled over their own histories."""
    client = await connect(Settings(home=desk.home, temporal_address=desk.temporal_address))
    failed = []
    for name, ticket in tickets.items():
        history = await client.get_workflow_handle(ids.workflow_id("ticket", ticket)).fetch_history()
        if any(one.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED for one in history.events):
            failed.append(name)
    return failed


def test_the_wheel_is_the_code_that_is_run(code: Path) -> None:
    """Without this, the test above might start the code of today twice."""
    words = (
        sys.executable,
        "-P",
        "-c",
        "import cli.main, workflows.ticket as t; print(cli.main.__file__, t.__file__)",
    )
    done = subprocess.run(words, env={"PYTHONPATH": str(code)}, capture_output=True, text=True, check=True)
    assert all(path.startswith(str(code)) for path in done.stdout.split())
