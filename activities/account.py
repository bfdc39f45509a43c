"""Effects of people coming and going."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities.failure import translated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from storage.database import Database


class Availability(BaseModel):
    """Whether a person can be given tickets from now on."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    available: bool


class AccountActivities:
    """`put` is `storage.outbox.put`."""

    def __init__(self, database: "Database", put: "Callable[..., Awaitable[None]]") -> None:
        self._database = database
        self._put = put

    @activity.defn(name="announce_availability")
    @translated
    async def announce(self, availability: Availability) -> None:
        """Tells the desk that someone is away or free. Told twice, the second time changes nothing."""
        topic = "capacity" if availability.available else "reroute"
        async with self._database.writing() as writer:
            await self._put(writer, topic, availability.person_id, {})
