"""Who the command is to the desk, and what it says when the desk does not answer or will not."""

import asyncio
import json
import stat
from pathlib import Path

from cli.client import Refused, address_of
from runtime.settings import Settings
from tests.cli.conftest import ListeningDesk, Terminal
from tests.conftest import free_port


def test_a_refusal_is_one_line_with_every_field_once() -> None:
    errors = [
        {"field": "priority", "code": "enum", "message": "Input should be 'low'"},
        {"field": "subject", "code": "blank", "message": "The text must\nnot be blank."},
    ]
    document = {"code": "invalid", "detail": "priority: Input should be 'low'", "errors": errors}
    said = "invalid: priority: Input should be 'low'; subject: The text must not be blank."
    assert str(Refused(422, document)) == said
    assert str(Refused(422, {**document, "detail": "Wrong."})).startswith("invalid: Wrong. (priority: Input")
    assert str(Refused(404, {"code": "not_found", "detail": "Not there."})) == "not_found: Not there."


def test_the_desk_is_found_where_it_listens_or_where_it_is_said_to_be() -> None:
    assert address_of(Settings(host="0.0.0.0", port=8001)) == "http://127.0.0.1:8001"
    assert address_of(Settings(host="::1", port=8001)) == "http://[::1]:8001"
    assert address_of(Settings(base_url="https://desk.example.com/")) == "https://desk.example.com"


async def test_the_administrator_signs_in_once_and_again_when_the_session_has_ended(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    kept = listening.desk.settings.home / "cli-token"
    assert (await duradesk("ticket", "list")).code == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    first = json.loads(kept.read_bytes())["token"]
    assert (await duradesk("ticket", "list")).code == 0
    assert json.loads(kept.read_bytes())["token"] == first
    kept.write_text(kept.read_text().replace(first, first[:-4] + "0000"))
    assert (await duradesk("ticket", "list")).code == 0
    assert json.loads(kept.read_bytes())["token"] != first


async def test_a_kept_session_that_cannot_be_read_is_made_anew(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    kept = listening.desk.settings.home / "cli-token"
    for spoilt in (b"", b"[]", b'{"token": 1}', b"\xff\x00"):
        kept.write_bytes(spoilt)
        assert (await duradesk("ticket", "list")).code == 0


async def test_a_kept_session_is_for_its_own_desk_only(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()

    kept = {"address": "http://127.0.0.1:1", "email": "admin@desk.localhost", "token": "secret"}
    (tmp_path / "cli-token").write_text(json.dumps(kept))
    server = await asyncio.start_server(stranger, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    done = await Terminal(HOME=str(tmp_path), PORT=str(port))("ticket", "list")
    server.close()
    await server.wait_closed()
    assert done.code == 1
    assert seen
    assert b"secret" not in b"".join(seen)


async def test_a_desk_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    port = str(free_port())
    terminal = Terminal(HOME=str(tmp_path), PORT=port)
    for arguments in (("ticket", "list"), ("import", "people", "-"), ("token", "create", "--name", "x")):
        done = await terminal(*arguments)
        assert done.code == 1
        said = f"duradesk: The desk does not answer at http://127.0.0.1:{port}. Is it running? (make up)"
        assert done.err.splitlines() == [said]


async def test_what_is_no_desk_is_said_to_be_none(tmp_path: Path) -> None:
    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(stranger, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    done = await Terminal(HOME=str(tmp_path), PORT=port, TOKEN="given")("ticket", "list")
    server.close()
    await server.wait_closed()
    assert done.code == 1
    assert "is not a desk" in done.err
    assert len(done.err.splitlines()) == 1


async def test_without_any_token_the_way_to_one_is_said(listening: ListeningDesk, tmp_path: Path) -> None:
    done = await Terminal(HOME=str(tmp_path / "elsewhere"), PORT=str(listening.port))("ticket", "list")
    assert done.code == 1
    assert "DURADESK_TOKEN" in done.err
    assert len(done.err.splitlines()) == 1


async def test_a_wrong_token_or_password_is_said(listening: ListeningDesk, duradesk: Terminal) -> None:
    for token in ("wrong", "unprintable\x07"):
        done = await duradesk("ticket", "list", TOKEN=token)
        assert (done.code, done.out) == (1, "")
        assert "token" in done.err.casefold()
    password = listening.desk.settings.home / "admin-password"
    password.write_text("not the one\n")
    done = await duradesk("ticket", "list")
    assert done.code == 1
    assert str(password) in done.err
