"""`duradesk export`: tickets out of the desk into a file, as large as they are.

The file gets its name when all of it is there. Attachments are fetched afterwards, line by line, into a folder
(`cli.attachments`); what is there already is not fetched again.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from cli.attachments import attached, fetch
from cli.client import DeskClient, Json, Refused, Token, run
from cli.lines import BadLine, feed, parse
from cli.output import console, document, facts
from cli.progress import Watcher, watching
from domain.errors import Invalid

_GONE: Final = 404


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="- writes to stdout.")] = "-",
    format_: Annotated[Format, typer.Option("--format", help="JSON lines are whole.")] = Format.JSONL,
    query: Annotated[str | None, typer.Option("--query", help="As for `ticket list`.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Lets Excel know that CSV is UTF-8.")] = False,
    attachments: Annotated[
        Path | None,
        typer.Option("--attachments", metavar="FOLDER", help="Fetch the files of the tickets, too."),
    ] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Export tickets as JSON lines, which `duradesk import` takes, or as CSV.

    The file gets its name when all of it is there.
    """
    if attachments is not None and (format_ is not Format.JSONL or file == "-"):
        raise Invalid("no_lines", "--attachments needs --format jsonl and a FILE.")
    params = {"format": format_.value, "q": query, "bom": bom or None}
    result = run(lambda client: _export(client, file, params, attachments), token)
    if file == "-":
        return
    if as_json:
        document(result)
    else:
        console().print(facts((name.replace("_", " "), value) for name, value in result.items()))


async def _export(
    client: DeskClient, file: str, params: dict[str, Any], folder: Path | None
) -> dict[str, Any]:
    started = time.monotonic()
    with watching("tickets", None) as watcher:
        with _target(file) as target:
            async with client.download("/tickets/export", **params) as chunks:
                result = await _copied(chunks, target, watcher)
        if folder is not None:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            result |= await _fetched(client, Path(file), folder, watcher)
    return {**result, "seconds": round(time.monotonic() - started, 3)}


@contextmanager
def _target(file: str) -> Iterator[BinaryIO]:
    """The file to write to; what is wrong with it is one line for the person."""
    try:
        if file == "-":
            yield sys.stdout.buffer
            return
        part = Path(f"{file}.part")
        try:
            with part.open("wb") as opened:
                yield opened
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise Invalid("unwritable_file", f"Cannot write to {file}: {error.strerror}.") from None


async def _copied(chunks: AsyncIterator[bytes], target: BinaryIO, watcher: Watcher) -> dict[str, Any]:
    size = lines = 0
    async for chunk in chunks:
        await asyncio.to_thread(target.write, chunk)
        size, lines = size + len(chunk), lines + chunk.count(b"\n")
        watcher.advance(len(chunk), f"{lines} lines")
    return {"lines": lines, "bytes": size}


async def _fetched(client: DeskClient, file: Path, folder: Path, watcher: Watcher) -> dict[str, Any]:
    """Fetches the files of all lines. One that was deleted meanwhile is told."""
    fetched = known = gone = 0
    with file.open("rb") as opened:
        async for line in feed(opened):
            fields = parse(line)
            for one in attached(fields):
                try:
                    new = await fetch(client, folder, str(fields["id"]), one)
                except Refused as error:
                    if error.status != _GONE:
                        raise
                    gone += 1
                    watcher.say(f"line {line.number}: The attachment {one.name} was deleted meanwhile.")
                    continue
                except BadLine as error:
                    raise Invalid(error.code, error.reason) from None
                fetched, known = fetched + new, known + (not new)
                watcher.advance(0, f"{fetched} files fetched")
    return {"attachments_fetched": fetched, "attachments_there": known, "attachments_gone": gone}
