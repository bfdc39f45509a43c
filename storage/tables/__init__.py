"""The tables, a module a feature. Importing this package registers every table on `Base.metadata`."""

from storage.tables import (
    account,
    attachment,
    bulk,
    calendar,
    classifier,
    feed,
    field,
    macro,
    member,
    notification,
    outbox,
    reconciliation,
    report,
    sla,
    ticket,
    view,
)

__all__ = [
    "account",
    "attachment",
    "bulk",
    "calendar",
    "classifier",
    "feed",
    "field",
    "macro",
    "member",
    "notification",
    "outbox",
    "reconciliation",
    "report",
    "sla",
    "ticket",
    "view",
]
