"""The page of the API loads everything from the desk itself, and its policy allows nothing else."""

import re
from urllib.parse import urljoin

import pytest

from tests.api.conftest import Api


async def test_the_page_and_all_that_it_names_come_from_the_desk(client: Api) -> None:
    page = await client.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 4
    for address in named:
        assert "//" not in address
        answer = await client.get(urljoin("/docs", address))
        assert (answer.status_code, bool(answer.content)) == (200, True), address
    start = (await client.get("/docs/start.js")).text
    (document,) = re.findall(r'url: "([^"]+)"', start)
    assert (await client.get(urljoin("/docs", document))).json()["info"]["title"] == "Duradesk"


async def test_the_policy_of_the_page_allows_no_other_host_and_no_script_within(client: Api) -> None:
    page = await client.get("/docs")
    policy = dict(part.split(maxsplit=1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.findall(r"https?:|\*|unsafe", " ".join(policy.values()))
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.text) == ["", ""]
    assert not re.findall(r"\son\w+=", page.text)


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect", "/docs/redoc.standalone.js"])
async def test_no_other_page_of_the_kind_is_served(client: Api, path: str) -> None:
    assert (await client.get(path)).status_code == 404
