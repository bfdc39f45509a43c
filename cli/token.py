"""`duradesk token create`: a token for a program, shown once."""

from typing import Annotated, Any

import typer

from cli.client import DeskClient, Json, Token, run
from cli.moment import parse_moment
from cli.output import console, document, facts, line, local_time
from cli.ticket import person_id


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    # Without a callback of its own, a group of one command would be that command.
    group.callback()(_group)
    group.command("create")(create)
    app.add_typer(group, name="token", help="Make API tokens.")


def _group() -> None:
    """Make API tokens."""


def create(
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="May be repeated; tickets:write if left out. Others: people:read, …"),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="An instant, or how far ahead: 30d. 90 days if left out; at most 366.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Whose token, by id or address; yours if left out.")
    ] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Make a token. Its secret is shown this once."""
    expires_at = None if expires is None else parse_moment(expires, "--expires").isoformat()

    async def work(client: DeskClient) -> Any:
        owner = None if person is None else await person_id(client, person)
        fields = {"name": name, "scopes": scope, "expires_at": expires_at, "person": owner}
        return await client.post(
            "/tokens", {key: value for key, value in fields.items() if value is not None}
        )

    issued = run(work, token)
    if as_json:
        document(issued)
        return
    names = ("name", "person", "scopes", "id")
    console(stderr=True).print(
        facts([*((name, issued[name]) for name in names), ("expires", local_time(issued["expires_at"]))])
    )
    # Alone on stdout, so that it can be put where it belongs.
    typer.echo(line(issued["token"]))
