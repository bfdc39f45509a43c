"""Requests made of the API's own description: never a 5xx, and every answer is one that the description tells of.

Schemathesis reads the OpenAPI document and makes requests that fit it, and some that break it in one place. Ids in
paths are of records that are there, and half of what a body holds comes from a right one (`tests/requests.py`), or
most would be refused for their first field. Known hostile values at every place are
`test_hostile_input.py`'s business, rights `tests/security`'s. SEED= makes other requests, `make fuzz` many more.
"""

import asyncio
import os
from random import Random
from typing import Any, Final

import pytest
from fastapi import FastAPI
from schemathesis.core.failures import FailureGroup

from tests.api.conftest import Api
from tests.requests import API, BODIES, fill

LONG: Final = os.environ.get("DURADESK_TEST_FUZZ") == "long"
SEED: Final = int(os.environ.get("SEED") or 1)
EXAMPLES: Final = 100 if LONG else 3
"""Requests of each kind, for each operation."""

ENDLESS: Final = "GET /api/v1/stream"
ENDS_THE_SESSION: Final = "DELETE /api/v1/sessions/current"
TURN: Final = ("get", "head", "post", "put", "patch", "delete")
ENDS: Final = ("/merge", "/cancel")
"""Readers first, then writers, removers last; what ends a record after what else happens to it."""

pytestmark = pytest.mark.timeout(3600 if LONG else 300)


class Asking:
    """Makes the requests and looks at the answers. It blocks, so it has a thread of its own."""

    def __init__(self, app: FastAPI, address: str, token: str, world: dict[str, Any]) -> None:
        # It takes a second, which only this test has to wait.
        from schemathesis import checks, openapi, serializer

        serializer.alias("application/jsonl", "application/octet-stream")
        found = [found.ok() for found in openapi.from_dict(app.openapi()).get_all_operations()]
        self._operations = sorted(found, key=lambda one: (TURN.index(one.method), one.path.endswith(ENDS)))
        self._checks = [
            checks.not_a_server_error,
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_schema_conformance,
            checks.response_headers_conformance,
        ]
        self._address, self._token = address, token
        self._ids = {name: str(one) for name, one in world.items()}
        self._right = {label: fill(body, world) for label, body in BODIES.items() if isinstance(body, dict)}
        self._random = Random(SEED)
        self.wrong: list[str] = []
        self.answers: dict[str, set[int]] = {}

    def ask_everywhere(self) -> None:
        for operation in self._operations:
            if operation.label not in (ENDLESS, ENDS_THE_SESSION):
                self._ask(operation)

    def _ask(self, operation: Any) -> None:
        from hypothesis import HealthCheck, Phase, given, seed, settings
        from hypothesis.errors import Unsatisfiable
        from schemathesis import GenerationMode

        names = {one.name for one in operation.path_parameters}
        known = {"path_parameters": {name: self._ids[name] for name in names}} if names else {}
        limits = settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        for mode in GenerationMode:
            try:
                seed(SEED)(limits(given(operation.as_strategy(mode, **known))(self._send)))()
            except Unsatisfiable:  # nothing in this request can be wrong
                assert mode == GenerationMode.NEGATIVE

    def _send(self, case: Any) -> None:
        right = self._right.get(case.operation.label.replace(API, ""))
        if isinstance(case.body, dict) and isinstance(right, dict):
            kept = {name: value for name, value in case.body.items() if self._random.random() < 0.5}
            case.body = {**right, **kept}
        headers = {"Authorization": self._token}
        answer = case.call(self._address, headers=headers, timeout=30)
        self.answers.setdefault(case.operation.label, set()).add(answer.status_code)
        try:
            case.validate_response(answer, checks=self._checks)
        except FailureGroup as failure:
            self.wrong.append(f"{failure}\n{case.as_curl_command()}")


async def test_every_answer_is_one_that_the_description_tells_of(
    app: FastAPI, address: str, admin: Api, world: dict[str, Any]
) -> None:
    asking = Asking(app, address, admin.headers["Authorization"], world)
    await asyncio.to_thread(asking.ask_everywhere)
    assert not asking.wrong, f"{len(asking.wrong)} wrong answers, SEED={SEED}:\n" + "\n\n".join(
        asking.wrong[:20]
    )
    refused = [label for label, codes in asking.answers.items() if min(codes) >= 400]
    assert len(refused) < len(asking.answers) / 5, f"too few requests get anywhere: {refused}"
