"""Somebody else's verifier of badges: JSON Web Signatures (RFC 7515) with Ed25519 keys (RFC 8037), where the arithmetic
is that of RFC 8032, section 6, in plain Python. It shares no line and no library with what signs.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT: Final = pow(2, (_P - 1) // 4, _P)

Point = tuple[int, int]
"""Affine coordinates."""


class Forged(Exception):
    """The signature is not of this key and these words."""


def claims_of(token: str, key: Mapping[str, Any]) -> dict[str, Any]:
    """What a compact token says, checked with a JSON Web Key; raises Forged."""
    if not is_signed(token, key):
        raise Forged
    claims: dict[str, Any] = json.loads(decoded(token.split(".")[1]))
    return claims


def is_signed(token: str, key: Mapping[str, Any]) -> bool:
    head, body, signature = token.split(".")
    if header_of(token)["alg"] != "EdDSA" or (key["kty"], key["crv"]) != ("OKP", "Ed25519"):
        return False
    return _is_signed(decoded(key["x"]), f"{head}.{body}".encode(), decoded(signature))


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decoded(token.partition(".")[0]))
    return header


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    key, random = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or random is None or scalar >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    told = int.from_bytes(digest, "little") % _ORDER
    return _times(scalar, _BASE) == _sum(random, _times(told, key))


def _sum(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    product = _D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, _P) % _P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, _P) % _P
    return x, y


def _times(scalar: int, point: Point) -> Point:
    found = (0, 1)
    while scalar:
        if scalar & 1:
            found = _sum(found, point)
        point = _sum(point, point)
        scalar >>= 1
    return found


def _point(encoded: bytes) -> Point | None:
    """The point of 32 bytes: y, and in the highest bit the sign of x."""
    number = int.from_bytes(encoded, "little")
    y, is_odd = number & (2**255 - 1), number >> 255
    x = _x_of(y, is_odd)
    return None if x is None or y >= _P else (x, y)


def _x_of(y: int, is_odd: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and is_odd):
        return None
    return _P - x if x % 2 != is_odd else x


def _base() -> Point:
    y = 4 * pow(5, -1, _P) % _P
    x = _x_of(y, 0)
    assert x is not None
    return x, y


_BASE: Final = _base()
