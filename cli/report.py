"""`duradesk report tickets|sla|backlog|breaches|figures`: what happened in a period, on a terminal or as a file.

Everything is counted by the API, and `--csv` passes on what it wrote. Options are handed on as they were given, so a
command is nothing but its options. A table for people has the most asked-for figures; `--json` and `--csv` have all.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from cli.client import DeskClient, Json, Token, run
from cli.output import NOTHING, console, document, local_time, spoken, table
from cli.ticket import person_id, team_id

Period = Annotated[
    str | None,
    typer.Argument(
        help="2026-10, 2026-W45, last_month, <7d, 2026-10-01..2026-10-15; this month if left out."
    ),
]
Since = Annotated[str | None, typer.Option("--from", help="A date or an instant, instead of a period.")]
Until = Annotated[str | None, typer.Option("--to", help="A date or an instant, excluded; now if left out.")]
By = Annotated[
    list[str] | None,
    typer.Option(
        help="A row for each team, agent, organization, category, kind, priority, channel, day, week, month or "
        "quarter; may be repeated."
    ),
]
PromisesBy = Annotated[
    list[str] | None, typer.Option(help="As for tickets, and clock and policy; may be repeated.")
]
Team = Annotated[list[str] | None, typer.Option(help="Id, name or none; filters may be repeated.")]
Agent = Annotated[list[str] | None, typer.Option(help="Id, address or none.")]
Organization = Annotated[list[str] | None, typer.Option(help="Id or none.")]
Words = Annotated[list[str] | None, typer.Option()]
Clock = Annotated[list[str] | None, typer.Option(help="first_response, resolution, …")]
Zone = Annotated[str | None, typer.Option(help="Whose days are meant, Asia/Shanghai; yours if left out.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print a table of CSV, for spreadsheets.")]

_SPAN: Final = "p50/p90"
_NAMES: Final = {"since": "from", "until": "to", "by": "group_by"}
_OURS: Final = ("as_csv", "as_json", "limit", "token")


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("tickets")(tickets)
    group.command("sla")(sla)
    group.command("backlog")(backlog)
    group.command("breaches")(breaches)
    group.command("figures")(figures)
    app.add_typer(group, name="report", help="Show reports of tickets, promises and what is open.")


def tickets(
    context: typer.Context,
    period: Period = None,
    since: Since = None,
    until: Until = None,
    by: By = None,
    team: Team = None,
    agent: Agent = None,
    organization: Organization = None,
    category: Words = None,
    kind: Words = None,
    priority: Words = None,
    channel: Words = None,
    time_zone: Zone = None,
    as_csv: Csv = False,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Show what came, was answered and resolved in a period, how fast, and what was left."""
    _show(context)


def sla(
    context: typer.Context,
    period: Period = None,
    since: Since = None,
    until: Until = None,
    by: PromisesBy = None,
    team: Team = None,
    agent: Agent = None,
    organization: Organization = None,
    category: Words = None,
    kind: Words = None,
    priority: Words = None,
    channel: Words = None,
    clock: Clock = None,
    policy: Annotated[list[str] | None, typer.Option(help="Id.")] = None,
    time_zone: Zone = None,
    as_csv: Csv = False,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Show what became of promises in a period: kept, broken, and the working time they took."""
    _show(context)


def backlog(
    context: typer.Context,
    at: Annotated[str | None, typer.Argument(help="A date or an instant; now if left out.")] = None,
    by: By = None,
    team: Team = None,
    agent: Agent = None,
    organization: Organization = None,
    category: Words = None,
    kind: Words = None,
    priority: Words = None,
    channel: Words = None,
    time_zone: Zone = None,
    as_csv: Csv = False,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Show what is open, or was at an instant, and how old it is."""
    _show(context)


def breaches(
    context: typer.Context,
    period: Period = None,
    since: Since = None,
    until: Until = None,
    team: Team = None,
    agent: Agent = None,
    category: Words = None,
    priority: Words = None,
    clock: Clock = None,
    time_zone: Zone = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most; a file has all.")] = 25,
    as_csv: Csv = False,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List the promises that broke in a period, the latest first."""
    if as_csv:
        _show(context)
        return

    async def work(client: DeskClient) -> tuple[list[dict[str, Any]], bool]:
        return await client.rows("/reports/breaches", limit, **await _asked(client, context))

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    screen = console()
    screen.print(_broken(rows))
    more = "; there are more, see --limit" if has_more else ""
    screen.print(f"{len(rows)} broken {'promise' if len(rows) == 1 else 'promises'}{more}")


def figures(as_json: Json = False, token: Token = None) -> None:
    """Say what is counted: each figure with its unit and its definition."""

    async def work(client: DeskClient) -> Any:
        return await client.get("/reports")

    answer = run(work, token)
    if as_json:
        document(answer)
        return
    rows = [
        (report["name"], figure["name"], figure["unit"], figure["definition"])
        for report in answer["data"]
        for figure in report["figures"]
    ]
    console().print(table(("report", "figure", "unit", "definition"), rows))


def _show(context: typer.Context) -> None:
    name, options = str(context.command.name), context.params
    if options["as_csv"] and options["as_json"]:
        raise typer.BadParameter("Give either --csv or --json.")

    async def work(client: DeskClient) -> Any:
        asked = await _asked(client, context)
        if not options["as_csv"]:
            return await client.get(f"/reports/{name}", **asked)
        given = {key: value for key, value in asked.items() if value is not None and value != []}
        answer = await client.call("GET", f"/reports/{name}", params={**given, "format": "csv"})
        return answer.content

    answer = run(work, options["token"])
    if options["as_csv"]:
        typer.echo(answer, nl=False)
    elif options["as_json"]:
        document(answer)
    else:
        _print(name, answer)


async def _asked(client: DeskClient, context: typer.Context) -> dict[str, Any]:
    """The options that narrow the report, as parameters of its route; teams and agents by their ids."""
    asked = {_NAMES.get(name, name): value for name, value in context.params.items() if name not in _OURS}
    asked["team"] = [await team_id(client, one) for one in asked["team"] or ()]
    asked["agent"] = [await person_id(client, one) for one in asked["agent"] or ()]
    return asked


def _count(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: NOTHING if row[name] is None else str(row[name])


def _percent(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: NOTHING if row[name] is None else f"{100 * row[name]:.1f} %"


def _times(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: f"{_seconds(row[name]['p50'])} / {_seconds(row[name]['p90'])}"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else spoken(timedelta(seconds=value))


_COLUMNS: Final[dict[str, Sequence[tuple[str, Callable[[dict[str, Any]], str]]]]] = {
    "tickets": (
        ("created", _count("created")),
        ("answered", _count("responded")),
        (f"answered in {_SPAN}", _times("first_response_time")),
        ("resolved", _count("resolved")),
        (f"resolved in {_SPAN}", _times("resolution_time")),
        ("first contact", _percent("first_contact_rate")),
        ("reopened", _percent("reopen_rate")),
        ("SLA met", _percent("sla_met_rate")),
        ("backlog", _count("backlog")),
    ),
    "sla": (
        ("kept", _count("promises_kept")),
        ("broken", _count("promises_broken")),
        ("SLA met", _percent("sla_met_rate")),
        (f"took {_SPAN}", _times("elapsed_time")),
        (f"late by {_SPAN}", _times("overrun_time")),
    ),
    "backlog": (
        ("open", _count("backlog")),
        (f"age {_SPAN}", _times("backlog_age")),
        ("oldest", lambda row: _seconds(row["oldest_age"])),
    ),
}


def _print(name: str, answer: dict[str, Any]) -> None:
    columns, period = _COLUMNS[name], answer["period"]
    screen = console()
    ends = [local_time(end) for end in (period["from"], period["to"])]
    screen.print(f"{' to '.join(dict.fromkeys(ends))}, days of {period['time_zone']}")
    groups = [key for key in answer["data"][0] if key not in answer["total"]] if answer["data"] else []
    rows = [
        (*(row[group] for group in groups), *(show(row) for _, show in columns)) for row in answer["data"]
    ]
    if groups:
        rows.append(("all", *([""] * (len(groups) - 1)), *(show(answer["total"]) for _, show in columns)))
    screen.print(table([*groups, *(head for head, _ in columns)], rows))


def _broken(rows: Sequence[dict[str, Any]]) -> Any:
    def cells() -> Iterator[tuple[Any, ...]]:
        for row in rows:
            late = NOTHING if row["ended_at"] is None else _seconds(row["overrun_seconds"])
            who = (row["team"], row["agent"])
            yield (
                row["number"],
                row["clock"],
                local_time(row["broken_at"]),
                late,
                row["priority"],
                *who,
                row["subject"],
            )

    return table(("number", "clock", "broken", "late by", "priority", "team", "agent", "subject"), cells())
