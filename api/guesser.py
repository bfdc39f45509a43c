"""Guesses what a new ticket is about, with the model in use. It may guess wrong; it never stands in the way.

Which model that is, and which categories the desk has, is looked up now and then, beside the requests. A model that
cannot be read leaves the guessing to the rule base; where nothing could be looked up yet, nothing is guessed.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Final

import structlog

from domain.classifier.classification import RULES, Classification
from domain.classifier.decision import Known, classify
from domain.classifier.model import decode
from domain.errors import Invalid, Unavailable
from storage import classifier
from storage.database import Database

LOOK_EVERY: Final = 10.0
FIRST_LOOK: Final = 1.0
"""How long the first guess of this process waits for the model, in seconds."""

_log = structlog.get_logger()


class Guesser:
    """One for each process. What it knows is replaced as a whole."""

    def __init__(self) -> None:
        self._known: Known | None = None
        self._looked_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._unreadable: int | None = None

    async def guess(
        self, database: Database, subject: str, description: str, *, threshold: float, given: Collection[str]
    ) -> Classification | None:
        """What is known of the fields that are not `given`; None if nobody could say."""
        try:
            known = await self._up_to_date(database)
            return (
                None
                if known is None
                else classify(known, subject, description, threshold=threshold, given=given)
            )
        except Exception as error:  # whatever is wrong with a model or with us, the ticket must be opened
            _log.warning("classification_failed", error=type(error).__name__)
            return None

    async def _up_to_date(self, database: Database) -> Known | None:
        if self._looking is None and time.monotonic() - self._looked_at > LOOK_EVERY:
            self._looking = asyncio.create_task(self._look(database))
        if self._known is None and self._looking is not None:
            await asyncio.wait([self._looking], timeout=FIRST_LOOK)
        return self._known

    async def look(self, database: Database) -> Known:
        """What is in use now, for those who cannot wait until it is looked up by itself; raises Unavailable where
        nothing could ever be looked up."""
        if self._looking is not None:
            await asyncio.wait([self._looking])
        await self._look(database)
        if self._known is None:
            raise Unavailable("classifier_unreadable", "What classifies tickets cannot be read.")
        return self._known

    async def _look(self, database: Database) -> None:
        """Keeps what was known where something new cannot be had."""
        try:
            self._known = await self._read(database)
        except Exception as error:  # of the database: what is known still serves
            _log.warning("classifier_unreadable", error=type(error).__name__)
        finally:
            self._looked_at = time.monotonic()
            self._looking = None

    async def _read(self, database: Database) -> Known:
        before = self._known or Known()
        async with database.reading() as reader:
            categories = await classifier.categories(reader)
            version = (await classifier.in_force(reader)).version
            if version == RULES:
                return Known(categories=categories)
            if version == before.version:
                return Known(version, before.model, categories)
            if version == self._unreadable:
                return Known(categories=categories)
            content = await classifier.model(reader, version)
        try:
            return Known(version, await asyncio.to_thread(decode, content or b""), categories)
        except Invalid as error:
            _log.warning("classifier_unreadable", error=error.code, version=version)
            self._unreadable = version  # it does not get better by being read again
            return Known(categories=categories)
