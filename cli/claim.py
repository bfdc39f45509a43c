"""`duradesk claim list|show|act`: prizes on their way to those who have won them.

A claim is named by its id. Who may bring it further is the API's to say.
"""

from typing import Annotated, Any
from uuid import UUID

import typer

from cli.client import DeskClient, Json, Limit, Token, run
from cli.given import Key, checked_key, present, segment, words
from cli.output import console, countdown, document, facts, local_time, print_rows, table
from cli.prize import money
from cli.ticket import person_id
from domain.errors import Invalid

Named = Annotated[str, typer.Argument(metavar="CLAIM", help="Its id, which is that of its award.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_claims)
    group.command("show")(show)
    group.command("act")(act)
    app.add_typer(group, name="claim", help="Approve, fulfil and confirm prizes that were won.")


def list_claims(
    state: Annotated[str | None, typer.Option(help="asked, approved, fulfilled, confirmed, …")] = None,
    member: Annotated[str | None, typer.Option(help="Id or address.")] = None,
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List claims, the newest first: one's own, and for managers everybody's."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        of = None if member is None else await person_id(client, member)
        return await client.rows("/claims", limit, state=state, member=of)

    def cells(row: Any) -> tuple[Any, ...]:
        cost = money(row["cost"], row["currency"])
        return row["state"], countdown(row["due_at"]), cost, row["prize"], row["member"], row["id"]

    columns = ("state", "due", "cost", "prize", "member", "id")
    print_rows(run(work, token), columns, cells, as_json=as_json)


def show(claim: Named, as_json: Json = False, token: Token = None) -> None:
    """Show a claim, and all that happened to it."""

    async def work(client: DeskClient) -> Any:
        return await client.get(f"/claims/{_id(claim)}")

    _shown(run(work, token), as_json)


def act(
    claim: Named,
    action: Annotated[str, typer.Argument(help="approve, decline, fulfil, fail; confirm, dispute.")],
    note: Annotated[str | None, typer.Option(help="What is to be said of it; - reads it from stdin.")] = None,
    key: Key = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Bring a claim further."""

    async def work(client: DeskClient) -> Any:
        return await client.post(
            f"/claims/{_id(claim)}/actions/{segment(action)}",
            present({"note": None if note is None else words(note)}),
            idempotency_key=checked_key(key),
        )

    _shown(run(work, token), as_json)


def _id(name: str) -> str:
    try:
        return str(UUID(name))
    except ValueError:
        raise Invalid("unknown_claim", f"{name!r} is not the id of a claim.") from None


def _shown(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        document(found)
        return
    rows = [(name, found[name]) for name in ("id", "prize", "achievement", "member", "state", "version")]
    rows += [("cost", money(found["cost"], found["currency"])), ("due", countdown(found["due_at"]))]
    screen = console()
    screen.print(facts(rows))
    steps = [(local_time(one["at"]), one["state"], one["by"], one["note"]) for one in found["steps"]]
    screen.print("", table(("when", "state", "by", "note"), steps))
