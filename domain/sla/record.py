"""A policy as the desk keeps it."""

from uuid import UUID

from pydantic import AwareDatetime, ConfigDict

from domain.sla.policy import Policy


class PolicyRecord(Policy):
    """A policy with its id, at its current or an earlier version."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    archived_at: AwareDatetime | None

    def rule(self) -> Policy:
        """Only what decides about tickets."""
        return Policy.model_validate({name: getattr(self, name) for name in Policy.model_fields})
