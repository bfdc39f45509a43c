"""`duradesk contest list|show|create|act|enter|queue|score|standings`: contests from a terminal.

A contest is named by its id or its name. What may be done and by whom is the API's to say.
"""

from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from cli.client import DeskClient, Json, Limit, Token, run
from cli.given import (
    ActionWords,
    Key,
    OtherFields,
    checked_key,
    from_file,
    named,
    other_fields,
    present,
    segment,
    words,
)
from cli.output import console, countdown, document, facts, local_time, table
from cli.ticket import person_id

Named = Annotated[str, typer.Argument(metavar="CONTEST", help="Id or name of the contest.")]

_TIMES: Final = ("opens_at", "closes_at", "judging_until")


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_contests)
    group.command("show")(show)
    group.command("create")(create)
    group.command("act")(act)
    group.command("enter")(enter)
    group.command("queue")(queue)
    group.command("score")(score)
    group.command("standings")(standings)
    app.add_typer(group, name="contest", help="Make contests, enter, judge, and read standings.")


def list_contests(
    status: Annotated[str | None, typer.Option(help="draft, scheduled, active, judging, …")] = None,
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List contests, the latest to open first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows("/contests", limit, status=status)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    columns = ("name", "status", "entries", "next", "", "id")
    cells = [
        (
            row["name"],
            row["status"],
            row["entries"],
            row["next_step"],
            countdown(row["next_step_at"]),
            row["id"],
        )
        for row in rows
    ]
    console().print(table(columns, cells))


def show(contest: Named, as_json: Json = False, token: Token = None) -> None:
    """Show one contest: its timetable, and what happens next."""

    async def work(client: DeskClient) -> Any:
        return await client.get(await _path(client, contest))

    _show(run(work, token), as_json)


def create(
    file: Annotated[str, typer.Argument(help="A contest as a JSON object; docs/contests.md shows one.")],
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Make a draft from a file."""
    body = from_file(file, "a contest")

    async def work(client: DeskClient) -> Any:
        return await client.post("/contests", body, idempotency_key=checked_key(key))

    _show(run(work, token), as_json)


def act(
    contest: Named,
    action: Annotated[str, typer.Argument(help="schedule, extend, appoint, dismiss, recuse, publish, …")],
    text: ActionWords = None,
    by: Annotated[str | None, typer.Option(help="For extend: P1D, PT2H.")] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(help="For appoint, dismiss, recuse: id or address; several to appoint."),
    ] = None,
    json_body: OtherFields = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Move a contest on, or see to its judges."""
    fields = other_fields(json_body)

    async def work(client: DeskClient) -> Any:
        people = [await person_id(client, name) for name in person or []]
        given = {
            "reason": None if text is None else words(text),
            "by": by,
            "people": people if people and action == "appoint" else None,
            "person": people[0] if people and action != "appoint" else None,
        }
        return await client.post(
            f"{await _path(client, contest)}/actions/{segment(action)}",
            {**fields, **present(given)},
            idempotency_key=checked_key(key),
        )

    _show(run(work, token), as_json)


def enter(
    contest: Named,
    text: Annotated[str, typer.Option(help="What you hand in; - reads it from stdin.")],
    link: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Enter a contest."""
    body = {"text": words(text), "links": link or []}

    async def work(client: DeskClient) -> Any:
        path = f"{await _path(client, contest)}/entries"
        return await client.post(path, body, idempotency_key=checked_key(key))

    made = run(work, token)
    if as_json:
        document(made)
        return
    console().print(facts([("entry", made["id"]), ("arrived", local_time(made["arrived_at"]))]))


def queue(contest: Named, limit: Limit = 25, as_json: Json = False, token: Token = None) -> None:
    """List what you have to judge, what is due first on top."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows(f"{await _path(client, contest)}/queue", limit, state="pending")

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    cells = [(row["entry_id"], countdown(row["due_at"]), row["text"]) for row in rows]
    console().print(table(("entry", "due", "text"), cells))


def score(
    contest: Named,
    entry: Annotated[str, typer.Argument(help="Id of the entry.")],
    scores: Annotated[list[str], typer.Argument(help="CRITERION=SCORE for each criterion, 0 to 10.")],
    comment: Annotated[str | None, typer.Option()] = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Score an entry."""
    body = present({"scores": dict(_scored(one) for one in scores), "comment": comment})

    async def work(client: DeskClient) -> Any:
        path = f"{await _path(client, contest)}/entries/{quote(entry, safe='')}/score"
        return (await client.call("PUT", path, body=body, idempotency_key=checked_key(key))).json()

    done = run(work, token)
    if as_json:
        document(done)
        return
    console().print(facts([("entry", done["entry_id"]), ("state", done["state"])]))


def standings(contest: Named, limit: Limit = 25, as_json: Json = False, token: Token = None) -> None:
    """Show the standing, the best first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows(f"{await _path(client, contest)}/standings", limit)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    columns = ("rank", "total", "person", "prize", "entry_id")
    console().print(table(columns, [[row[name] for name in columns] for row in rows]))


async def _path(client: DeskClient, name: str) -> str:
    """Where the contest of this id or name is."""
    return f"/contests/{await named(client, '/contests', name, 'contest')}"


def _show(contest: Any, as_json: bool) -> None:
    if as_json:
        document(contest)
        return
    names = ("id", "name", "status", "entries", "participants")
    rows = [
        *((name, contest[name]) for name in names),
        *((name.replace("_", " "), local_time(contest["rules"][name])) for name in _TIMES),
        ("next", contest["next_step"]),
        ("", countdown(contest["next_step_at"])),
    ]
    console().print(facts(rows))


def _scored(given: str) -> tuple[str, int]:
    name, _, value = given.partition("=")
    if not (value.isascii() and value.isdecimal()):
        raise typer.BadParameter(f"{given} is not CRITERION=SCORE.")
    return name, int(value)
