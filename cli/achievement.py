"""`duradesk achievement list|show|create|preview|activate|retire|backfill|held`: from a draft to what people hold.

An achievement is named by its id or its name. Who meets it and who gets it is the API's to say.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from cli.client import DeskClient, Json, Limit, Token, run
from cli.given import named
from cli.output import console, document, facts, local_time, print_rows, span, table
from cli.ticket import person_id
from domain.errors import Invalid

Named = Annotated[str, typer.Argument(metavar="ACHIEVEMENT", help="Id or name.")]

_LOOK_EVERY: Final = 0.5


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_achievements)
    group.command("show")(show)
    group.command("create")(create)
    group.command("preview")(preview)
    group.command("activate")(activate)
    group.command("retire")(retire)
    group.command("backfill")(backfill)
    group.command("held")(held)
    app.add_typer(
        group, name="achievement", help="Draft, preview and activate achievements, see who holds what."
    )


def list_achievements(
    state: Annotated[str | None, typer.Option(help="draft, active or retired.")] = None,
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List achievements, the newest first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows("/achievements", limit, state=state)

    def cells(row: Any) -> tuple[Any, ...]:
        return (row["state"], row["awarded"], _reward(row["reward"]), row["repeat"], row["id"], row["name"])

    columns = ("state", "awarded", "reward", "repeat", "id", "name")
    print_rows(run(work, token), columns, cells, as_json=as_json)


def show(achievement: Named, as_json: Json = False, token: Token = None) -> None:
    """Show what an achievement asks for and gives."""

    async def work(client: DeskClient) -> Any:
        return await client.get(await _path(client, achievement))

    _shown(run(work, token), as_json)


def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its fields as JSON; - reads from stdin.")],
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Draft an achievement: name, description, criteria and reward. Nobody gets it yet."""
    fields = _fields(file)

    async def work(client: DeskClient) -> Any:
        return await client.post("/achievements", fields)

    _shown(run(work, token), as_json)


def preview(achievement: Named, limit: Limit = 25, as_json: Json = False, token: Token = None) -> None:
    """Tell who would get it if it were active now. Everybody is looked at, nothing is written."""

    async def work(client: DeskClient) -> list[Any]:
        answer = await client.call("POST", f"{await _path(client, achievement)}/preview")
        return [orjson.loads(line) for line in answer.content.splitlines()]

    *met, total = run(work, token)
    if as_json:
        document({"data": met[:limit], **total})
        return
    console().print(table(("times", "member"), [(one["occurrences"], one["member"]) for one in met[:limit]]))
    console().print(f"{total['met']} of {total['checked']} members meet it.")


def activate(achievement: Named, as_json: Json = False, token: Token = None) -> None:
    """Award it from now on, and to everybody who meets it already. What it asks for and gives is fixed then."""
    _shown(run(lambda client: _change(client, achievement, "active"), token), as_json)


def retire(achievement: Named, as_json: Json = False, token: Token = None) -> None:
    """Award it no more. Who has it keeps it."""
    _shown(run(lambda client: _change(client, achievement, "retired"), token), as_json)


def backfill(
    achievement: Named,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; for drafts, too.")] = False,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Look at everybody again, and have it awarded to who meets it."""

    async def work(client: DeskClient) -> Any:
        path = f"{await _path(client, achievement)}/backfills"
        state = await client.post(path, {"dry_run": dry_run})
        with console(stderr=True).status("It looks at everybody; it goes on without this command, too."):
            while state["state"] == "running":
                await asyncio.sleep(_LOOK_EVERY)
                state = await client.get(f"{path}/{state['id']}")
        return state

    state = run(work, token)
    if as_json:
        document(state)
        return
    said = "nobody was asked" if dry_run else f"{state['asked']} were asked to award it"
    console().print(f"{state['state']}: {state['met']} of {state['checked']} members meet it, {said}.")


def held(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Id or address.")],
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List what somebody holds, the latest first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows(f"/members/{await person_id(client, person)}/achievements", limit)

    def cells(row: Any) -> tuple[Any, ...]:
        times = (local_time(row["awarded_at"]), local_time(row["expires_at"]))
        return (
            *times,
            row["state"],
            row["occurrence"],
            _reward(row["reward"]),
            row["id"],
            row["achievement"],
        )

    columns = ("awarded", "expires", "state", "time", "reward", "award", "achievement")
    print_rows(run(work, token), columns, cells, as_json=as_json)


async def _path(client: DeskClient, name: str) -> str:
    return f"/achievements/{await named(client, '/achievements', name, 'achievement')}"


async def _change(client: DeskClient, name: str, state: str) -> Any:
    return await client.patch(await _path(client, name), {"state": state})


def _fields(file: Path) -> Any:
    """What the file says. What it may say is the API's to check."""
    try:
        return orjson.loads(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Invalid("not_json", f"{file} is not JSON: {error}.") from None
    except OSError as error:
        raise Invalid("unreadable", f"{file} cannot be read: {error.strerror}.") from None


def _shown(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        document(found)
        return
    rows = [(name, found[name]) for name in ("name", "id", "description", "state", "version", "awarded")]
    rows += [("criteria", orjson.dumps(found["criteria"]).decode()), ("reward", _reward(found["reward"]))]
    rows += [(name, found[name]) for name in ("repeat", "revocable")]
    rows += [(name.removesuffix("_at"), local_time(found[name])) for name in ("created_at", "activated_at")]
    console().print(facts(rows))


def _reward(reward: dict[str, Any]) -> str:
    """Such as `points 50 for 30d`."""
    what = reward.get("value") or reward.get("prize")
    ends = reward.get("expires_after")
    said = [
        reward["type"],
        *([] if what is None else [str(what)]),
        *([] if ends is None else [f"for {span(ends)}"]),
    ]
    return " ".join(said)
