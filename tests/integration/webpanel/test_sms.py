"""Messages on the record and the office's templates, over HTTP: the form, its preview, what is refused beside its field."""

import json
import re
import uuid

import pytest
from sqlalchemy import insert, select, update

from db.rules.sms import SmsState
from db.rules.terms import Area, FlagKind
from db.schema.extraction import TargetList
from db.schema.people import Flag
from db.schema.sms import SmsBatch, SmsMessage
from db.schema.staff import Staff
from db.usecases import sms, sms_batches, sms_templates
from db.usecases.sms import Wording
from tests.integration.db.floor import Floor
from tests.integration.db.people import NOW, OFFICE
from tests.integration.db.test_sms import UNKNOWN, Sender
from tests.integration.webpanel.conftest import Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged

BODY = "{市名}です。お電話ください。"


@pytest.mark.req("S2", "S3", "S7")
async def test_a_message_is_written_looked_at_and_sent_from_the_record(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    panel.user("op")
    browser = await panel.browser("op")
    _, record, _ = await browser.get(f"/debtors/{debtor_id}")
    assert f'data-sms-form="/debtors/{debtor_id}/sms-form?area=tax"' in record
    _, form, _ = await browser.fragment(f"/debtors/{debtor_id}/sms-form?area=tax")
    assert "090-1111-2222" in form
    phone = re.findall(r'name="phone_id" value="(\d+)"', form)[0]
    _, seen, _ = await browser.post(f"/debtors/{debtor_id}/sms-preview", {"area": "tax", "body": BODY})
    assert "みなと野市です。お電話ください。" in seen
    assert "1通" in seen
    assert "16 / 70" in seen
    _, bad, _ = await browser.post(f"/debtors/{debtor_id}/sms-preview", {"area": "tax", "body": "<b>滞納</b>"})
    assert "&lt;b&gt;<mark>滞納</mark>&lt;/b&gt;" in bad
    asked = {"area": "tax", "phone_id": phone, "body": "山田様へ"}
    status, text, _ = await browser.post(f"/debtors/{debtor_id}/sms", asked)
    assert status == 422
    assert "氏名（山田）" in json.loads(text)["fields"]["body"]
    status, text, _ = await browser.post(f"/debtors/{debtor_id}/sms", {**asked, "body": BODY})
    assert status == 200, text
    assert "送信待ちに登録しました" in text
    _, tab, _ = await browser.get(f"/debtors/{debtor_id}?tab=sms")
    assert "みなと野市です。お電話ください。" in tab
    assert "送信待ち" in tab
    (message,) = re.findall(r"/sms/messages/([^/]+)/cancel", tab)
    assert (await browser.post(f"/sms/messages/{message}/cancel"))[0] == 204
    status, text, _ = await browser.post(f"/sms/messages/{message}/cancel")
    assert (status, json.loads(text)["code"]) == (422, "state")


@pytest.mark.req("C5", "S2")
async def test_on_a_call_before_identity_a_message_may_go_out_and_texts_stay_masked(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    line = OnTheLine(panel, panel.user("op"), debtor_id)
    line.talk()
    browser = await panel.browser("op")
    _, form, _ = await browser.fragment(f"/debtors/{debtor_id}/sms-form?area=tax")
    phone = re.findall(r'name="phone_id" value="(\d+)"', form)[0]
    sent = {"area": "tax", "phone_id": phone, "body": "お電話ください。"}
    assert (await browser.post(f"/debtors/{debtor_id}/sms", sent))[0] == 200
    _, tab, _ = await browser.get(f"/debtors/{debtor_id}?tab=sms")
    assert "お電話ください。" not in tab
    assert "本人確認が済むまで" in tab


@pytest.mark.req("C5", "S3")
async def test_on_a_call_before_identity_no_reason_tells_of_debts(panel: Panel) -> None:
    debtor_id = panel.small.debtor()
    line = OnTheLine(panel, panel.user("op"), debtor_id)
    browser = await panel.browser("op")
    sent = {"area": "tax", "body": "お電話ください。"}
    _, form, _ = await browser.fragment(f"/debtors/{debtor_id}/sms-form?area=tax")
    sent["phone_id"] = re.findall(r'name="phone_id" value="(\d+)"', form)[0]
    assert (await browser.post(f"/debtors/{debtor_id}/sms", sent))[0] == 200
    line.talk()
    with panel.database.write() as tx:
        tx.execute(insert(Flag).values(debtor_id=debtor_id, kind=FlagKind.LAWYER))
        assert sms.claim(tx, NOW, OFFICE, 5) == []
    panel.user("other")
    assert "介入しているため" in (await (await panel.browser("other")).get(f"/debtors/{debtor_id}?tab=sms"))[1]
    _, form, _ = await browser.fragment(f"/debtors/{debtor_id}/sms-form?area=tax")
    _, refused, _ = await browser.post(f"/debtors/{debtor_id}/sms", sent | {"body": "お待ちしています。"})
    _, tab, _ = await browser.get(f"/debtors/{debtor_id}?tab=sms")
    for shown in (form, refused, tab):
        assert "介入しているため" not in shown
    for shown in (form, refused):
        assert "本人確認のあと" in shown


@pytest.mark.req("S4", "C1")
async def test_what_is_unknown_is_decided_and_a_refusal_noted_by_hand(panel: Panel) -> None:
    panel.user("op")
    sender = Sender(panel.database, panel.small)
    message = sender.sent(UNKNOWN)
    browser = await panel.browser("op")
    _, tab, _ = await browser.get(f"/debtors/{sender.debtor}?tab=sms")
    assert "届いたか確認できたら" in tab
    assert (await browser.post(f"/sms/messages/{message}/decide", {"arrived": "x"}))[0] == 422
    assert (await browser.post(f"/sms/messages/{message}/decide", {"arrived": "1"}))[0] == 204
    assert sender.state(message) is SmsState.DELIVERED
    status, text, _ = await browser.post(f"/debtors/{sender.debtor}/sms-refuse", {"reason": ""})
    assert (status, "reason" in json.loads(text)["fields"]) == (422, True)
    assert (await browser.post(f"/debtors/{sender.debtor}/sms-refuse", {"reason": "電話で申出"}))[0] == 204
    _, tab, _ = await browser.get(f"/debtors/{sender.debtor}?tab=sms")
    assert "SMSを拒否されています" in tab
    _, form, _ = await browser.fragment(f"/debtors/{sender.debtor}/sms-form?area=tax")
    assert "SMSを送信できる番号がありません" in form
    assert (await browser.post(f"/debtors/{sender.debtor}/sms-allow", {"reason": "撤回"}))[0] == 204
    # nobody acts on a message of an area that is not theirs
    with panel.database.write() as tx:
        tx.execute(update(SmsMessage).values(area=Area.HEALTH))
    status, _, _ = await browser.post(f"/sms/messages/{message}/cancel")
    assert status == 404


@pytest.mark.req("S2", "S7")
async def test_templates_are_made_changed_and_retired(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    browser = await panel.browser("boss")
    _, text, _ = await browser.get("/sms/templates")
    assert "定型文はまだありません" in text
    status, text, _ = await browser.post("/sms/templates/tax", {"name": "連絡", "body": "{氏名}さん"})
    assert status == 422
    assert "氏名になる" in json.loads(text)["fields"]["body"]
    status, _, headers = await browser.post("/sms/templates/tax", {"name": "連絡", "body": BODY})
    assert (status, headers["Saikoku-Location"]) == (204, "/sms/templates?area=tax&saved=1")
    status, text, _ = await browser.post("/sms/templates/tax/words", {"section": "滞納整理課", "phone": ""})
    assert (status, "section" in json.loads(text)["fields"]) == (422, True)
    _, text, _ = await browser.get("/sms/templates?area=tax")
    assert "みなと野市です。お電話ください。" in text
    (made,) = set(re.findall(r'action="/sms/templates/tax/([0-9a-f-]+)"', text))
    _, text, _ = await browser.post("/sms/templates/tax/preview", {"body": "{市名}" * 30})
    assert "3通" in text
    assert (await browser.post(f"/sms/templates/tax/{made}/retire"))[0] == 204
    assert (await browser.post(f"/sms/templates/tax/{made}/retire"))[0] == 404
    assert (await browser.post("/sms/templates/nowhere", {"name": "連絡", "body": BODY}))[0] == 404


# -- batches -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.req("S2", "S3", "C2")
async def test_a_batch_is_made_prepared_approved_and_stopped(panel: Panel) -> None:
    floor = Floor(panel.small)
    panel.user("chief", "officer")
    floor.people(2)
    floor.people(1, phone=None)
    listed = floor.list_of()
    with panel.database.write() as tx:
        tx.execute(update(TargetList).values(user_id=select(Staff.id).where(Staff.login == "chief").scalar_subquery()))
        template = sms_templates.save(tx, floor.boss, Area.TAX, None, "案内", BODY, NOW, Wording(), "みなと野市")
    browser = await panel.browser("chief")
    _, form, _ = await browser.get(f"/sms/batches/new?list={listed}")
    assert f'value="{listed}" selected' in form
    asked = {
        "area": "tax", "list_id": str(listed), "template_id": str(template), "name": "秋<の>案内", "number_rule": "own",
        "days": "1", "opens": "09:00", "closes": "20:00", "per_minute": "x",
    }  # fmt: skip
    status, text, _ = await browser.post("/sms/batches", asked)
    assert (status, list(json.loads(text)["fields"])) == (422, ["per_minute"])
    status, text, headers = await browser.post("/sms/batches", {**asked, "per_minute": "60", "closes": "23:00"})
    assert (status, list(json.loads(text)["fields"])) == (422, ["closes"])
    status, text, headers = await browser.post("/sms/batches", {**asked, "per_minute": "60"})
    assert status == 204, text
    place = headers["Saikoku-Location"]
    _, text, _ = await browser.get(place)
    assert "秋&lt;の&gt;案内" in text
    assert "みなと野市です。お電話ください。" in text
    _, text, _ = await browser.fragment(f"{place}/sample")
    assert "携帯電話の番号がない" in text
    assert logged(panel, "sms.sample") == 3
    assert (await browser.post(f"{place}/begin"))[0] == 204
    batch_id = uuid.UUID(place.rpartition("/")[2])
    with panel.database.write() as tx:
        assert sms_batches.prepare(tx, batch_id, NOW, OFFICE)
    _, text, _ = await browser.fragment(f"{place}/progress")
    assert "承認して送信する" in text
    for path in ("/", "/live/sms-approvals"):
        assert "承認待ちのSMS一括" in (await browser.get(path))[1]
    assert (await browser.post(f"{place}/approve"))[0] == 204
    status, text, _ = await browser.post(f"{place}/pace", {"per_minute": "0"})
    assert (status, list(json.loads(text)["fields"])) == (422, ["per_minute"])
    assert (await browser.post(f"{place}/pace", {"per_minute": "30"}))[0] == 204
    assert "1分に 30件まで" in (await browser.fragment(f"{place}/progress"))[1]
    assert (await browser.post(f"{place}/pause"))[0] == 204
    status, text, _ = await browser.post(f"{place}/pause")
    assert (status, json.loads(text)["code"]) == (422, "state")
    status, text, _ = await browser.post(f"{place}/stop", {"reason": ""})
    assert (status, "reason" in json.loads(text)["fields"]) == (422, True)
    assert (await browser.post(f"{place}/stop", {"reason": "文面の誤り"}))[0] == 204
    _, text, _ = await browser.get("/sms/batches")
    assert "■" in text
    status, text, _ = await browser.post(f"/targets/{listed}/remove")
    assert (status, json.loads(text)["code"]) == (422, "in_use")
    _, text, _ = await browser.fragment(f"{place}/results")
    assert "まだ送信されていません" in text
    with panel.database.write() as tx:
        tx.execute(update(SmsBatch).values(area=Area.HEALTH))
    assert (await browser.get(place))[0] == 404
