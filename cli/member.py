"""`duradesk member show|points|board|facts`: points from a terminal, and facts from a file.

People are named by id or address. What facts are worth and who may bring them is the API's to say.
"""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import orjson
import typer

from cli.client import DeskClient, Json, Limit, Refused, Token, run
from cli.lines import RawLine, read_lines
from cli.output import NOTHING, console, document, facts, local_time, print_rows
from cli.ticket import person_id
from domain.errors import Invalid
from domain.member.fact import BATCH_MAX

Named = Annotated[str, typer.Argument(metavar="PERSON", help="Id or address.")]

_BATCH: Final = min(500, BATCH_MAX)


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("show")(show)
    group.command("points")(points)
    group.command("board")(board)
    group.command("facts")(bring)
    app.add_typer(group, name="member", help="Show points and leaderboards, bring facts.")


def show(person: Named, as_json: Json = False, token: Token = None) -> None:
    """Show a member: points, level, rank."""

    async def work(client: DeskClient) -> Any:
        return await client.get(f"/members/{await person_id(client, person)}")

    found = run(work, token)
    if as_json:
        document(found)
        return
    following = found["next_level"]
    further = NOTHING if following is None else f"{following['name']}, {following['missing']} points to go"
    reached = [f"{one['name']} ({local_time(one['reached_at'])})" for one in found["levels"]]
    console().print(
        facts(
            [
                *((name, found[name]) for name in ("name", "points")),
                ("level", found["level"]),
                ("next level", further),
                *((name, found[name]) for name in ("rank", "listed")),
                ("reached", reached),
            ]
        )
    )


def points(person: Named, limit: Limit = 25, as_json: Json = False, token: Token = None) -> None:
    """Show the ledger, the latest row first: why somebody has so many points."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows(f"/members/{await person_id(client, person)}/points", limit)

    def cells(row: Any) -> tuple[Any, ...]:
        return (
            local_time(row["at"]),
            f"{row['points']:+d}",
            row["kind"],
            row["action"],
            row["day"],
            row["reason"],
            row["fact_id"] or row["about"],
        )

    columns = ("booked", "points", "kind", "action", "day", "reason", "fact")
    print_rows(run(work, token), columns, cells, as_json=as_json)


def board(
    window: Annotated[str, typer.Option(help="day, week, month or all.")] = "all",
    limit: Limit = 50,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Show the leaderboard."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows("/leaderboard", limit, window=window)

    columns = ("rank", "points", "level", "member")
    print_rows(run(work, token), columns, itemgetter(*columns), as_json=as_json)


def bring(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines; - reads them from stdin.")],
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Bring facts: a line each, with "member" and the fields of a fact. Safe to repeat."""

    async def work(client: DeskClient) -> dict[str, int]:
        total = {"new": 0, "known": 0}
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as opened:
            for first, batch in _batches(opened):
                taken = await _bring(client, first, batch)
                total = {name: total[name] + taken[name] for name in total}
        return total

    total = run(work, token)
    if as_json:
        document(total)
    else:
        console().print(f"{total['new']} new, {total['known']} known already")


async def _bring(client: DeskClient, first: int, batch: list[Any]) -> dict[str, int]:
    """Whose line is refused is told: facts are numbered within their request."""
    try:
        taken: dict[str, int] = await client.post("/facts", {"facts": batch})
    except Refused as error:
        raise Invalid("refused", f"Lines {first} to {first + len(batch) - 1}: {error}") from None
    return taken


def _batches(file: BinaryIO) -> Iterator[tuple[int, list[Any]]]:
    """The facts of a file, some at a time, with the number of the first line. Raises Invalid for what is no JSON."""
    first = 1
    batch: list[Any] = []
    for line in read_lines(file):
        first = first if batch else line.number
        batch.append(_fact(line))
        if len(batch) == _BATCH:
            yield first, batch
            batch = []
    if batch:
        yield first, batch


def _fact(line: RawLine) -> Any:
    try:
        return orjson.loads(line.text or b"")
    except orjson.JSONDecodeError as error:
        raise Invalid("not_json", f"Line {line.number} is not JSON: {error}.") from None
