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
