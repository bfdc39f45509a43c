"""`duradesk link rotate`: a new key for the signed links in mails."""

from typing import Annotated, Any

import typer

from cli.client import DeskClient, Json, Token, run
from cli.output import console, document


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    # Without a callback of its own, a group of one command would be that command.
    group.callback()(_group)
    group.command("rotate")(rotate)
    app.add_typer(group, name="link", help="Manage the keys of signed links.")


def _group() -> None:
    """Manage the keys of signed links."""


def rotate(
    revoke: Annotated[bool, typer.Option(help="Make every link void that was signed before.")] = False,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Sign links with a new key from now on."""

    async def work(client: DeskClient) -> Any:
        return await client.post("/links/keys", {"revoke": revoke})

    rotated = run(work, token)
    if as_json:
        document(rotated)
    else:
        console().print(f"Key {rotated['key']} signs links now.")
