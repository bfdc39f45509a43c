"""The HTTP client of the measurements: as little as possible, because it shares the machine with the desk.

One request at a time on one connection that stays open, and is opened again when the server has closed it. Common
client libraries take up to a millisecond of CPU a request, which would be counted against the desk.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import orjson


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what JSON says, and the bytes of anything else."""

    status: int
    body: Any

    def expect(self, *statuses: int) -> Any:
        """The body; raises RuntimeError for another status than these."""
        if self.status not in statuses:
            raise RuntimeError(f"The desk answered {self.status}: {self.body}")
        return self.body


class Connection:
    """A connection to the desk as the person whose token it is."""

    def __init__(
        self, host: str, port: int, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._host, self._port = host, port
        self._writer: asyncio.StreamWriter | None = None
        lines = {"Host": host, **(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    async def __aenter__(self) -> Self:
        """It is opened by the first request: a server with a process for each connection waits for those that idle."""
        return self

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._writer is None or self._reader.at_eof():
            self._close()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self._reader, self._writer

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def get(self, path: str) -> Answer:
        return await self._ask("GET", path, "application/json", b"")

    async def post(self, path: str, body: Any = None) -> Answer:
        return await self._ask("POST", path, "application/json", b"" if body is None else orjson.dumps(body))

    async def patch(self, path: str, body: Any) -> Answer:
        return await self._ask("PATCH", path, "application/json", orjson.dumps(body))

    async def submit(self, path: str, form: Mapping[str, str]) -> Answer:
        """As a browser sends a form."""
        body = urlencode(form).encode()
        return await self._ask("POST", path, "application/x-www-form-urlencoded", body)

    async def _ask(self, method: str, path: str, kind: str, body: bytes) -> Answer:
        reader, writer = await self._opened()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        content = await reader.readexactly(int(headers.get(b"content-length", b"0")))
        if headers.get(b"connection", b"").lower() == b"close":
            self._close()  # at once: the server may wait for it
        is_json = content and b"json" in headers.get(b"content-type", b"")
        return Answer(int(first.split(b" ")[1]), orjson.loads(content) if is_json else content or None)
