"""What the doctor says of figures, and of a desk with a worker, an API and its own troubles."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import Client

from cli.doctor import finding
from cli.doctor.finding import Level
from domain import ids
from domain.notification.record import State
from domain.queues import DELIVERY
from domain.reconciliation import Kind
from runtime.embedded.temporal import EmbeddedTemporal
from storage.gauges import NONE
from storage.migrate import newest_revision
from tests.cli.conftest import Done, ListeningDesk, Terminal
from tests.conftest import free_port, ready_client, running_temporal
from workers.main import worker_for
from workers.schedules import SCHEDULES, ensure_schedules

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
INSTANT = timedelta(0)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (finding.disk(199 * 10**6, "/srv"), Level.PROBLEM),
        (finding.disk(201 * 10**6, "/srv"), Level.WARNING),
        (finding.disk(3 * 10**9, "/srv"), Level.OK),
        (finding.skew(NOW, NOW + timedelta(seconds=1.9), INSTANT), Level.OK),
        (finding.skew(NOW, NOW - timedelta(seconds=2), INSTANT), Level.WARNING),
        (finding.skew(NOW, NOW + timedelta(seconds=5), timedelta(seconds=4)), Level.OK),
        (finding.skew(NOW, NOW + timedelta(seconds=31), INSTANT), Level.PROBLEM),
        (finding.postgres(150_004), Level.OK),
        (finding.postgres(140_012), Level.PROBLEM),
        (finding.migrations("2", "2", known=True), Level.OK),
        (finding.migrations("1", "2", known=True), Level.PROBLEM),
        (finding.migrations("3", "2", known=False), Level.PROBLEM),
        (finding.migrations(None, "2", known=False), Level.PROBLEM),
        (finding.outbox(replace(NONE, outbox=9, outbox_age=59)), Level.OK),
        (finding.outbox(replace(NONE, outbox=1, outbox_age=60)), Level.PROBLEM),
        (finding.steps(replace(NONE, overdue=1, overdue_age=60)), Level.PROBLEM),
        (finding.mails(NONE), Level.OK),
        (finding.mails(replace(NONE, mails={State.DEAD: 1, State.PENDING: 0})), Level.WARNING),
        (finding.mails(replace(NONE, mail_age=3600)), Level.WARNING),
        (finding.schedule("s", NOW - 1.4 * HOUR, NOW, HOUR, paused=False), Level.OK),
        (finding.schedule("s", NOW - 1.6 * HOUR, NOW, HOUR, paused=False), Level.PROBLEM),
        (finding.schedule("s", NOW, NOW, HOUR, paused=True), Level.WARNING),
    ],
)
def test_figures_are_judged(found: finding.Finding, level: Level) -> None:
    assert found.level is level
    assert bool(found.advice) is (level is not Level.OK)


def test_a_schema_that_is_too_old_and_one_that_is_too_new_get_other_advice() -> None:
    older, newer = finding.migrations("1", "2", known=True), finding.migrations("3", "2", known=False)
    assert "duradesk migrate" in older.advice
    assert "newer version" in newer.words


def test_each_trouble_of_processes_is_told_by_itself() -> None:
    found = finding.processes({Kind.AHEAD: 1, Kind.LOST: 2}, sample=9, lost=1, stuck=3, failed=4)
    assert [one.check for one in found] == ["lost", "stuck", "failed", "ahead", "reconciliation"]
    (well,) = finding.processes({}, sample=9, lost=0, stuck=0, failed=0)
    assert well.level is Level.OK


class Patient:
    """A desk to look at, and the doctor's word on it."""

    def __init__(self, listening: ListeningDesk, terminal: Terminal) -> None:
        self.listening, self.terminal = listening, terminal
        self.database = listening.desk.database

    async def examined(self, **settings: str) -> tuple[Done, dict[tuple[str, str], list[str]]]:
        """What the command left behind, and the words by check and level."""
        done = await self.terminal("doctor", "--json", **settings)
        found: dict[tuple[str, str], list[str]] = {}
        for one in done.json["findings"]:
            found.setdefault((one["check"], one["level"]), []).append(one["words"])
        return done, found

    async def run(self, statement: str, **values: Any) -> None:
        async with self.database.writing() as writer:
            await writer.execute(text(statement), values)


@pytest.fixture(scope="module")
async def temporal_server(short_folder: Path) -> AsyncIterator[EmbeddedTemporal]:
    """A server of their own: on the shared one lie the troubles that other tests make on purpose."""
    async with running_temporal(short_folder / "log" / "doctor-temporal.log") as server:
        yield server


@pytest.fixture(scope="module")
async def temporal(temporal_server: EmbeddedTemporal) -> Client:
    return await ready_client(temporal_server)


@pytest.fixture
async def patient(
    listening: ListeningDesk, temporal: Client, temporal_server: EmbeddedTemporal, postgres_url: str
) -> AsyncIterator[Patient]:
    """Everything is there: workers of both queues, schedules, the newest schema."""
    settings = {"DATABASE_URL": postgres_url, "TEMPORAL_ADDRESS": temporal_server.address}
    patient = Patient(listening, Terminal(**{**listening.terminal.settings, **settings}))
    delivery = worker_for(DELIVERY, listening.desk.settings, patient.database, temporal)
    await patient.run("CREATE TABLE alembic_version (version_num text)")
    await patient.run("INSERT INTO alembic_version VALUES (:newest)", newest=newest_revision())
    await ensure_schedules(temporal)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(patient.run, "DROP TABLE alembic_version")
        for one in SCHEDULES:
            stack.push_async_callback(temporal.get_schedule_handle(one.id).delete)
        await stack.enter_async_context(delivery)
        yield patient


async def test_a_desk_that_is_well_is_told_so(patient: Patient) -> None:
    done, found = await patient.examined()
    assert done.code == 0, found
    assert done.json["well"] is True
    checks = {"versions", "disk", "api", "attachments", "database", "clock", "migrations", "outbox", "steps"}
    checks |= {"mails", "temporal", "workers", "schedules", "processes"}
    assert checks <= {check for check, level in found if level == "ok"}
    assert len(found["workers", "ok"]) == 3
    assert ("smtp", "warning") in found
    words = await patient.terminal("doctor")
    assert words.code == 0
    assert "The desk is well." in words.out


async def test_everything_that_is_wrong_is_told_at_once(patient: Patient, temporal: Client) -> None:
    ticket = (
        await patient.terminal("ticket", "create", "--subject", "Lost", "--description", "x", "--json")
    ).json
    await temporal.get_workflow_handle(ids.workflow_id("ticket", ticket["id"])).terminate()
    await temporal.get_schedule_handle(SCHEDULES[0].id).pause()
    await patient.run("UPDATE tickets SET next_step_at = now() - interval '5 minutes'")
    await patient.listening.go_away()
    wrong = {"api", "failed", "lost", "outbox", "smtp", "steps"}
    try:
        for _ in range(
            3
        ):  # the relay may look before the doctor does, and Temporal lists an end a moment later
            await patient.run("DELETE FROM outbox")
            await patient.run(
                "INSERT INTO outbox (topic, key, payload, created_at) VALUES ('policy', 'x', '{}', :at)",
                at=datetime.now(UTC) - timedelta(minutes=5),
            )
            done, found = await patient.examined(SMTP_URL=f"smtp://127.0.0.1:{free_port()}")
            if (problems := {check for check, level in found if level == "problem"}) == wrong:
                break
    finally:
        await patient.listening.listen()
    assert done.code == 1
    assert problems == wrong
    assert any("paused" in words for words in found["schedules", "warning"])


async def test_missing_schedules_and_old_tables_are_told(patient: Patient, temporal: Client) -> None:
    await patient.run("UPDATE alembic_version SET version_num = '0001_initial'")
    await temporal.get_schedule_handle(SCHEDULES[0].id).delete()
    done, found = await patient.examined()
    await ensure_schedules(temporal)
    assert done.code == 1
    assert found["schedules", "problem"] == [f"{SCHEDULES[0].id} is missing."]
    assert "0001_initial" in found["migrations", "problem"][0]


async def test_parts_that_are_away_do_not_keep_the_others_from_being_looked_at(
    patient: Patient, tmp_path: Path
) -> None:
    done, found = await patient.examined(
        DATABASE_URL=f"postgresql://nobody@/nothing?host={tmp_path}",
        TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}",
        CONNECT_TIMEOUT="1",
    )
    assert done.code == 1
    assert {check for check, level in found if level == "problem"} == {"database", "temporal"}
    assert ("api", "ok") in found


async def test_a_desk_that_does_not_run_is_one_problem(tmp_path: Path) -> None:
    done = await Terminal(HOME=str(tmp_path / "home"), PORT=str(free_port()))("doctor")
    assert done.code == 1
    assert "No desk runs" in done.out
    assert "duradesk up" in done.out
    assert "1 problem." in done.out
