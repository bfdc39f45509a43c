"""Keys: their text, their file, and one after the other."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.keys import Keys, new_key, parse_keys, put_first, read_keys


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    first, second = new_key(), new_key()
    keys = parse_keys(f"# ours\n{first.text},  # today's\n{second.text}\n{first.text}")
    assert keys.encrypting == first
    assert keys.all == (first, second)
    assert set(keys.by_id) == {first.id, second.id}


def test_off_in_the_first_place_only_decrypts() -> None:
    old = new_key()
    assert parse_keys(f"off {old.text}") == Keys(encrypting=None, all=(old,), off=True)
    assert parse_keys("off").off
    assert not parse_keys("").off


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_key_in_either_alphabet(secret: bytes) -> None:
    plain = parse_keys(base64.b64encode(secret).decode())
    assert plain.all[0].secret == secret
    assert parse_keys(base64.urlsafe_b64encode(secret).decode()) == plain


@given(st.text(max_size=20))
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^must be 32 bytes in base64, such as `duradesk key create` makes$"
    ):
        parse_keys(f"x{text}")


def test_a_key_shows_its_id_and_not_itself() -> None:
    key = new_key()
    assert key.text not in repr(parse_keys(key.text))
    assert repr(key.secret) not in repr(key)
    assert key.id not in key.text
    assert new_key().id != key.id


def test_a_new_key_comes_first_and_the_file_stays_private(tmp_path: Path) -> None:
    file = tmp_path / "home" / "encryption-keys"
    assert read_keys(file) == Keys()
    old, new = new_key(), new_key()
    put_first(file, old)
    put_first(file, new)
    assert read_keys(file).all == (new, old)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().count("Keys of the encrypted") == 1
    assert [each.name for each in file.parent.iterdir()] == ["encryption-keys"]


@pytest.mark.parametrize(
    "text", ["short", "not base64 at all!", "a" * 44, base64.b64encode(b"x" * 31).decode()]
)
def test_a_wrong_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        parse_keys(text)
