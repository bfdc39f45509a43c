"""The classifier over HTTP: what guesses and how well, who has it trained, and going back."""

from api.desk import Desk
from tests.api.conftest import Api, MakePerson
from tests.api.work import working
from tests.labelled import LabelledDesk

FAULT = {"subject": "磁盘挂载失败，服务不可用", "description": "The disk crashed with an exception"}


async def test_a_manager_has_it_trained_and_goes_back(make_person: MakePerson, desk: Desk) -> None:
    manager = await make_person("manager")
    await LabelledDesk(desk.database).fill(150)
    before = (await manager.get("/api/v1/classifier")).json()
    assert (before["version"], before["source"], before["last_training"]) == (0, "rules", None)
    async with working(desk):
        started = await manager.post("/api/v1/classifier/train")
        assert started.status_code == 202
        await desk.temporal.get_workflow_handle(started.json()["workflow_id"]).result()
        await desk.guesser.look(desk.database)
        wish = {"subject": "Please add more toner", "description": "the printer is empty"}
        ticket = (await manager.post("/api/v1/tickets", json=wish)).json()
    view = (await manager.get("/api/v1/classifier")).json()
    assert (view["version"], view["cause"], view["threshold"]) == (1, "taken", 0.7)
    assert view["accuracy"]["category"] > 0.8
    assert set(view["counts"]["category"]) == {"printing", "travel", "payroll"}
    assert ticket["category"] == "printing"
    assert ticket["classification"]["version"] == 1
    (version,) = (await manager.get("/api/v1/classifier/versions")).json()["data"]
    assert (version["version"], version["kept"], version["tickets"]) == (1, True, 150)

    back = (await manager.post("/api/v1/classifier/rollback", json={})).json()
    assert (back["version"], back["cause"], back["chosen_by"]["name"]) == (0, "by_hand", "Person 1")
    guessed = await manager.post("/api/v1/classifier/preview", json=FAULT)
    assert guessed.json()["version"] == 0


async def test_a_version_that_is_not_there_cannot_be_chosen(admin: Api) -> None:
    refused = await admin.post("/api/v1/classifier/rollback", json={"version": 9})
    assert (refused.status_code, refused.json()["code"]) == (409, "version_gone")
