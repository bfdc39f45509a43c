"""`duradesk survey list|show|create|preview|change|results|answers|tasks|done`: what is asked, what was answered,
whom to call back.

A survey is named by its id or its name; the one after resolutions, if no name is given. Figures are counted by the API.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from cli.client import DeskClient, Json, Limit, Token, run
from cli.output import NOTHING, console, countdown, document, facts, local_time, span, table
from domain.errors import Invalid, NotFound
from domain.survey.definition import AFTER_RESOLUTION

Named = Annotated[
    str, typer.Argument(metavar="SURVEY", help="Id or name; the one after resolutions if left out.")
]
Campaign = Annotated[str, typer.Argument(metavar="SURVEY", help="Id or name.")]

_TIMES: Final = ("delay", "remind_after", "close_after", "rest", "task_within")


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_surveys)
    group.command("show")(show)
    group.command("create")(create)
    group.command("change")(change)
    group.command("preview")(preview)
    group.command("results")(results)
    group.command("answers")(answers)
    group.command("tasks")(tasks)
    group.command("done")(done)
    app.add_typer(group, name="survey", help="Show surveys, their results, and the tasks of low scores.")


def list_surveys(as_json: Json = False, token: Token = None) -> None:
    """List the surveys."""
    found = run(_surveys, token)
    if as_json:
        document({"data": found})
        return
    cells = [
        (one["kind"], one["occasion"], one["state"], local_time(one["next_at"]), one["name"]) for one in found
    ]
    console().print(table(("kind", "occasion", "state", "next", "name"), cells))


def show(survey: Named = str(AFTER_RESOLUTION), as_json: Json = False, token: Token = None) -> None:
    """Show what a survey asks, and when."""

    async def work(client: DeskClient) -> Any:
        return await client.get(f"/surveys/{await survey_id(client, survey)}")

    _shown(run(work, token), as_json)


def create(
    file: Annotated[
        typer.FileText,
        typer.Argument(
            metavar="FILE", encoding="utf-8", help="JSON with the fields of a campaign; - reads stdin."
        ),
    ],
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Make a campaign, as a draft."""
    try:
        body = json.load(file)
    except (ValueError, RecursionError) as error:
        raise Invalid("not_json", f"{file.name} is not JSON: {error}.") from None

    async def work(client: DeskClient) -> Any:
        return await client.post("/surveys", body)

    _shown(run(work, token), as_json)


def preview(survey: Campaign, as_json: Json = False, token: Token = None) -> None:
    """Show whom the next round of a campaign would meet now."""

    async def work(client: DeskClient) -> Any:
        return await client.get(f"/surveys/{await survey_id(client, survey)}/preview")

    seen = run(work, token)
    if as_json:
        document(seen)
    else:
        console().print(facts(seen.items()))


def change(
    survey: Named = str(AFTER_RESOLUTION),
    state: Annotated[str | None, typer.Option(help="active, paused or, of a campaign, ended.")] = None,
    delay: Annotated[str | None, typer.Option(help="After the resolution, such as PT1H.")] = None,
    remind_after: Annotated[str | None, typer.Option(help="Such as PT48H; none for no reminder.")] = None,
    close_after: Annotated[str | None, typer.Option(help="Such as P7D.")] = None,
    rest: Annotated[str | None, typer.Option(help="Such as P30D; none to ask each time.")] = None,
    low_score: Annotated[str | None, typer.Option(help="A score, or none for no tasks.")] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Change a survey: start a campaign, pause, go on, end it, or change its times."""
    given = {
        "state": state,
        "delay": delay,
        "remind_after": remind_after,
        "close_after": close_after,
        "rest": rest,
        "low_score": low_score,
    }
    body: dict[str, Any] = {
        name: None if value == "none" else value for name, value in given.items() if value is not None
    }
    if low_score is not None and low_score != "none":
        if not (low_score.isascii() and low_score.isdigit()):
            raise Invalid("invalid_score", "--low-score is a whole number, or none.")
        body["low_score"] = int(low_score)

    async def work(client: DeskClient) -> Any:
        return await client.patch(f"/surveys/{await survey_id(client, survey)}", body)

    _shown(run(work, token), as_json)


def results(
    survey: Named = str(AFTER_RESOLUTION),
    period: Annotated[
        str | None, typer.Option(help="2026-10, 2026-W45, last_month, <7d; this month if left out.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="team, agent, week, month and the rest; may be repeated.")
    ] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Show how many answered, what they said, and how sure that is."""

    async def work(client: DeskClient) -> Any:
        path = f"/surveys/{await survey_id(client, survey)}/results"
        return await client.get(path, period=period, group_by=by)

    answer = run(work, token)
    if as_json:
        document(answer)
        return
    names = ["period" if name in ("day", "week", "month", "quarter") else name for name in answer["group_by"]]
    rows = [[_word(row.get(name)) for name in names] + _figures(row) for row in answer["data"]]
    if names:
        rows.append(
            [*("all" if place == 0 else "" for place in range(len(names))), *_figures(answer["total"])]
        )
    console().print(table((*names, "asked", "answered", "rate", "score", "satisfied", "95 %", "NPS"), rows))


def answers(
    survey: Named = str(AFTER_RESOLUTION), limit: Limit = 25, as_json: Json = False, token: Token = None
) -> None:
    """List the answers, the latest first."""

    async def work(client: DeskClient) -> Any:
        return await client.rows(f"/surveys/{await survey_id(client, survey)}/answers", limit)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    cells = [
        (local_time(row["answered_at"]), row["score"], _number(row), row["person"], row["comment"])
        for row in rows
    ]
    console().print(table(("answered", "score", "ticket", "person", "comment"), cells))


def tasks(
    state: Annotated[str, typer.Option(help="open or done.")] = "open",
    mine: Annotated[bool, typer.Option(help="Only one's own.")] = False,
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List whom to call back after a low score, the earliest due first."""

    async def work(client: DeskClient) -> Any:
        return await client.rows("/surveys/tasks", limit, state=state, assignee="me" if mine else None)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    now = datetime.now(UTC)
    cells = [
        (
            row["id"],
            local_time(row["due_at"]),
            countdown(row["due_at"], now) if row["state"] == "open" else NOTHING,
            row["score"],
            _number(row),
            row["assignee"],
            row["requester"],
        )
        for row in rows
    ]
    console().print(table(("task", "due", "", "score", "ticket", "assignee", "requester"), cells))


def done(
    task: Annotated[str, typer.Argument(metavar="TASK", help="Its id, from the list of tasks.")],
    note: Annotated[str | None, typer.Option(help="What came of it.")] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Say that somebody called back."""

    async def work(client: DeskClient) -> Any:
        return await client.post(f"/surveys/tasks/{task}/done", {} if note is None else {"note": note})

    finished = run(work, token)
    if as_json:
        document(finished)
    else:
        console().print(f"Done: ticket #{finished['number']}, {finished['requester']['name']}")


async def survey_id(client: DeskClient, name: str) -> str:
    """The id of the survey with this id or name; raises NotFound."""
    found = [one for one in await _surveys(client) if name in (one["id"], one["name"])]
    if not found:
        raise NotFound("unknown_survey", f"There is no survey {name}.")
    return str(found[0]["id"])


async def _surveys(client: DeskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/surveys"))["data"]
    return found


def _shown(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        document(found)
        return
    rows = [(name.replace("_", " "), found[name]) for name in ("name", "id", "kind", "occasion", "state")]
    rows += [(name.replace("_", " "), span(found[name])) for name in _TIMES]
    rows += [
        (name.replace("_", " "), found[name]) for name in ("low_score", "sample", "quota", "per_day", "round")
    ]
    rows += [("next", local_time(found["next_at"]))]
    console().print(facts(rows))


def _figures(row: dict[str, Any]) -> list[Any]:
    interval = row["satisfaction_rate_interval"]
    return [
        row["asked"],
        row["answered"],
        _share(row["response_rate"]),
        NOTHING if row["score"] is None else f"{row['score']:.2f}",
        _share(row["satisfaction_rate"]),
        NOTHING if interval is None else f"{_share(interval['low'])} to {_share(interval['high'])}",
        NOTHING if row["net_promoter_score"] is None else f"{100 * row['net_promoter_score']:+.0f}",
    ]


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f} %"


def _word(value: Any) -> Any:
    return "none" if value is None else value


def _number(row: dict[str, Any]) -> str:
    return NOTHING if row["number"] is None else f"#{row['number']}"
