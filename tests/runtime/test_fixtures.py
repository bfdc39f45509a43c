"""The fixtures themselves: real servers that answer."""

from sqlalchemy import text
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime.config import search_attributes
from runtime.temporal import RETENTION, _registered, prepare_namespace, register_search_attributes
from storage.database import Database


async def test_the_database_is_a_postgresql_18_in_unicode(database: Database) -> None:
    async with database.reading() as reader:
        row = (await reader.execute(text("SHOW server_version"))).scalar_one()
        lower = (await reader.execute(text("SELECT lower('ÄÖÜ中文')"))).scalar_one()
    assert row.startswith("18.")
    assert lower == "äöü中文"


async def test_the_namespace_is_prepared_and_preparing_it_again_changes_nothing(temporal: Client) -> None:
    await prepare_namespace(temporal)
    await register_search_attributes(temporal)
    assert set(search_attributes()) <= set(await _registered(temporal))
    assert RETENTION.days == 30


async def test_time_skips(time_skipping: WorkflowEnvironment) -> None:
    assert (await time_skipping.get_current_time()).tzinfo is not None
