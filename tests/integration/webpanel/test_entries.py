"""Writing on the record: results, promises, recalls, contacts by hand; what is wrong is said beside its field."""

import json
import re
import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select

from db.rules.terms import AnsweredBy, Area, Channel
from db.schema.base import new_id
from db.schema.calls import Call
from db.schema.contacts import Contact, Promise, PromiseLine, Recall
from db.usecases import calls
from tests.integration.db.people import NOW
from tests.integration.webpanel.conftest import Browser, Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged

TALKED = {"disposition": "talked_self"}


async def talking(panel: Panel, level: str = "operator", *, confirmed: bool = True) -> tuple[OnTheLine, str, Browser]:
    """An operator talking with 山田 太郎, who owes 48,000 yen and some late charge."""
    viewer = panel.user("op", level)
    line = OnTheLine(panel, viewer, panel.small.debtor())
    call_id = line.talk()
    if confirmed:
        line.confirm(call_id)
    browser = await panel.browser("op")
    await browser.get(f"/debtors/{line.debtor_id}")
    return line, f"/calls/{call_id}/result", browser


@pytest.mark.req("T1", "T7")
async def test_a_result_is_saved_and_the_next_page_follows(panel: Panel) -> None:
    line, result, browser = await talking(panel)
    form = {**TALKED, "note": "一行目\r\n二行目 <b>", "next_step": "納付書の再送", "answered_by": "spouse"}
    status, _, headers = await browser.post(result, form)
    assert (status, headers["Saikoku-Location"]) == (204, f"/debtors/{line.debtor_id}?saved=1")
    with panel.database.read() as tx:
        row = tx.execute(select(Contact)).one()
    assert (row.note, row.next_step, row.answered_by) == ("一行目\n二行目 <b>", "納付書の再送", AnsweredBy.SPOUSE)
    assert row.channel is Channel.CALL_OUT
    assert logged(panel, "contact.record", line.debtor_id) == 1
    _, text, _ = await browser.get(f"/debtors/{line.debtor_id}?saved=1")
    assert "登録しました" in text
    assert "結果は登録済みです" in text
    assert 'action="/calls/' + result.split("/")[2] + '/result"' not in text


@pytest.mark.req("T6", "T7")
async def test_after_the_wrap_up_the_recall_that_is_due_and_may_be_made_comes_next(panel: Panel) -> None:
    line, result, browser = await talking(panel)
    nowhere = panel.small.debtor("鈴木 留", "スズキ トメ", phone=None)
    other = panel.small.debtor("佐藤 花", "サトウ ハナ", phone="+819033334444")
    line.hang_up(line_call(result))
    with panel.database.write() as tx:
        for debtor_id, minutes in ((nowhere, 2), (other, 1)):
            tx.execute(insert(Recall).values(
                id=new_id(), debtor_id=debtor_id, area=Area.TAX, due_at=NOW - timedelta(minutes=minutes), user_id=None,
                made_by=line.viewer.user_id, made_at=NOW - timedelta(days=1),
            ))  # fmt: skip
    _, _, headers = await browser.post(result, TALKED)
    assert headers["Saikoku-Location"] == f"/debtors/{other}?area=tax"


@pytest.mark.req("T7")
async def test_after_the_wrap_up_and_nothing_due_the_home_screen_comes(panel: Panel) -> None:
    line, result, browser = await talking(panel)
    line.hang_up(line_call(result))
    status, _, headers = await browser.post(result, TALKED, script=False)
    assert (status, headers["Location"]) == (303, "/")


def line_call(result: str):
    """The call's id in the address of its result."""

    return uuid.UUID(result.split("/")[2])


@pytest.mark.req("T7", "T12")
@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({}, "disposition", "結果を選んで"),
        ({"disposition": "sms_sent"}, "disposition", "結果を選んで"),
        ({**TALKED, "note": "あ" * 4001}, "note", "4000文字"),
        ({**TALKED, "promise": "single"}, "promise_total", "約束金額"),
        ({**TALKED, "promise": "single", "promise_total": "0", "promise_first": "2026-12-15"}, "promise_total", "1円以上"),
        ({**TALKED, "promise": "single", "promise_total": "-5", "promise_first": "2026-12-15"}, "promise_total", "1円以上"),
        ({**TALKED, "promise": "single", "promise_total": "1e5", "promise_first": "2026-12-15"}, "promise_total", "1円以上"),
        ({**TALKED, "promise": "single", "promise_total": "5000"}, "promise_first", "納付予定日"),
        ({**TALKED, "promise": "single", "promise_total": "5000", "promise_first": "2026-02-30"}, "promise_first", "存在しない"),
        ({**TALKED, "promise": "single", "promise_total": "5000", "promise_first": "9999-12-31"}, "promise_first", "年を確認"),
        ({**TALKED, "promise": "single", "promise_total": "5000", "promise_first": "2026-11-23"}, "promise_first", "過去"),
        ({**TALKED, "promise": "single", "promise_total": "999999", "promise_first": "2026-12-15"}, "promise", "超えています"),
        ({**TALKED, "promise": "split", "promise_total": "5000", "promise_first": "2026-12-15"}, "promise_count", "2回以上"),
        ({**TALKED, "promise": "split", "promise_total": "5000", "promise_first": "2026-12-15", "promise_count": "999"},
         "promise_count", "120回"),
        ({**TALKED, "recall_at": "2026-11-24T10:00"}, "recall", "過去"),
        ({**TALKED, "recall_at": "あした"}, "recall", "日時"),
        ({**TALKED, "recall_at": "9999-12-31T23:59"}, "recall", "日時"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(
    panel: Panel, form: dict[str, str], field: str, words: str
) -> None:
    line, result, browser = await talking(panel)
    status, answer, _ = await browser.post(result, form)
    assert status == 422
    assert words in json.loads(answer)["fields"][field]
    with panel.database.read() as tx:
        assert tx.execute(select(Contact.id)).all() == []
    _, page, _ = await browser.get(f"/debtors/{line.debtor_id}")
    assert f'data-error-for="{field}"' in page, "the page has a place for the sentence"


@pytest.mark.req("T12")
async def test_a_promise_in_parts_is_saved_as_it_was_shown(panel: Panel) -> None:
    line, result, browser = await talking(panel, "officer")
    promise = {"promise": "split", "promise_total": "４８，０００円", "promise_first": "R8.12.31", "promise_count": "3"}
    status, shown, _ = await browser.post(f"/debtors/{line.debtor_id}/promise", {**promise, "area": "tax"})
    assert status == 200
    for text in ("令和9年1月4日", "令和9年2月1日", "16,000", "48,000"):
        assert text in shown, text
    assert "超えています" not in shown
    assert (await browser.post(result, {**TALKED, **promise}))[0] == 204
    with panel.database.read() as tx:
        lines = tx.execute(select(PromiseLine.due_on, PromiseLine.amount).order_by(PromiseLine.number)).all()
        approved = tx.execute(select(Promise.approved_by)).scalar_one()
    assert [tuple(row) for row in lines] == [
        (date(2027, 1, 4), 16_000),
        (date(2027, 2, 1), 16_000),
        (date(2027, 2, 28) + timedelta(days=1), 16_000),
    ]
    assert approved == line.viewer.user_id


@pytest.mark.req("T12")
async def test_the_preview_warns_of_closed_days_and_of_more_than_is_owed(panel: Panel) -> None:
    line, _, browser = await talking(panel)
    form = {"area": "tax", "promise": "single", "promise_total": "60000", "promise_first": "2026-12-05"}
    status, shown, _ = await browser.post(f"/debtors/{line.debtor_id}/promise", form)
    assert status == 200
    assert "閉庁日です" in shown
    assert "令和8年12月7日" in shown
    assert "超えています" in shown
    with panel.database.read() as tx:
        assert tx.execute(select(Promise.id)).all() == []


@pytest.mark.req("C5", "T12")
async def test_before_identity_a_preview_tells_no_balance_and_a_promise_is_refused(panel: Panel) -> None:
    line, result, browser = await talking(panel, confirmed=False)
    form = {"area": "tax", "promise": "single", "promise_total": "60000", "promise_first": "2026-12-15"}
    _, shown, _ = await browser.post(f"/debtors/{line.debtor_id}/promise", form)
    assert "超えています" not in shown
    assert "48" not in shown
    status, answer, _ = await browser.post(result, {**TALKED, **form})
    assert status == 422
    assert "本人確認" in json.loads(answer)["fields"]["promise"]
    _, page, _ = await browser.get(f"/debtors/{line.debtor_id}")
    assert 'name="promise_total"' not in page


@pytest.mark.req("C5")
async def test_a_promise_by_hand_needs_the_amounts_in_sight(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    panel.user("contracted", "contracted_operator", contracted=True)
    browser = await panel.browser("contracted")
    await browser.get(f"/debtors/{debtor_id}")
    form = {
        "area": "tax",
        "kind": "counter:counter_talk",
        "promise": "single",
        "promise_total": "60000",
        "promise_first": "2026-12-15",
    }
    status, answer, _ = await browser.post(f"/debtors/{debtor_id}/contacts", form)
    assert status == 422
    assert "閲覧できない" in json.loads(answer)["fields"]["promise"]


@pytest.mark.req("T6")
async def test_a_recall_is_booked_on_the_offices_clock(panel: Panel) -> None:
    _, result, browser = await talking(panel)
    form = {**TALKED, "recall_at": "2026-11-25T18:30", "recall_anyone": "1", "recall_note": "夕方"}
    assert (await browser.post(result, form))[0] == 204
    with panel.database.read() as tx:
        row = tx.execute(select(Recall.due_at, Recall.user_id, Recall.note)).one()
    assert row.due_at.isoformat() == "2026-11-25T09:30:00+00:00"
    assert (row.user_id, row.note) == (None, "夕方")


@pytest.mark.req("T1")
async def test_a_contact_at_the_counter_is_recorded(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    panel.user("op")
    browser = await panel.browser("op")
    await browser.get(f"/debtors/{debtor_id}")
    form = {"area": "tax", "kind": "counter:counter_talk", "note": "来庁"}
    status, _, headers = await browser.post(f"/debtors/{debtor_id}/contacts", form)
    assert (status, headers["Saikoku-Location"]) == (204, f"/debtors/{debtor_id}?saved=1")
    for wrong, field in (({"kind": ""}, "kind"), ({"kind": "sms:sms_sent"}, "channel"), ({"area": "moon"}, "area")):
        status, answer, _ = await browser.post(f"/debtors/{debtor_id}/contacts", {**form, **wrong})
        assert status == 422
        assert field in json.loads(answer)["fields"]


@pytest.mark.req("T15", "C6")
@pytest.mark.parametrize("area", ["health", "private"])
async def test_nothing_can_be_written_on_another_areas_person(panel: Panel, area: str) -> None:
    debtor_id = panel.small.debtor(area=Area(area), owes=0)
    panel.user("op")
    browser = await panel.browser("op")
    await browser.get("/")
    form = {"kind": "counter:counter_talk", "promise": "single", "promise_total": "1", "promise_first": "2026-12-15"}
    for claimed in (area, "tax"):
        for path in (f"/debtors/{debtor_id}/contacts", f"/debtors/{debtor_id}/promise"):
            status, _, _ = await browser.post(path, {**form, "area": claimed})
            assert status in {403, 404}, (path, claimed)
    with panel.database.read() as tx:
        assert tx.execute(select(Contact.id)).all() == []


@pytest.mark.req("C1")
async def test_somebody_elses_call_is_not_found(panel: Panel) -> None:
    _, result, _ = await talking(panel)
    panel.user("thief", "supervisor")
    browser = await panel.browser("thief")
    await browser.get("/")
    said = {"kana": "ヤマダ タロウ", "birth_date": "S55.5.3", "address": "見本町1-2-3"}
    assert (await browser.post(result, TALKED))[0] == 404
    assert (await browser.post(result.replace("result", "identity"), said))[0] == 404
    for forged in ("/calls/00000000-0000-0000-0000-000000000000/result", "/calls/x/result", "/calls/x/identity"):
        assert (await browser.post(forged, {**TALKED, **said}))[0] == 404


@pytest.mark.req("C5")
async def test_the_identity_form_says_what_is_missing_and_ends_after_three_tries(panel: Panel) -> None:
    line, result, browser = await talking(panel, confirmed=False)
    identity = result.replace("result", "identity")
    status, answer, _ = await browser.post(identity, {"birth_date": "きのう"})
    assert status == 422
    assert set(json.loads(answer)["fields"]) == {"kana", "birth_date", "address"}
    wrong = {"kana": "サトウ", "birth_date": "S55.5.3", "address": "見本町1-2-3"}
    for left in ("あと2回", "あと1回", "折り返しの案内"):
        status, answer, _ = await browser.post(identity, wrong)
        assert status == 422
        assert left in json.loads(answer)["fields"]["identity"]
    status, answer, _ = await browser.post(identity, {**wrong, "kana": "ヤマダ タロウ"})
    assert status == 409
    _, page, _ = await browser.get(f"/debtors/{line.debtor_id}")
    assert "本人確認に失敗しました" in page
    assert "48,000" not in page


@pytest.mark.req("T3")
async def test_a_call_that_was_never_dialled_wants_no_result(panel: Panel) -> None:
    viewer = panel.user("op")
    line = OnTheLine(panel, viewer, panel.small.debtor())
    line.take_seat()
    call_id = line.place()
    with panel.database.write() as tx:
        calls.refuse(tx, call_id, NOW, "緊急停止中のため架電できません。")
    browser = await panel.browser("op")
    await browser.get("/")
    status, answer, _ = await browser.post(f"/calls/{call_id}/result", TALKED)
    assert status == 422
    assert "発信されなかった" in json.loads(answer)["message"]
    with panel.database.read() as tx:
        assert tx.execute(select(Call.result_at)).scalar_one() is None
        assert tx.execute(select(Contact.id)).all() == []


@pytest.mark.req("T12")
async def test_a_promise_entered_line_by_line_is_shown_and_saved_in_the_order_of_its_days(panel: Panel) -> None:
    line, result, browser = await talking(panel, "officer")
    hand = {
        "promise": "hand", "line_day_1": "2027-01-15", "line_yen_1": "２０，０００", "line_day_3": "R8.12.5",
        "line_yen_3": "8000円",
    }  # fmt: skip
    status, shown, _ = await browser.post(f"/debtors/{line.debtor_id}/promise", {**hand, "area": "tax"})
    assert status == 200
    assert "28,000" in shown
    assert shown.index("令和8年12月5日") < shown.index("令和9年1月15日")
    assert "令和8年12月5日</time>は閉庁日です" in shown
    assert (await browser.post(result, {**TALKED, **hand}))[0] == 204
    with panel.database.read() as tx:
        lines = tx.execute(select(PromiseLine.due_on, PromiseLine.amount).order_by(PromiseLine.number)).all()
    assert [tuple(row) for row in lines] == [(date(2026, 12, 5), 8_000), (date(2027, 1, 15), 20_000)]


@pytest.mark.req("T12")
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({}, "1行以上"),
        ({"line_day_1": "2026-12-15"}, "1行目：約束金額"),
        ({"line_yen_2": "5000"}, "2行目：納付予定日"),
        (
            {"line_day_1": "2026-12-15", "line_yen_1": "1", "line_day_2": "2026-12-15", "line_yen_2": "2"},
            "同じ納付予定日",
        ),
    ],
)
async def test_what_is_wrong_with_lines_by_hand(panel: Panel, lines: dict[str, str], words: str) -> None:
    _, result, browser = await talking(panel)
    status, answer, _ = await browser.post(result, {**TALKED, "promise": "hand", **lines})
    assert status == 422
    assert words in json.loads(answer)["fields"]["promise_lines"]


@pytest.mark.req("T12", "C1")
async def test_an_offer_is_approved_and_a_promise_taken_back_on_its_tab(panel: Panel) -> None:
    line, result, browser = await talking(panel)
    promise = {"promise": "split", "promise_total": "40000", "promise_first": "2026-12-15", "promise_count": "2"}
    _, shown, _ = await browser.post(f"/debtors/{line.debtor_id}/promise", {**promise, "area": "tax"})
    assert "徴収職員が承認します" in shown
    assert (await browser.post(result, {**TALKED, **promise}))[0] == 204
    tab = f"/debtors/{line.debtor_id}?tab=promises"
    _, text, _ = await browser.get(tab)
    assert "申出（承認待ち）" in text
    assert "分納を承認する" not in text, "an operator is not offered what only an officer may"
    panel.user("boss", "officer")
    officer = await panel.browser("boss")
    _, text, _ = await officer.get(tab)
    approve = re.search(r'action="(/promises/[^"]+/approve)"', text)
    assert approve
    assert (await officer.post(approve[1]))[0] == 204
    _, text, _ = await officer.get(tab)
    assert "履行待ち" in text
    assert "承認 bossさん" in text
    cancel = approve[1].replace("approve", "cancel")
    status, answer, _ = await officer.post(cancel, {"reason": ""})
    assert (status, "理由" in json.loads(answer)["fields"]["reason"]) == (422, True)
    assert (await officer.post(cancel, {"reason": "本人の申し出により"}))[0] == 204
    _, text, _ = await officer.get(tab)
    assert "本人の申し出により" in text
    assert (await officer.post("/promises/none/approve"))[0] == 404
