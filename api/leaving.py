"""How an API process takes leave: it says that it is going, on `/readyz` and with each answer, while it still
serves; then nobody is surprised when it is gone. When that begins is decided by `cli/api`."""

import json
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.stream.hub import Hub

_STOPPING: Final = json.dumps(
    {"status": "not_ready", "parts": {"api": {"up": False, "detail": "It is stopping."}}}
)


class Leaving:
    """The app; once it has begun to leave, with the last words of a process that stops."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._begun = False

    def begin(self) -> None:
        self._begun = True
        hub: Hub = self._app.state.hub
        hub.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._begun or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def last(message: Message) -> None:
            """The caller opens its next connection elsewhere, instead of meeting a closed one."""
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        if scope["path"] == "/readyz":
            await Response(_STOPPING, 503, media_type="application/json")(scope, receive, last)
        else:
            await self._app(scope, receive, last)
