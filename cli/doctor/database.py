"""The doctor's questions to the database."""

from datetime import UTC, datetime, timedelta
from time import monotonic

from cli.doctor import finding
from cli.doctor.finding import Finding
from storage.checkup import database_facts
from storage.database import Database
from storage.gauges import gauges
from storage.migrate import knows_revision, newest_revision


async def look(database: Database) -> list[Finding]:
    """Raises Unavailable when it does not answer."""
    async with database.reading() as reader:
        started = monotonic()
        facts = await database_facts(reader)
        took = timedelta(seconds=monotonic() - started)
        found = [
            finding.postgres(facts.server_version),
            finding.skew(datetime.now(UTC), facts.now, took),
            finding.migrations(
                facts.revision,
                newest_revision(),
                known=facts.revision is not None and knows_revision(facts.revision),
            ),
        ]
        if facts.revision != newest_revision():
            return found  # tables may be missing that the figures are taken from
        figures = await gauges(reader)
    return [*found, finding.outbox(figures), finding.steps(figures), finding.mails(figures)]
