"""Right bodies of the routes of surveys, as `tests/requests.py` has them for all others."""

from collections.abc import Mapping
from typing import Any, Final

SURVEYS: Final[Mapping[str, Any]] = {
    "POST /surveys/answers/{token}": {"score": 4, "comment": "It works again. 谢谢", "answers": {}},
    "POST /surveys/tasks/{task_id}/done": {"note": "Called back, all is well."},
    "POST /surveys": {
        "name": "How is it?",
        "kind": "nps",
        "questions": [{"key": "why", "text": {"en": "Why?"}, "type": "text"}],
        "audience": {
            "roles": ["requester"],
            "organizations": ["{organization_id}"],
            "locales": ["en"],
            "people": ["{somebody_id}"],
            "ticket_within": "P90D",
        },
        "schedule": {
            "starts_at": "2030-05-01T09:00:00+02:00",
            "every": "month",
            "rounds": 3,
            "time_zone": "Europe/Berlin",
        },
        "sample": 0.5,
        "quota": 100,
        "per_day": 50,
        "remind_after": "P2D",
        "close_after": "P7D",
        "rest": "P30D",
    },
    "PATCH /surveys/{survey_id}": {
        "name": "After a resolution",
        "state": "active",
        "questions": [
            {"key": "why", "text": {"en": "Why?", "zh-CN": "为什么？"}, "type": "text", "required": False},
            {"key": "ease", "text": {"en": "How easy?"}, "type": "scale", "low": 1, "high": 5},
            {
                "key": "topic",
                "text": {"en": "About what?"},
                "type": "choice",
                "options": [
                    {"value": "speed", "label": {"en": "Speed"}},
                    {"value": "words", "label": {"en": "Words"}},
                ],
                "many": True,
            },
        ],
        "delay": "PT1H",
        "remind_after": "PT48H",
        "close_after": "P7D",
        "rest": "P30D",
        "low_score": 2,
        "task_within": "PT8H",
    },
}
