"""Messages of a rollout: the process that brings changed promises to every open ticket."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class RolloutInput(BaseModel):
    """`after` is the last ticket that was told; a rollout that goes on begins behind it."""

    model_config = ConfigDict(frozen=True)

    after: UUID | None = None
