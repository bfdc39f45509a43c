"""`duradesk import people|tickets FILE`: JSON lines into the desk, again and again to no further effect.

Here are the commands and their result; what a line of each kind means is `cli.carriers`', how lines are worked off
`cli.intake`'s.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer
from typer.core import TyperGroup

from cli.carriers import People, Tickets
from cli.client import DeskClient, Json, Token, run
from cli.intake import REJECTS_LISTED, Carrier, Intake, Outcome, Patience, Tally
from cli.output import console, document, facts
from cli.progress import Watcher, watching
from domain.errors import DeskError, Invalid

_SOME_REJECTED: Final = 2

File = Annotated[str, typer.Argument(metavar="FILE", help="JSON lines in UTF-8; - reads from stdin.")]
AtOnce = Annotated[
    int, typer.Option("--concurrency", min=1, max=256, help="How many lines are on their way at once.")
]
Rejects = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="FILE", help="Write rejected lines here, to be mended and imported."),
]
Attachments = Annotated[
    Path | None,
    typer.Option(
        "--attachments", metavar="FOLDER", help="Where an export put the files of exported tickets."
    ),
]
Wait = Annotated[
    int, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for a desk that went away.")
]


class _TicketsUnlessSaid(TyperGroup):
    """`duradesk import FILE` is `duradesk import tickets FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = not args or args[0] in (*self.commands, "--help")
        return super().parse_args(ctx, args if named else ["tickets", *args])


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, cls=_TicketsUnlessSaid)
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
    attachments: Attachments = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Import tickets, a JSON object a line: exported ones, or new ones with the fields of POST /tickets and perhaps
    created_at. `tickets` may be left out.

    An exported ticket is known by its id, a new one by its external_id; a line without one gets one made of its
    contents. What is there already stays as it is. Ends with 0, with 2 if lines were rejected, with 1 if it could
    not go on.
    """
    if attachments is not None and not attachments.is_dir():
        raise Invalid("no_folder", f"There is no folder {attachments}.")
    kind = partial(Tickets, folder=attachments)
    _import("tickets", kind, file, concurrency, rejects, wait, as_json, token)


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
    more: Callable[[], Mapping[str, int]] = dict

    async def work(client: DeskClient) -> None:
        nonlocal tally, more
        await client.get("/people/me")  # a desk that is away or a wrong token is said before anything begins
        with ExitStack() as stack:
            source = stack.enter_context(_source(file))
            spoilt = stack.enter_context(_rejects(rejects, source))
            watcher: Watcher = stack.enter_context(watching(title, _size(source)))
            carrier = kind(client)
            intake = Intake(carrier, watcher, Patience(timedelta(seconds=wait), watcher), spoilt)
            tally, more = intake.tally, carrier.told
            await intake.run(source, at_once)

    try:
        run(work, token)
    except (DeskError, OSError, KeyboardInterrupt) as error:
        if tally.lines:
            _show(title, tally, more(), as_json, complete=False)
        if isinstance(error, OSError):
            raise Invalid("broken_off", f"Cannot go on: {error}.") from None
        raise
    _show(title, tally, more(), as_json, complete=True)
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


def _show(title: str, tally: Tally, more: Mapping[str, int], as_json: bool, *, complete: bool) -> None:
    result: dict[str, Any] = {
        "lines": tally.lines,
        "created": tally.outcomes[Outcome.CREATED],
        "existing": tally.outcomes[Outcome.EXISTING],
        "rejected": tally.rejected,
        **more,
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
    names = {"existing": "already there"}
    shown = {name: value for name, value in result.items() if value or name not in more}
    screen.print(facts((names.get(name, name.replace("_", " ")), value) for name, value in shown.items()))
