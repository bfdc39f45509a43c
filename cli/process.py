"""`duradesk process show` and `duradesk escalations`: where durable processes stand and what they do next."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from cli.client import DeskClient, Json, Limit, Token, run
from cli.moment import parse_moment
from cli.output import console, countdown, document, facts, local_time, table
from cli.ticket import Named, ticket_id

_LOOK_EVERY: Final = 0.5


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    # Without a callback of its own, a group of one command would be that command.
    group.callback()(_group)
    group.command("show")(show)
    group.command("rebuild")(rebuild)
    group.command("findings")(findings)
    app.add_typer(group, name="process", help="Show the durable processes, and start lost ones again.")
    app.command("escalations")(escalations)


def _group() -> None:
    """Show the durable processes behind tickets, and start lost ones again."""


def show(ticket: Named, as_json: Json = False, token: Token = None) -> None:
    """Ask a ticket's process itself: its state, and every timer with its due time."""

    async def work(client: DeskClient) -> Any:
        return await client.get(f"/tickets/{await ticket_id(client, ticket)}/process")

    view = run(work, token)
    if as_json:
        document(view)
        return
    screen, now = console(), datetime.now(UTC)
    names = ("workflow_id", "run_id", "state", "event_number", "pending_handlers", "history_length")
    screen.print(facts((name.replace("_", " "), view.get(name)) for name in names))
    timers = [
        (one["name"], local_time(one["due_at"]), countdown(one["due_at"], now)) for one in view["timers"]
    ]
    if timers:
        screen.print("", table(("timer", "due", ""), timers))
    else:
        screen.print("\nNo timer runs.")


def rebuild(as_json: Json = False, token: Token = None) -> None:
    """Start every process that is gone again from the database, and compare all others with it."""

    async def work(client: DeskClient) -> Any:
        state = await client.post("/processes/rebuild", {})
        while state["running"]:
            await asyncio.sleep(_LOOK_EVERY)
            state = await client.get("/processes/rebuild")
        return state["totals"]

    totals = run(work, token)
    if as_json:
        document(totals)
        return
    console().print(facts(totals.items()))


def findings(
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List where a process and the database differed, the newest first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows("/processes/findings", limit)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    times = ("found_at", "healed_at")
    cells = [
        [
            *(row[name] for name in ("of", "number", "kind")),
            *(local_time(row[name]) for name in times),
            row["detail"],
        ]
        for row in rows
    ]
    console().print(table(("of", "number", "kind", "found", "right again", ""), cells))


def escalations(
    due_before: Annotated[
        str | None, typer.Option(help="An instant, or how far ahead: 2h, 30m, 2026-11-21T06:00Z.")
    ] = None,
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List what fires next by itself, the earliest first."""
    before = None if due_before is None else parse_moment(due_before, "--due-before").isoformat()

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows("/escalations", limit, due_before=before)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    columns = ("number", "step", "due", "", "priority", "status", "assignee", "team", "subject")
    now = datetime.now(UTC)
    cells = [
        (
            row["number"],
            row["step"],
            local_time(row["due_at"]),
            countdown(row["due_at"], now),
            *(row[name] for name in ("priority", "status", "assignee", "team", "subject")),
        )
        for row in rows
    ]
    console().print(table(columns, cells))
