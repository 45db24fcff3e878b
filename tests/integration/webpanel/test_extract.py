"""The extraction's screens over HTTP: counting, results, saving, export and lists, with rights and the log."""

import json
import re
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from db.rules.conditions import LEAVES
from db.rules.terms import Area, FlagKind
from db.schema.claims import Installment
from db.schema.people import CaseFile
from db.schema.staff import AccessLog, Membership, StaffGroup
from db.store import access_log, arrears, extraction_pages, summaries
from db.usecases import extraction
from tests.integration.db.people import NOW
from tests.integration.webpanel.conftest import Browser, Panel
from tests.integration.webpanel.on_the_line import OnTheLine

TODAY = date(2026, 11, 24)
OVER = {"kind": "all", "parts": [{"kind": "amount", "low": 20_000}]}


def people(panel: Panel, count: int = 3) -> list[int]:
    """People who owe 10,000, 20,000 … yen."""
    made = [panel.small.debtor(f"見本 {n}子", f"ミホン {n}コ", owes=10_000 * n) for n in range(1, count + 1)]
    with panel.database.write() as tx:
        summaries.refresh(tx, made, TODAY)
    return made


async def ask(browser: Browser, tree: object) -> dict[str, object]:
    status, text, _ = await browser.post("/extract/count", {"tree": json.dumps(tree)})
    assert status == 200, text
    found: dict[str, object] = json.loads(text)
    return found


async def run(browser: Browser, tree: object) -> str:
    status, text, headers = await browser.post("/extract/run", {"tree": json.dumps(tree)})
    assert status == 204, text
    return headers["Saikoku-Location"]


def logged(panel: Panel, *actions: str) -> list[tuple[str, int | None]]:
    with panel.database.read() as tx:
        assert not list(access_log.verify(tx))
        rows = tx.execute(
            select(AccessLog.action, AccessLog.debtor_id).where(AccessLog.action.in_(actions)).order_by(AccessLog.seq)
        )
        return [(row.action, row.debtor_id) for row in rows]


@pytest.mark.req("T8", "C2")
async def test_conditions_are_counted_as_they_change(panel: Panel) -> None:
    people(panel)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    status, text, _ = await browser.get("/extract")
    assert status == 200
    assert "保存した条件はありません" in text
    assert await ask(browser, {"kind": "all", "parts": []}) == {
        "cases": 3, "principal": 60_000, "sentence": "すべての案件。", "as_of": "令和8年11月24日", "problems": [],
    }  # fmt: skip
    found = await ask(browser, OVER)
    assert (found["cases"], found["principal"]) == (2, 50_000)
    assert found["sentence"] == "次の条件に当てはまる案件：滞納額（本税）が20,000円以上。"
    wrong = await ask(browser, {"kind": "all", "parts": [{"kind": "amount", "low": 5, "high": 1}, {"kind": "age"}]})
    assert [(one["path"], one["field"]) for one in wrong["problems"]] == [([0], "high"), ([1], "low")]  # type: ignore[attr-defined]
    assert logged(panel, "extract.count") == [("extract.count", None)] * 2


@pytest.mark.req("T8", "T15")
async def test_who_may_not_know_of_debts_is_offered_no_condition_on_them(panel: Panel) -> None:
    panel.user("kenshin", "supervisor", areas=(Area.HEALTH,))
    panel.user("tax", "supervisor")
    offered = {}
    for login in ("kenshin", "tax"):
        _, text, _ = await (await panel.browser(login)).get("/extract")
        offered[login] = set(re.findall(r'<option value="([a-z_]+)">', text)) & LEAVES.keys()
    assert offered["tax"] == LEAVES.keys()
    assert offered["tax"] - offered["kenshin"] == {
        "amount", "debt_age", "open_count", "levy", "state", "promise", "household", "household_amount",
    }  # fmt: skip


@pytest.mark.req("T8")
async def test_every_condition_has_its_inputs(panel: Panel) -> None:
    people(panel)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    _, page, _ = await browser.get("/extract")
    for kind, leaf in LEAVES.items():
        assert f'<option value="{kind}">{leaf.label}</option>' in page
        status, text, _ = await browser.fragment(f"/extract/part?kind={kind}")
        assert status == 200
        assert set(re.findall(r'data-name="(\w+)"', text)) <= set(leaf.__slots__)  # type: ignore[attr-defined]
        assert leaf.label in text
    assert (await browser.fragment("/extract/part?kind=group"))[0] == 200
    assert (await browser.fragment("/extract/part?kind=nothing"))[0] == 422


@pytest.mark.req("T8", "C2")
async def test_results_are_paged_sorted_and_everybody_shown_is_logged(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction.page, "__kwdefaults__", {**extraction.page.__kwdefaults__, "size": 2})
    ids = people(panel, 5)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await run(browser, OVER)
    status, text, _ = await browser.get(place)
    assert status == 200
    assert "滞納額（本税）が20,000円以上" in text
    assert "140,000" in text
    assert re.findall(r'href="/debtors/(\d+)"', text) == [str(ids[4]), str(ids[3])]
    following = re.search(r'rel="next" href="([^"]+)"', text)
    assert following
    _, second, _ = await browser.get(following[1].replace("&amp;", "&"))
    assert re.findall(r'href="/debtors/(\d+)"', second) == [str(ids[2]), str(ids[1])]
    before = re.search(r'rel="prev" href="([^"]+)"', second)
    assert before
    _, again, _ = await browser.get(before[1].replace("&amp;", "&"))
    assert re.findall(r'href="/debtors/(\d+)"', again) == [str(ids[4]), str(ids[3])]
    _, up, _ = await browser.get(f"{place}?order=principal_up")
    assert re.findall(r'href="/debtors/(\d+)"', up) == [str(ids[1]), str(ids[2])]
    shown = [ids[4], ids[3], ids[2], ids[1], ids[4], ids[3], ids[1], ids[2]]
    assert [who for _, who in logged(panel, "extract.shown")] == shown
    assert len(logged(panel, "extract.view")) == 4
    assert len(logged(panel, "extract.count")) == 1, "pages of one result are counted once"
    await browser.get(f"{place}?fresh=1")
    assert len(logged(panel, "extract.count")) == 2


@pytest.mark.req("T8")
async def test_late_charges_follow_and_are_the_sum_of_those_on_the_records(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = people(panel, 4)
    with panel.database.write() as tx:
        tx.execute(insert(CaseFile).values(debtor_id=ids[3], area=Area.PRIVATE))
        panel.small.owe(tx, ids[3], Area.PRIVATE, 777_000)
        tx.execute(update(Installment).where(Installment.area == Area.TAX).values(due_on=date(2021, 6, 30)))
        summaries.refresh(tx, ids, TODAY)
    officer = panel.user("officer", "officer")
    browser = await panel.browser("officer")
    monkeypatch.setattr(extraction, "CHARGED_AT_ONCE", 2)
    place = await run(browser, OVER)
    with panel.database.read() as tx:
        lines = [line for one in ids[1:] for line in arrears.lines(tx, officer, one, TODAY)]
    due = sum(line.charge_due for line in lines)
    assert due > 10_000
    assert (await browser.fragment(f"{place}/late-charge"))[1].strip() == f"{due:,}<small>円</small>"
    with panel.database.write() as tx:
        tx.execute(update(Installment).values(outstanding=0))
    assert f"{due:,}" in (await browser.fragment(f"{place}/late-charge"))[1], "kept with its count"
    monkeypatch.setattr(extraction_pages, "GATHERED", 2)
    await browser.get(f"{place}?fresh=1")
    panel.clock.set(NOW + timedelta(minutes=6))
    assert "合計していません" in (await browser.fragment(f"{place}/late-charge"))[1]


@pytest.mark.req("T8", "C6")
async def test_other_areas_and_other_peoples_searches_stay_unseen(panel: Panel) -> None:
    ids = people(panel)
    with panel.database.write() as tx:
        tx.execute(insert(CaseFile).values(debtor_id=ids[0], area=Area.PRIVATE))
        panel_owed = {"debtor_id": ids[0], "area": Area.PRIVATE}
        panel.small.owe(tx, panel_owed["debtor_id"], Area.PRIVATE, 777_000)  # type: ignore[arg-type]
        summaries.refresh(tx, ids, TODAY)
    panel.user("officer", "officer")
    panel.user("other", "officer")
    mine, other = await panel.browser("officer"), await panel.browser("other")
    found = await ask(mine, {"kind": "all", "parts": [{"kind": "amount", "low": 700_000}]})
    assert (found["cases"], found["principal"]) == (0, 0)
    place = await run(mine, OVER)
    assert (await other.get(place))[0] == 404
    assert (await other.get("/extract/not-an-id"))[0] == 404
    assert (await other.get(f"/extract?from={place.rsplit('/', 1)[1]}"))[0] == 404


@pytest.mark.req("T8", "C5")
async def test_who_is_on_the_line_unproven_shows_no_amounts(panel: Panel) -> None:
    ids = people(panel)
    officer = panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await run(browser, OVER)
    OnTheLine(panel, officer, ids[2]).talk()
    _, text, _ = await browser.get(place)
    assert "確認前" in text
    assert "30,000" not in text.split("x-rows")[1]


@pytest.mark.req("T8")
async def test_what_cannot_be_read_is_refused_in_words(panel: Panel) -> None:
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    for tree in ("", "{", "[]", '{"kind": "?"}', "[" * 50_000, "x" * 70_000, '{"kind":"amount","low":"1"}'):
        status, text, _ = await browser.post("/extract/count", {"tree": tree})
        assert status == 422, tree[:20]
        assert "条件の形式が正しくありません" in text
    status, text, _ = await browser.post("/extract/run", {"tree": '{"kind":"age"}'})
    assert status == 422
    assert "上限か下限" in text


@pytest.mark.req("T8")
async def test_saved_shared_and_deleted(panel: Panel) -> None:
    people(panel)
    viewers = [panel.user(login, "officer") for login in ("mine", "colleague")]
    with panel.database.write() as tx:
        tx.execute(insert(StaffGroup).values(id=3, name="納税一係"))
        tx.execute(insert(Membership), [{"user_id": viewer.user_id, "group_id": 3} for viewer in viewers])
    mine, colleague = await panel.browser("mine"), await panel.browser("colleague")
    place = await run(mine, OVER)
    status, text, _ = await mine.post(f"{place}/save", {"name": "", "group": ""})
    assert status == 422
    assert json.loads(text)["fields"] == {"name": "名前を60文字以内で入力してください。"}
    assert (await mine.post(f"{place}/save", {"name": "2万円以上", "group": "3"}))[0] == 204
    _, text, _ = await colleague.get("/extract")
    assert "2万円以上" in text
    assert "mineさん" in text
    status, text, _ = await colleague.get(place)
    assert status == 200
    status, text, _ = await colleague.post(f"{place}/remove")
    assert status == 422
    assert "本人だけ" in text
    assert (await mine.post(f"{place}/change", {"name": "高額", "group": ""}))[0] == 204
    assert (await colleague.get(place))[0] == 404
    assert (await mine.post(f"{place}/remove"))[0] == 204
    assert "保存した条件はありません" in (await mine.get("/extract"))[1]


@pytest.mark.req("T8", "T19", "C2")
@pytest.mark.parametrize(("encoding", "codec"), [("utf8", "utf-8-sig"), ("cp932", "cp932")])
async def test_export_holds_everybody_and_logs_them(panel: Panel, encoding: str, codec: str) -> None:
    ids = people(panel)
    odd = panel.small.debtor("=葛\U000e0100城 🌸", "カツラギ", owes=90_000, flags=(FlagKind.PROTECTED,))
    with panel.database.write() as tx:
        summaries.refresh(tx, [odd], TODAY)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await run(browser, OVER)
    form = {"encoding": encoding, "csrf": browser.csrf}
    async with browser.client.post(f"{place}/export", data=form) as response:
        body = await response.read()
        assert response.status == 200
        assert "extraction-20261124.csv" in response.headers["Content-Disposition"]
    lines = body.decode(codec).split("\r\n")
    assert lines[0].startswith("宛名番号,氏名,カナ,個人・法人,業務区分,本税,")
    assert len(lines) == 5
    assert ",20000,2026-06-30,1,中央,約束なし," in lines[1]
    assert lines[3].split(",")[1] == ("'=葛\U000e0100城 🌸" if encoding == "utf8" else "'=葛〓城 〓")
    assert ",90000,2026-06-30,1,,約束なし," in lines[3], "no district of the protected"
    assert logged(panel, "extract.export") == [("extract.export", None)]
    assert [who for _, who in logged(panel, "extract.exported")] == [ids[1], ids[2], odd]
    status, _, _ = await browser.post(f"{place}/export", {"encoding": "ebcdic"})
    assert status == 422


@pytest.mark.req("T8", "T4")
async def test_a_list_is_fixed_and_shows_then_and_now(panel: Panel) -> None:
    ids = people(panel)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await run(browser, OVER)
    status, _, headers = await browser.post(f"{place}/freeze", {"name": "11月の架電", "group": ""})
    assert status == 204
    with panel.database.write() as tx:
        tx.execute(update(Installment).where(Installment.debtor_id == ids[2]).values(outstanding=1_500))
        summaries.refresh(tx, ids, TODAY)
    status, text, _ = await browser.get(headers["Saikoku-Location"])
    assert status == 200
    assert "11月の架電" in text
    assert "50,000" in text
    assert ">1,500<" in text
    assert ">30,000<" in text
    assert [who for _, who in logged(panel, "extract.shown")] == [ids[1], ids[2]]
    assert "11月の架電" in (await browser.get("/extract"))[1]
    address = headers["Saikoku-Location"].split("?")[0]
    assert (await browser.post(f"{address}/remove"))[0] == 204
    assert (await browser.get(address))[0] == 404


@pytest.mark.req("T8", "C2")
async def test_without_the_log_nothing_is_shown(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    people(panel)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await run(browser, OVER)

    def broken(*_: object, **__: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(access_log, "append_each", broken)
    status, text, _ = await browser.get(place)
    assert status == 500
    assert "見本" not in text
    monkeypatch.setattr(access_log, "append", broken)
    status, text, _ = await browser.post("/extract/count", {"tree": json.dumps(OVER)})
    assert status == 500
    assert "50" not in text.replace("500", "")


@pytest.mark.req("T8")
async def test_a_count_is_kept_for_a_while_and_only_for_its_user(panel: Panel) -> None:
    ids = people(panel)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await run(browser, OVER)
    await browser.get(place)
    with panel.database.write() as tx:
        tx.execute(update(Installment).where(Installment.debtor_id == ids[2]).values(outstanding=0))
        summaries.refresh(tx, ids, TODAY)
    assert ">50,000<" in (await browser.get(place))[1]
    panel.clock.set(NOW + timedelta(minutes=6))
    assert ">20,000<" in (await browser.get(place))[1]
