"""The keys of signed links: a new one signs from now on. What links are for is each feature's business."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form
from domain.authorization import check
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
