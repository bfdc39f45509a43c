"""Messages of a rollout: the process that brings changed promises to every open ticket, or feedback."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.sla.policy import About


class RolloutInput(BaseModel):
    """`after` is the last ticket, or item of feedback, that was told; a rollout that goes on begins behind it."""

    model_config = ConfigDict(frozen=True)

    about: About = "ticket"
    after: UUID | None = None
    history_limit: Annotated[int, Field(ge=10)] | None = None
    """Continue as new after so many events; None leaves it to the server's suggestion."""
