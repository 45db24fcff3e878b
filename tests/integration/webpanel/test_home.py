"""本日, the home screen (T6): what is due, for whom, and what may be read of it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from db.rules.terms import Area, TaskKind
from db.schema.base import new_id
from db.schema.contacts import Recall
from db.schema.work import Task
from db.usecases.today import FEW, LATE
from tests.integration.db.people import NOW
from tests.integration.webpanel.conftest import Panel


def book(panel: Panel, debtor_id: int, by: int, whom: int | None, minutes: int, area: Area = Area.TAX) -> None:
    with panel.database.write() as tx:
        tx.execute(
            insert(Recall).values(
                id=new_id(), debtor_id=debtor_id, area=area, due_at=NOW + timedelta(minutes=minutes), user_id=whom,
                made_by=by, made_at=NOW - timedelta(days=1), note="納付書の件",
            )
        )  # fmt: skip


@pytest.mark.req("T6")
async def test_mine_and_anyones_recalls_of_today_in_my_areas(panel: Panel) -> None:
    me, other = panel.user("sato"), panel.user("suzuki")
    people = {name: panel.small.debtor(name, phone=None) for name in ("遅れ", "自分", "全員", "他人", "明日")}
    health = panel.small.debtor("健診の人", area=Area.HEALTH, phone=None, owes=0)
    book(panel, people["遅れ"], me.user_id, me.user_id, -5)
    book(panel, people["自分"], me.user_id, me.user_id, 60)
    book(panel, people["全員"], other.user_id, None, 30)
    book(panel, people["他人"], other.user_id, other.user_id, 30)
    book(panel, people["明日"], me.user_id, me.user_id, 24 * 60)
    book(panel, health, other.user_id, None, 30, Area.HEALTH)
    browser = await panel.browser("sato")
    _, text, _ = await browser.get("/")
    assert "3件（うち時刻を過ぎたもの 1件）" in text
    assert text.index("遅れ") < text.index("全員</a>") < text.index("自分</a>")
    for name in ("他人</a>", "明日</a>", "健診の人"):
        assert name not in text

    for number in range(LATE + 7):  # what was missed does not hide what comes
        book(panel, people["明日"] if number < LATE else people["遅れ"], me.user_id, me.user_id, -10 - number)
    _, text, _ = await browser.get("/")
    assert f"{LATE + 10}件（うち時刻を過ぎたもの {LATE + 8}件）" in text
    assert f"時刻を過ぎたものは新しい{LATE}件" in text
    assert (text.count(">明日</a>"), text.count(">遅れ</a>"), text.count(">自分</a>")) == (LATE - 1, 1, 1)


@pytest.mark.req("C1", "C5")
async def test_notes_are_kept_from_those_who_see_no_arrears(panel: Panel) -> None:
    me = panel.user("itaku", "contracted_operator", contracted=True)
    book(panel, panel.small.debtor("山田 太郎"), me.user_id, me.user_id, 10)
    _, text, _ = await (await panel.browser("itaku")).get("/")
    assert "山田 太郎" in text
    assert "納付書の件" not in text


async def test_an_empty_day_says_so(panel: Panel) -> None:
    panel.user("sato")
    _, text, _ = await (await panel.browser("sato")).get("/")
    for sentence in ("再コール予約はありません", "確認が必要なものはありません", "記録はまだありません"):
        assert sentence in text


@pytest.mark.req("T10")
async def test_tasks_are_told_by_when_they_are_due_and_a_plan_for_tomorrow_does_not_flood_the_day(panel: Panel) -> None:
    me, debtor_id, today = panel.user("sato"), panel.small.debtor("山田 太郎"), date(2026, 11, 24)

    def make(note: str, days: int | None, kind: TaskKind = TaskKind.ERRAND, count: int = 1) -> None:
        due_on = None if days is None else today + timedelta(days=days)
        rows = [
            {"id": new_id(), "kind": kind, "debtor_id": debtor_id, "area": Area.TAX, "user_id": me.user_id, "made_at": NOW,
             "due_on": due_on, "note": note}
            for _ in range(count)
        ]  # fmt: skip
        with panel.database.write() as tx:
            tx.execute(insert(Task), rows)

    make("明日の訪問", 1, TaskKind.VISIT, 60)
    make("遅れた依頼", -3, count=FEW + 2)
    make("回線断", None, TaskKind.CALL_UNKNOWN)
    make("今日の依頼", 0)
    browser = await panel.browser("sato")
    _, text, _ = await browser.get("/")
    assert f"{FEW + 4}件</span>" in text, "what is due later is not counted as the day's"
    assert 'href="/tasks?when=later">明日以降 60件' in text
    assert 'href="/tasks?when=overdue">ほか2件' in text
    assert text.count("遅れた依頼") == FEW
    assert text.index("遅れた依頼") < text.index("今日の依頼") < text.index("回線断")
    assert "明日の訪問" not in text
    _, text, _ = await browser.get("/tasks")
    assert "明日の訪問" not in text
    assert "発信結果の確認" in text
    assert "見本町" not in text
    _, text, _ = await browser.get("/tasks?when=later&page=1")
    assert text.count("明日の訪問") == 10
    assert text.count("見本町1丁目2番3号") == 10


async def test_an_administrator_without_people_sees_none(panel: Panel) -> None:
    panel.user("boss", "system_admin")
    status, text, _ = await (await panel.browser("boss")).get("/")
    assert status == 200
    assert "today-due" not in text
    assert 'id="shell-q"' not in text


@pytest.mark.req("T15")
async def test_those_without_debts_are_not_offered_the_states_of_debts(panel: Panel) -> None:
    panel.user("kenshin", "supervisor", areas=(Area.HEALTH,))
    panel.user("boss", "supervisor")
    assert 'href="/workflow"' not in (await (await panel.browser("kenshin")).get("/"))[1]
    assert 'href="/workflow"' in (await (await panel.browser("boss")).get("/"))[1]
