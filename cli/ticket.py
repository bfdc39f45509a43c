"""`duradesk ticket create|list|show|act`: tickets from a terminal.

A ticket is named by its id or by its number; people by id or address, teams by id or name. What may be done and
by whom is the API's to say. How it is shown is here for one ticket's parts and in `cli.output` for all.
"""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console, Group
from rich.text import Text

from cli.client import DeskClient, Json, Limit, Refused, Token, run
from cli.given import (
    ActionWords,
    Filter,
    Key,
    OtherFields,
    Query,
    Repeated,
    checked_key,
    other_fields,
    present,
    segment,
    words,
)
from cli.history import known_names, name_of, told
from cli.output import NOTHING, console, countdown, document, facts, local_time, printable, span, table
from domain.errors import Invalid, NotFound

Named = Annotated[str, typer.Argument(metavar="TICKET", help="Id or number of the ticket.")]

# Where the words of --body go, for actions that call them otherwise.
_BODY_FIELDS: Final = {"resolve": "resolution", "reopen": "reason", "escalate": "reason"}


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_tickets)
    group.command("show")(show)
    group.command("act")(act)
    app.add_typer(group, name="ticket", help="Create, list, show and work on tickets.")


def create(
    subject: Annotated[str, typer.Option(help="One line.")],
    description: Annotated[str, typer.Option(help="What it is about; - reads it from stdin.")],
    category: Annotated[str | None, typer.Option()] = None,
    priority: Annotated[str | None, typer.Option(help="critical, high, normal or low.")] = None,
    kind: Annotated[str | None, typer.Option(help="What the contact is about: usage, fault, …")] = None,
    requester: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Who asks; you, if left out.")
    ] = None,
    requester_name: Annotated[
        str | None, typer.Option(help="For someone the desk does not know yet.")
    ] = None,
    tag: Repeated = None,
    external_id: Annotated[
        str | None, typer.Option(help="Its id elsewhere; repeated, no second one.")
    ] = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Open a ticket."""
    if requester_name and not requester:
        raise typer.BadParameter("--requester-name goes with --requester.")
    fields = {
        "subject": subject,
        "description": words(description),
        "category": category,
        "priority": priority,
        "kind": kind,
        "requester": present({"email": requester, "name": requester_name}),
        "tags": tag,
        "external_id": external_id,
    }

    async def work(client: DeskClient) -> Any:
        return await client.post("/tickets", present(fields), idempotency_key=checked_key(key))

    _show_changed(run(work, token), as_json)


def list_tickets(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]", help="Words and conditions, as docs/search.md has them.", show_default=False
        ),
    ] = None,
    status: Filter = None,
    priority: Annotated[list[str] | None, typer.Option()] = None,
    category: Annotated[list[str] | None, typer.Option()] = None,
    assignee: Annotated[list[str] | None, typer.Option(help="Id, address, me or none.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="Id, name or none.")] = None,
    requester: Annotated[list[str] | None, typer.Option(help="Id, address or me.")] = None,
    tag: Annotated[list[str] | None, typer.Option()] = None,
    field: Annotated[
        list[str] | None, typer.Option(metavar="KEY:VALUE", help="A custom field, as in a query.")
    ] = None,
    breached: Annotated[
        bool | None, typer.Option("--breached/--not-breached", help="A promise broken.")
    ] = None,
    q: Query = None,
    sort: Annotated[
        str, typer.Option(help="A field or field.KEY; - before it turns it round.")
    ] = "-created_at",
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List tickets, the newest first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows(
            "/tickets",
            limit,
            status=status,
            priority=priority,
            category=category,
            assignee=[await person_id(client, name) for name in assignee or []],
            team=[await team_id(client, name) for name in team or []],
            requester=[await person_id(client, name) for name in requester or []],
            tags=tag,
            field=field,
            breached=breached,
            q=" ".join([*(query or []), *([q] if q else [])]) or None,
            sort=sort,
        )

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    screen = console()
    screen.print(_listing(rows))
    more = "; there are more, see --limit" if has_more else ""
    screen.print(f"{len(rows)} {'ticket' if len(rows) == 1 else 'tickets'}{more}")


def show(ticket: Named, as_json: Json = False, token: Token = None) -> None:
    """Show one ticket: its fields, conversation, promises and history."""

    async def work(client: DeskClient) -> dict[str, Any]:
        path = f"/tickets/{await ticket_id(client, ticket)}"
        found, (comments, _), (events, _), sla = await asyncio.gather(
            client.get(path),
            client.rows(f"{path}/comments"),
            client.rows(f"{path}/events"),
            _unless_forbidden(client, f"{path}/sla"),
        )
        return {"ticket": found, "comments": comments, "events": events, "sla": sla}

    found = run(work, token)
    if as_json:
        document(found)
    else:
        _show_all(console(), **found)


def act(
    ticket: Named,
    action: Annotated[str, typer.Argument(help="assign, reply, note, wait, resolve, …")],
    body: ActionWords = None,
    assignee: Annotated[str | None, typer.Option(help="For assign: id or address.")] = None,
    priority: Annotated[str | None, typer.Option(help="For set_priority.")] = None,
    json_body: OtherFields = None,
    version: Annotated[int | None, typer.Option(help="Only if the ticket is still at this version.")] = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Do something to a ticket."""
    fields = other_fields(json_body)

    async def work(client: DeskClient) -> Any:
        found = await ticket_id(client, ticket)
        given = {
            _BODY_FIELDS.get(action, "body"): None if body is None else words(body),
            "assignee": None if assignee is None else await person_id(client, assignee),
            "priority": priority,
        }
        return await client.post(
            f"/tickets/{found}/actions/{segment(action)}",
            {**fields, **present(given)},
            if_match=None if version is None else f'"{version}"',
            idempotency_key=checked_key(key),
        )

    _show_changed(run(work, token), as_json)


async def ticket_id(client: DeskClient, name: str) -> str:
    """The id of the ticket with this id or number; raises NotFound."""
    if _is_id(name):
        return name
    number = name.removeprefix("#")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Invalid("unknown_ticket", f"{name!r} is neither the id nor the number of a ticket.")
    rows, _ = await client.rows("/tickets", 1, number=int(number))
    if not rows:
        raise NotFound("not_found", f"There is no ticket {number}, or you may not see it.")
    return str(rows[0]["id"])


async def person_id(client: DeskClient, name: str) -> str:
    """The id of a person by address; anything without an @ (an id, me, none) is left to the API."""
    if "@" not in name:
        return name
    rows, _ = await client.rows("/people", 1, email=name)
    if not rows:
        raise NotFound("unknown_person", f"There is nobody with the address {name}.")
    return str(rows[0]["id"])


async def team_id(client: DeskClient, name: str) -> str:
    """The id of a team by name; an id and none are left to the API."""
    if name == "none" or _is_id(name):
        return name
    rows, _ = await client.rows("/teams", 1, name=name)
    if not rows:
        raise NotFound("unknown_team", f"There is no team {name}.")
    return str(rows[0]["id"])


async def _unless_forbidden(client: DeskClient, path: str) -> Any:
    """Promises are not for everyone's eyes; the rest of the ticket may be."""
    try:
        return await client.get(path)
    except Refused as error:
        if error.status == 403:
            return None
        raise


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _show_changed(ticket: dict[str, Any], as_json: bool) -> None:
    if as_json:
        document(ticket)
    else:
        console().print(_facts(ticket))


def _listing(rows: list[dict[str, Any]]) -> Any:
    columns = ("number", "status", "priority", "assignee", "team", "next step", "created", "subject")
    cells = [
        (
            row["number"],
            row["status"],
            row["priority"],
            row["assignee"] or row["waiting_reason"],
            row["team"],
            f"{row['next_step']} {countdown(row['next_step_at'])}" if row["next_step"] else NOTHING,
            local_time(row["created_at"]),
            row["subject"],
        )
        for row in rows
    ]
    return table(columns, cells)


def _facts(ticket: dict[str, Any]) -> Any:
    next_step = ticket["next_step"] and f"{ticket['next_step']} {countdown(ticket['next_step_at'])}"
    plain = ("status", "priority", "category", "kind", "channel", "tier", "requester", "organization")
    later = ("waiting_reason", "tags", "custom_fields", "breached", "reopen_count", "satisfaction", "version")
    times = ("created_at", "updated_at", "first_responded_at", "resolved_at", "closed_at")
    return facts(
        [
            ("number", ticket["number"]),
            ("id", ticket["id"]),
            ("subject", ticket["subject"]),
            *((name, ticket[name]) for name in plain),
            ("assignee", ticket["assignee"]),
            ("team", ticket["team"]),
            *((name.replace("_", " "), ticket[name]) for name in later),
            ("next step", next_step),
            *((name.removesuffix("_at").replace("_", " "), local_time(ticket[name])) for name in times),
        ]
    )


def _show_all(
    screen: Console,
    ticket: dict[str, Any],
    comments: list[dict[str, Any]],
    events: list[dict[str, Any]],
    sla: dict[str, Any] | None,
) -> None:
    screen.print(_facts(ticket))
    screen.print("\n", Text(printable(ticket["description"])), sep="")
    for comment in comments:
        author = printable(comment["author"])
        head = f"{author}, {comment['visibility']}, {local_time(comment['at'])}"
        screen.print(Group(Text(f"\n{head}", style="bold"), Text(printable(comment["body"]))))
    if sla and sla["clocks"]:
        screen.print("", _promises(sla["clocks"]))
    names = known_names(ticket, comments, events)
    columns = ("when", "event", "who", "cause", "what")
    cells = [
        (
            local_time(event["at"]),
            name_of(event["type"]),
            event["actor"],
            event["cause"] and name_of(event["cause"]),
            told(event["data"], names),
        )
        for event in events
    ]
    screen.print("", table(columns, cells, title="History"))


def _promises(clocks: dict[str, Any]) -> Any:
    cells: list[tuple[Any, ...]] = []
    for name, clock in clocks.items():
        for cycle in clock["completed_cycles"]:
            kept = f"{cycle['outcome']}, {'too late' if cycle['breached'] else 'in time'}"
            elapsed = span(cycle["elapsed"])
            cells.append((name, cycle["cycle"], span(cycle["target"]), elapsed, NOTHING, NOTHING, kept))
        if cycle := clock["ongoing_cycle"]:
            standing = "paused" if cycle["paused"] else "runs"
            standing += ", broken" if cycle["breached"] else ""
            amounts = (span(cycle["target"]), span(cycle["elapsed"]), span(cycle["remaining"]))
            cells.append((name, cycle["cycle"], *amounts, local_time(cycle["due_at"]), standing))
    return table(("clock", "cycle", "target", "elapsed", "left", "due", "standing"), cells, title="Promises")
