"""What activities have in common that carry out one step of a process: it happens whole, in one transaction."""

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from storage.database import Database, Writer

WantedT = TypeVar("WantedT")
DoneT = TypeVar("DoneT")


class Committing(Generic[WantedT, DoneT]):
    """`step` is what a package of `storage` does for one process. The activity stands with each feature, because
    Temporal reads the types of its argument and answer off it."""

    def __init__(self, database: "Database", step: "Callable[[Writer, WantedT], Awaitable[DoneT]]") -> None:
        self._database = database
        self._step = step

    async def _commit(self, wanted: WantedT) -> DoneT:
        async with self._database.writing() as writer:
            return await self._step(writer, wanted)
