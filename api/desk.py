"""What every route works with: the settings, the database and the Temporal client, made by the caller."""

from dataclasses import dataclass, field

from temporalio.client import Client

from api.guesser import Guesser
from runtime.settings import Settings
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Desk:
    settings: Settings
    database: Database
    temporal: Client
    guesser: Guesser = field(default_factory=Guesser)
