"""A desk as people run it: started by `duradesk up`, killed in parts and as a whole, started again, stopped."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator

import httpx
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio.client import Client as Temporal

from tests.running import RunningDesk
from workers.schedules import SCHEDULES

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]

_PARTS = ("cli.main worker", "cli.main api", "server start-dev", "bin/postgres")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    desk = RunningDesk(tmp_path_factory.mktemp("desk") / "home")
    yield desk
    if desk.process.poll() is None:
        desk.stop()


def test_it_tells_where_everything_is(desk: RunningDesk) -> None:
    assert f"{desk.url}/docs" in desk.said
    assert "Temporal UI  http://127.0.0.1:" in desk.said
    assert str(desk.home / "admin-password") in desk.said


def test_only_the_owner_may_read_what_it_keeps(desk: RunningDesk) -> None:
    assert (desk.home / "admin-password").stat().st_mode & 0o777 == 0o600
    for name in ("temporal.db", "postgres", "log", "run"):
        assert (desk.home / name).stat().st_mode & 0o077 == 0


def test_the_first_administrator_can_log_in(desk: RunningDesk) -> None:
    assert desk.login() == 201


def test_one_page_shows_the_figures_of_api_worker_and_sdk(desk: RunningDesk) -> None:
    samples = [
        sample
        for family in text_string_to_metric_families(httpx.get(f"{desk.url}/metrics", timeout=10).text)
        for sample in family.samples
    ]
    shown = {(sample.name, sample.labels.get("part")) for sample in samples}
    assert shown >= {
        ("duradesk_database_up", "api"),
        ("duradesk_commits_total", "worker"),
        ("temporal_request_total", "api"),
        ("temporal_num_pollers", "worker"),
        ("process_resident_memory_bytes", "api"),
        ("process_resident_memory_bytes", "worker"),
    }
    keys = [(sample.name, *sorted(sample.labels.items())) for sample in samples]
    assert len(keys) == len(set(keys)), "a sample is shown twice"


@pytest.mark.parametrize("words", _PARTS)
def test_a_killed_part_comes_back(desk: RunningDesk, words: str) -> None:
    part = desk.part(words)
    assert part
    part.kill()
    _until(lambda: desk.part(words) not in (part, None))
    _until(desk.is_ready)
    assert desk.login() == 201


def test_everything_killed_at_once_leaves_nothing_behind_and_starts_again(desk: RunningDesk) -> None:
    password = (desk.home / "admin-password").read_text()
    children = psutil.Process(desk.process.pid).children(recursive=True)
    desk.stop(signal.SIGKILL)
    _until(lambda: not any(_runs(child) for child in children))
    desk.start()
    assert (desk.home / "admin-password").read_text() == password
    assert desk.login() == 201


def test_ctrl_c_stops_all_of_it_and_it_continues_where_it_stopped(desk: RunningDesk) -> None:
    children = psutil.Process(desk.process.pid).children(recursive=True)
    assert desk.stop() == 0
    assert not any(_runs(child) for child in children)
    desk.start()
    assert desk.login() == 201


def test_however_often_it_was_started_each_schedule_is_there_once(desk: RunningDesk) -> None:
    _until(lambda: asyncio.run(_schedules(desk)) == sorted(one.id for one in SCHEDULES))


async def _schedules(desk: RunningDesk) -> list[str]:
    temporal = await Temporal.connect(desk.temporal_address)
    return sorted([one.id async for one in await temporal.list_schedules()])


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _until(met: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)
