"""Colleagues who are named in a text by `@` and their address, as in `@lin.wei@desk.example`."""

import re
from typing import Final

LIMIT: Final = 20
"""How many people one text may call."""

_MENTION = re.compile(r"(?<![\w@.])@([\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)")


def mentioned(text: str) -> list[str]:
    """The addresses in lower case, each once, in the order in which they come."""
    found = (match[1].lower() for match in _MENTION.finditer(text))
    return list(dict.fromkeys(found))[:LIMIT]
