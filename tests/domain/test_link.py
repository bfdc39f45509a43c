"""Signed links: what is ours is read, anything else is refused, and every part of a token counts."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Gone, NotFound
from domain.link import KEY_NUMBER_MAX, LENGTH, SECRET_BYTES, LinkKey, read, sign, verified

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
END = NOW + timedelta(days=7)
BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
KEY = LinkKey(1, bytes(range(SECRET_BYTES)))
RECORD = UUID(int=7)

keys = st.builds(
    LinkKey, st.integers(1, KEY_NUMBER_MAX), st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
)
ends = st.timedeltas(timedelta(days=1), timedelta(days=2_900_000)).map(lambda after: BEGIN + after)


@given(keys, st.uuids(), ends, st.text(max_size=20))
def test_a_link_leads_to_its_record_until_its_end(
    key: LinkKey, record: UUID, end: datetime, purpose: str
) -> None:
    token = sign(key, purpose, record, end)
    assert len(token) == LENGTH
    whole = end.replace(microsecond=0)
    assert read(token).expires_at == whole
    assert verified(read(token), key, purpose, whole - timedelta(microseconds=1)) == record
    with pytest.raises(Gone, match="over"):
        verified(read(token), key, purpose, whole)


@given(st.integers(0, LENGTH - 1), st.sampled_from("ABCXYZabcxyz0189_-"))
def test_a_link_with_one_other_character_is_forged(place: int, other: str) -> None:
    token = sign(KEY, "survey", RECORD, END)
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        with pytest.raises(NotFound):
            verified(read(changed), KEY, "survey", NOW)


@given(st.text(max_size=80))
def test_anything_else_is_refused_and_never_an_accident(text: str) -> None:
    with pytest.raises(NotFound):
        verified(read(text), KEY, "survey", NOW)


@given(st.binary(min_size=39, max_size=39))
def test_bytes_of_the_right_shape_are_refused(rest: bytes) -> None:
    token = urlsafe_b64encode(b"\x01" + rest).decode().rstrip("=")
    with pytest.raises(NotFound):
        verified(read(token), KEY, "survey", NOW)


def test_a_link_opens_nothing_of_another_purpose_and_needs_its_own_key() -> None:
    token = sign(KEY, "survey", RECORD, END)
    for key, purpose in (
        (KEY, "feedback"),
        (KEY, "survey\0"),
        (LinkKey(1, bytes(SECRET_BYTES)), "survey"),
        (LinkKey(2, KEY.secret), "survey"),
        (None, "survey"),
    ):
        with pytest.raises(NotFound):
            verified(read(token), key, purpose, NOW)


def test_a_signature_of_zeros_is_right_for_no_missing_key() -> None:
    raw = urlsafe_b64decode(sign(KEY, "survey", RECORD, END) + "==")[:24] + bytes(16)
    with pytest.raises(NotFound):
        verified(read(urlsafe_b64encode(raw).decode().rstrip("=")), None, "survey", NOW)


def test_a_key_shows_nothing_of_its_secret() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert "secret" not in repr(KEY)
