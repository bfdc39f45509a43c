"""`duradesk feedback submit|list|show|act|vote|deliveries|roadmap|release`: feedback from a terminal.

An item is named by its id. What may be done and by whom is the API's to say.
"""

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from cli.client import DeskClient, Json, Limit, Token, run
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
from cli.output import console, countdown, document, facts, local_time, printable, table
from cli.ticket import person_id
from domain.errors import Invalid

Named = Annotated[str, typer.Argument(metavar="FEEDBACK", help="Id of the item.")]

# Where the words of --text go, for actions that do not call them a reason.
_TEXT_FIELDS: Final = {"answer": "body", "note": "body", "assess": "result"}


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("submit")(submit)
    group.command("list")(list_items)
    group.command("show")(show)
    group.command("act")(act)
    group.command("vote")(vote)
    group.command("deliveries")(deliveries)
    group.command("roadmap")(roadmap)
    group.command("release")(release)
    app.add_typer(group, name="feedback", help="Submit feedback, vote for it, work on it, see who was told.")


def submit(
    title: Annotated[str, typer.Option(help="One line.")],
    body: Annotated[str, typer.Option(help="What it is about; - reads it from stdin.")],
    kind: Annotated[
        str | None, typer.Option(help="suggestion, experience, problem, complaint or praise.")
    ] = None,
    category: Annotated[str | None, typer.Option()] = None,
    importance: Annotated[int | None, typer.Option(min=1, max=5)] = None,
    tag: Repeated = None,
    requester: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Who says it; you, if left out.")
    ] = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Submit feedback. What is left out is guessed; what may be the same is shown."""
    fields = {
        "title": title,
        "body": words(body),
        "kind": kind,
        "category": category,
        "importance": importance,
        "tags": tag,
        "requester": present({"email": requester}),
    }

    async def work(client: DeskClient) -> Any:
        return await client.post("/feedback", present(fields), idempotency_key=checked_key(key))

    item = run(work, token)
    _show(item, as_json)
    if item["similar"] and not as_json:
        columns = ("likeness", "number", "status", "reach", "id", "title")
        cells = [[one[name] for name in columns] for one in item["similar"]]
        console().print("", table(columns, cells, title="May be the same"))


def list_items(
    status: Filter = None,
    kind: Annotated[list[str] | None, typer.Option()] = None,
    owner: Annotated[list[str] | None, typer.Option(help="Id, address, me or none.")] = None,
    q: Query = None,
    sort: Annotated[str, typer.Option(help="created_at, updated_at or score; - turns it round.")] = "-score",
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List feedback, what most people want first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        owners = [await person_id(client, name) for name in owner or []]
        return await client.rows("/feedback", limit, status=status, kind=kind, owner=owners, q=q, sort=sort)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    columns = ("number", "status", "kind", "reach", "score", "priority", "owner", "created", "id", "title")
    cells = [
        [local_time(row["created_at"]) if name == "created" else row[name] for name in columns]
        for row in rows
    ]
    console().print(table(columns, cells))


def show(feedback: Named, as_json: Json = False, token: Token = None) -> None:
    """Show one item: its fields, what was said of it, and its history."""

    async def work(client: DeskClient) -> dict[str, Any]:
        path = f"/feedback/{_id(feedback)}"
        item = await client.get(path)
        comments, _ = await client.rows(f"{path}/comments")
        events, _ = await client.rows(f"{path}/events")
        return {"feedback": item, "comments": comments, "events": events}

    found = run(work, token)
    if as_json:
        document(found)
        return
    screen = console()
    screen.print(_facts(found["feedback"]))
    screen.print("", printable(found["feedback"]["body"]))
    columns = ("when", "event", "who", "cause", "what")
    cells = [
        (local_time(one["at"]), one["type"], one["actor"], one["cause"], one["data"])
        for one in found["events"]
    ]
    said = [
        (local_time(one["at"]), one["author"], one["visibility"], one["body"]) for one in found["comments"]
    ]
    if said:
        screen.print("", table(("when", "who", "", "what"), said, title="Said"))
    screen.print("", table(columns, cells, title="History"))


def act(
    feedback: Named,
    action: Annotated[str, typer.Argument(help="triage, assess, plan, decline, start, ship, …")],
    text: ActionWords = None,
    owner: Annotated[str | None, typer.Option(help="For triage, assign, delegate: id or address.")] = None,
    json_body: OtherFields = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Do something to an item."""
    fields = other_fields(json_body)

    async def work(client: DeskClient) -> Any:
        given = {
            _TEXT_FIELDS.get(action, "reason"): None if text is None else words(text),
            "owner": None if owner is None else await person_id(client, owner),
        }
        return await client.post(
            f"/feedback/{_id(feedback)}/actions/{segment(action)}",
            {**fields, **present(given)},
            idempotency_key=checked_key(key),
        )

    _show(run(work, token), as_json)


def vote(
    feedback: Named,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the vote back.")] = False,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Vote for an item, and be told what becomes of it."""

    async def work(client: DeskClient) -> Any:
        method = "DELETE" if withdraw else "POST"
        return (await client.call(method, f"/feedback/{_id(feedback)}/vote")).json()

    _show(run(work, token), as_json)


def deliveries(feedback: Named, as_json: Json = False, token: Token = None) -> None:
    """Tell who was told of each turn, and how far the last one came."""

    async def work(client: DeskClient) -> Any:
        return await client.get(f"/feedback/{_id(feedback)}/deliveries")

    found = run(work, token)
    if as_json:
        document(found)
        return
    columns = ("version", "kind", "at", "told", "total", "bounced", "pending", "muted")
    cells = [
        [local_time(one["at"]) if name == "at" else one[name] for name in columns] for one in found["turns"]
    ]
    screen = console()
    screen.print(f"{found['told']} of {found['total']} told, {found['bounced']} bounced.")
    screen.print("", table(columns, cells))


def roadmap(as_json: Json = False, token: Token = None) -> None:
    """Show what is planned, in progress and shipped."""

    async def work(client: DeskClient) -> Any:
        return await client.get("/roadmap")

    found = run(work, token)
    if as_json:
        document(found)
        return
    columns = ("number", "reach", "category", "shipped", "title")
    cells = [
        [stage.replace("_", " "), *(_roadmap_cell(item, name) for name in columns)]
        for stage, items in found.items()
        for item in items
    ]
    console().print(table(("stage", *columns), cells))


def release(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as 2.0.")],
    notes: Annotated[str, typer.Option(help="What is said of it; - reads it from stdin.")],
    item: Annotated[list[str] | None, typer.Option(help="Id of feedback that it ships; repeated.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Ship it now; else it is a draft.")] = False,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Make a release of feedback that is planned or in progress."""
    fields = {"name": name, "notes": words(notes), "items": [_id(one) for one in item or []]}

    async def work(client: DeskClient) -> Any:
        made = await client.post("/releases", fields, idempotency_key=checked_key(key))
        return await client.post(f"/releases/{made['id']}/publish", {}) if publish else made

    made = run(work, token)
    if as_json:
        document(made)
        return
    console().print(
        facts(
            [
                ("id", made["id"]),
                ("name", made["name"]),
                ("items", [one["title"] for one in made["items"]]),
                ("published", local_time(made["published_at"])),
            ]
        )
    )


def _roadmap_cell(item: dict[str, Any], name: str) -> Any:
    return local_time(item["shipped_at"]) if name == "shipped" else item[name]


def _id(name: str) -> str:
    try:
        return str(UUID(name))
    except ValueError:
        raise Invalid("unknown_feedback", f"{name!r} is not the id of an item.") from None


def _show(item: dict[str, Any], as_json: bool) -> None:
    if as_json:
        document(item)
    else:
        console().print(_facts(item))


def _facts(item: dict[str, Any]) -> Any:
    plain = ("status", "kind", "source", "priority", "importance", "reach", "score", "category", "requester")
    later = ("owner", "tags", "guessed", "public", "voted", "reopen_count", "version")
    times = ("created_at", "updated_at", "decided_at", "shipped_at", "verified_at", "closed_at")
    next_step = item["next_step"] and f"{item['next_step']} {countdown(item['next_step_at'])}"
    return facts(
        [
            ("number", item["number"]),
            ("id", item["id"]),
            ("title", item["title"]),
            *((name.replace("_", " "), item[name]) for name in (*plain, *later)),
            ("next step", next_step),
            *((name.removesuffix("_at"), local_time(item[name])) for name in times),
        ]
    )
