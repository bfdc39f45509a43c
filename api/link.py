"""Signed links: their keys, of which a new one signs from now on, and what the pages behind them have in common. What
links are for is each feature's business.
"""

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel
from starlette.responses import HTMLResponse, Response

from adapters.page import Page
from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form
from domain.authorization import check
from domain.text import LOCALES, Locale
from storage import link

router = APIRouter(prefix="/links", tags=["links"])


class RotateForm(Form):
    """With `revoke` every link that was signed before is void at once, also those of people who have yet to answer."""

    revoke: bool = False


class Rotated(BaseModel):
    """The number of the key that signs now."""

    key: int


@router.post("/keys", status_code=201, responses=problems(403))
async def rotate_key(form: RotateForm, caller: Caller, desk: CurrentDesk) -> Rotated:
    """A new key signs links from now on. Those that were signed before stay good, unless they are revoked."""
    check(caller, "link.rotate")
    async with desk.database.writing() as writer:
        return Rotated(key=await link.rotate(writer, revoke=form.revoke))


class Thanks(BaseModel):
    answered_at: AwareDatetime


def shown(page: Page, status: int) -> Response:
    headers = {"Content-Security-Policy": page.policy, "Cache-Control": "no-store"}
    return HTMLResponse(page.html, status, headers=headers)


def accepted(request: Request, otherwise: Locale) -> Locale:
    """The first of our languages that a browser names, in the order of its header."""
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag = part.partition(";")[0].strip()
        for locale in LOCALES:
            if tag.partition("-")[0] == locale.partition("-")[0]:
                return locale
    return otherwise
