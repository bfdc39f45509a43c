"""Identifiers: how they are made, and how a workflow id is built and parsed. Nowhere else.

Ids are UUIDs. A record created with a key (an idempotency key, the id in another system) gets the UUID
that the key names, so the same key can only ever make the same record, whatever restarts in between.
"""

from uuid import UUID, uuid5

_TICKETS = UUID("5b1b6a0e-6f5d-5c52-9a3e-0f6d5f9c7a11")
_SEPARATOR = ":"


FULL_RECONCILIATION = "reconciliation:full"
"""The workflow id of a run in full; there is one at a time."""


TRAINING_BY_HAND = "classifier:by-hand"
"""The workflow id of a training that somebody asked for; there is one at a time."""


def ticket_id(scope: str, key: str) -> UUID:
    """The id of the ticket that `key` names; `scope` keeps the keys of two callers apart."""
    return uuid5(_TICKETS, f"{scope}\n{key}")


def workflow_id(feature: str, record_id: UUID | str) -> str:
    """`ticket:0190…`; at most 255 characters, no personal data."""
    return f"{feature}{_SEPARATOR}{record_id}"


def parse_workflow_id(value: str) -> tuple[str, str]:
    """The feature and the record's id; raises ValueError for an id that is not ours."""
    feature, separator, record_id = value.partition(_SEPARATOR)
    if not separator or not feature or not record_id:
        raise ValueError(f"{value!r} is not a workflow id of this desk")
    return feature, record_id
