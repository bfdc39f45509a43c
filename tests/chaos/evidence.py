"""What the checker looks at: rows of the database, histories of Temporal, mails that arrived, and the journal.

Read raw, with nothing of the desk's own code in between: SQL, the API of Temporal, JSON. Rows of one snapshot belong
together. `Evidence` is plain data, so that a test can plant a fault in it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row
from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from tests.chaos.journal import Entry, entries

Row = dict[str, Any]

TABLES: Final[dict[str, str]] = {
    "tickets": "SELECT *, NULL AS search FROM tickets",
    "events": "SELECT * FROM ticket_events ORDER BY ticket_id, version, position",
    "comments": "SELECT id, ticket_id, author_id, visibility, body, at FROM ticket_comments",
    "ledger": "SELECT * FROM sla_ledger ORDER BY row",
    "processes": "SELECT * FROM ticket_processes",
    "notifications": "SELECT * FROM notifications",
    "policies": "SELECT id, version, archived_at FROM sla_policies",
    "policy_versions": "SELECT policy_id, version, spec FROM sla_policy_versions",
    "people": "SELECT id, email, roles, tier, skills, capacity, active, absent_from, absent_until FROM people",
    "members": "SELECT team_id, person_id FROM team_members",
    "links": "SELECT ticket_id, linked_id, relation FROM ticket_links",
    "collaborators": "SELECT ticket_id, person_id, via FROM ticket_collaborators",
    "bulks": "SELECT id, person_id, action, fields, state, total, finished_at FROM bulks",
    "bulk_items": "SELECT bulk_id, position, ticket_id, state, code FROM bulk_items",
    "trainings": "SELECT run, at, outcome, version FROM classifier_trainings",
    "versions": "SELECT version, run FROM classifier_versions",
    "choices": "SELECT number, version, cause FROM classifier_choices ORDER BY number",
    "contributors": "SELECT person_id, points, wanted_since FROM members",
    "member_facts": "SELECT member_id, fact_id, action, at, by, subject, reverses FROM member_facts",
    "member_points": "SELECT member_id, at, kind, points, day, fact_id, reason, award_id FROM member_points",
    "member_scores": "SELECT member_id, span, begin, points FROM member_scores",
    "awards": "SELECT awards.*, name FROM awards JOIN achievements ON achievements.id = achievement_id",
    "prizes": "SELECT id, budget, reserved, spent FROM prizes",
    "claims": "SELECT id, prize_id, state, cost, version FROM claims",
    "claim_steps": "SELECT claim_id, version, state, by, note FROM claim_steps",
    "surveys": "SELECT id, occasion, started_at, contents FROM surveys",
    "invitations": """
        SELECT id, survey_id, person_id, ticket_id, state, ask_at, asked_at, reminded_at FROM survey_invitations
    """,
    "answers": "SELECT invitation_id, score, answered_at FROM survey_answers",
    "feedback": "SELECT id, title, version, status, priority, reach, merged_into FROM feedback",
    "feedback_states": "SELECT feedback_id, version, state FROM feedback_processes",
    "feedback_comments": "SELECT feedback_id, body FROM feedback_comments",
    "followers": "SELECT feedback_id, person_id, role, via, since, until FROM feedback_followers",
    "turns": "SELECT * FROM feedback_turns",
    "contests": "SELECT id, version, status, closes_at, entries, rules FROM contests",
    "contest_states": "SELECT contest_id, state FROM contest_processes",
    "contest_events": "SELECT contest_id, version, type, data FROM contest_events",
    "entries": "SELECT id, contest_id, person_id, text, arrived_at, place FROM contest_entries",
    "assignments": "SELECT entry_id, judge_id, state, scores FROM contest_assignments",
    "participants": "SELECT contest_id, person_id, version FROM contest_participants",
    "judges": "SELECT contest_id, person_id FROM contest_judges",
    "outbox": "SELECT id, topic, key, created_at FROM outbox",
}
_AT_ONCE: Final = 8
_LOOKS: Final = 10


@dataclass
class Process:
    """A chain of runs of one workflow id, as its histories tell. `timers` are the times at which open timers fire;
    `updates` the request ids of updates that were completed well; `described` is what the process says of itself.

    The server knows an update again within one run. One whose answer was lost as a run ended comes to the next run,
    which remembers what it made, so it is told here once; that it was not made twice is for other witnesses."""

    id: str
    type: str
    status: str
    started_at: datetime
    starts: int = 1
    runs: int = 1
    timers: list[datetime] = field(default_factory=list)
    updates: list[str] = field(default_factory=list)
    task_failures: list[str] = field(default_factory=list)
    described: dict[str, Any] | None = None


@dataclass
class Evidence:
    """`taken_at` is the time of the database's snapshot."""

    taken_at: datetime
    rows: dict[str, list[Row]]
    processes: list[Process] = field(default_factory=list)
    mails: list[Entry] = field(default_factory=list)
    journal: list[Entry] = field(default_factory=list)


async def gather(database_url: str, client: Client, mails: Path, journal: Path) -> Evidence:
    """`client` holds the keys that histories are encrypted with."""
    taken_at, rows = await read_tables(database_url)
    return Evidence(
        taken_at,
        rows,
        await _processes(client),
        list(entries(mails)),
        list(entries(journal)),
    )


async def read_tables(database_url: str) -> tuple[datetime, dict[str, list[Row]]]:
    """All tables as of one moment."""
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        async with connection.transaction():
            moment = await (await connection.execute("SELECT clock_timestamp() AS at")).fetchone()
            assert moment is not None
            rows = {
                name: await (await connection.execute(query)).fetchall() for name, query in TABLES.items()
            }
    return moment["at"], rows


async def _processes(client: Client) -> list[Process]:
    chains: dict[str, dict[str, WorkflowExecution]] = {}
    async for execution in client.list_workflows():  # one that ends meanwhile comes twice
        chains.setdefault(execution.id, {})[execution.run_id] = execution
    limit = asyncio.Semaphore(_AT_ONCE)

    async def read(runs: Iterable[WorkflowExecution]) -> Process:
        async with limit:
            return await _steady(client, runs)

    return list(await asyncio.gather(*(read(runs.values()) for runs in chains.values())))


async def _steady(client: Client, runs: Iterable[WorkflowExecution]) -> Process:
    """One that moves on while it is looked at is looked at again."""
    for _ in range(_LOOKS):
        process = await _process(client, sorted(runs, key=lambda run: run.start_time))
        if not _moves(process):
            break
        await asyncio.sleep(1)
        runs = [run async for run in client.list_workflows(f"WorkflowId = '{process.id}'")]
    return process


def _moves(process: Process) -> bool:
    """Its next run is not listed yet, or its timer has fired in its history and not yet in what it says of itself."""
    if process.status == "CONTINUED_AS_NEW":
        return True
    return process.described is not None and bool(process.described["timers"]) and not process.timers


async def _process(client: Client, runs: list[WorkflowExecution]) -> Process:
    last = runs[-1]
    status = "NONE" if last.status is None else last.status.name
    process = Process(last.id, last.workflow_type, status, runs[0].start_time, starts=0, runs=len(runs))
    for run in runs:
        await _read_history(client, run, process)
    if process.type in ("Ticket", "Feedback", "Contest") and status == "RUNNING":
        try:
            handle = client.get_workflow_handle(last.id)
            process.described = await handle.query("describe", rpc_timeout=timedelta(seconds=60))
        except RPCError as error:
            process.task_failures.append(f"describe: {error}")
    return process


async def _read_history(client: Client, run: WorkflowExecution, process: Process) -> None:
    """Timers and updates of one run; a run that continues another is no start."""
    timers: dict[str, datetime] = {}
    accepted: dict[int, str] = {}
    before = set(process.updates)
    async for event in _events(client, run):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            process.starts += not event.workflow_execution_started_event_attributes.continued_execution_run_id
        elif event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            started = event.timer_started_event_attributes
            timers[started.timer_id] = _time(event) + started.start_to_fire_timeout.ToTimedelta()
        elif event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            timers.pop(event.timer_fired_event_attributes.timer_id, None)
        elif event.event_type == EventType.EVENT_TYPE_TIMER_CANCELED:
            timers.pop(event.timer_canceled_event_attributes.timer_id, None)
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            request = event.workflow_execution_update_accepted_event_attributes.accepted_request
            accepted[event.event_id] = await _request_id(client, request.input.args)
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
            completed = event.workflow_execution_update_completed_event_attributes
            request_id = accepted.get(completed.accepted_event_id, "")
            if request_id and request_id not in before and completed.outcome.HasField("success"):
                process.updates.append(request_id)
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failed = event.workflow_task_failed_event_attributes
            process.task_failures.append(WorkflowTaskFailedCause.Name(failed.cause))
    process.timers = sorted(timers.values())


async def _events(client: Client, run: WorkflowExecution) -> AsyncIterator[HistoryEvent]:
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    async for event in handle.fetch_history_events():
        yield event


def _time(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(UTC)


async def _request_id(client: Client, args: Payloads) -> str:
    """Of an action; the update that waits for a ticket's opening has none."""
    codec, payloads = client.data_converter.payload_codec, list(args.payloads)
    opened = await codec.decode(payloads) if codec is not None else payloads
    body = json.loads(opened[0].data) if opened else None
    return str(body.get("request_id", "")) if isinstance(body, dict) else ""
