"""A right contest, a right request for every route about contests that writes, and one that is active and entered.
Places in braces are ids of `tests/requests.py`."""

from collections.abc import Mapping
from typing import Any, Final

from httpx import AsyncClient

CONTEST: Final = {
    "name": "Winter pictures",
    "description": "冬季摄影",
    "time_zone": "Asia/Shanghai",
    "opens_at": "2026-01-01T09:00:00+08:00",
    "closes_at": "2030-05-01T09:00:00+02:00",
    "judging_until": "2030-05-20T09:00:00+02:00",
    "takeover": "P2D",
    "per_day": 5,
    "per_person": 100,
    "text_max": 1000,
    "eligibility": {"roles": [], "organizations": [], "registered_before": None},
    "criteria": [{"key": "idea", "name": "Idea", "weight": 2}],
    "judges_per_entry": 1,
    "prizes": [{"rank": 1, "name": "A camera", "points": 500}],
}
REQUESTS: Final[Mapping[str, Any]] = {
    "POST /contests": {**CONTEST, "judges": ["{agent_id}"]},
    "PATCH /contests/{contest_id}": CONTEST,
    "POST /contests/{contest_id}/actions/schedule": {},
    "POST /contests/{contest_id}/actions/extend": {"by": "P1D", "reason": "Snow"},
    "POST /contests/{contest_id}/actions/appoint": {"people": ["{somebody_id}"]},
    "POST /contests/{contest_id}/actions/dismiss": {"person": "{somebody_id}", "reason": "Away"},
    "POST /contests/{contest_id}/actions/recuse": {
        "judge": "{agent_id}",
        "person": "{somebody_id}",
        "entry": None,
        "reason": "A friend",
    },
    "POST /contests/{contest_id}/actions/publish": {},
    "POST /contests/{contest_id}/actions/award": {},
    "POST /contests/{contest_id}/actions/cancel": {"reason": "Snow"},
    "POST /contests/{contest_id}/entries": {"text": "A picture", "links": ["https://pictures.example/1"]},
    "POST /contests/{contest_id}/entries/{entry_id}/withdraw": None,
    "PUT /contests/{contest_id}/entries/{entry_id}/score": {"scores": {"idea": 7}, "comment": "Well"},
    "POST /contests/{contest_id}/entries/{entry_id}/appeals": {"reason": "Mine is better"},
    "POST /contests/{contest_id}/appeals/{appeal_id}/decide": {
        "upheld": True,
        "answer": "It is",
        "adjustment": 50,
    },
}
OTHERWISE: Final[Mapping[str, Any]] = {
    "PATCH /contests/{contest_id}": {"name": "Summer pictures"},
    "POST /contests/{contest_id}/actions/recuse": {"person": "{stranger_id}"},
    "POST /contests/{contest_id}/actions/dismiss": {"person": "{agent_id}"},
    "POST /contests/{contest_id}/actions/appoint": {"people": ["{agent_id}"]},
}
"""What tests of rights ask for instead."""


async def make_contest(manager: AsyncClient, entrant: AsyncClient, judge_id: object) -> dict[str, Any]:
    """One that is active, and an entry of it."""
    made = await manager.post("/api/v1/contests", json={**CONTEST, "judges": [str(judge_id)]})
    address = f"/api/v1/contests/{made.json()['id']}"
    assert (await manager.post(f"{address}/actions/schedule")).status_code == 200
    entered = await entrant.post(f"{address}/entries", json={"text": "A picture"})
    assert entered.status_code == 201, entered.text
    return {"contest_id": made.json()["id"], "entry_id": entered.json()["id"]}
