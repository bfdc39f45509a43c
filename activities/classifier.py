"""Effects of a training: reading what people said of tickets, having a model made of it, and putting it to use."""

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from temporalio import activity

from activities.failure import translated
from domain.classifier.classification import RULES
from domain.classifier.evaluation import Outcome
from domain.classifier.labels import example_of, practice_of
from domain.classifier.training import (
    EXAMPLES,
    Conclusion,
    Done,
    NewVersion,
    Result,
    Task,
    Trained,
    Wanted,
    fingerprint,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

    from domain.classifier.labels import Labelled
    from storage.database import Database

PAGE: Final = 500
RIVALS: Final = 2
"""So many versions that were in use earlier are compared, too."""
_BEAT: Final = 5.0

Answer = TypeVar("Answer")


class ClassifierActivities:
    """`store` is `storage.classifier`; `trainer` makes a model in a process of its own."""

    def __init__(
        self,
        database: "Database",
        store: "ModuleType",
        trainer: "Callable[[Task], Awaitable[Done]]",
        threshold: float,
    ) -> None:
        self._database = database
        self._store = store
        self._trainer = trainer
        self._threshold = threshold

    @activity.defn(name="train_classifier")
    @translated
    async def train(self, wanted: Wanted) -> Trained:
        """Makes a version of all labels, compared with those in use now and before. The same run makes it once; one
        that is asked for by nobody makes none when there is nothing new to learn."""
        async with self._database.reading() as reader:
            known = await self._store.of_run(reader, wanted.run)
            now = await self._store.in_force(reader)
            newest = await self._store.last_labels(reader)
        if known is not None:
            version, report, after = known
            return Trained(version=version, report=report, after=after, held=now.held and not wanted.asked)
        tickets = await self._labelled()
        examples = [example_of(one) for one in tickets]
        labels = fingerprint(examples)
        async with self._database.reading() as reader:
            categories = sorted(await self._store.categories(reader))
            rivals = [now.version, *await self._store.earlier(reader, now, RIVALS)]
            models = {one: await self._store.model(reader, one) for one in rivals if one != RULES}
        lost = models.get(now.version, b"") is None
        if labels == newest and not wanted.asked and not lost:
            return Trained(reason=Outcome.NOTHING_NEW, after=now.number)
        task = Task(
            threshold=self._threshold,
            categories=categories,
            in_use=now.version,
            models={version: content for version, content in models.items() if content is not None},
            examples=examples,
        )
        done = await _beating(self._trainer(task))
        if done.model is None or done.report is None:
            return Trained(reason=Outcome.TOO_FEW_LABELS, after=now.number)
        new = NewVersion(
            run=wanted.run,
            labels=labels,
            tickets=len(examples),
            after_choice=now.number,
            report=done.report,
            practice=practice_of(tickets),
            content=done.model,
        )
        async with self._database.writing() as writer:
            version = await self._store.add(writer, new)
        return Trained(
            version=version, report=done.report, after=now.number, held=now.held and not wanted.asked
        )

    @activity.defn(name="conclude_training")
    @translated
    async def conclude(self, end: Conclusion) -> Result:
        async with self._database.writing() as writer:
            result: Result = await self._store.conclude(writer, end)
        return result

    async def _labelled(self) -> "list[Labelled]":
        found: list[Labelled] = []
        while len(found) < EXAMPLES:
            after = None if not found else (found[-1].created_at, found[-1].id)
            async with self._database.reading() as reader:
                page = await self._store.labelled(reader, after, PAGE)
            found += page
            activity.heartbeat(len(found))
            if len(page) < PAGE:
                break
        return found[:EXAMPLES]


async def _beating(work: "Awaitable[Answer]") -> Answer:
    """The answer of `work`, with a sign of life while it is waited for; cancelled with us."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            activity.heartbeat()
            await asyncio.wait([task], timeout=_BEAT)
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
