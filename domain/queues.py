"""The task queues: which work may not hold up which other work."""

from typing import Final

PROCESS: Final = "duradesk-process"
"""Processes and their commits to the database."""

BEHIND: Final = 5
"""Temporal's priority key of work for which nobody waits at a screen: behind that of every ticket."""

DELIVERY: Final = "duradesk-delivery"
"""Everything that talks to the outside and may be slow: mail."""
