"""What stands in workflow histories is encrypted on its way there: the one place that makes a data converter.

Every payload (arguments, results, memos, headers, the details of failures) is sealed with AES-256-GCM; messages
and stack traces of failures become payloads too. Workflow ids, names and search attributes are not payloads
and stay readable: they hold nothing private. Where keys come from is `runtime.keys`' business.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConverter

from domain.errors import Unavailable
from runtime.keys import Key, Keys, KeySource
from runtime.settings import SettingError

ENCODING: Final = b"binary/encrypted"
KEY_ID: Final = "encryption-key-id"
_NONCE_BYTES: Final = 12
_KEY_ID_LENGTH: Final = 12
_READ_ANEW_AFTER: Final = 1.0
"""Seconds between two looks for an unknown key."""


class KeyMissing(Unavailable):
    """The payload is as it was: with the key it can be read again."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            "key_missing",
            f"A message of a process is encrypted with the key {key_id}, which is not among the keys of this part. "
            "Put that key back; nothing is lost meanwhile.",
        )
        self.key_id = key_id


class PayloadDamaged(Unavailable):
    def __init__(self) -> None:
        super().__init__(
            "payload_damaged",
            "An encrypted message of a process is not what was written: it was changed, or belongs to another "
            "namespace. Restore Temporal's store, or rebuild the process.",
        )


class EncryptingCodec(PayloadCodec):
    """`source` is read at the start and again when a key is unknown, so that a rotation reaches a running
    process. A namespace has keys of its own, derived from ours: what was written in one opens in no other."""

    def __init__(self, source: KeySource, namespace: str) -> None:
        self._source = source
        self._namespace = namespace
        self._looked = time.monotonic()
        self._take(source())

    def _take(self, keys: Keys) -> None:
        self._encrypting = None if keys.encrypting is None else keys.encrypting.id
        self._ciphers = {key_id: _cipher(key, self._namespace) for key_id, key in keys.by_id.items()}

    @property
    def encrypts(self) -> bool:
        return self._encrypting is not None

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seals each payload; leaves them as they are while encryption is off."""
        if self._encrypting is None:
            return list(payloads)
        return [self._seal(self._encrypting, payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Opens what is sealed and leaves the rest. Raises KeyMissing or PayloadDamaged."""
        return [
            self._open(payload) if payload.metadata.get("encoding") == ENCODING else payload
            for payload in payloads
        ]

    def _seal(self, key_id: str, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, payload.SerializeToString(), _bound(key_id))
        return Payload(metadata={"encoding": ENCODING, KEY_ID: key_id.encode()}, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        key_id = _readable(payload.metadata.get(KEY_ID, b""))
        cipher = self._ciphers.get(key_id) or self._look_for(key_id)
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, _bound(key_id)))
        except (InvalidTag, DecodeError, ValueError):
            raise PayloadDamaged from None

    def _look_for(self, key_id: str) -> AESGCM:
        now = time.monotonic()
        if now - self._looked >= _READ_ANEW_AFTER:
            self._looked = now
            try:
                fresh = self._source()
            except SettingError:  # being changed at this moment
                fresh = Keys()
            if key_id in fresh.by_id:
                self._ciphers[key_id] = _cipher(fresh.by_id[key_id], self._namespace)
        if key_id not in self._ciphers:
            raise KeyMissing(key_id)
        return self._ciphers[key_id]


class EncryptingFailureConverter(DefaultFailureConverter):
    """Messages and stack traces go into the sealed part. That a key is missing is said in clear as well, because
    whoever lacks it could not read it otherwise."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, KeyMissing | PayloadDamaged):
            failure.message = exception.detail


def data_converter(source: KeySource, namespace: str) -> DataConverter:
    """How values become payloads and back, for every client and worker of the desk."""
    codec = EncryptingCodec(source, namespace)
    if not codec.encrypts:
        return replace(pydantic_data_converter, payload_codec=codec)
    return replace(
        pydantic_data_converter,
        payload_codec=codec,
        failure_converter_class=EncryptingFailureConverter,
    )


@cache
def _cipher(key: Key, namespace: str) -> AESGCM:
    info = b"duradesk payloads of " + namespace.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key.secret))


def _bound(key_id: str) -> bytes:
    """What is authenticated beside the payload."""
    return b"duradesk 1 " + key_id.encode()


def _readable(key_id: bytes) -> str:
    """The id as the payload names it; whatever is no id of ours is not repeated to anybody."""
    known = len(key_id) == _KEY_ID_LENGTH and key_id.isalnum() and key_id.isascii()
    return key_id.decode() if known else "unknown"
