"""The codec: what goes in comes out, nothing of it shows, a changed byte is noticed, keys may follow each other."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError, FailureError

from runtime import codec as codec_module
from runtime.codec import ENCODING, KEY_ID, EncryptingCodec, KeyMissing, PayloadDamaged, data_converter
from runtime.keys import Keys, new_key, parse_keys

OLD, NEW = new_key(), new_key()
PAYLOADS = st.builds(
    lambda metadata, data: Payload(metadata=metadata, data=data),
    st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=3),
    st.binary(max_size=2000),
)


def codec(text: str, namespace: str = "default") -> EncryptingCodec:
    return EncryptingCodec(lambda: parse_keys(text), namespace)


def sealed(payload: Payload, key: str = OLD.text, namespace: str = "default") -> Payload:
    return asyncio.run(codec(key, namespace).encode([payload]))[0]


def opened(payload: Payload, key: str = OLD.text, namespace: str = "default") -> Payload:
    return asyncio.run(codec(key, namespace).decode([payload]))[0]


def text(data: bytes) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=data)


@given(st.lists(PAYLOADS, max_size=4))
def test_what_goes_in_comes_out(payloads: list[Payload]) -> None:
    async def there_and_back() -> list[Payload]:
        ours = codec(OLD.text)
        return await ours.decode(await ours.encode(payloads))

    assert asyncio.run(there_and_back()) == payloads


@given(st.binary(min_size=8, max_size=500))
def test_nothing_of_it_shows_and_no_two_are_alike(data: bytes) -> None:
    one, other = sealed(text(data)), sealed(text(data))
    assert data not in one.data
    assert one.data != other.data
    assert dict(one.metadata) == {"encoding": ENCODING, KEY_ID: OLD.id.encode()}


@given(st.binary(max_size=200), st.data())
def test_a_changed_bit_is_noticed(data: bytes, drawn: Any) -> None:
    whole = sealed(text(data))
    bit = drawn.draw(st.integers(0, len(whole.data) * 8 - 1))
    changed = bytearray(whole.data)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PayloadDamaged):
        opened(Payload(metadata=whole.metadata, data=bytes(changed)))


@given(st.integers(0, 200))
def test_a_shortened_one_is_noticed(length: int) -> None:
    whole = sealed(text(b"x" * 300))
    with pytest.raises(PayloadDamaged):
        opened(Payload(metadata=whole.metadata, data=whole.data[:length]))


def test_after_a_rotation_the_old_still_opens_and_the_new_is_used() -> None:
    before, both = sealed(text(b"before")), f"{NEW.text} {OLD.text}"
    assert opened(before, both) == text(b"before")
    after = sealed(text(b"after"), both)
    assert after.metadata[KEY_ID] == NEW.id.encode()
    assert opened(after, f"off {NEW.text}") == text(b"after")


def test_a_missing_key_is_named_and_nobody_elses_words_are() -> None:
    with pytest.raises(KeyMissing, match=OLD.id):
        opened(sealed(text(b"x")), NEW.text)
    with pytest.raises(KeyMissing, match=OLD.id):
        opened(sealed(text(b"x")), "")
    stranger = Payload(metadata={"encoding": ENCODING, KEY_ID: b"<script>"}, data=b"x")
    with pytest.raises(KeyMissing, match="the key unknown,"):
        opened(stranger)


def test_a_key_under_another_id_does_not_open_it() -> None:
    whole = sealed(text(b"x"))
    with pytest.raises(PayloadDamaged):
        opened(
            Payload(metadata={**whole.metadata, KEY_ID: NEW.id.encode()}, data=whole.data),
            f"{OLD.text} {NEW.text}",
        )


def test_what_was_written_in_one_namespace_opens_in_no_other() -> None:
    with pytest.raises(PayloadDamaged):
        opened(sealed(text(b"x"), namespace="production"), namespace="default")


def test_what_was_never_encrypted_passes() -> None:
    assert opened(text(b"from before there was a key")) == text(b"from before there was a key")


def test_without_a_key_or_when_off_nothing_is_encrypted() -> None:
    assert sealed(text(b"x"), "") == text(b"x")
    assert sealed(text(b"x"), f"off {OLD.text}") == text(b"x")


async def test_a_running_part_finds_a_key_that_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_module, "_READ_ANEW_AFTER", 0.0)
    held = OLD.text
    ours = EncryptingCodec(lambda: parse_keys(held), "default")
    [new] = await codec(NEW.text).encode([text(b"x")])
    with pytest.raises(KeyMissing):
        await ours.decode([new])
    held = f"{NEW.text} {OLD.text}"
    assert await ours.decode([new]) == [text(b"x")]


async def test_an_unknown_key_is_not_looked_for_at_every_payload() -> None:
    looks = 0

    def source() -> Keys:
        nonlocal looks
        looks += 1
        return parse_keys(OLD.text)

    ours = EncryptingCodec(source, "default")
    [unknown] = await codec(NEW.text).encode([text(b"x")])
    for _ in range(50):
        with pytest.raises(KeyMissing):
            await ours.decode([unknown])
    assert looks < 5


async def failure_of(error: BaseException, keys: Callable[[], Keys]) -> tuple[Failure, BaseException]:
    converter = data_converter(keys, "default")
    failure = Failure()
    await converter.encode_failure(error, failure)
    written = Failure.FromString(failure.SerializeToString())
    return written, await converter.decode_failure(failure)


async def test_messages_and_stack_traces_of_failures_are_sealed() -> None:
    def fails() -> None:
        try:
            raise ValueError("secret cause")
        except ValueError as error:
            raise ApplicationError("secret message", {"secret": "detail"}, type="a_code") from error

    try:
        fails()
    except ApplicationError as error:
        written, read = await failure_of(error, lambda: parse_keys(OLD.text))
    shown = written.SerializeToString()
    assert b"secret" not in shown
    assert b"test_codec" not in shown
    assert b"a_code" in shown
    assert isinstance(read, ApplicationError)
    assert (read.message, read.details, read.type) == ("secret message", ({"secret": "detail"},), "a_code")
    assert isinstance(read.cause, FailureError)
    assert read.cause.message == "secret cause"


async def test_without_a_key_failures_are_in_clear() -> None:
    written, _ = await failure_of(ApplicationError("in clear"), Keys)
    assert b"in clear" in written.SerializeToString()


async def test_a_missing_key_is_told_in_clear_because_who_lacks_it_could_not_read_it() -> None:
    written, _ = await failure_of(KeyMissing("0123456789ab"), lambda: parse_keys(OLD.text))
    assert "0123456789ab" in written.message
