"""`duradesk key`: the keys of encrypted histories on this machine. What the keys do is `runtime.codec`'s business."""

from typing import Final

import typer

from cli.client import Json
from cli.output import console, document, table
from runtime.keys import new_key, put_first
from runtime.settings import PREFIX, SettingError, load_settings

_COLUMNS: Final = ("id", "use", "place")


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("create")(create)
    group.command("rotate")(rotate)
    group.command("list")(list_keys)
    app.add_typer(group, name="key", help="Make, rotate and list the keys of encrypted histories.")


def create() -> None:
    """Make a key and print it. It is kept nowhere."""
    typer.echo(new_key().text)


def rotate() -> None:
    """Make a new key the one that encrypts, in the file that holds the keys. The old ones still decrypt."""
    settings = load_settings()
    file = settings.encryption_key_file
    if file is None:
        raise SettingError(
            f"The keys stand in {PREFIX}ENCRYPTION_KEY itself: put a key of `duradesk key create` before them."
        )
    if not settings.encryption_keys():
        raise SettingError(f"There is no key to rotate: {file} does not exist.")
    key = new_key()
    put_first(file, key)
    typer.echo(f"{key.id} encrypts from the next start of each part on. Keep a copy of {file}.")


def list_keys(as_json: Json = False) -> None:
    """List the keys by their ids, the one that encrypts first. Secrets are not shown."""
    settings = load_settings()
    keys = settings.encryption_keys()
    place = str(settings.encryption_key_file or f"{PREFIX}ENCRYPTION_KEY")
    rows = [(key.id, "encrypts" if key == keys.encrypting else "decrypts", place) for key in keys.all]
    if as_json:
        document({"data": [dict(zip(_COLUMNS, row, strict=True)) for row in rows]})
    else:
        console().print(table(_COLUMNS, rows))
