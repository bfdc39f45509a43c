"""The HTTP client of the measurements: as little as possible, because it shares the machine with the desk.

One request at a time on one connection that stays open, and is opened again when the desk has closed it after
a while without requests. Common client libraries take up to a millisecond of
CPU a request, which would be counted against the desk.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any

    def expect(self, *statuses: int) -> Any:
        """The body; raises RuntimeError for another status than these."""
        if self.status not in statuses:
            raise RuntimeError(f"The desk answered {self.status}: {self.body}")
        return self.body


class Connection:
    """A connection to the desk as the person whose token it is."""

    def __init__(self, host: str, port: int, token: str | None = None) -> None:
        self._host, self._port = host, port
        self._head = f"Host: {host}\r\nContent-Type: application/json\r\n"
        if token:
            self._head += f"Authorization: Bearer {token}\r\n"

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def _open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def get(self, path: str) -> Answer:
        return await self._ask("GET", path, b"")

    async def post(self, path: str, body: Any = None) -> Answer:
        return await self._ask("POST", path, b"" if body is None else orjson.dumps(body))

    async def _ask(self, method: str, path: str, body: bytes) -> Answer:
        if self._reader.at_eof():
            self._writer.close()
            await self._open()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        length = 0
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        content = await self._reader.readexactly(length)
        return Answer(int(lines[0].split(b" ")[1]), orjson.loads(content) if content else None)
