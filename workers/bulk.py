"""How a bulk action does its action to one ticket: like a request of its person, with the rights they have now."""

from uuid import UUID

from api.desk import Desk
from api.ticket.act import carry_out
from api.ticket.forms import FORMS
from domain.authorization import not_allowed
from domain.bulk import Bulk
from domain.ticket.record import Ticket
from storage.account import people


class Performer:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def perform(self, bulk: Bulk, ticket_id: UUID, key: str) -> Ticket:
        """Raises what the route of the action raises."""
        async with self._desk.database.reading() as reader:
            caller = await people.principal(reader, bulk.person.id)
        if caller is None:
            raise not_allowed()
        form = FORMS[bulk.action].model_validate(bulk.fields)
        return await carry_out(self._desk, caller, ticket_id, bulk.action, form, None, key)
