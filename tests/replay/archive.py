"""The archive of recorded histories: a folder for each version, a gzipped file for each run of a process.

What is recorded is said in `paths`, the recording itself is `record.py`. Nothing of the machine that recorded
is kept: identities and stack traces are blanked, neither takes part in a replay.
"""

import gzip
import json
import re
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from temporalio.client import WorkflowHistory

from tests.replay.outline import outline

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(__file__).parent / "histories"
OUTLINE: Final = "outline.txt"
_SUFFIX: Final = ".json.gz"
_HEADING: Final = re.compile(r"^## (?P<version>[0-9]\S*)(?P<unreleased> \(unreleased\))?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the changelog; once it is released its histories stay as they are."""

    name: str
    released: bool

    @property
    def folder(self) -> Path:
        return FOLDER / self.name


@dataclass(frozen=True, slots=True)
class Recorded:
    """One run of a process. `path` is the story that it was recorded for."""

    version: str
    path: str
    file: Path

    @property
    def name(self) -> str:
        return f"{self.version}/{self.file.name.removesuffix(_SUFFIX)}"

    def history(self) -> WorkflowHistory:
        document = gzip.decompress(self.file.read_bytes()).decode()
        return WorkflowHistory.from_json(f"recorded:{self.path}", document)


def versions() -> list[Version]:
    """All versions of the changelog, the newest first."""
    found = _HEADING.finditer((ROOT / "CHANGELOG.md").read_text())
    return [Version(one["version"], one["unreleased"] is None) for one in found]


def newest() -> Version:
    """The newest version that has recorded histories."""
    return next(version for version in versions() if version.folder.is_dir())


def recorded() -> list[Recorded]:
    """Every history of every version that ever was recorded."""
    return [
        Recorded(file.parent.name, file.name.removesuffix(_SUFFIX).rpartition(".")[0], file)
        for file in sorted(FOLDER.glob(f"*/*{_SUFFIX}"))
    ]


def workflow_type(history: WorkflowHistory) -> str:
    return history.events[0].workflow_execution_started_event_attributes.workflow_type.name


def keep(version: Version, path: str, histories: list[WorkflowHistory]) -> None:
    """Writes the runs of one path; the same history always gives the same bytes.

    A run that has done nothing yet has nothing to replay: the replayer would wait for it for ever.
    """
    version.folder.mkdir(parents=True, exist_ok=True)
    begun = [history for history in histories if _has_begun(history)]
    for run, history in enumerate(begun, 1):
        document = json.dumps(
            _blank(json.loads(history.to_json())), ensure_ascii=False, separators=(",", ":")
        )
        (version.folder / f"{path}.{run}{_SUFFIX}").write_bytes(gzip.compress(document.encode(), 9, mtime=0))


def begin(version: Version) -> None:
    """Empties the folder of a version that is not released yet; raises AssertionError for one that is."""
    assert not version.released, (
        f"{version.name} is released, so its histories stay as they are. Begin the next version in CHANGELOG.md "
        f"(a heading such as `## 0.2.0 (unreleased)`); `make record` then writes beside them."
    )
    for file in version.folder.glob("*"):
        file.unlink()


def keep_outline(version: Version) -> None:
    (version.folder / OUTLINE).write_text(outline())


def _has_begun(history: WorkflowHistory) -> bool:
    return any(event.HasField("workflow_task_completed_event_attributes") for event in history.events)


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "" if key in ("identity", "stackTrace") else _blank(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_blank(each) for each in value]
    return value


def difference(version: Version) -> str:
    """What the outline of today has that the recorded one has not, and the other way round."""
    before, now = (version.folder / OUTLINE).read_text().splitlines(), outline().splitlines()
    return "\n".join(
        unified_diff(before, now, f"recorded with {version.name}", "workflows/ now", lineterm="")
    )
