"""The basic screen: what it shows, and what it does not send."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from db.rules.promises import PromiseLine
from db.rules.telephony import RecordingState
from db.rules.terms import Area, Channel, FlagKind, PhoneStatus
from db.schema.base import new_id
from db.schema.calls import Recording
from db.schema.claims import Allocation, Installment, Payment
from db.schema.contacts import Contact, Dispatch
from db.schema.people import CaseFile, Household
from db.schema.staff import Staff
from db.usecases import results
from db.usecases.recalls import RecallEntry
from db.usecases.results import Entry
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged

NOTE = "妹から<聴取>。\n十日に入金とのこと。"
SECRETS = (
    "48,000", "48000", "市県民税", "見本町", "昭和55年", "1980-05-03", "妹から", "令和8年6月30日", "2026-06-30",
    "催告書", "夕方に", "督促", "つぎのいって",
)  # fmt: skip


async def record_of(panel: Panel, login: str, debtor_id: int, query: str = "") -> str:
    """The page as a user sees it."""
    status, text, _ = await (await panel.browser(login)).get(f"/debtors/{debtor_id}{query}")
    assert status == 200, text
    return text


def full_life(panel: Panel) -> int:
    """A person with a contact, a recall and a paper."""
    debtor_id = panel.small.debtor()
    officer = panel.small.user("writer", "officer")
    with panel.database.write() as tx:
        entry = Entry(
            "counter_talk",
            NOTE,
            "つぎのいって",
            recall=RecallEntry(NOW + timedelta(hours=1), anyone=True, note="夕方に"),
        )
        results.note_contact(tx, officer, debtor_id, Area.TAX, Channel.COUNTER, entry, NOW, OFFICE)
        tx.execute(
            insert(Dispatch).values(
                id=new_id(), debtor_id=debtor_id, area=Area.TAX, kind="催告書", document_number="26-000001",
                sent_on=date(2026, 10, 1), amount=48_000, returned_on=date(2026, 10, 9), return_reason="宛先不明",
            )
        )  # fmt: skip
    return debtor_id


@pytest.mark.req("T9", "T1")
async def test_the_screen_says_who_what_is_owed_what_happened_and_what_to_do(panel: Panel) -> None:
    debtor_id = full_life(panel)
    panel.user("op")
    text = await record_of(panel, "op", debtor_id)
    for shown in (
        "山田 太郎", "ヤマダ タロウ", "0000000001", "昭和55年5月3日", "（46歳）", "見本町1丁目2番3号", "090-1111-2222",
        "携帯・本人・有効", "市県民税（普通徴収）", "48,000", "R8.6.30", "窓口相談", "writerさん", "つぎのいって", "未約束",
        "架電できます。", 'data-shortcut="F4"', "夕方に",
    ):  # fmt: skip
        assert shown in text, shown
    assert "妹から&lt;聴取&gt;。\n十日に入金とのこと。" in text
    assert '<time datetime="1980-05-03" title="1980-05-03">' in text
    assert "R8.11.24 07:30</time> 時点" in text


@pytest.mark.req("C5")
@pytest.mark.parametrize("tab", ["overview", "items", "payments", "promises", "dispatches"])
async def test_a_masked_record_sends_nothing_of_what_is_masked(panel: Panel, tab: str) -> None:
    debtor_id = full_life(panel)
    panel.user("contracted", "contracted_operator", contracted=True)
    text = await record_of(panel, "contracted", debtor_id, f"?tab={tab}")
    assert "山田 太郎" in text
    body = text.split("<form", 1)[1] if "<form" in text else text
    for secret in SECRETS:
        assert secret not in body, secret
    assert "本人確認が済むまで" in text


@pytest.mark.req("C5")
async def test_a_call_masks_the_record_until_identity_is_confirmed(panel: Panel) -> None:
    debtor_id = full_life(panel)
    viewer = panel.user("contracted", "contracted_operator", contracted=True)
    line = OnTheLine(panel, viewer, debtor_id)
    call_id = line.talk()
    browser = await panel.browser("contracted")
    _, text, _ = await browser.get(f"/debtors/{debtor_id}")
    assert "48,000" not in text
    wrong = {"kana": "ヤマダ タロウ", "birth_date": "S55.5.4", "address": "見本町1-2-3"}
    status, answer, _ = await browser.post(f"/calls/{call_id}/identity", wrong)
    assert status == 422
    assert "あと2回" in json.loads(answer)["fields"]["identity"]
    assert "birth" not in answer
    status, _, _ = await browser.post(f"/calls/{call_id}/identity", {**wrong, "birth_date": "昭和55年5月3日"})
    assert status == 204
    _, text, _ = await browser.get(f"/debtors/{debtor_id}")
    for shown in ("48,000", "市県民税", "見本町", "昭和55年5月3日", "妹から", "本人確認済み"):
        assert shown in text, shown
    line.hang_up(call_id)
    line.save(call_id)
    _, text, _ = await browser.get(f"/debtors/{debtor_id}")
    assert "48,000" not in text


@pytest.mark.req("C5")
async def test_a_call_masks_the_record_even_for_those_who_see_arrears_otherwise(panel: Panel) -> None:
    debtor_id = full_life(panel)
    viewer = panel.user("officer", "officer")
    assert "48,000" in await record_of(panel, "officer", debtor_id)
    OnTheLine(panel, viewer, debtor_id).talk()
    text = await record_of(panel, "officer", debtor_id)
    assert "48,000" not in text
    assert "見本町" not in text


@pytest.mark.req("C5")
async def test_before_identity_the_scripts_name_no_debt(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    viewer = panel.user("op")
    OnTheLine(panel, viewer, debtor_id).talk()
    text = await record_of(panel, "op", debtor_id)
    scripts = re.search(r'<div class="scripts".*?</div>', text, re.DOTALL)
    assert scripts
    assert "山田 太郎様" in scripts[0]
    assert not any(word in scripts[0] for word in ("税", "滞納", "納付", "納め"))


@pytest.mark.req("T15", "C6")
@pytest.mark.parametrize(
    ("mine", "theirs"), [(Area.TAX, Area.HEALTH), (Area.HEALTH, Area.TAX), (Area.PUBLIC, Area.PRIVATE)]
)
async def test_another_areas_person_is_not_told_from_nobody(panel: Panel, mine: Area, theirs: Area) -> None:
    theirs_id = panel.small.debtor(area=theirs, owes=0)
    panel.user("op", areas=(mine,))
    browser = await panel.browser("op")
    status, known, _ = await browser.get(f"/debtors/{theirs_id}")
    unknown_status, unknown, _ = await browser.get("/debtors/999999")
    assert status == unknown_status == 404
    same = [re.sub(r"/debtors/\d+", "/debtors/N", text) for text in (known, unknown)]
    assert same[0] == same[1]
    assert logged(panel, "debtor.view") == 0


@pytest.mark.req("T15")
async def test_health_staff_see_a_person_of_both_areas_without_any_tax(panel: Panel) -> None:
    debtor_id = full_life(panel)
    with panel.database.write() as tx:
        tx.execute(insert(CaseFile).values(debtor_id=debtor_id, area=Area.HEALTH))
    panel.user("nurse", areas=(Area.HEALTH,))
    text = await record_of(panel, "nurse", debtor_id)
    assert "見本町" in text
    body = text.split("<main", 1)[1].split("</main>")[0]
    for secret in (
        "48,000",
        "市県民税",
        "分割納付",
        "滞納",
        "納付約束",
        "税目",
        "<strong>窓口相談",
        "延滞金",
        "収納",
        "未約束",
    ):
        assert secret not in body, secret


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "path", ["/debtors/0", "/debtors/-1", "/debtors/9223372036854775808", "/debtors/x", "/debtors/1%00"]
)
async def test_ids_that_are_none_are_not_found(panel: Panel, path: str) -> None:
    panel.user("op")
    status, _, _ = await (await panel.browser("op")).get(path)
    assert status == 404


@pytest.mark.req("C2")
async def test_every_view_has_its_row_in_the_log(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    panel.user("op")
    browser = await panel.browser("op")
    for tab in ("", "?tab=items", "?tab=dispatches"):
        await browser.get(f"/debtors/{debtor_id}{tab}")
    assert logged(panel, "debtor.view", debtor_id) == 3


@pytest.mark.req("T9")
async def test_the_late_charge_is_accounted_for_by_days_and_rates(panel: Panel) -> None:
    """The vector of the rule: 123,456 yen due 2025-06-30, as of 2026-01-31."""
    debtor_id = panel.small.debtor(owes=0, data_as_of=datetime(2026, 1, 30, 22, tzinfo=UTC))
    with panel.database.write() as tx:
        panel.small.owe(tx, debtor_id, Area.TAX, 123_456, date(2025, 6, 30))
    panel.user("op")
    panel.clock.set(datetime(2026, 1, 31, 3, tzinfo=UTC))
    with panel.database.write() as tx:
        tx.execute(update(Staff).values(password_set_at=panel.clock.now()))
    text = await record_of(panel, "op", debtor_id, "?tab=items")
    assert "31日×2.4%＋153日×8.7%＋31日×9.1% ＝ 5,686円 → 5,600円" in text
    assert "仮定の率" not in text


@pytest.mark.req("T9")
async def test_an_assumed_rate_is_labelled(panel: Panel) -> None:
    debtor_id = panel.small.debtor(data_as_of=datetime(2027, 1, 30, 22, tzinfo=UTC))
    panel.user("op")
    panel.clock.set(datetime(2027, 1, 31, 3, tzinfo=UTC))
    with panel.database.write() as tx:
        tx.execute(update(Staff).values(password_set_at=panel.clock.now()))
    browser = await panel.browser("op")
    for tab, places in (("", 1), ("?tab=items", 3)):
        _, text, _ = await browser.get(f"/debtors/{debtor_id}{tab}")
        assert text.count("仮定の率") == places


@pytest.mark.req("T9")
async def test_payments_promises_and_dispatches_have_their_tabs(panel: Panel) -> None:
    debtor_id = full_life(panel)
    officer = panel.user("officer", "officer")
    with panel.database.write() as tx:
        entry = Entry(
            "counter_talk", promise=(PromiseLine(date(2026, 12, 15), 20_000), PromiseLine(date(2027, 1, 15), 28_000))
        )
        results.note_contact(tx, officer, debtor_id, Area.TAX, Channel.COUNTER, entry, NOW, OFFICE)
        installment = tx.execute(select(Installment.id).where(Installment.debtor_id == debtor_id)).scalar_one()
        payment = tx.execute(
            insert(Payment)
            .values(debtor_id=debtor_id, area=Area.TAX, reference="r1", paid_on=date(2026, 11, 2),
                    reported_on=date(2026, 11, 10), amount=3_000, place="コンビニ")
            .returning(Payment.id)
        ).scalar_one()  # fmt: skip
        tx.execute(
            insert(Allocation).values(payment_id=payment, installment_id=installment, principal=3_000, late_charge=0)
        )
    text = await record_of(panel, "officer", debtor_id, "?tab=payments")
    for shown in ("R8.11.2", "R8.11.10", "コンビニ", "3,000"):
        assert shown in text
    text = await record_of(panel, "officer", debtor_id, "?tab=promises")
    for shown in ("令和8年12月15日", "20,000", "28,000", "48,000", "履行待ち", "承認 officerさん"):
        assert shown in text
    text = await record_of(panel, "officer", debtor_id, "?tab=dispatches")
    for shown in ("催告書", "26-000001", "48,000", "R8.10.9", "宛先不明"):
        assert shown in text


@pytest.mark.req("C4")
async def test_a_number_that_may_not_be_called_has_its_reasons_and_no_button(panel: Panel) -> None:
    debtor_id = panel.small.debtor(flags=(FlagKind.LAWYER,))
    with panel.database.write() as tx:
        panel.small.phone(tx, debtor_id, "+81462001111", PhoneStatus.UNALLOCATED)
    panel.user("officer", "officer")
    text = await record_of(panel, "officer", debtor_id)
    assert "弁護士が介入しているため架電できません。" in text
    assert "この番号は欠番のため架電できません。" in text
    assert 'action="/calls"' not in text
    assert "確認のうえ架電" not in text


@pytest.mark.req("C4", "T3")
async def test_soft_reasons_can_be_passed_over_deliberately_but_not_by_contracted_staff(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    officer = panel.user("officer", "officer")
    panel.user("contracted", "contracted_operator", contracted=True)
    with panel.database.write() as tx:
        entry = Entry("counter_talk", promise=(PromiseLine(date(2026, 12, 15), 48_000),))
        results.note_contact(tx, officer, debtor_id, Area.TAX, Channel.COUNTER, entry, NOW, OFFICE)
    text = await record_of(panel, "officer", debtor_id)
    assert "納付約束の履行期間中であるため架電できません。" in text
    assert "確認のうえ架電" in text
    assert text.count('action="/calls"') == 1
    assert 'name="deliberate" value="1"' in text
    assert 'action="/calls"' not in await record_of(panel, "contracted", debtor_id)
    OnTheLine(panel, officer, debtor_id).take_seat()
    browser = await panel.browser("officer")
    await browser.get(f"/debtors/{debtor_id}")
    fields = {
        "debtor_id": str(debtor_id),
        "phone_id": str(OnTheLine(panel, officer, debtor_id).phone_id),
        "area": "tax",
    }
    status, answer, _ = await browser.post("/calls", fields)
    assert status == 409
    assert "履行期間中" in json.loads(answer)["message"]
    status, _, headers = await browser.post("/calls", {**fields, "deliberate": "1"})
    assert (status, headers["Saikoku-Location"]) == (204, f"/debtors/{debtor_id}")


@pytest.mark.req("T9")
async def test_the_household_lists_nobody_who_is_protected(panel: Panel) -> None:
    with panel.database.write() as tx:
        home = tx.execute(insert(Household).values(number="7").returning(Household.id)).scalar_one()
    debtor_id = panel.small.debtor(household=home)
    panel.small.debtor("山田 花", "ヤマダ ハナ", household=home, phone=None, owes=12_300)
    panel.small.debtor("山田 雪", "ヤマダ ユキ", household=home, phone=None, flags=(FlagKind.PROTECTED,))
    panel.user("officer", "officer")
    text = await record_of(panel, "officer", debtor_id)
    assert "山田 花" in text
    assert "12,300" in text
    assert "山田 雪" not in text
    assert "ほか1人・うち滞納1人" in text


@pytest.mark.req("T9")
async def test_a_protected_address_needs_its_right(panel: Panel) -> None:
    debtor_id = panel.small.debtor(flags=(FlagKind.PROTECTED,))
    panel.user("op")
    panel.user("officer", "officer")
    text = await record_of(panel, "op", debtor_id)
    assert "見本町" not in text
    assert "支援措置" in text
    assert "見本町" in await record_of(panel, "officer", debtor_id)


@pytest.mark.req("T1", "T13")
async def test_corrections_recordings_and_old_rows_are_told_apart(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    viewer = panel.user("op")
    line = OnTheLine(panel, viewer, debtor_id)
    call_id = line.talk()
    line.hang_up(call_id)
    contact_id = line.save(call_id, "no_answer", "押し間違い")
    with panel.database.write() as tx:
        present = tx.execute(select(Recording.id).where(Recording.call_id == call_id)).scalar_one_or_none()
        if present is None:
            tx.execute(insert(Recording).values(
                id=new_id(), call_id=call_id, debtor_id=debtor_id, area=Area.TAX, path="x.wav",
                state=RecordingState.KEPT, started_at=NOW,
            ))  # fmt: skip
    browser = await panel.browser("op")
    status, form, _ = await browser.get(f"/contacts/{contact_id}/correct")
    assert status == 200
    assert "押し間違い" in form
    assert logged(panel, "debtor.view", debtor_id) == 1
    status, _, headers = await browser.post(
        f"/contacts/{contact_id}/correct", {"disposition": "talked_self", "note": "本人と話せた"}
    )
    assert (status, headers["Saikoku-Location"]) == (204, f"/debtors/{debtor_id}?saved=1")
    _, text, _ = await browser.get(f"/debtors/{debtor_id}")
    assert '<s>不在</s> <strong class="tag">訂正済</strong>' in text
    assert "<s>押し間違い</s>" in text
    assert "本人と話せた" in text
    assert "録音" in text
    assert text.count('/correct"') == 1
    status, answer, _ = await browser.post(f"/contacts/{contact_id}/correct", {"disposition": "busy"})
    assert status == 422
    assert "訂正済み" in json.loads(answer)["fields"]["note"]
    with panel.database.read() as tx:
        rows = tx.execute(select(Contact.note, Contact.corrects_id).order_by(Contact.id)).all()
    assert [(row.note, row.corrects_id) for row in rows] == [("押し間違い", None), ("本人と話せた", contact_id)]


@pytest.mark.req("C1", "C6")
async def test_a_contact_of_another_area_cannot_be_corrected_or_seen(panel: Panel) -> None:
    full_life(panel)
    with panel.database.read() as tx:
        contact_id = tx.execute(select(Contact.id)).scalar_one()
    panel.user("nurse", areas=(Area.HEALTH,))
    browser = await panel.browser("nurse")
    assert (await browser.get(f"/contacts/{contact_id}/correct"))[0] == 404
    status, _, _ = await browser.post(f"/contacts/{contact_id}/correct", {"disposition": "counter_talk"})
    assert status == 404
    assert (await browser.get("/contacts/not-an-id/correct"))[0] == 404


@pytest.mark.req("T9")
async def test_stale_data_are_marked(panel: Panel) -> None:
    debtor_id = panel.small.debtor(data_as_of=NOW - timedelta(hours=120))
    panel.user("op")
    text = await record_of(panel, "op", debtor_id)
    assert "更新が遅れています" in text
    assert 'action="/calls"' not in text


@pytest.mark.req("T3")
async def test_the_pulse_tells_ids_and_states_only(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    viewer = panel.user("op")
    browser = await panel.browser("op")
    _, text, _ = await browser.fragment(f"/debtors/{debtor_id}/pulse")
    assert text == '{"call": "", "state": "", "identified": false}'
    call_id = OnTheLine(panel, viewer, debtor_id).talk()
    _, text, _ = await browser.fragment(f"/debtors/{debtor_id}/pulse")
    assert text == f'{{"call": "{call_id}", "state": "talking", "identified": false}}'
    other = panel.small.debtor("佐藤", "サトウ", phone=None)
    _, text, _ = await browser.fragment(f"/debtors/{other}/pulse")
    assert text == '{"call": "", "state": "", "identified": false}'
    assert logged(panel, "debtor.view") == 0
