"""Tasks in a real browser (T10): asked of a colleague, handed on, closed with a word, and counted for the supervisor."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from db.outbox import publish
from db.rules.terms import Area, TaskKind
from db.schema.base import new_id
from db.schema.work import Task
from db.usecases import tasks
from tests.browser.conftest import DESK, TABLET, City
from tests.integration.db.people import NOW

Open = Callable[..., Page]


@pytest.mark.req("T10")
def test_what_is_pressed_when_news_come_is_not_taken_away(city: City, open_page: Open) -> None:
    one, other = city.small.debtor(), city.small.debtor()
    with city.database.write() as tx:
        tasks.raise_for(tx, TaskKind.NUMBER_RESEARCH, one, Area.TAX, new_id(), NOW, "欠番でした。")
    page = open_page("officer")
    page.goto("/tasks")
    expect(page.locator("html[data-live]")).to_be_attached()
    row = page.locator("tr", has_text="欠番でした。")
    row.locator("summary", has_text="引き渡す").hover()
    page.mouse.down()
    with page.expect_response("**/tasks/list?**") as news, city.database.write() as tx:
        tasks.raise_for(tx, TaskKind.NUMBER_RESEARCH, other, Area.TAX, new_id(), NOW, "別の番号。")
        publish(tx, NOW, "recall", "")
    news.value.finished()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.up()
    expect(row.locator("details[open] [name=to]")).to_be_visible()
    expect(page.locator("tr", has_text="別の番号。")).to_have_count(0)
    row.locator("summary", has_text="引き渡す").click()
    expect(page.locator("tr", has_text="別の番号。")).to_have_count(1)


@pytest.mark.req("T10")
@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_a_task_goes_from_the_record_to_a_colleague_and_is_closed(
    city: City, open_page: Open, tmp_path: Path, viewport: dict[str, int]
) -> None:
    debtor_id = city.small.debtor()
    with city.database.write() as tx:
        note = "090-1111-2222は欠番でした。新しい番号を調査してください。"
        tasks.raise_for(tx, TaskKind.NUMBER_RESEARCH, debtor_id, Area.TAX, new_id(), NOW, note)
        officer_id = city.users["officer"].user_id
        plan = {"kind": TaskKind.VISIT, "debtor_id": debtor_id, "area": Area.TAX, "user_id": officer_id, "made_at": NOW}
        plan |= {"due_on": date(2026, 11, 25), "instruction": "玄関先で面談", "note": "高橋 三郎の訪問計画"}
        tx.execute(insert(Task), [{"id": new_id(), **plan} for _ in range(12)])
    page = open_page("operator", viewport)
    page.goto(f"/debtors/{debtor_id}")
    page.locator("summary", has_text="職員への依頼").click()
    box = page.locator("details", has=page.locator("summary", has_text="職員への依頼"))
    box.locator("[name=to]").select_option(label="鈴木 次郎")
    box.locator("[name=instruction]").fill("分納の相談に折り返してください")
    box.locator("[name=due_on]").fill(date(2026, 11, 20).isoformat())
    box.get_by_role("button", name="依頼する").click()
    expect(page.locator("[aria-label=タスク]")).to_contain_text("分納の相談に")
    page.screenshot(path=tmp_path / "record.png")
    officer = open_page("officer", viewport)
    expect(officer.locator(".today-tasks")).to_contain_text("分納の相談に")
    officer.screenshot(path=tmp_path / "home.png")
    officer.click("text=明日以降 12件")
    expect(officer.locator("tbody tr", has_text="見本町1丁目2番3号")).to_have_count(12)
    officer.select_option("[name=order]", "place")
    officer.click(".filters button")
    expect(officer.locator("[name=order]")).to_have_value("place")
    expect(officer.locator("tbody tr", has_text="見本町1丁目2番3号")).to_have_count(12)
    officer.screenshot(path=tmp_path / "visits.png")
    officer.goto("/")
    officer.click("text=引受け・引渡し・対応済み")
    row = officer.locator("tr", has_text="電話番号の調査")
    row.get_by_role("button", name="引き受ける").click()
    expect(row).to_contain_text("鈴木 次郎")
    row.locator("summary", has_text="引き渡す").click()
    row.locator("[name=to]").select_option(label="佐藤 花子")
    row.locator("[name=instruction]").fill("住民票で確認")
    officer.screenshot(path=tmp_path / "list.png", full_page=True)
    row.get_by_role("button", name="引き渡す").click()
    expect(officer.locator("tr", has_text="電話番号の調査")).to_have_count(0)
    row = officer.locator("tr", has_text="分納の相談に")
    row.locator("summary", has_text="対応済み").click()
    row.locator("[name=word]").fill("折り返して相談を受けた")
    row.get_by_role("button", name="対応済みにする").click()
    # those of tomorrow have a tab of their own
    expect(officer.locator(".empty")).to_contain_text("未対応のタスクはありません")
    officer.check("[name=closed]")
    officer.click(".filters button")
    expect(officer.locator("tr", has_text="折り返して相談を受けた")).to_be_visible()
    boss = open_page("supervisor", viewport)
    boss.goto("/tasks/people")
    expect(boss.locator("tbody tr")).to_contain_text(["佐藤 花子"])
    boss.screenshot(path=tmp_path / "people.png")
    boss.click("tbody a")
    expect(boss.locator("tr", has_text="住民票で確認")).to_be_visible()
