"""Records the histories of the present code: `make record`.

It is collected only when it is named, because its name does not begin as a test's does. It uses the servers of
the tests: Temporal as `duradesk up` starts it, in memory.
"""

from collections.abc import Iterator

import pytest
from temporalio.client import Client

from storage.database import Database
from tests.replay import archive
from tests.replay.paths import PATHS
from tests.replay.stage import Stage, histories


@pytest.fixture(scope="module", autouse=True)
def folder() -> Iterator[None]:
    """That of the version at work, emptied; a released one is left alone."""
    archive.begin(archive.versions()[0])
    yield
    archive.keep_outline(archive.versions()[0])


@pytest.mark.parametrize("name", PATHS)
async def test_record(name: str, temporal: Client, database: Database) -> None:
    for workflow_id in await PATHS[name](Stage(temporal, database)):
        archive.keep(archive.versions()[0], name, await histories(temporal, workflow_id))
