"""Every history that was ever recorded is replayed by the workflow code of today."""

from collections import Counter

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.replay import archive
from tests.replay.archive import Recorded
from tests.replay.outline import outline
from tests.replay.paths import PATHS
from tests.replay.words import BROKEN, CHANGED_AT_WORK, CHANGED_SINCE_RELEASE
from workers.registry import WORKFLOWS
from workers.runner import RUNNER

MOST_EVENTS = 400
MOST_BYTES = 40_000


@pytest.mark.parametrize("recorded", archive.recorded(), ids=lambda recorded: recorded.name)
async def test_a_recorded_history_replays(recorded: Recorded) -> None:
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=RUNNER, data_converter=pydantic_data_converter)
    result = await replayer.replay_workflow(recorded.history(), raise_on_replay_failure=False)
    if result.replay_failure is not None:
        pytest.fail(BROKEN.format(name=recorded.name, reason=result.replay_failure), pytrace=False)


def test_the_outline_is_the_one_that_was_recorded() -> None:
    version = archive.newest()
    if (version.folder / archive.OUTLINE).read_text() != outline():
        words = CHANGED_SINCE_RELEASE if version.released else CHANGED_AT_WORK
        pytest.fail(words.format(version=version.name, difference=archive.difference(version)), pytrace=False)


def test_every_path_and_every_workflow_type_is_recorded() -> None:
    newest = [one for one in archive.recorded() if one.version == archive.newest().name]
    assert {one.path for one in newest} == set(PATHS), "run `make record`"
    types = {archive.workflow_type(one.history()) for one in newest}
    assert types == {getattr(one, "__temporal_workflow_definition").name for one in WORKFLOWS}


def test_every_version_of_the_archive_is_in_the_changelog() -> None:
    assert {one.version for one in archive.recorded()} <= {version.name for version in archive.versions()}


def test_histories_are_short_and_say_nothing_of_the_machine() -> None:
    for one in archive.recorded():
        events = one.history().events
        assert len(events) <= MOST_EVENTS, one.name
        assert one.file.stat().st_size <= MOST_BYTES, one.name
        kinds = Counter(event.event_type for event in events)
        assert kinds, one.name
        assert "@" not in "".join(event.workflow_task_started_event_attributes.identity for event in events)
