"""The workflow screen: numbers and the people behind them, for those who may, of the areas they may, and in the log."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from db.outbox import publish
from db.rules.terms import Area, Channel, FlagKind
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.staff import AccessLog, Membership, StaffGroup
from db.schema.states import StateDay
from db.schema.work import Assignment
from db.store import summaries
from db.store import workflow as store
from db.usecases import case_states
from db.usecases.results import Entry, note_contact
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged

TODAY = OFFICE.today(NOW)


@dataclass
class Town:
    """Five people: two never talked to, one talked to, one protected, one who owes water fees."""

    panel: Panel
    boss: Viewer
    people: dict[str, int]

    def follow(self) -> None:
        """What `saikoku jobs` does."""
        with self.panel.database.write() as tx:
            summaries.refresh(tx, list(self.people.values()), TODAY)
            summaries.set_day(tx, TODAY)
            case_states.sweep_all(tx, NOW, OFFICE)

    def assign(self, who: str, **to: int) -> None:
        """Give a case to somebody."""
        with self.panel.database.write() as tx:
            tx.execute(insert(Assignment).values(
                id=new_id(), debtor_id=self.people[who], area=Area.TAX, assigned_by=self.boss.user_id, assigned_at=NOW, **to
            ))  # fmt: skip
            publish(tx, NOW, "debtor", self.people[who])
        self.follow()


@pytest.fixture
def town(panel: Panel) -> Town:
    """The town, its states made."""
    boss = panel.user("boss", "supervisor")
    small = panel.small
    people = {
        "甲": small.debtor("甲野 一", owes=48_000),
        "乙": small.debtor("乙山 二", owes=1_500_000),
        "丙": small.debtor("丙川 三", owes=9_000),
        "守": small.debtor("守田 四", owes=20_000, flags=(FlagKind.PROTECTED,)),
        "水": small.debtor("水谷 五", owes=7_000, area=Area.PRIVATE),
    }
    with panel.database.write() as tx:
        note_contact(tx, boss, people["丙"], Area.TAX, Channel.COUNTER, Entry("counter_talk"), NOW, OFFICE)
    made = Town(panel, boss, people)
    made.follow()
    return made


def cards(text: str) -> dict[str, str]:
    """The number of people on each card by its word."""
    found = re.findall(r'class="flow-word">.*?</span> (.+?)</span>\s*<span class="flow-people"><strong>([0-9,]+)', text)
    return dict(found)


@pytest.mark.req("T10")
async def test_people_and_yen_in_each_state_of_the_areas_one_may_see(town: Town) -> None:
    browser = await town.panel.browser("boss")
    _, text, _ = await browser.get("/workflow")
    assert cards(text) == {"未交渉": "3", "未約束": "1", "納付約束": "0", "約束不履行": "0", "除外": "0", "完納": "0"}
    assert "1,568,000円" in text
    assert "水谷" not in text, "private claims are not tax"
    assert "乙山 二" in text, "who is stuck is named"
    assert logged(town.panel, "workflow.view", None) == 1
    _, part, _ = await browser.fragment("/workflow/numbers?by=amount")
    assert "100万円以上" in part
    assert "乙山" not in part, "the part that is fetched again names nobody"


@pytest.mark.req("T10", "C1")
async def test_who_may_look(town: Town) -> None:
    for login, level, contracted, sees in (
        ("officer", "officer", False, True),
        ("contracted", "officer", True, False),
        ("operator", "operator", False, False),
    ):
        town.panel.user(login, level, contracted=contracted)
        browser = await town.panel.browser(login)
        status, _, _ = await browser.get("/workflow")
        assert (status == 200) == sees, login
        _, home, _ = await browser.get("/")
        assert ("業務ワークフロー" in home) == sees, login


@pytest.mark.req("T10")
async def test_from_a_number_to_the_people_sorted_counted_and_summed(town: Town) -> None:
    browser = await town.panel.browser("boss")
    _, text, _ = await browser.get("/workflow/people?state=not_contacted&order=amount")
    names = re.findall(r'href="/debtors/[0-9]+\?area=tax">([^<]+)</a>', text)
    assert names == ["乙山 二", "甲野 一", "守田 四"]
    assert "3人" in text
    assert "1,568,000円" in text
    assert "中央" in text
    protected = text[text.index("守田") :]
    assert "中央" not in protected[: protected.index("</tr>")], "no district of people whose address must not show"
    assert 'class="no-print"' in text
    assert logged(town.panel, "workflow.list", None) == 1


@pytest.mark.req("T10")
@pytest.mark.parametrize("walked", [0, store.WALKED], ids=["passed", "walked"])
async def test_lists_are_as_long_as_the_number_that_led_there(
    town: Town, walked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WALKED", walked)
    browser = await town.panel.browser("boss")
    for query, names in (
        ("by=item&key=resident_ordinary&state=not_contacted&order=amount", ["乙山 二", "甲野 一", "守田 四"]),
        ("by=item&key=care", []),
        ("by=amount&key=1000000", ["乙山 二"]),
        ("by=amount&key=1", ["丙川 三"]),
        ("by=age&key=3&order=amount", ["乙山 二", "甲野 一", "守田 四", "丙川 三"]),
        ("by=age&key=60", []),
        ("by=district&key=99", []),
        ("state=paid", []),
    ):
        _, text, _ = await browser.get(f"/workflow/people?{query}")
        assert re.findall(r'href="/debtors/[0-9]+\?area=tax">([^<]+)</a>', text) == names, query
        assert f"<strong>{len(names)}人</strong>" in text, query


@pytest.mark.req("T10")
async def test_by_officer_and_group(town: Town) -> None:
    helper = town.panel.user("helper", "officer")
    with town.panel.database.write() as tx:
        group = tx.execute(insert(StaffGroup).values(name="徴収第一係").returning(StaffGroup.id)).scalar_one()
        tx.execute(insert(Membership).values(user_id=helper.user_id, group_id=group))
    town.assign("甲", user_id=helper.user_id)
    town.assign("丙", group_id=group)
    browser = await town.panel.browser("boss")
    _, text, _ = await browser.get("/workflow?by=officer")
    assert "helperさん" in text
    assert "担当なし" in text
    _, text, _ = await browser.get(f"/workflow/people?by=officer&key={helper.user_id}")
    assert "<strong>1人</strong>" in text
    _, text, _ = await browser.get(f"/workflow/people?by=group&key={group}&order=amount")
    assert re.findall(r'href="/debtors/[0-9]+\?area=tax">([^<]+)</a>', text) == ["甲野 一", "丙川 三"]
    assert "<strong>2人</strong>" in text
    _, text, _ = await browser.get("/workflow/people?by=officer&key=0")
    assert "<strong>2人</strong>" in text


@pytest.mark.req("T10")
async def test_the_change_since_last_week(town: Town) -> None:
    with town.panel.database.write() as tx:
        tx.execute(StateDay.__table__.delete().where(StateDay.day < TODAY))
        week_ago = {
            "day": TODAY - timedelta(days=8),
            "area": Area.TAX,
            "state": "not_contacted",
            "people": 5,
            "yen": 2_000_000,
        }
        tx.execute(insert(StateDay), [week_ago])
    browser = await town.panel.browser("boss")
    _, text, _ = await browser.get("/workflow")
    assert "先週比 －2人<br>－432,000円" in text
    assert "先週比 ＋1人<br>＋9,000円" in text


@pytest.mark.req("T10", "C2")
async def test_the_list_as_a_file_leaves_out_the_protected_and_is_logged(town: Town) -> None:
    with town.panel.database.write() as tx:
        from sqlalchemy import update

        from db.schema.people import Debtor

        tx.execute(update(Debtor).where(Debtor.id == town.people["甲"]).values(name="=HYPERLINK(1)"))
    browser = await town.panel.browser("boss")
    await browser.get("/workflow/people?state=not_contacted")
    form = {"state": "not_contacted", "area": "", "csrf": browser.csrf}
    async with browser.client.post("/workflow/people/csv", data=form) as answer:
        raw = await answer.read()
        assert "attachment" in answer.headers["Content-Disposition"]
    assert raw.startswith("\ufeff宛名番号".encode())
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert [row["氏名"] for row in rows] == ["'=HYPERLINK(1)", "乙山 二"]
    assert (rows[1]["滞納額（本税・円）"], rows[1]["状態"], rows[1]["地区"]) == ("1500000", "未交渉", "中央")
    with town.panel.database.read() as tx:
        detail = tx.execute(select(AccessLog.detail).where(AccessLog.action == "workflow.export")).scalar_one()
    assert detail == "未交渉 3件"


@pytest.mark.req("C5", "T10")
async def test_no_amount_of_whoever_is_on_the_line_and_not_identified(town: Town) -> None:
    line = OnTheLine(town.panel, town.boss, town.people["乙"])
    call_id = line.talk()
    browser = await town.panel.browser("boss")
    _, text, _ = await browser.get("/workflow/people?state=not_contacted")
    assert "本人確認前" in text
    assert "1,500,000</td>" not in text
    line.confirm(call_id)
    _, text, _ = await browser.get("/workflow/people?state=not_contacted")
    assert "1,500,000</td>" in text


@pytest.mark.req("T11")
async def test_every_figure_has_its_table(town: Town) -> None:
    browser = await town.panel.browser("boss")
    _, text, _ = await browser.get("/workflow/figures")
    for title in ("状態別", "税目・料目別", "地区別", "滞納額別", "滞納期間別", "推移"):
        assert title in text
    assert text.count('<svg class="chart"') == 10
    assert text.count("<table") >= 6
    assert "1,568,000" in text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


async def test_pages_that_do_not_exist_and_words_that_mean_nothing(town: Town) -> None:
    browser = await town.panel.browser("boss")
    status, text, _ = await browser.get("/workflow/people?state=nothing&area=health&page=999&order=x")
    assert status == 200
    assert "完納以外" in text
    assert (await browser.get("/workflow/people?by=age&key=7"))[0] == 404


@pytest.mark.req("T10")
async def test_while_states_are_made_for_the_first_time_the_screen_says_so(panel: Panel) -> None:
    panel.user("boss", "supervisor")
    browser = await panel.browser("boss")
    _, text, _ = await browser.get("/workflow")
    assert "初めて集計しています" in text
