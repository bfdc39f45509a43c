"""A careful program that uses the desk: it repeats what did not get through, with the same key, and keeps a journal.

Sometimes it is impatient (it gives up on the first try after a second) or hasty (it sends a request twice at
once). Neither may ever make a thing happen twice.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.chaos.journal import ABANDONED, ACCEPTED, ASKED, BROKEN, REFUSED, Journal
from tests.chaos.stack import PASSWORD

_GIVES_UP: Final = 300.0
_AGAIN: Final = frozenset({429, 502, 503, 504})
_PATIENCE: Final = 20.0
_IMPATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody signed in."""

    id: str
    token: str


class Client:
    def __init__(self, url: str, journal: Journal, seed: int) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{url}/api/v1", timeout=_PATIENCE, limits=httpx.Limits(max_connections=200)
        )
        self._journal = journal
        self._draw = random.Random(f"client {seed}")

    async def close(self) -> None:
        await self._http.aclose()

    async def sign_in(self, email: str) -> Who:
        answer = await self._http.post("/sessions", json={"email": email, "password": PASSWORD})
        answer.raise_for_status()
        body = answer.json()
        return Who(body["person"]["id"], body["token"])

    async def plain(self, method: str, path: str, who: Who, body: Any = None) -> Any:
        """One try, without a journal; raises RuntimeError for anything but success."""
        answer = await self._http.request(method, path, json=body, headers=_headers(who, None))
        if not answer.is_success:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:200]}")
        return answer.json() if answer.content else None

    async def read(self, path: str, who: Who) -> Any:
        """Until there is an answer; raises RuntimeError when the desk is away for too long or says no."""
        end = time.monotonic() + _GIVES_UP
        while time.monotonic() < end:
            answer = await self._try("GET", path, who, None, None, _PATIENCE)
            if answer is not None and answer.is_success:
                return answer.json()
            await asyncio.sleep(self._draw.uniform(0.3, 2.0))
        raise RuntimeError(f"{path} was never answered")

    async def ask(
        self,
        what: str,
        method: str,
        path: str,
        who: Who,
        body: Any = None,
        *,
        hasty: bool = False,
        **facts: Any,
    ) -> dict[str, Any] | None:
        """Asks until there is an answer, and gives its body; None when it was refused or never got through.

        `what` and `facts` tell the checker what was asked for.
        """
        key = str(uuid4())
        self._journal.write(ASKED, key=key, what=what, who=who.id, path=path, body=body, **facts)
        if hasty:
            asyncio.ensure_future(self._try(method, path, who, key, body, _PATIENCE)).add_done_callback(
                _retrieve
            )
        patience = _IMPATIENCE if self._draw.random() < 0.05 else _PATIENCE
        end = time.monotonic() + _GIVES_UP
        while time.monotonic() < end:
            answer = await self._try(method, path, who, key, body, patience)
            if answer is not None and answer.status_code not in _AGAIN:
                if answer.status_code < 500:
                    return self._answered(key, what, answer)
                self._journal.write(
                    BROKEN, key=key, what=what, status=answer.status_code, text=answer.text[:500]
                )
            patience = _PATIENCE
            await asyncio.sleep(self._draw.uniform(0.3, 2.0))
        self._journal.write(ABANDONED, key=key, what=what)
        return None

    async def _try(
        self, method: str, path: str, who: Who, key: str | None, body: Any, patience: float
    ) -> httpx.Response | None:
        """One try; None when nobody knows what became of it."""
        try:
            return await self._http.request(
                method, path, json=body, headers=_headers(who, key), timeout=patience
            )
        except httpx.TransportError:
            return None

    def _answered(self, key: str, what: str, answer: httpx.Response) -> dict[str, Any] | None:
        body = dict(answer.json())
        if not answer.is_success:
            self._journal.write(REFUSED, key=key, what=what, status=answer.status_code, code=body.get("code"))
            return None
        known = {name: body.get(name) for name in ("id", "version", "status")}
        self._journal.write(ACCEPTED, key=key, what=what, **known)
        return body


def _headers(who: Who, key: str | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {who.token}"}
    return headers if key is None else {**headers, "Idempotency-Key": key}


def _retrieve(task: "asyncio.Future[httpx.Response | None]") -> None:
    if not task.cancelled():
        task.exception()
