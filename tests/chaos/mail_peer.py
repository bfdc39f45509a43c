"""The mail server of a chaos run: a process of its own that misbehaves as the file `mode` says.

`python -m tests.chaos.mail_peer PORT FOLDER`. A mail that it takes is in `mails.jsonl` before its sender hears so.
`drop` is the worst of the modes: the mail is taken and the connection cut before the answer, so a sender that
loses nothing must send again, with the same Message-ID.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from aiosmtpd.smtp import SMTP

_SLOW: Final = 2.0


class Mode(StrEnum):
    """How the server treats a mail. `reject` is for good: the desk must keep a dead letter."""

    TAKE = "take"
    REFUSE = "refuse"
    DROP = "drop"
    DELAY = "delay"
    FILL = "fill"
    REJECT = "reject"


class Peer:
    def __init__(self, folder: Path) -> None:
        self._mode = folder / "mode"
        self._mails = (folder / "mails.jsonl").open("a", buffering=1)

    async def handle_RCPT(  # noqa: N802  named by aiosmtpd
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        mode = self._now()
        if mode is Mode.REFUSE:
            return "451 4.3.2 Not now"
        if mode is Mode.REJECT:
            return "550 5.1.1 Nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  the same
        mode = self._now()
        if mode is Mode.FILL:
            return "452 4.3.1 No space left"
        if mode is Mode.DELAY:
            await asyncio.sleep(_SLOW)
        self._take(envelope, told=mode is not Mode.DROP)
        if mode is Mode.DROP:
            server.transport.abort()
        return "250 OK"

    def _now(self) -> Mode:
        return Mode(self._mode.read_text().strip())

    def _take(self, envelope: Any, *, told: bool) -> None:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        line = {"now": time.time(), "id": mail["Message-ID"], "to": envelope.rcpt_tos, "told": told}
        self._mails.write(json.dumps(line) + "\n")


async def serve(port: int, folder: Path) -> None:
    peer = Peer(folder)
    loop = asyncio.get_running_loop()
    make: Callable[[], SMTP] = lambda: SMTP(peer, hostname="peer.test", loop=loop, enable_SMTPUTF8=True)  # noqa: E731
    wait: Awaitable[asyncio.Server] = loop.create_server(make, "127.0.0.1", port, reuse_address=True)
    async with await wait:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
