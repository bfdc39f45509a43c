"""`duradesk sla preview|calendar`: what a ticket would be promised, and what a calendar makes of a duration.

Nothing is stored, and all reckoning is the API's; here a person asks and reads the answer.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from cli.client import DeskClient, Json, Token, run
from cli.given import from_file
from cli.moment import parse_moment
from cli.output import console, countdown, document, facts, line, local_time, span, table
from cli.ticket import team_id

Start = Annotated[
    str | None,
    typer.Option(help="An instant, 2026-11-21T14:00+08:00, or how far ahead, 2h; now if left out."),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("preview")(preview)
    group.command("calendar")(reckon)
    app.add_typer(group, name="sla", help="Preview promises, without storing anything.")


def preview(
    priority: Annotated[str, typer.Option(help="critical, high, normal or low.")] = "normal",
    category: Annotated[str | None, typer.Option()] = None,
    team: Annotated[str | None, typer.Option(help="Id or name.")] = None,
    organization: Annotated[str | None, typer.Option(help="Id.")] = None,
    start: Start = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Show what a ticket would be promised: by which policy, and what fires when."""
    question = {
        "priority": priority,
        "category": category,
        "organization": organization,
        "start": parse_moment(start or "PT0S", "--start").isoformat(),
    }

    async def work(client: DeskClient) -> Any:
        named = None if team is None else await team_id(client, team)
        return await client.post("/sla-policies/preview", {**question, "team": named})

    answer = run(work, token)
    if as_json:
        document(answer)
        return
    screen, policy = console(), answer["policy"]
    if policy is None:
        screen.print("No policy matches: nothing is promised.")
        return
    screen.print(f"Policy {line(policy['name'])}, version {policy['version']}")
    screen.print("", table(("clock", "step", "at", "", "does"), _steps(answer["clocks"])))


def reckon(
    calendar: Annotated[
        str, typer.Option(help="24x7, the id or name of a calendar, or @FILE with one as JSON.")
    ] = "24x7",
    duration: Annotated[
        str | None, typer.Option(help="Working time, such as PT4H: answers when it is over.")
    ] = None,
    start: Start = None,
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
    inline = from_file(calendar.removeprefix("@"), "a calendar") if calendar.startswith("@") else None
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


def _steps(clocks: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The promise of each clock, and its steps; the breach is among them."""
    for name, clock in clocks.items():
        yield (
            name,
            f"due after {span(clock['target'])}",
            local_time(clock["due_at"]),
            countdown(clock["due_at"]),
            "",
        )
        for step in clock["steps"]:
            yield (
                "",
                step["step"],
                local_time(step["due_at"]),
                countdown(step["due_at"]),
                ", ".join(step["do"]),
            )


async def _calendar(client: DeskClient, name: str) -> str:
    """The id of the calendar of this name; anything else is left to the API, which knows ids and 24x7."""
    if name == "24x7":
        return name
    rows, _ = await client.rows("/calendars")
    return next((str(row["id"]) for row in rows if row["name"].casefold() == name.casefold()), name)
