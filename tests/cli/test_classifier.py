"""The classifier from a terminal: what is guessed and by whom, training, and going back."""

from tests.cli.conftest import ListeningDesk, Terminal
from tests.labelled import LabelledDesk


async def test_a_text_is_guessed_without_a_ticket(listening: ListeningDesk, duradesk: Terminal) -> None:
    text = ("The disk crashed with an exception", "磁盘挂载失败，服务不可用")
    done = await duradesk("classifier", "guess", *text, "--json")
    assert done.code == 0, done.err
    assert (done.json["version"], done.json["kind"]["value"]) == (0, "fault")
    shown = await duradesk("classifier", "guess", *text)
    assert "fault" in shown.out
    assert "critical" in shown.out
    assert await listening.count("tickets") == 0


async def test_an_empty_desk_has_the_rule_base_and_too_little_to_learn(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    shown = await duradesk("classifier", "show")
    assert (shown.code, "the rule base" in shown.out) == (0, True)
    trained = await duradesk("classifier", "train")
    assert trained.code == 0, trained.err
    assert "too_few_labels" in trained.out
    assert (await duradesk("classifier", "versions", "--json")).json["data"] == []


async def test_a_version_is_trained_shown_and_left_again(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    await LabelledDesk(listening.desk.database).fill(150)
    view = (await duradesk("classifier", "train", "--json")).json
    assert (view["version"], view["cause"], view["last_training"]["outcome"]) == (1, "taken", "taken")
    shown = await duradesk("classifier", "show")
    assert "category" in shown.out
    assert "0 of 0" in shown.out
    versions = await duradesk("classifier", "versions")
    assert "by version 0" in versions.out
    back = await duradesk("classifier", "rollback")
    assert "by_hand" in back.out
    assert (await duradesk("classifier", "show", "--json")).json["version"] == 0


async def test_a_version_that_is_not_there_is_refused_in_one_line(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    done = await duradesk("classifier", "rollback", "7")
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert "version_gone" in done.err
