"""The mails of a desk without a mail server, as their recipients read them, and the links in them."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

from tests.api.conftest import Api


async def mail_of(api: Api, kind: str) -> dict[str, Any]:
    """The first mail of the caller of that kind, as soon as it is there."""
    for _ in range(400):
        rows = (
            await api.get(f"/api/v1/notifications?channel=email&kind={kind}&recipient={api.person_id}")
        ).json()
        if rows["data"]:
            detail: dict[str, Any] = (await api.get(f"/api/v1/notifications/{rows['data'][0]['id']}")).json()
            return detail
        await asyncio.sleep(0.05)
    raise AssertionError(f"no mail of kind {kind}")


def path_in(mail: dict[str, Any], page: str = "surveys") -> str:
    """Where the signed link of a mail leads."""
    found = re.search(rf"https?://\S+/{page}/\S+", mail["mail"]["text"])
    assert found is not None, mail["mail"]["text"]
    return urlsplit(found[0]).path
