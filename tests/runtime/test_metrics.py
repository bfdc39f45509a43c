"""One page of Prometheus' text out of several."""

from prometheus_client.parser import text_string_to_metric_families

from runtime.metrics import metered_runtime, page_at, together, whole_page
from tests.conftest import free_port

ONE = """# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{part="api"} 1
# HELP up Up.
# TYPE up gauge
up{part="api"} 1
"""
TWO = ONE.replace("api", "worker")


async def _page() -> str:
    return '# TYPE a gauge\na 1\n# TYPE b gauge\nb{x="{\\"y z"} 2\n'


def test_a_family_stands_once_with_the_samples_of_all_pages() -> None:
    assert together(ONE, TWO) == (
        "# HELP requests_total Requests.\n# TYPE requests_total counter\n"
        'requests_total{part="api"} 1\nrequests_total{part="worker"} 1\n'
        '# HELP up Up.\n# TYPE up gauge\nup{part="api"} 1\nup{part="worker"} 1\n'
    )


async def test_every_sample_tells_its_part_and_pages_of_others_theirs() -> None:
    async def other() -> str:
        return TWO

    page = await whole_page("api", _page, others=[other])
    assert 'a{part="api"} 1\n' in page
    assert 'b{part="api",x="{\\"y z"} 2\n' in page
    assert 'up{part="worker"} 1\n' in page
    assert {family.name for family in text_string_to_metric_families(page)} >= {"a", "b", "up", "requests"}


async def test_somebody_who_does_not_answer_has_an_empty_page() -> None:
    assert await page_at(f"http://127.0.0.1:{free_port()}/metrics")() == ""


async def test_the_sdks_runtime_serves_its_page() -> None:
    runtime, page = metered_runtime()
    counter = runtime.metric_meter.create_counter("desks")
    counter.add(2)
    assert "temporal_desks_total" in await page() or "desks_total" in await page()
