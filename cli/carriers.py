"""How lines of each kind get into the desk: people by their addresses, tickets by their ids.

A line of a ticket is what `POST /tickets` takes, or what an export wrote. Which it is shows in the line itself, so
files of both, even mixed, go the same way. How lines are worked off is `cli.intake`'s.
"""

import asyncio
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx

from cli.attachments import attached, send
from cli.client import DeskClient, Refused
from cli.intake import NotYet, Outcome
from cli.lines import BadLine

_REPLAYED: Final = "Idempotent-Replayed"


class Tickets:
    """New tickets by `external_id`, exported ones by `id`, with their attachments if there is a folder of them."""

    def __init__(self, client: DeskClient, folder: Path | None = None) -> None:
        self._client = client
        self._folder = folder
        self._added = self._left_out = 0

    def key(self, fields: dict[str, Any]) -> str:
        if _is_exported(fields):
            return str(fields["id"])
        if fields.get("external_id") is None:
            fields["external_id"] = f"line-{_digest(fields)}"
        return str(fields["external_id"]).strip()

    async def send(self, fields: dict[str, Any]) -> Outcome:
        return await (self._take_over(fields) if _is_exported(fields) else self._open(fields))

    def told(self) -> Mapping[str, int]:
        return {"attachments": self._added, "attachments_left_out": self._left_out}

    async def _take_over(self, fields: dict[str, Any]) -> Outcome:
        files = attached(fields)
        try:
            answer = await self._client.call("POST", "/tickets/import", body=fields)
        except Refused as error:
            if error.code == "survivor_missing":
                raise NotYet(error.code, str(error).removeprefix(f"{error.code}: ")) from None
            raise
        if self._folder is None:
            self._left_out += len(files)
        elif files:
            self._added += await send(self._client, self._folder, str(fields["id"]), files)
        return _outcome(answer)

    async def _open(self, fields: dict[str, Any]) -> Outcome:
        try:
            answer = await self._client.call("POST", "/tickets", body={"channel": "import", **fields})
        except Refused as error:
            if error.code == "idempotency_key_reused":
                name = fields["external_id"]
                reason = f"The ticket {name} is there already with other contents; it stays as it is."
                raise BadLine("external_id_taken", reason) from None
            raise
        return _outcome(answer)


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

    def told(self) -> Mapping[str, int]:
        return {}

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


def _outcome(answer: httpx.Response) -> Outcome:
    return Outcome.EXISTING if answer.headers.get(_REPLAYED) == "true" else Outcome.CREATED


def _is_exported(fields: dict[str, Any]) -> bool:
    """A new ticket has neither: its desk gives it both."""
    return "id" in fields and "number" in fields


def _digest(fields: dict[str, Any]) -> str:
    """Of what the line says, whatever the order and the spaces it is written with."""
    return sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
