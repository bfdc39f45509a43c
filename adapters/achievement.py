"""Signing badges as JSON Web Tokens (EdDSA), and the keys that others check them with.

The signing keys follow from those of the encrypted histories, one from each by HKDF: no further secret to keep, the
same in all processes of a desk, and a key that encrypts no more still checks what was signed with it.
"""

import base64
from dataclasses import dataclass
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.achievement.badge import key_url
from domain.authorization import not_found
from domain.errors import Conflict
from runtime.keys import Key, Keys

_INFO: Final = b"duradesk open badges 1"


@dataclass(frozen=True, slots=True)
class Signer:
    """`base_url` is where others find the keys."""

    keys: Keys
    base_url: str

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact token. Raises Conflict on a desk without keys."""
        if self.keys.encrypting is None:
            raise Conflict("no_signing_key", "This desk has no key to sign with; see docs/encryption.md.")
        key = self.keys.encrypting
        kid = key_url(self.base_url, key.id)
        header = {"alg": "EdDSA", "typ": "JWT", "kid": kid, "jwk": self._public(key)}
        signed = f"{_text(orjson.dumps(header))}.{_text(orjson.dumps(claims))}"
        return f"{signed}.{_text(_private(key).sign(signed.encode()))}"

    def public(self) -> list[dict[str, str]]:
        """All public keys, as a JWK each."""
        return [self._public(key) for key in self.keys.all]

    def key(self, key_id: str) -> dict[str, str]:
        """Raises NotFound."""
        for key in self.keys.all:
            if key.id == key_id:
                return self._public(key)
        raise not_found()

    def _public(self, key: Key) -> dict[str, str]:
        raw = _private(key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        kid = key_url(self.base_url, key.id)
        return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": _text(raw)}


def _private(key: Key) -> Ed25519PrivateKey:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.secret)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
