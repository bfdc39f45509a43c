"""An award as an Open Badge 3.0: the credential that others can check without asking us.

https://www.imsglobal.org/spec/ob/v3p0, in its form as a JSON Web Token. Signing it is the business of
`adapters/achievement.py`.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from domain.achievement.criteria import Criteria, Group, Metric, Term
from domain.duration import format_duration

CONTEXT: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)


@dataclass(frozen=True, slots=True)
class Badge:
    """What a credential says; `email` is told as a hash, so that only who knows it recognises its owner."""

    award_id: UUID
    member_id: UUID
    email: str
    achievement_id: UUID
    name: str
    description: str
    criteria: Criteria
    awarded_at: datetime


def issuer(base_url: str, name: str) -> dict[str, Any]:
    """Who awards, as a profile."""
    return {"id": issuer_id(base_url), "type": ["Profile"], "name": name, "url": base_url}


def issuer_id(base_url: str) -> str:
    return f"{base_url}/api/v1/badges/issuer"


def key_url(base_url: str, key_id: str) -> str:
    """Where the key of a signature is."""
    return f"{base_url}/api/v1/badges/keys/{key_id}"


def credential(badge: Badge, base_url: str, desk: str) -> dict[str, Any]:
    return {
        "@context": list(CONTEXT),
        "id": f"urn:uuid:{badge.award_id}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": badge.name,
        "issuer": issuer(base_url, desk),
        "validFrom": _instant(badge.awarded_at),
        "credentialSubject": {
            "id": f"urn:uuid:{badge.member_id}",
            "type": ["AchievementSubject"],
            "identifier": [_identity(badge)],
            "achievement": {
                "id": f"{base_url}/api/v1/achievements/{badge.achievement_id}",
                "type": ["Achievement"],
                "name": badge.name,
                "description": badge.description,
                "criteria": {"narrative": narrative(badge.criteria)},
            },
        },
    }


def claims(badge: Badge, base_url: str, desk: str) -> dict[str, Any]:
    """The credential as the claims of a token, with those that every token has."""
    began = int(badge.awarded_at.timestamp())
    return {
        **credential(badge, base_url, desk),
        "iss": issuer_id(base_url),
        "jti": f"urn:uuid:{badge.award_id}",
        "sub": f"urn:uuid:{badge.member_id}",
        "nbf": began,
        "iat": began,
    }


def narrative(criteria: Criteria) -> str:
    """The criteria in words, for whoever looks at the badge."""
    if isinstance(criteria, Group):
        joined = " and " if criteria.how == "all" else " or "
        return joined.join(
            f"({narrative(one)})" if isinstance(one, Group) else narrative(one) for one in criteria.of
        )
    return _term(criteria)


def _term(term: Term) -> str:
    of = "" if term.of is None or term.metric is Metric.ACHIEVEMENT else f" of {term.of}"
    action = "" if term.action is None else f" of {term.action}"
    window = "" if term.window is None else f" within {format_duration(term.window)}"
    return f"{term.metric}{of}{action}{window} {term.operator} {term.threshold}"


def _identity(badge: Badge) -> dict[str, Any]:
    salt = badge.award_id.hex
    digest = hashlib.sha256((badge.email.lower() + salt).encode()).hexdigest()
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${digest}",
        "identityType": "emailAddress",
        "salt": salt,
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
