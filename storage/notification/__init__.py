"""Rows of notifications: `write` adds them with the event, `read` lists them, `delivery` sends the mails on
their way, `preference` keeps what people chose."""

from storage.notification.delivery import Deliveries
from storage.notification.preference import RECIPIENTS, recipient, recipients
from storage.notification.write import add

__all__ = ["RECIPIENTS", "Deliveries", "add", "recipient", "recipients"]
