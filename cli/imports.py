"""`duradesk import people|tickets FILE`: JSON lines into the desk, again and again to no further effect.

Here are the commands, their result, and what a line of each kind means; how lines are worked off is `cli.intake`'s.
"""

import asyncio
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final
from uuid import UUID

import typer

from cli.client import DeskClient, Json, Refused, Token, run
from cli.intake import REJECTS_LISTED, Carrier, Intake, Outcome, Patience, Tally
from cli.lines import BadLine
from cli.output import console, document, facts
from cli.progress import Watcher, watching
from domain.errors import DeskError, Invalid

_REPLAYED: Final = "Idempotent-Replayed"
_SOME_REJECTED: Final = 2

File = Annotated[str, typer.Argument(metavar="FILE", help="JSON lines in UTF-8; - reads from stdin.")]
AtOnce = Annotated[
    int, typer.Option("--concurrency", min=1, max=256, help="How many lines are on their way at once.")
]
Rejects = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="FILE", help="Write rejected lines here, to be mended and imported."),
]
Wait = Annotated[
    int, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for a desk that went away.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("people")(import_people)
    group.command("tickets")(import_tickets)
    app.add_typer(group, name="import", help="Import people or tickets from JSON lines; safe to repeat.")


def import_people(
    file: File,
    concurrency: AtOnce = 16,
    rejects: Rejects = None,
    wait: Wait = 120,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Import people, a JSON object a line with the fields of POST /people.

    Someone whose address the desk knows stays as they are. A team that does not exist is made, with its name as
    its category. Ends with 0, with 2 if lines were rejected, with 1 if it could not go on.
    """
    _import("people", People, file, concurrency, rejects, wait, as_json, token)


def import_tickets(
    file: File,
    concurrency: AtOnce = 16,
    rejects: Rejects = None,
    wait: Wait = 120,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Import tickets, a JSON object a line with the fields of POST /tickets and perhaps created_at.

    A ticket is known by its external_id; a line without one gets one made of its contents. What is there already
    stays as it is. Ends with 0, with 2 if lines were rejected, with 1 if it could not go on.
    """
    _import("tickets", Tickets, file, concurrency, rejects, wait, as_json, token)


class Tickets:
    """Tickets by `external_id`."""

    def __init__(self, client: DeskClient) -> None:
        self._client = client

    def key(self, fields: dict[str, Any]) -> str:
        if fields.get("external_id") is None:
            fields["external_id"] = f"line-{_digest(fields)}"
        return str(fields["external_id"]).strip()

    async def send(self, fields: dict[str, Any]) -> Outcome:
        try:
            answer = await self._client.call("POST", "/tickets", body={"channel": "import", **fields})
        except Refused as error:
            if error.code == "idempotency_key_reused":
                name = fields["external_id"]
                reason = f"The ticket {name} is there already with other contents; it stays as it is."
                raise BadLine("external_id_taken", reason) from None
            raise
        return Outcome.EXISTING if answer.headers.get(_REPLAYED) == "true" else Outcome.CREATED


class People:
    """People by address. Teams are made when the desk does not know them, before the person who needs them."""

    def __init__(self, client: DeskClient) -> None:
        self._client = client
        self._making_teams = asyncio.Lock()
        self._made: set[str] = set()

    def key(self, fields: dict[str, Any]) -> str:
        return str(fields.get("email")).strip().casefold()

    async def send(self, fields: dict[str, Any]) -> Outcome:
        try:
            try:
                await self._client.post("/people", fields)
            except Refused as error:
                if error.code != "unknown_team":
                    raise
                await self._make_teams(fields["teams"])
                await self._client.post("/people", fields)
        except Refused as error:
            if error.code == "email_taken":
                return Outcome.EXISTING
            raise
        return Outcome.CREATED

    async def _make_teams(self, names: list[str]) -> None:
        async with self._making_teams:
            for name in dict.fromkeys(name.strip() for name in names):
                if name.casefold() not in self._made and not _is_id(name):
                    await self._make_team(name)
                    self._made.add(name.casefold())

    async def _make_team(self, name: str) -> None:
        category = "-".join(name.lower().replace(",", " ").replace(";", " ").split())[:64]
        try:
            await self._client.post("/teams", {"name": name, "categories": [category] if category else []})
        except Refused as error:
            if error.code != "name_taken":
                raise


def _digest(fields: dict[str, Any]) -> str:
    """Of what the line says, whatever the order and the spaces it is written with."""
    return sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _import(
    title: str,
    kind: Callable[[DeskClient], Carrier],
    file: str,
    at_once: int,
    rejects: Path | None,
    wait: int,
    as_json: bool,
    token: str | None,
) -> None:
    tally = Tally()

    async def work(client: DeskClient) -> None:
        nonlocal tally
        await client.get("/people/me")  # a desk that is away or a wrong token is said before anything begins
        with ExitStack() as stack:
            source = stack.enter_context(_source(file))
            spoilt = stack.enter_context(_rejects(rejects, source))
            watcher: Watcher = stack.enter_context(watching(title, _size(source)))
            intake = Intake(kind(client), watcher, Patience(timedelta(seconds=wait), watcher), spoilt)
            tally = intake.tally
            await intake.run(source, at_once)

    try:
        run(work, token)
    except (DeskError, OSError, KeyboardInterrupt) as error:
        if tally.lines:
            _show(title, tally, as_json, complete=False)
        if isinstance(error, OSError):
            raise Invalid("broken_off", f"Cannot go on: {error}.") from None
        raise
    _show(title, tally, as_json, complete=True)
    if tally.rejected:
        raise typer.Exit(_SOME_REJECTED)


@contextmanager
def _source(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115  closed below; here only the opening may fail
    except OSError as error:
        raise Invalid("unreadable_file", f"Cannot read {file}: {error.strerror}.") from None
    if _size(opened) is None:  # a pipe that is silent would not let itself be closed
        yield opened
        return
    with opened:
        yield opened


@contextmanager
def _rejects(path: Path | None, source: BinaryIO) -> Iterator[BinaryIO | None]:
    """The file for rejected lines, begun anew; never the file that is read."""
    if path is None:
        yield None
        return
    if _is_same(path, source):
        raise Invalid("same_file", f"--rejects {path} is the file that is imported; name another one.")
    try:
        opened = path.open("wb")
    except OSError as error:
        raise Invalid("unwritable_file", f"Cannot write to {path}: {error.strerror}.") from None
    with opened:
        yield opened


def _is_same(path: Path, source: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(source.fileno()))
    except OSError:  # one of them is no file
        return False


def _size(source: BinaryIO) -> int | None:
    try:
        found = os.fstat(source.fileno())
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _show(title: str, tally: Tally, as_json: bool, *, complete: bool) -> None:
    result: dict[str, Any] = {
        "lines": tally.lines,
        "created": tally.outcomes[Outcome.CREATED],
        "existing": tally.outcomes[Outcome.EXISTING],
        "rejected": tally.rejected,
        "seconds": round(tally.seconds, 3),
        "per_second": round(tally.per_second, 1),
    }
    if as_json:
        document({**result, "complete": complete, f"first_{REJECTS_LISTED}_rejects": tally.rejects})
        return
    screen = console()
    if not complete:
        screen.print(
            f"The import of {title} was broken off. Run it again: what is there already stays as it is."
        )
    names = {"existing": "already there", "per_second": "per second"}
    screen.print(facts((names.get(name, name), value) for name, value in result.items()))
