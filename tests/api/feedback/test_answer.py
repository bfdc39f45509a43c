"""Whether what was shipped helps, answered by the link of a mail: without signing in, once, as long as it is asked."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.desk import Desk
from storage.feedback.question import PURPOSE
from tests.api.conftest import Api, MakePerson
from tests.api.feedback.wishes import API, act, said, shipped, voted
from tests.api.letters import mail_of, path_in
from tests.rows import link_to, link_to_question

PAGE = "feedback/answers"


async def test_the_link_of_the_mail_verifies_what_helps(
    admin: Api, client: Api, make_person: MakePerson
) -> None:
    asker, voter = await make_person(locale="zh-CN"), await make_person()
    item = await said(asker, title="<b>Dark</b> mode")
    await act(admin, item, "triage")
    await voted(voter, item)
    await shipped(admin, item)
    mail = await mail_of(asker, "feedback_shipped")
    path = path_in(mail, PAGE)
    assert mail["link"].endswith(path)
    assert (await mail_of(voter, "feedback_shipped"))["link"] is None, "a voter is thanked and not asked"
    page = await client.get(path)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert '<html lang="zh-CN">' in page.text
    assert "&lt;b&gt;Dark&lt;/b&gt; mode" in page.text
    for data in ({}, {"solved": "maybe"}, {"solved": "no", "reason": "x" * 2001}):
        wrong = await client.post(path, data=data)
        assert (wrong.status_code, 'role="alert"' in wrong.text) == (422, True)
    done = await client.post(path, data={"solved": "yes", "reason": " "})
    assert (done.status_code, "谢谢" in done.text) == (201, True)
    assert (await admin.get(f"{API}/{item['id']}")).json()["status"] == "verified"
    again = await client.post(path, data={"solved": "no"})
    assert (again.status_code, "已经回答" in again.text) == (409, True)


async def test_a_no_by_link_reopens_with_its_reason_and_ends_the_question_for_all(
    desk: Desk, admin: Api, client: Api, make_person: MakePerson
) -> None:
    first, second = await make_person(), await make_person(locale="zh-CN")
    item, same = await said(first), await said(second)
    for one in (item, same):
        await act(admin, one, "triage")
    await act(admin, same, "merge", into=item["id"])
    await shipped(admin, item)
    links = [path_in(await mail_of(one, "feedback_shipped"), PAGE) for one in (first, second)]
    token = links[0].rpartition("/")[2]
    sheet = (await client.get(f"{API}/answers/{token}")).json()
    assert (sheet["number"], sheet["title"], sheet["locale"]) == (item["number"], "Dark mode", "en")
    answer = await client.post(
        f"{API}/answers/{token}", json={"solved": False, "reason": "It is still bright."}
    )
    assert answer.status_code == 201
    assert (await admin.get(f"{API}/{item['id']}")).json()["status"] == "in_progress"
    late = await client.get(links[1])
    assert (late.status_code, "不再" in late.text) == (409, True)


async def test_the_same_answer_twice_at_once_is_one(desk: Desk, admin: Api, make_person: MakePerson) -> None:
    asker = await make_person()
    item = await shipped(admin, await said(asker))
    path = f"{API}/answers/{await link_to_question(desk.database, UUID(item['id']), asker.person_id)}"
    answers = await asyncio.gather(*(admin.post(path, json={"solved": True}) for _ in range(5)))
    assert {one.status_code for one in answers} <= {201, 409}
    events = (await admin.get(f"{API}/{item['id']}/events?page[size]=100")).json()["data"]
    assert [one["type"] for one in events].count("confirmed") == 1


async def test_links_that_are_not_right_are_refused(desk: Desk, client: Api, make_person: MakePerson) -> None:
    asker, other = await make_person(locale="zh-CN"), await make_person()
    item = UUID((await said(asker))["id"])
    good = await link_to_question(desk.database, item, asker.person_id)
    now = datetime.now(UTC)
    expected = {
        "A" * 54: (404, "link_unknown"),
        await link_to(desk.database, item): (404, "link_unknown"),  # it is for a survey
        await link_to(desk.database, item, now - timedelta(seconds=1), PURPOSE): (410, "link_expired"),
        await link_to(desk.database, item, purpose=PURPOSE): (404, "link_unknown"),  # of no notification
        await link_to_question(desk.database, item, other.person_id): (409, "not_asked"),
        good: (409, "illegal_move"),  # nothing was shipped
        good[:-1] + ("A" if good[-1] != "A" else "B"): (404, "link_unknown"),
    }
    for token, (status, code) in expected.items():
        problem = await client.get(f"{API}/answers/{token}")
        assert (problem.status_code, problem.json()["code"]) == (status, code), token
        for page in (
            await client.get(f"/{PAGE}/{token}", headers={"Accept-Language": "zh"}),
            await client.post(f"/{PAGE}/{token}", data={"solved": "yes"}),
        ):
            assert page.status_code == status
            assert "<form" not in page.text
    theirs = await client.get(f"/{PAGE}/{good}", headers={"Accept-Language": "en"})
    assert "不再" in theirs.text, "the link is theirs, so the page speaks their language"
