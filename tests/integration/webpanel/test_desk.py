"""The pages of one's own desk (T6, T10): what they must not send, what they log, and what they refuse."""

import json
from datetime import timedelta

import pytest

from db.rules.terms import Area, TaskKind
from db.schema.base import new_id
from db.store import summaries
from db.usecases import assigning, messages, recalls, tasks
from db.usecases.recalls import RecallEntry
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged

SECRETS = ("滞納十二万の件", "財産調査を急ぐ", "差押予告のあと", "約束不履行の確認")


def busy_case(panel: Panel, login: str = "op", level: str = "officer", **values: bool) -> tuple[int, OnTheLine]:
    """A case with a message, an assignment with instructions, a recall with a note and a task about money."""
    boss, viewer = panel.user("boss", "supervisor"), panel.user(login, level, **values)
    debtor_id = panel.small.debtor()
    with panel.database.write() as tx:
        key = f"u{viewer.user_id}"
        messages.send(tx, boss, debtor_id, Area.TAX, key, SECRETS[0], NOW)
        assigning.assign(tx, boss, Area.TAX, [debtor_id], key, SECRETS[1], None, NOW, OFFICE)
        recalls.book(tx, viewer, debtor_id, Area.TAX, RecallEntry(NOW + timedelta(minutes=30), note=SECRETS[2]), NOW)
        tasks.raise_task(tx, TaskKind.PROMISE_BROKEN, debtor_id, Area.TAX, new_id(), NOW)
    return debtor_id, OnTheLine(panel, viewer, debtor_id)


@pytest.mark.req("C5", "T10")
async def test_nothing_of_the_desk_shows_on_a_record_before_identity_is_confirmed(panel: Panel) -> None:
    debtor_id, line = busy_case(panel)
    browser = await panel.browser("op")
    _, text, _ = await browser.get(f"/debtors/{debtor_id}")
    for words in SECRETS:
        assert words in text, words
    call_id = line.talk()
    _, text, _ = await browser.get(f"/debtors/{debtor_id}")
    for words in SECRETS:
        assert words not in text, words
    line.confirm(call_id)
    _, text, _ = await browser.get(f"/debtors/{debtor_id}")
    for words in SECRETS:
        assert words in text, words


@pytest.mark.req("C1", "T6", "T10")
async def test_whoever_sees_no_arrears_reads_nothing_of_them_on_any_page(panel: Panel) -> None:
    debtor_id, _ = busy_case(panel, "itaku", "contracted_operator", contracted=True)
    browser = await panel.browser("itaku")
    pages = ("/", "/recalls", "/tasks", "/cases", "/messages", f"/debtors/{debtor_id}")
    panel.clock.set(NOW + timedelta(minutes=30))
    for path in (*pages, "/live/due", "/live/inbox", "/live/recall-pop", "/recalls/list", "/tasks/list", "/cases/list"):
        status, text, _ = await browser.get(path)
        assert status == 200, path
        # the form of a filter names every kind there is
        body = text.split("</form>")[-1] if path == "/tasks" else text
        for words in SECRETS:
            assert words not in body, (path, words)
    _, text, _ = await browser.get("/live/recall-pop")
    assert "山田 太郎" in text


@pytest.mark.req("C2", "T6")
async def test_a_page_that_refreshes_itself_does_not_flood_the_log(panel: Panel) -> None:
    debtor_id, _ = busy_case(panel)
    browser = await panel.browser("op")
    await browser.get("/")
    seen = logged(panel, "list.shown"), logged(panel, "today.view")
    for _ in range(3):
        for path in ("/live/due", "/live/inbox", "/live/unread", "/live/recall-pop"):
            assert (await browser.get(path))[0] == 200
    assert (logged(panel, "list.shown"), logged(panel, "today.view")) == seen
    panel.clock.set(NOW + timedelta(minutes=30))
    await browser.get("/live/recall-pop")
    await browser.get("/live/recall-pop")
    assert logged(panel, "list.shown", debtor_id) == seen[0] + 1


@pytest.mark.req("T10")
async def test_many_cases_are_given_only_as_they_were_counted(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    officer = panel.user("officer", "officer")
    people = [panel.small.debtor(f"人{n}", phone=None) for n in range(3)]
    with panel.database.write() as tx:
        summaries.refresh(tx, people, OFFICE.today(NOW))
    browser = await panel.browser("boss")
    _, text, _ = await browser.get("/assign/preview?area=tax&owing=1&holder=none")
    assert 'data-count="3"' in text
    form = {"area": "tax", "owing": "1", "holder": "none", "to": f"u{officer.user_id}"}
    for wrong in ("", "2"):
        status, text, _ = await browser.post("/assign", {**form, "expected": wrong})
        assert (status, json.loads(text)["code"]) == (422, "changed")
    status, text, _ = await browser.post("/assign", {**form, "expected": "3"})
    assert (status, "3件の担当を変更" in text) == (200, True)
    status, text, _ = await browser.post("/assign", {**form, "expected": "0"})
    assert (status, json.loads(text)["code"]) == (422, "empty")


@pytest.mark.req("T6", "T10")
async def test_an_empty_desk_says_what_to_do(panel: Panel) -> None:
    panel.user("op", "officer")
    browser = await panel.browser("op")
    for path, words in (
        ("/recalls", "再コール予約はありません"),
        ("/tasks", "未対応のタスクはありません"),
        ("/cases", "担当する案件はありません"),
        ("/messages", "受信した連絡はありません"),
    ):
        _, text, _ = await browser.get(path)
        assert words in text, path
