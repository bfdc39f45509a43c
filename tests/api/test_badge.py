"""Badges that others can check: with the published keys and nothing else of ours."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from api.desk import Desk
from runtime.keys import new_key
from runtime.settings import Settings
from storage.database import Database
from tests.api.conftest import Api, MakePerson
from tests.api.test_achievement import held, made
from tests.api.test_member import tell
from tests.api.verifier import Forged, claims_of, header_of, is_signed
from tests.api.work import working

KEYS = [new_key().text, new_key().text]


@pytest.fixture
def desk(database: Database, temporal: Client, tmp_path: Path) -> Desk:
    """With two keys, of which the first signs."""
    settings = Settings(home=tmp_path, encryption_key=",".join(KEYS))
    return Desk(settings=settings, database=database, temporal=temporal)


@pytest.fixture
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield


async def checked(verifier: Api, token: str) -> dict[str, Any]:
    """The claims, as somebody finds them who has nothing but the token; raises Forged."""
    header = header_of(token)
    key = (await verifier.get("/api/v1" + header["kid"].partition("/api/v1")[2])).json()
    assert key["kid"] == header["kid"]
    return claims_of(token, key)


def test_the_verifier_knows_the_vectors_of_rfc_8037() -> None:
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    token = (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    assert is_signed(token, key)
    assert not is_signed(token.replace("RXhh", "RXhi"), key)


@pytest.mark.usefixtures("worker")
async def test_a_badge_is_checked_by_others_and_gone_when_the_award_is(
    admin: Api, client: Api, make_person: MakePerson
) -> None:
    person = await make_person(email="lin@desk.example")
    one = await made(admin)
    await admin.patch(f"/api/v1/achievements/{one['id']}", json={"state": "active"})
    for number in range(2):
        await tell(admin, person.person_id, fact_id=f"f{number}")
    (award,) = await held(person, person.person_id, 1)
    url = f"/api/v1/members/{person.person_id}/achievements/{award['id']}/badge"
    answer = await person.get(url)
    assert answer.headers["content-type"].startswith("application/jwt")
    badge = await checked(client, answer.text)
    issuer = (await client.get("/api/v1/badges/issuer")).json()
    assert badge["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert (badge["iss"], badge["issuer"]["id"]) == (issuer["id"], issuer["id"])
    subject = badge["credentialSubject"]
    assert badge["sub"] == subject["id"] == f"urn:uuid:{person.person_id}"
    assert subject["achievement"]["name"] == "Two posts"
    assert subject["achievement"]["criteria"]["narrative"] == "count of post_created >= 2"
    (identity,) = subject["identifier"]
    digest = hashlib.sha256(("lin@desk.example" + identity["salt"]).encode()).hexdigest()
    assert identity["identityHash"] == f"sha256${digest}"
    head, _, signature = answer.text.split(".")
    other = json.dumps({**badge, "sub": "urn:uuid:me"}).encode()
    forged = base64.urlsafe_b64encode(other).decode().rstrip("=")
    with pytest.raises(Forged):
        await checked(client, f"{head}.{forged}.{signature}")
    assert len((await client.get("/api/v1/badges/keys")).json()["keys"]) == 2
    assert (await client.get("/api/v1/badges/keys/unknown")).status_code == 404
    await tell(admin, person.person_id, fact_id="undo", reverses="f1")
    await held(admin, person.person_id, 1)
    for _ in range(100):
        if (await person.get(url)).status_code == 404:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the badge of a revoked award is still given")
