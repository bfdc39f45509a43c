"""One request can be followed through every hop: in log lines by its ids, and in one trace up to the mail server."""

import asyncio
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import structlog
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from api.desk import Desk
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.interceptor import HEADER
from runtime.keys import new_key
from runtime.logging import configure_logging
from runtime.settings import Settings
from runtime.temporal import connect
from runtime.tracing import start_tracing
from tests.adapters.mail_server import MailServer, mail_server
from tests.api.collector import collector
from tests.api.conftest import MakePerson
from tests.api.work import working
from tests.runtime.test_logging import restored

REQUEST = "a-request-of-mine"


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(params=["clear", "encrypted"])
async def desk(
    desk: Desk, mails: MailServer, temporal_server: EmbeddedTemporal, request: pytest.FixtureRequest
) -> Desk:
    """A desk with a mail server, whose histories are in clear or encrypted."""
    key = new_key().text if request.param == "encrypted" else ""
    temporal = await connect(
        Settings(temporal_address=temporal_server.address, encryption_key=SecretStr(key))
    )
    settings = desk.settings.model_copy(update={"smtp_url": mails.url})
    return replace(desk, settings=settings, temporal=temporal)


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    return create_app(desk)


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """The log lines of the test, in JSON, read when it looks at them."""
    stream = io.StringIO()

    class Lines(list[dict[str, Any]]):
        def __iter__(self) -> Iterator[dict[str, Any]]:
            return iter([orjson.loads(line) for line in stream.getvalue().splitlines()])

    with restored():
        configure_logging(Settings(log_format="json", log_level="DEBUG"), stream=stream)
        yield Lines()


async def _answered_by_mail(desk: Desk, mails: MailServer, make_person: MakePerson) -> str:
    """The id of a ticket that an agent has answered by the request REQUEST; the answer was mailed."""
    requester, manager = await make_person(), await make_person("manager")
    async with working(desk):
        ticket = (
            await requester.post("/api/v1/tickets", json={"subject": "Disk full", "description": "E1024"})
        ).json()
        await _until_mails(mails, 1)
        structlog.contextvars.clear_contextvars()
        answer = await manager.post(
            f"/api/v1/tickets/{ticket['id']}/actions/reply",
            json={"body": "Delete something."},
            headers={"X-Request-Id": REQUEST},
        )
        assert answer.status_code == 200, answer.text
        await _until_mails(mails, 2)
    return str(ticket["id"])


async def _until_mails(mails: MailServer, count: int) -> None:
    async with asyncio.timeout(30):
        while len(mails.taken) < count:  # noqa: ASYNC110  the server has no event for it
            await asyncio.sleep(0.02)


async def test_log_lines_of_every_hop_tell_request_ticket_and_workflow(
    desk: Desk, mails: MailServer, make_person: MakePerson, lines: list[dict[str, Any]]
) -> None:
    ticket = await _answered_by_mail(desk, mails, make_person)
    mine = [line for line in lines if line.get("request_id") == REQUEST]
    (request,) = (line for line in mine if line["event"] == "request")
    (update,) = (line for line in mine if line["event"] == "handle update")
    commit, send = (line for line in mine if line["event"] == "activity")
    assert (commit["activity"], send["activity"]) == ("commit_ticket", "send_notification")
    assert {line["ticket_id"] for line in (request, update, commit)} == {ticket}
    assert {line["workflow_id"] for line in (update, commit)} == {f"ticket:{ticket}"}
    history = await desk.temporal.get_workflow_handle(f"ticket:{ticket}").fetch_history()
    assert any(
        HEADER in event.activity_task_scheduled_event_attributes.header.fields for event in history.events
    )
    assert send["workflow_id"].startswith(f"notification:{send['notification_id']}")
    assert "run_id" in update
    commits = [
        line for line in lines if line.get("activity") == "commit_ticket" and line["ticket_id"] == ticket
    ]
    assert len(commits) == 2
    assert all("request_id" in line for line in commits)
    assert not [line for line in lines if "E1024" in str(line)], "a text of a ticket is in the log"


async def test_one_trace_goes_from_the_request_over_all_hops_to_the_mail_server(
    desk: Desk, mails: MailServer, make_person: MakePerson
) -> None:
    with collector() as found:
        stop = start_tracing(Settings(otlp_endpoint=found.url), "test")
        try:
            await _answered_by_mail(desk, mails, make_person)
        finally:
            stop()
    assert found.services == {"duradesk-test"}
    spans = found.trace_of("POST /api/v1/tickets/{ticket_id}/actions/reply")
    by_id = {span.span_id: span for span in spans}
    (last,) = (span for span in spans if span.name == "smtp")
    way = [last.name]
    while last.parent_span_id:
        last = by_id[last.parent_span_id]
        way.insert(0, last.name)
    assert way == [
        "POST /api/v1/tickets/{ticket_id}/actions/reply",
        "update act",
        "handle update act",
        "commit_ticket",
        "start Notification",
        "run Notification",
        "send_notification",
        "smtp",
    ]


def test_what_goes_wrong_is_told_without_its_text() -> None:
    with collector() as found:
        stop = start_tracing(Settings(otlp_endpoint=found.url), "test")
        from runtime.tracing import span

        with pytest.raises(ValueError, match="lin"), span("failing"):
            raise ValueError("lin.wei@customers.example")
        stop()
    (span_,) = found.spans
    assert span_.status.message == "ValueError"
    assert b"lin.wei" not in span_.SerializeToString()


def test_without_an_endpoint_nothing_of_the_exporter_is_imported() -> None:
    code = (
        "import sys, cli.api, cli.worker\n"
        "from runtime.settings import Settings\n"
        "from runtime.tracing import span, start_tracing\n"
        "start_tracing(Settings(), 'api')\n"
        "with span('nothing') as nothing: assert nothing is None\n"
        "assert not {'opentelemetry.sdk', 'opentelemetry.exporter', 'requests'} & set(sys.modules)\n"
    )
    subprocess.run((sys.executable, "-c", code), check=True)
