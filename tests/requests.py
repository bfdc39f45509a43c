"""A right request for every route that writes, and the records that requests are about.

Tests of all routes at once (hostile input, rights) change one thing of these requests. A route without a line
here fails `tests/api/test_hostile_input.py`.
"""

from collections.abc import Mapping
from typing import Any, Final

from httpx import AsyncClient

from domain.achievement.claim import Action
from domain.survey.definition import AFTER_RESOLUTION
from tests.actions import ACTIONS, FEEDBACK_ACTIONS
from tests.contests import REQUESTS as CONTEST_REQUESTS
from tests.contests import make_contest
from tests.contributions import ACHIEVEMENT, PRIZE
from tests.questions import SURVEYS

API: Final = "/api/v1"
LATER: Final = "2030-05-01T09:00:00+02:00"
WEEK: Final = {"mon": [["09:00", "12:00"], ["13:00", "24:00"]]}
POLICY: Final = {
    "name": "Fast",
    "position": 7,
    "match": {"priority": ["high"], "category": ["disk"], "team": ["{team_id}"], "organization": []},
    "calendar": "{calendar_id}",
    "targets": {"high": {"first_response": "PT30M", "resolution": "P1D"}},
    "pause_on": ["waiting"],
    "on_priority_change": "keep",
    "on_reopen": "new_cycle",
    "ladder": [
        {"clock": "*", "at": "75%", "do": ["notify:assignee", "tag:late"]},
        {"clock": "resolution", "at": "+PT30M", "do": ["tier:2"], "repeat": "PT1H", "time": "clock"},
    ],
}
CALENDAR: Final = {
    "name": "Office",
    "time_zone": "Asia/Shanghai",
    "weekly": WEEK,
    "holidays": ["2026-10-01"],
    "special_days": {"2026-10-10": [["09:00", "18:00"]]},
    "country": "CN",
}
PERSON: Final = {
    "email": "somebody@desk.example",
    "name": "Somebody",
    "roles": ["requester"],
    "tier": 1,
    "teams": ["{team_id}"],
    "skills": ["disk"],
    "languages": ["en"],
    "capacity": 20,
    "locale": "en",
    "time_zone": "Europe/Berlin",
    "organization": "{organization_id}",
}
FACT: Final = {
    "fact_id": "post-1",
    "action": "post_created",
    "at": "2026-01-01T09:00:00Z",
    "amount": 1,
    "by": "{agent_id}",
    "subject": "post 1",
    "reverses": "post-0",
}
BODIES: Final[Mapping[str, Any]] = {
    "POST /sessions": {"email": "nobody@desk.example", "password": "wrong-password"},
    "POST /tokens": {"name": "robot", "scopes": ["tickets:read"], "expires_at": None},
    "POST /people": {**PERSON, "password": "long-enough"},
    "PATCH /people/{person_id}": {**PERSON, "active": True},
    "PUT /people/{person_id}/absence": {"from": LATER, "until": "2030-05-08T09:00:00+02:00"},
    "PUT /people/{person_id}/password": {"password": "long-enough", "current_password": "long-ago"},
    "POST /teams": {
        "name": "Network",
        "lead": "{agent_id}",
        "categories": ["net"],
        "members": ["{agent_id}"],
    },
    "PATCH /teams/{team_id}": {"name": "Disks", "lead": "{agent_id}", "categories": ["disk"], "members": []},
    "POST /organizations": {"name": "Initech", "domains": ["initech.example"]},
    "PATCH /organizations/{organization_id}": {"name": "Acme", "domains": ["acme.example"]},
    "POST /tickets": {
        "subject": "The disk is full",
        "description": "磁盘空间不足",
        "category": "disk",
        "priority": "high",
        "kind": "fault",
        "requester": {"email": "customer@acme.example", "name": "Customer"},
        "tags": ["late"],
        "custom_fields": {"version": "1.2", "sizes": [1, 2.5, None, True]},
        "channel": "phone",
        "external_id": "X-1",
        "created_at": "2026-01-01T09:00:00Z",
    },
    "POST /tickets/import": {
        "id": "9d3f0a52-6a53-4f0e-9c1e-0b7d1f3a2c11",
        "number": 900,
        "external_id": None,
        "subject": "The disk is full",
        "description": "磁盘空间不足",
        "status": "resolved",
        "priority": "high",
        "requested_priority": "normal",
        "category": "disk",
        "kind": "fault",
        "channel": "email",
        "tier": 2,
        "requester": {"email": "customer@acme.example", "name": "Customer", "id": None},
        "organization": None,
        "assignee": {"email": "ada@acme.example", "name": "Ada"},
        "team": None,
        "merged_into": None,
        "tags": ["late"],
        "custom_fields": {"version": "1.2", "sizes": [1, 2.5, None, True]},
        "reopen_count": 1,
        "satisfaction": 4,
        "created_at": "2026-01-01T09:00:00Z",
        "updated_at": "2026-01-03T09:00:00Z",
        "first_responded_at": "2026-01-01T10:00:00Z",
        "resolved_at": "2026-01-03T09:00:00Z",
        "closed_at": None,
        "collaborators": [{"email": "kim@acme.example", "name": "Kim"}],
        "watchers": [{"email": "ada@acme.example", "name": "Ada"}],
        "links": [{"ticket": "{ticket_id}", "relation": "related", "number": 1}],
        "comments": [
            {
                "id": "6b0fc1a4-8f5e-4a37-8a43-4f1f0f2f9f10",
                "author": {"email": "ada@acme.example", "name": "Ada"},
                "visibility": "internal",
                "body": "Hello.",
                "at": "2026-01-01T10:00:00Z",
            }
        ],
        "events": [
            {
                "type": "resolved",
                "at": "2026-01-03T09:00:00Z",
                "actor": {"email": "ada@acme.example", "name": "Ada"},
                "cause": "resolve",
                "data": {"kind": [None, "fault"]},
            }
        ],
        "ledger": [
            {
                "clock": "resolution",
                "cycle": 1,
                "kind": "satisfy",
                "at": "2026-01-03T09:00:00Z",
                "cause": "resolve",
                "step": None,
                "due_at": "2026-01-04T09:00:00Z",
                "fired_at": None,
                "started_at": "2026-01-01T09:00:00Z",
                "target": "PT72H",
                "elapsed": "PT48H",
                "missed": 0,
                "policy_id": "9d3f0a52-6a53-4f0e-9c1e-0b7d1f3a2c12",
                "policy_version": 1,
                "calendar_version": 1,
            }
        ],
        "process": {
            "accepted": True,
            "assignee_tier": 2,
            "clocks": {},
            "cycles": {"resolution": 1},
            "ended": {
                "cycle": 1,
                "target": "PT72H",
                "started_at": "2026-01-01T09:00:00Z",
                "spent": "PT48H",
                "running_since": None,
                "breached_at": None,
                "acknowledged": False,
                "fired": {"75%": 1},
            },
        },
        "attachments": [],
        "version": 7,
        "classification": None,
        "waiting_reason": None,
        "breached": False,
        "next_step": None,
        "next_step_at": None,
    },
    "PATCH /tickets/{ticket_id}": {
        "subject": "The disk is full",
        "description": "磁盘空间不足",
        "custom_fields": {"version": "1.2"},
        "kind": "fault",
    },
    "POST /tickets/{ticket_id}/comments": {"body": "Hello.", "visibility": "public"},
    **{f"POST /tickets/{{ticket_id}}/actions/{name}": body for name, body in ACTIONS.items()},
    "POST /feedback": {
        "title": "A bigger disk",
        "body": "磁盘空间不足",
        "kind": "suggestion",
        "source": "widget",
        "category": "disk",
        "importance": 3,
        "tags": ["late"],
        "requester": {"email": "customer@acme.example", "name": "Customer"},
        "ticket": "{ticket_id}",
    },
    **{f"POST /feedback/{{feedback_id}}/actions/{name}": body for name, body in FEEDBACK_ACTIONS.items()},
    "POST /feedback/{feedback_id}/vote": None,
    "POST /feedback/answers/{link}": {"solved": False, "reason": "It is not there. 还没有"},
    "POST /releases": {"name": "Spring", "notes": "Bigger disks.", "items": ["{feedback_id}"]},
    "PATCH /releases/{release_id}": {"name": "Summer", "notes": "Bigger.", "items": ["{feedback_id}"]},
    "POST /releases/{release_id}/publish": None,
    "PUT /tickets/{ticket_id}/viewers/me": {"typing": True},
    "POST /tickets/{ticket_id}/attachments": b"a file",
    "POST /fields": {
        "key": "product",
        "label": "Product",
        "type": "choice",
        "options": ["router", "switch"],
        "categories": ["net"],
        "required": False,
    },
    "PATCH /fields/{field_id}": {
        "label": "Version",
        "options": [],
        "categories": ["net"],
        "required": False,
        "active": True,
    },
    "POST /bulk": {
        "action": "tag",
        "fields": {"add": ["late"], "remove": []},
        "filter": {"priority": ["high"], "created_after": LATER, "q": "disk", "number": 1, "tags": ["late"]},
        "dry_run": True,
    },
    "POST /bulk/{bulk_id}/cancel": None,
    "POST /classifier/preview": {"subject": "The disk is full", "description": "磁盘空间不足"},
    "POST /classifier/train": None,
    "POST /classifier/rollback": {"version": 0},
    **CONTEST_REQUESTS,
    "POST /macros": {
        "name": "Greeting",
        "description": "Says hello",
        "personal": False,
        "teams": [],
        "actions": [{"action": "reply", "body": "Dear {{requester.name}}"}],
    },
    "PATCH /macros/{macro_id}": {
        "name": "Greeting",
        "description": "Says hello",
        "teams": [],
        "actions": [{"action": "tag", "add": ["greeted"], "remove": []}],
    },
    "POST /macros/{macro_id}/preview": {"ticket": "{ticket_id}"},
    "POST /views": {
        "name": "Burning",
        "personal": False,
        "teams": [],
        "query": "status:open disk",
        "sort": "-created_at",
        "position": 1,
    },
    "PATCH /views/{view_id}": {
        "name": "Late",
        "teams": [],
        "query": "status:open disk",
        "sort": "priority",
        "position": 2,
    },
    "POST /sla-policies": POLICY,
    "POST /sla-policies/preview": {
        "priority": "high",
        "category": "disk",
        "team": "{team_id}",
        "organization": None,
        "start": LATER,
    },
    "PATCH /sla-policies/{policy_id}": POLICY,
    "POST /calendars/preview": {
        "calendar": {name: value for name, value in CALENDAR.items() if name != "name"},
        "start": LATER,
        "duration": "PT4H",
    },
    "POST /calendars/{calendar_id}/preview": {"start": LATER, "end": "2030-05-09T09:00:00+02:00"},
    "POST /calendars/import": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
    "POST /calendars": CALENDAR,
    "PATCH /calendars/{calendar_id}": CALENDAR,
    "POST /notifications/read": None,
    "PUT /notifications/preferences": {
        "channels": {"ticket_replied": {"email": False}},
        "quiet_hours": {"from": "22:00", "until": "07:00"},
    },
    "POST /notifications/{notification_id}/read": None,
    "POST /notifications/{notification_id}/resend": None,
    "POST /facts/import": b"\n",
    "POST /achievements": {**ACHIEVEMENT, "name": "Twenty posts"},
    "PATCH /achievements/{achievement_id}": ACHIEVEMENT,
    "POST /achievements/{achievement_id}/preview": None,
    "POST /prizes": {**PRIZE, "name": "Cup"},
    "PATCH /prizes/{prize_id}": {name: PRIZE[name] for name in PRIZE if name != "currency"},
    **{f"POST /claims/{{claim_id}}/actions/{action}": {"note": "Well done."} for action in Action},
    "POST /achievements/{achievement_id}/backfills": {"dry_run": True},
    "POST /achievements/{achievement_id}/backfills/{backfill_id}/cancel": None,
    "PUT /members/rules": {
        "daily_cap": 200,
        "actions": {"post_created": {"points": 10, "capped": True, "once": "fact"}},
        "levels": [{"name": "newbie", "threshold": 0}, {"name": "expert", "threshold": 100}],
    },
    "POST /members/{member_id}/facts": FACT,
    "POST /facts": {"facts": [{**FACT, "member": "{somebody_id}", "fact_id": "post-2"}]},
    "PATCH /members/{member_id}": {"listed": True},
    **SURVEYS,
    "POST /links/keys": {"revoke": False},
    "POST /processes/rebuild": None,
    "POST /codec/decode": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "e30="}]},
}
"""By method and path without the prefix. Bytes are sent as they are, of the type in TYPES; None is no body.
`{name}` in a text stands for an id of the world."""

TYPES: Final = {
    "POST /tickets/{ticket_id}/attachments": "application/octet-stream",
    "POST /calendars/import": "text/calendar",
    "POST /facts/import": "application/jsonl",
}
QUERIES: Final = {
    "POST /tickets/{ticket_id}/attachments": "?name=file.bin",
    "GET /feedback/similar": "?text=disk",
}


def fill(value: Any, world: Mapping[str, Any]) -> Any:
    """`value` with the ids of the world in the place of their names; other braces stay as they are."""
    if isinstance(value, str):
        known = value.startswith("{") and value.endswith("}") and value[1:-1] in world
        return str(world[value[1:-1]]) if known else value
    if isinstance(value, dict):
        return {name: fill(one, world) for name, one in value.items()}
    return [fill(one, world) for one in value] if isinstance(value, list) else value


def address(path: str, world: Mapping[str, Any]) -> str:
    return API + path.format_map({name: str(one) for name, one in world.items()})


async def make_world(admin: AsyncClient, agent_id: Any, somebody_id: Any) -> dict[str, Any]:
    """The records that BODIES name, made through the API. Workers have to run."""
    world: dict[str, Any] = {"agent_id": agent_id, "somebody_id": somebody_id}
    world |= {"person_id": somebody_id, "member_id": somebody_id, "survey_id": AFTER_RESOLUTION}

    async def make(name: str, path: str, body: Any) -> dict[str, Any]:
        answer = await admin.post(API + path, json=fill(body, world))
        assert answer.status_code == 201, (path, answer.text)
        world[name] = answer.json()["id"]
        return dict(answer.json())

    await make("organization_id", "/organizations", {"name": "Globex", "domains": ["globex.example"]})
    await make("team_id", "/teams", {"name": "Storage", "categories": ["disk"]})
    await make("calendar_id", "/calendars", {"name": "Shift", "weekly": WEEK})
    await make("policy_id", "/sla-policies", {**POLICY, "name": "Slow"})
    await make("macro_id", "/macros", {"name": "Tags", "actions": [{"action": "tag", "add": ["seen"]}]})
    await make("view_id", "/views", {"name": "Late", "query": "status:open"})
    await make("field_id", "/fields", {"key": "version", "label": "Version", "type": "text"})
    await make("achievement_id", "/achievements", {**ACHIEVEMENT, "name": "Draft"})
    looked = f"{API}/achievements/{world['achievement_id']}/backfills"
    world["backfill_id"] = (await admin.post(looked, json={"dry_run": True})).json()["id"]
    await make("prize_id", "/prizes", PRIZE)
    await make("token_id", "/tokens", {"name": "robot"})
    world |= await make_contest(admin, admin, (await admin.get(f"{API}/people/me")).json()["id"])
    ticket = {"subject": "The disk is full", "description": "磁盘空间不足"}
    await make("other_ticket_id", "/tickets", ticket)
    await make("ticket_id", "/tickets", ticket)
    comments = f"/tickets/{world['ticket_id']}/comments"
    assert (await admin.post(API + comments, json={"body": "Hello."})).status_code == 201
    wish = {"title": "A bigger disk", "body": "磁盘空间不足"}
    await make("other_feedback_id", "/feedback", wish)
    await make("feedback_id", "/feedback", wish)
    await make("release_id", "/releases", {"name": "Spring", "notes": "Bigger disks."})
    bulk = {"action": "tag", "fields": {"add": ["late"]}, "ids": ["{other_ticket_id}"]}
    world["bulk_id"] = (await admin.post(f"{API}/bulk", json=fill(bulk, world))).json()["id"]
    world["comment_id"] = (await admin.get(API + comments)).json()["data"][0]["id"]
    attachments = f"{API}/tickets/{world['ticket_id']}/attachments?name=file.bin"
    headers = {"Content-Type": "application/octet-stream"}
    attached = await admin.post(attachments, content=b"a file", headers=headers)
    world["attachment_id"] = attached.json()["id"]
    return world
