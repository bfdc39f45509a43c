"""How housekeeping is wired to this process: rows of the database, and objects that no row names."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial

from adapters.objects import ATTACHMENTS, Objects
from domain.housekeeping import Leftover
from storage import attachment
from storage.database import Database
from storage.housekeeping import ENDED, sweep


def sweepers(
    database: Database, objects: Objects
) -> Mapping[Leftover, Callable[[datetime], AsyncIterator[int]]]:
    """What removes the leftovers of each kind that ended before an instant."""
    return {
        **{leftover: partial(sweep, database, leftover) for leftover in ENDED},
        Leftover.OBJECTS: partial(_sweep_objects, database, objects),
    }


async def _sweep_objects(database: Database, objects: Objects, before: datetime) -> AsyncIterator[int]:
    """An upload that was cut off between its object and its row, or a removal between its row and its object."""
    async for keys in objects.older_than(before, ATTACHMENTS):
        async with database.reading() as reader:
            orphans = await attachment.without_row(reader, keys)
        for key in sorted(orphans):
            await objects.delete(key)
        yield len(orphans)
