"""Awards as Open Badges 3.0, and what others need to check them, which needs no token."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel

from adapters.achievement import Signer
from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.member.read import check_shown
from domain.achievement.badge import claims, issuer
from domain.authorization import check
from storage.achievement.read import badge
from storage.member import read as members

router = APIRouter()

NAME = "Duradesk"


class PublicKey(BaseModel):
    """A JSON Web Key."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str


class PublicKeys(BaseModel):
    keys: list[PublicKey]


class Issuer(BaseModel):
    """A profile of Open Badges."""

    id: str
    type: list[str]
    name: str
    url: str


@router.get(
    "/members/{member_id}/achievements/{award_id}/badge",
    response_class=Response,
    responses={
        200: {"description": "A JSON Web Token", "content": {"application/jwt": {}}},
        **problems(404, 409),
    },
)
async def read_badge(member_id: UUID, award_id: UUID, caller: Caller, desk: CurrentDesk) -> Response:
    """The award as an Open Badge 3.0, signed (EdDSA), as long as it is held. The keys are at `/badges/keys`."""
    check(caller, "member.read")
    async with desk.database.reading() as reader:
        check_shown(caller, member_id, listed=await members.is_listed(reader, member_id))
        found = await badge(reader, member_id, award_id)
    signed = _signer(desk).sign(claims(found, desk.settings.base_url, NAME))
    return Response(signed, media_type="application/jwt")


@router.get("/badges/issuer")
async def read_issuer(desk: CurrentDesk) -> Issuer:
    """Who awards, for whoever checks a badge."""
    return Issuer.model_validate(issuer(desk.settings.base_url, NAME))


@router.get("/badges/keys")
async def list_keys(desk: CurrentDesk) -> PublicKeys:
    """The public keys (JWKS) that badges of this desk are checked with, also those that sign no more."""
    return PublicKeys(keys=[PublicKey.model_validate(one) for one in _signer(desk).public()])


@router.get("/badges/keys/{key_id}", responses=problems(404))
async def read_key(key_id: str, desk: CurrentDesk) -> PublicKey:
    """One public key (JWK): where the header of a badge leads."""
    return PublicKey.model_validate(_signer(desk).key(key_id))


def _signer(desk: Desk) -> Signer:
    return Signer(desk.settings.encryption_keys(), desk.settings.base_url)
