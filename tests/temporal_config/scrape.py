"""A scrape of a running desk and of its Temporal server, after it met everything that alerts and dashboards are
about: work, mail, a refused call, and code that does not fit a running process.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from httpx import ASGITransport, AsyncClient
from temporalio import workflow
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.app import create_app
from api.desk import Desk
from domain.account import Role
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.metrics import metered_runtime, page_at
from runtime.settings import Settings
from runtime.supervisor import Supervisor, free_port
from runtime.temporal import connect, prepare_namespace, register_search_attributes
from storage.account import people, tokens
from storage.database import Database
from tests.adapters.mail_server import mail_server
from tests.api.work import working

Scrape = dict[str, set[str]]
"""The names of samples, each with the names of its labels."""

_SAMPLE: Final = re.compile(r"([a-zA-Z_:][\w:]*)(\{.*\})? \S+$")
_LABEL: Final = re.compile(r'(\w+)="')
_QUEUE: Final = "duradesk-rehearsal"


async def scrape(database: Database, folder: Path) -> Scrape:
    """Runs a desk with a Temporal server of its own and reads both pages."""
    async with _temporal() as (server, server_page), mail_server() as mails:
        runtime, sdk = metered_runtime()
        settings = Settings(home=folder, temporal_address=server.address, smtp_url=mails.url)
        client = await connect(settings, runtime=runtime)
        await prepare_namespace(client)
        await register_search_attributes(client)
        desk = Desk(settings=settings, database=database, temporal=client)
        app = create_app(desk, pages=[sdk])
        async with (
            AsyncClient(transport=ASGITransport(cast(Any, app)), base_url="http://desk") as api,
            working(desk),
        ):
            await _answer_a_ticket(desk, api)
            await _until(lambda: len(mails.taken) >= 1)
            await _refused(client)
            await _does_not_fit(client, sdk)
            ours, theirs = _names((await api.get("/metrics")).text), _names(await server_page())
    # The server runs workers of its own, whose figures have the SDK's names too.
    return {name: labels for name, labels in theirs.items() if not name.startswith("temporal_")} | ours


def _names(page: str) -> Scrape:
    """Read as they stand: a parser that knows about families renames what does not follow their customs."""
    found: Scrape = {}
    for line in page.splitlines():
        sample = _SAMPLE.match(line)
        if sample:
            found.setdefault(sample[1], set()).update(_LABEL.findall(sample[2] or ""))
    return found


@asynccontextmanager
async def _temporal() -> AsyncIterator[tuple[EmbeddedTemporal, Any]]:
    server, port = EmbeddedTemporal(port=free_port()), free_port()
    program = server.program()
    supervisor = Supervisor()
    try:
        await supervisor.start(replace(program, argv=(*program.argv, "--metrics-port", str(port))))
        yield server, page_at(f"http://127.0.0.1:{port}/metrics")
    finally:
        await supervisor.stop()


async def _answer_a_ticket(desk: Desk, api: AsyncClient) -> None:
    async with desk.database.writing() as writer:
        values = {"email": "manager@desk.example", "name": "Manager", "roles": [Role.MANAGER]}
        person = await people.create_person(writer, values, teams=(), password=None)
        issued = await tokens.issue(
            writer, person.id, "test", expires_at=datetime.now(UTC) + timedelta(hours=1), scopes=None
        )
    api.headers["Authorization"] = f"Bearer {issued.secret}"
    requester = {"email": "lin@customers.example", "name": "Lin"}
    body = {"subject": "Disk full", "description": "E1024", "requester": requester}
    ticket = (await api.post("/api/v1/tickets", json=body)).json()
    answer = await api.post(
        f"/api/v1/tickets/{ticket['id']}/actions/reply", json={"body": "Delete something."}
    )
    assert answer.status_code == 200, answer.text


async def _refused(client: Client) -> None:
    try:
        await client.get_workflow_handle("ticket:nowhere").query("describe")
    except (RPCError, WorkflowQueryFailedError):
        return


@workflow.defn(name="Rehearsal")
class Before:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(timedelta(days=1))

    @workflow.signal
    def go_on(self) -> None:
        """Says nothing."""


@workflow.defn(name="Rehearsal")
class After:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def go_on(self) -> None:
        """Says nothing."""


async def _does_not_fit(client: Client, sdk: Any) -> None:
    """A process begins with one code and goes on with another: what an alert has to notice."""
    options = {
        "task_queue": _QUEUE,
        "workflow_runner": UnsandboxedWorkflowRunner(),
        "max_cached_workflows": 0,
    }
    async with Worker(client, workflows=[Before], **cast(Any, options)):
        handle = await client.start_workflow(Before.run, id="rehearsal", task_queue=_QUEUE)
        await handle.query("__stack_trace")
    async with Worker(client, workflows=[After], **cast(Any, options)):
        await handle.signal(After.go_on)
        async with asyncio.timeout(30):
            while 'failure_reason="NonDeterminismError"' not in await sdk():  # noqa: ASYNC110  a page has no event
                await asyncio.sleep(0.05)


async def _until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110  the server has no event for it
            await asyncio.sleep(0.02)
