"""What members can be given, as requests say it."""

from typing import Final

ACHIEVEMENT: Final = {
    "name": "Ten posts",
    "description": "Ten posts within a month",
    "criteria": {
        "all": [
            {
                "metric": "count",
                "action": "post_created",
                "operator": ">=",
                "threshold": 10,
                "window": "P30D",
            },
            {"any": [{"metric": "level", "operator": ">=", "threshold": "newbie"}]},
        ]
    },
    "reward": {"type": "points", "value": 50},
    "repeat": "once",
    "revocable": True,
}
PRIZE: Final = {
    "name": "Mug",
    "description": "A mug with our name on it",
    "currency": "EUR",
    "cost": 900,
    "budget": 9000,
}
