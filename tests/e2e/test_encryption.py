"""What people write and what is secret stands in no history and no log: the raw files of a running desk are read.

The same story is told twice: with the encryption that a desk has by default nothing is found, and with it turned
off the markers are found in Temporal's file, so the search is known to find what is there.
"""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from runtime.embedded.postgres import EmbeddedPostgres
from tests.adapters.mail_server import MailServer, mail_server
from tests.running import RunningDesk

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
]

WRITTEN: Final = {
    "subject": "subject-7f3a",
    "body": "正文 body-19bc",
    "note": "note-55d0",
    "file": "file-a8e2.txt",
    "tag": "tag-61cc",
    "name": "Lin-04be Wei",
    "address": "lin-92ff@customers.example",
    "refusal": "refusal-3c77",
}
SECRET: Final = {"admin": "admin-password-d41d", "smtp": "smtp-password-e90a"}
_FAILS = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'refused: %', (SELECT string_agg(subject, ' ') FROM tickets) || NEW.body; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON ticket_comments FOR EACH ROW EXECUTE FUNCTION refuse();
"""


class Story:
    """Everything that carries words of people through the desk, failures of activities included."""

    def __init__(self, desk: RunningDesk) -> None:
        self._desk = desk
        body = {"email": "admin@desk.localhost", "password": SECRET["admin"]}
        self.token = str(httpx.post(f"{desk.url}/api/v1/sessions", json=body, timeout=20).json()["token"])

    def post(self, path: str, body: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.post(f"{self._desk.url}/api/v1{path}", json=body, headers=headers, timeout=20, **more)

    def tell(self, server: MailServer) -> None:
        server.rcpt += [f"550 {WRITTEN['refusal']} {WRITTEN['address']}"] * 2
        created = self.post(
            "/tickets",
            {
                "subject": WRITTEN["subject"],
                "description": WRITTEN["body"],
                "tags": [WRITTEN["tag"]],
                "requester": {"email": WRITTEN["address"], "name": WRITTEN["name"]},
            },
        )
        assert created.status_code == 201, created.text
        self.ticket = created.json()["id"]
        files = {"file": (WRITTEN["file"], WRITTEN["body"].encode())}
        assert self.post(f"/tickets/{self.ticket}/attachments", files=files).is_success
        with psycopg.connect(EmbeddedPostgres(self._desk.home).url(), autocommit=True) as connection:
            connection.execute(_FAILS)
            assert self._act("reply", "body").status_code == 503
            connection.execute("DROP TRIGGER refuse ON ticket_comments; DROP FUNCTION refuse()")
        self._until_answered(self._act, "note", "note")
        self.post("/sessions", {"email": WRITTEN["address"], "password": WRITTEN["note"]})

    def _act(self, action: str, words: str) -> httpx.Response:
        return self.post(f"/tickets/{self.ticket}/actions/{action}", {"body": WRITTEN[words]})

    def _until_answered(self, call: Any, *arguments: str) -> None:
        deadline = time.monotonic() + 60
        while not call(*arguments).is_success:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def found_in(paths: list[Path], words: dict[str, str]) -> set[str]:
    """The names of the words that stand in the files, in UTF-8 or escaped as JSON does."""
    raw = b"".join(path.read_bytes() for path in paths)
    return {
        name
        for name, word in words.items()
        if word.encode() in raw or word.encode("unicode_escape").replace(rb"\x", rb"\u00") in raw
    }


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "said.log"


async def lived(home: Path, logs: Path, encryption: dict[str, str]) -> str:
    """The story from the first start to the end; the session's token."""
    async with mail_server(password=SECRET["smtp"]) as server:
        url = f"smtp://desk:{SECRET['smtp']}@127.0.0.1:{server.port}"
        settings = {"ADMIN_PASSWORD": SECRET["admin"], "SMTP_URL": url, "LOG_LEVEL": "DEBUG", **encryption}
        return await asyncio.to_thread(_live, home, logs, settings, server)


def _live(home: Path, logs: Path, settings: dict[str, str], server: MailServer) -> str:
    with logs.open("w") as target:
        desk = RunningDesk(home, stderr=target, **settings)
        try:
            story = Story(desk)
            story.tell(server)
            deadline = time.monotonic() + 30
            while not server.tries:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            desk.stop()
    return story.token


def stores(home: Path) -> list[Path]:
    return sorted(home.glob("temporal.db*"))


def all_logs(home: Path, said: Path) -> list[Path]:
    return [said, *sorted((home / "log").iterdir())]


async def test_nothing_that_people_wrote_stands_in_a_history_or_a_log(tmp_path: Path, logs: Path) -> None:
    home = tmp_path / "home"
    token = await lived(home, logs, {})
    secrets = {**SECRET, "token": token}
    assert stores(home)
    assert found_in(stores(home), {**WRITTEN, **secrets}) == set()
    assert found_in(all_logs(home, logs), {**WRITTEN, **secrets}) == set()
    assert found_in(all_logs(home, logs), {"kind": "RaiseException"}) == {"kind"}
    assert (home / "encryption-keys").stat().st_mode & 0o777 == 0o600
    check_that_it_does_not_start_without_its_keys(home, logs)


def check_that_it_does_not_start_without_its_keys(home: Path, logs: Path) -> None:
    (home / "encryption-keys").rename(home / "kept")
    with pytest.raises(AssertionError, match="ended with 1"), logs.open("w") as target:
        RunningDesk(home, stderr=target)
    [line] = logs.read_text().splitlines()
    assert "which is not in" in line
    assert not (home / "encryption-keys").exists()


async def test_with_encryption_off_the_same_search_finds_them(tmp_path: Path, logs: Path) -> None:
    home = tmp_path / "home"
    await lived(home, logs, {"ENCRYPTION_KEY": "off"})
    assert found_in(stores(home), WRITTEN) >= {"subject", "body", "note", "name", "address"}
    assert found_in(all_logs(home, logs), {**WRITTEN, **SECRET}) == set()
