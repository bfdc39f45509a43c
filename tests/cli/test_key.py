"""`duradesk key`: makes, rotates and lists keys without ever showing one that is in use."""

import base64
from pathlib import Path

from runtime.keys import Key, new_key, put_first, read_keys
from tests.cli.conftest import Terminal


async def test_a_new_key_is_printed_and_kept_nowhere(tmp_path: Path) -> None:
    done = await Terminal(HOME=str(tmp_path / "home"))("key", "create")
    assert len(base64.b64decode(done.out)) == 32
    assert not (tmp_path / "home").exists()


async def test_a_rotation_puts_a_new_key_first(tmp_path: Path) -> None:
    file, old = tmp_path / "encryption-keys", new_key()
    put_first(file, old)
    duradesk = Terminal(HOME=str(tmp_path))
    done = await duradesk("key", "rotate")
    new, kept = read_keys(file).all
    assert kept == old
    assert done.out.startswith(new.id)
    listed = await duradesk("key", "list", "--json")
    assert [(row["id"], row["use"]) for row in listed.json["data"]] == [
        (new.id, "encrypts"),
        (old.id, "decrypts"),
    ]
    table = await duradesk("key", "list")
    assert new.id in table.out
    shown = done.out + listed.out + table.out
    assert not _shows(old, shown)
    assert not _shows(new, shown)


async def test_keys_of_a_file_of_secrets_are_rotated_there(tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "keys"
    put_first(file, new_key())
    await Terminal(HOME=str(tmp_path), ENCRYPTION_KEY_FILE=str(file))("key", "rotate")
    assert len(read_keys(file).all) == 2


async def test_what_cannot_be_rotated_is_one_line(tmp_path: Path) -> None:
    key = new_key()
    itself = await Terminal(HOME=str(tmp_path), ENCRYPTION_KEY=key.text)("key", "rotate")
    nothing = await Terminal(HOME=str(tmp_path))("key", "rotate")
    assert (itself.code, nothing.code) == (1, 1)
    assert "key create" in itself.err
    assert "no key to rotate" in nothing.err
    assert not _shows(key, itself.err)


async def test_a_wrong_key_is_one_line_that_does_not_show_it(tmp_path: Path) -> None:
    (tmp_path / "encryption-keys").write_text("hunter2")
    done = await Terminal(HOME=str(tmp_path))("key", "list")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "encryption-keys" in done.err
    assert "hunter2" not in done.err


def _shows(key: Key, text: str) -> bool:
    return key.text in text
