"""What people do to feedback over HTTP."""

from typing import Any

from domain.feedback.fields import Assessment
from tests.api.conftest import Api

API = "/api/v1/feedback"


async def said(api: Api, status: int = 201, key: str | None = None, **fields: Any) -> dict[str, Any]:
    body = {"title": "Dark mode", "body": "My eyes hurt at night.", "kind": "suggestion", **fields}
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await api.post(API, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def act(
    api: Api, item: dict[str, Any], action: str, status: int = 200, key: str | None = None, **fields: Any
) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await api.post(f"{API}/{item['id']}/actions/{action}", json=fields, headers=headers)
    assert answer.status_code == status, answer.text
    after: dict[str, Any] = answer.json()
    return after


async def voted(api: Api, item: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await api.post(f"{API}/{item['id']}/vote")
    assert answer.status_code == status, answer.text
    after: dict[str, Any] = answer.json()
    return after


async def assessed(api: Api, item: dict[str, Any]) -> dict[str, Any]:
    """Triaged, and with all four assessments."""
    await act(api, item, "triage")
    for one in Assessment:
        item = await act(api, item, "assess", assessment=one, verdict="for", result="Fine.")
    return item


async def shipped(api: Api, item: dict[str, Any]) -> dict[str, Any]:
    await assessed(api, item)
    await act(api, item, "plan")
    await act(api, item, "start")
    return await act(api, item, "ship")


async def kinds_told(api: Api) -> list[str]:
    """What the person was told of feedback in the app, the oldest first."""
    rows = (await api.get("/api/v1/notifications?page[size]=100")).json()["data"]
    return [row["kind"] for row in reversed(rows) if row["kind"].startswith("feedback_")]


async def deliveries(api: Api, item: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = await api.get(f"{API}/{item['id']}/deliveries{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
