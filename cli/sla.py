"""`duradesk sla preview`: what a calendar makes of a promise, without storing anything.

Reckoning working time is the API's; here a person names a calendar and reads the answer.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import DeskClient, Json, Token, run
from cli.moment import parse_moment
from cli.output import console, countdown, document, facts, local_time, span
from domain.errors import Invalid


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    # Without a callback of its own, a group of one command would be that command.
    group.callback()(_group)
    group.command("preview")(preview)
    app.add_typer(group, name="sla", help="Preview what a calendar makes of a promise.")


def _group() -> None:
    """Preview what a calendar makes of a promise."""


def preview(
    calendar: Annotated[
        str, typer.Option(help="24x7, the id or name of a calendar, or @FILE with one as JSON.")
    ] = "24x7",
    duration: Annotated[
        str | None, typer.Option(help="Working time, such as PT4H: answers when it is over.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="An instant, 2026-11-21T14:00; now if left out.")] = None,
    end: Annotated[
        str | None, typer.Option(help="An instant: answers how much working time is between.")
    ] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Say when a promise is due, or how much working time lies between two instants."""
    if (duration is None) == (end is None):
        raise typer.BadParameter("Give either --duration or --end.")
    begin = parse_moment(start or "PT0S", "--start").isoformat()
    inline = _from_file(calendar.removeprefix("@")) if calendar.startswith("@") else None
    question = {"start": begin}
    if duration is not None:
        question["duration"] = duration
    if end is not None:
        question["end"] = parse_moment(end, "--end").isoformat()

    async def work(client: DeskClient) -> Any:
        named = inline or await _calendar(client, calendar)
        return await client.post("/calendars/preview", {"calendar": named, **question})

    answer = run(work, token)
    if as_json:
        document(answer)
    elif "due" in answer:
        due = answer["due"]
        console().print(facts([("start", local_time(begin)), ("due", local_time(due)), ("", countdown(due))]))
    else:
        console().print(facts([("working time", span(answer["working"])), ("", answer["working"])]))


async def _calendar(client: DeskClient, name: str) -> str:
    """The id of the calendar of this name; anything else is left to the API, which knows ids and 24x7."""
    if name == "24x7":
        return name
    rows, _ = await client.rows("/calendars")
    return next((str(row["id"]) for row in rows if row["name"].casefold() == name.casefold()), name)


def _from_file(name: str) -> dict[str, Any]:
    try:
        value = json.loads(Path(name).read_bytes())
    except OSError as error:
        raise Invalid("unreadable_file", f"Cannot read {name}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise Invalid("invalid_json", f"{name} does not hold JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise Invalid("not_an_object", f"{name} does not hold a calendar as a JSON object.")
    return value
