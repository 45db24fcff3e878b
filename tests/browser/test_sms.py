"""Messages in a real browser: written by keyboard with what the phone will show, kept through a call, and their fate (S2–S5)."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.rules.sms import PartOutcome, SmsState
from db.rules.terms import Area, FlagKind
from db.usecases import sms, sms_batches, sms_fate, sms_templates
from db.usecases.sms import Submitted, Wording
from db.usecases.sms_fate import Receipt
from db.usecases.sms_templates import Words
from tests.browser.conftest import DESK, TABLET, City
from tests.integration.db.floor import Floor
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.on_the_line import OnTheLine

Open = Callable[..., Page]
SIZES = pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
BODY = "{市名}{課名}の{担当者}です。お伝えしたいことがありますので、{電話}までお電話ください。"


def templates(city: City) -> None:
    boss = city.users["supervisor"]
    with city.database.write() as tx:
        sms_templates.set_words(tx, boss, Area.TAX, Words("窓口案内係", "0422-11-2233"), NOW, Wording())
        sms_templates.save(tx, boss, Area.TAX, None, "お電話のお願い", BODY, NOW, Wording(), "みなと野市")
        sms_templates.save(
            tx, boss, Area.TAX, None, "折り返し", "{市名}です。お電話をいただきありがとうございました。", NOW, Wording(), "みなと野市"
        )  # fmt: skip


@SIZES
@pytest.mark.req("S2", "S4", "S5", "S7", "T7")
def test_a_message_is_written_by_keyboard_and_its_fate_is_seen(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    templates(city)
    debtor_id = city.small.debtor()
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{debtor_id}?tab=sms")
    page.wait_for_load_state()
    page.keyboard.press("s")
    choice = page.locator("[data-template]")
    expect(choice).to_be_focused()
    choice.select_option(label="お電話のお願い")
    preview = page.locator(".sms-preview")
    expect(preview).to_contain_text("みなと野市窓口案内係の佐藤です。")
    expect(preview).to_contain_text("1通")
    body = page.locator("#sms-body")
    body.fill("山田様、滞納の件です。")
    expect(preview.locator("mark")).to_have_text(["山田", "様", "滞納"])
    page.screenshot(path=tmp_path / "objected.png")
    body.fill("みなと野市です。" * 10)
    expect(preview).to_contain_text("2通")
    page.screenshot(path=tmp_path / "two.png")
    body.press("Control+Enter")
    expect(page.locator(".sms-form [data-form-note]")).to_contain_text("送信待ちに登録しました")
    expect(body).to_have_value("")
    message = page.locator(".sms-message")
    expect(message.locator(".sms-state")).to_contain_text("送信待ち")
    with city.database.write() as tx:
        (ready,) = sms.claim(tx, NOW, OFFICE, 5)
        parts = tuple(PartOutcome(SmsState.ACCEPTED, key, (key,)) for key in ("1a", "1b"))
        sms.settle(tx, [Submitted(ready.id, "docomo", 2, parts)], NOW, OFFICE)
        sms_fate.reply(tx, "docomo", ready.number, "明日の昼に電話します", NOW, OFFICE)
    expect(message.locator(".sms-state")).to_contain_text("受付済")
    expect(message.locator(".sms-theirs")).to_have_text("明日の昼に電話します")
    expect(message.locator(".sms-parts li")).to_contain_text(["1通目 ◐ 受付済", "2通目 ◐ 受付済"])
    page.screenshot(path=tmp_path / "fate.png")
    with city.database.write() as tx:
        sms_fate.receipts(tx, "docomo", [Receipt("1b", ("1b",), ready.number, SmsState.FAILED, "3-1")], NOW)
    expect(message.locator(".sms-state")).to_contain_text("不達")
    expect(message).to_contain_text("契約のない番号")
    page.locator(".sms-box > summary").click()
    page.locator(".sms-box > summary").click()
    expect(page.locator(".sms-box")).to_contain_text("SMSを送信できる番号がありません")
    page.screenshot(path=tmp_path / "gone.png")


@pytest.mark.req("S2", "T3")
def test_what_is_being_written_stays_when_a_call_begins_and_ends(city: City, open_page: Open, tmp_path: Path) -> None:
    templates(city)
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    page = open_page("operator")
    page.goto(f"/debtors/{line.debtor_id}")
    page.wait_for_load_state()
    page.keyboard.press("s")
    page.locator("#sms-body").fill("お電話ください。")
    expect(page.locator(".sms-preview")).to_contain_text("1通")
    call = line.talk()
    expect(page.locator(".record[data-state=joined], .record[data-state=talking]")).to_be_visible()
    expect(page.locator("form.result .pad")).to_be_visible()
    expect(page.locator("#sms-body")).to_have_value("お電話ください。")
    page.screenshot(path=tmp_path / "on-call.png")
    page.locator("#sms-body").press("Control+Enter")
    expect(page.locator(".sms-form [data-form-note]")).to_contain_text("送信待ちに登録しました")
    line.hang_up(call)
    expect(page.locator(".record")).to_have_attribute("data-state", "over")


@SIZES
@pytest.mark.req("S2", "S7")
def test_templates_are_written_with_what_is_wrong_shown_while_typing(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    templates(city)
    page = open_page("supervisor", viewport)
    page.goto("/rules")
    page.wait_for_load_state()
    page.get_by_role("link", name="SMSの定型文").click()
    page.wait_for_load_state()
    form = page.locator("form.sms-write").last
    form.locator("[name=name]").fill("新しい案内")
    form.locator("[name=body]").fill("{氏名}さんへ。{市名}です。")
    expect(form.locator(".sms-preview mark")).to_have_text("{氏名}")
    page.screenshot(path=tmp_path / "wrong.png", full_page=True)
    form.locator("[name=body]").fill("{市名}からのお知らせです。")
    expect(form.locator(".sms-preview")).to_contain_text("みなと野市からのお知らせです。")
    form.get_by_role("button", name="作成する").click()
    expect(page.locator(".sms-template h3")).to_have_text(["お電話のお願い", "折り返し", "新しい案内"])
    page.screenshot(path=tmp_path / "templates.png", full_page=True)


@SIZES
@pytest.mark.req("S2", "S4", "S6")
def test_a_batch_is_looked_at_approved_and_watched_while_it_sends(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    templates(city)
    floor = Floor(city.small)
    floor.boss = city.users["supervisor"]
    floor.people(4)
    floor.people(2, phone=None)
    floor.people(1, flags=(FlagKind.LAWYER,))
    floor.list_of(name="秋の対象者")
    page = open_page("supervisor", viewport)
    page.goto("/campaigns")
    page.wait_for_load_state()
    page.get_by_role("link", name="SMS一括").click()
    page.wait_for_load_state()
    page.screenshot(path=tmp_path / "empty.png")
    page.get_by_role("link", name="新しい一括送信").click()
    page.wait_for_load_state()
    page.locator("[name=name]").fill("秋のご案内")
    page.locator("[name=list_id]").select_option(index=1)
    page.locator("[name=template_id]").select_option(label="お電話のお願い")
    page.screenshot(path=tmp_path / "new.png")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/sms/batches/*-*")
    page.wait_for_load_state()
    page.get_by_role("button", name="確認する", exact=True).click()
    expect(page.locator("#batch-sample")).to_contain_text("弁護士介入")
    page.screenshot(path=tmp_path / "draft.png")
    page.get_by_role("button", name="対象者を確認する").click()
    place = page.locator("[data-fragment$=progress]")
    expect(place).to_contain_text("対象者の確認中")
    batch_id = uuid.UUID(page.url.rpartition("/")[2])
    with city.database.write() as tx:
        assert sms_batches.prepare(tx, batch_id, NOW, OFFICE)
    expect(place).to_contain_text("承認待ち")
    expect(place).to_contain_text("携帯電話の番号がない")
    page.screenshot(path=tmp_path / "waiting.png")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="承認して送信する").click()
    expect(place).to_contain_text("送信中")
    fates = (SmsState.DELIVERED, SmsState.FAILED)
    with city.database.write() as tx:
        for number, ready in enumerate(sms.claim(tx, NOW, OFFICE, 4)):
            accepted = PartOutcome(SmsState.ACCEPTED, f"{number}a", (f"{number}a",))
            sms.settle(tx, [Submitted(ready.id, "docomo", 1, (accepted,))], NOW, OFFICE)
            if number < 2:
                said = Receipt(f"{number}a", (f"{number}a",), ready.number, fates[number], "")
                sms_fate.receipts(tx, "docomo", [said], NOW)
    expect(place.locator("table").first).to_contain_text("到達")
    expect(place.locator("dd").nth(3)).to_have_text("4件")
    page.get_by_role("button", name="集計する").click()
    expect(page.locator("#batch-results")).to_contain_text("docomo")
    page.screenshot(path=tmp_path / "results.png", full_page=True)
    page.locator("summary", has_text="中止する").click()
    place.locator("[name=reason]").fill("試験の終わり")
    place.get_by_role("button", name="中止する").click()
    expect(place).to_contain_text("高橋 三郎：試験の終わり")
    page.goto("/sms/batches")
    page.wait_for_load_state()
    page.screenshot(path=tmp_path / "list.png")
