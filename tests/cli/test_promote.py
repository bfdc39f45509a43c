"""`duradesk promote` as people call it."""

from pathlib import Path
from uuid import uuid4

from temporalio.client import Client

from tests.cli.conftest import Terminal


async def test_it_says_who_is_missing(temporal: Client, tmp_path: Path) -> None:
    address = temporal.service_client.config.target_host
    duradesk = Terminal(
        HOME=str(tmp_path), TEMPORAL_ADDRESS=address, DEPLOYMENT_NAME=f"desk-{uuid4().hex[:8]}"
    )
    done = await duradesk("promote", "--within", "1", BUILD_ID="7")
    assert done.code == 1
    assert done.err == (
        "duradesk: Version 7 has no workers of duradesk-delivery, duradesk-process that could be made current.\n"
    )


async def test_workers_without_a_name_have_no_version(temporal: Client, tmp_path: Path) -> None:
    address = temporal.service_client.config.target_host
    done = await Terminal(HOME=str(tmp_path), TEMPORAL_ADDRESS=address)("promote")
    assert (done.code, done.out) == (1, "")
    assert "DURADESK_DEPLOYMENT_NAME is not set" in done.err
