"""The task queues: which work may not hold up which other work."""

from typing import Final

PROCESS: Final = "duradesk-process"
"""Processes and their commits to the database."""

DELIVERY: Final = "duradesk-delivery"
"""Everything that talks to the outside and may be slow: mail."""
