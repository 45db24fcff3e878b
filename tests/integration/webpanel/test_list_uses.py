"""What a list of targets is made into: addresses for letters and a visit plan, with the rule, the log and rights."""

import asyncio
import csv
import io
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import insert, select, update

from db.rules.terms import AddressKind, Area, Channel, FlagKind, Right, TaskKind
from db.schema.claims import Installment, Payment
from db.schema.merges import MergedPerson
from db.schema.people import Address, CaseFile, Flag
from db.schema.work import Task
from db.store import summaries, targets
from db.usecases import target_checks, target_letters, target_visits
from db.usecases.results import Entry, note_contact
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Browser, Panel
from tests.integration.webpanel.on_the_line import OnTheLine
from tests.integration.webpanel.test_extract import logged, run

TODAY = date(2026, 11, 24)
EVERYBODY = {"kind": "all", "parts": []}
BANKRUPT = "破産の手続中であるため文書を送付できません。"
NO_DEBT = "滞納がないため文書を送付できません。"


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of two people or so, so that a list of seven has several."""
    monkeypatch.setattr(target_checks.judge, "__defaults__", (2,))
    monkeypatch.setattr(target_visits, "TOGETHER", 2)


def household(panel: Panel) -> dict[str, int]:
    """People who may be contacted, and people who may not."""
    free = {f"可{n}": panel.small.debtor(f"可 {n}子", f"カ {n}コ", owes=10_000 * n) for n in range(1, 5)}
    flagged = {
        kind.value: panel.small.debtor(kind.label, "ジョガイ", flags=(kind,))
        for kind in (FlagKind.BANKRUPT, FlagKind.LAWYER, FlagKind.PROTECTED)
    }
    made = free | flagged
    with panel.database.write() as tx:
        summaries.refresh(tx, list(made.values()), TODAY)
    return made


async def fixed(browser: Browser) -> str:
    """A list of everybody; its address."""
    place = await run(browser, EVERYBODY)
    status, text, headers = await browser.post(f"{place}/freeze", {"name": "11月の文書", "group": ""})
    assert status == 204, text
    return headers["Saikoku-Location"].split("?")[0]


async def taken_out(browser: Browser, place: str, encoding: str = "utf8") -> list[list[str]]:
    """The lines of a file."""
    form = {"encoding": encoding, "csrf": browser.csrf}
    async with browser.client.post(place, data=form) as response:
        body = await response.read()
        assert response.status == 200, body.decode()
        assert ".csv" in response.headers["Content-Disposition"]
    return list(csv.reader(io.StringIO(body.decode({"utf8": "utf-8-sig", "cp932": "cp932"}[encoding]))))


def figures(text: str) -> tuple[list[str], dict[str, str]]:
    """The numbers of a tally, and those by reason."""
    numbers = re.findall(r"<dd>([\d,]+)<small>件", text)
    return numbers, dict(re.findall(r'<tr><td>([^<]+)</td><td class="num">([\d,]+)</td>', text))


def tasks_of(panel: Panel) -> Sequence[tuple[int | None, date | None, int | None, str]]:
    with panel.database.read() as tx:
        query = select(Task.debtor_id, Task.due_on, Task.user_id, Task.instruction).where(Task.kind == TaskKind.VISIT)
        return sorted((row.debtor_id, row.due_on, row.user_id, row.instruction) for row in tx.execute(query))


@pytest.mark.req("T8", "C4", "C2")
async def test_letters_go_to_those_who_may_be_written_to_when_the_file_is_made(panel: Panel) -> None:
    ids = household(panel)
    with panel.database.write() as tx:
        tx.execute(
            insert(Address).values(
                debtor_id=ids["可1"], kind=AddressKind.MAILING, postal_code="1234567", town="=港", block="9番",
                building="第2棟", district="東",
            )
        )  # fmt: skip
        tx.execute(update(Address).where(Address.debtor_id == ids["可4"]).values(valid_to=TODAY - timedelta(days=1)))
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await fixed(browser)
    assert f'href="{place}/letters"' in (await browser.get(place))[1]
    status, page, _ = await browser.get(f"{place}/letters")
    assert status == 200
    assert "11月の文書" in page
    status, text, _ = await browser.fragment(f"{place}/letters/count")
    assert status == 200
    numbers, reasons = figures(text)
    assert numbers == ["3", "4"]
    assert reasons.keys() == {
        BANKRUPT, "弁護士が介入しているため文書を送付できません。", "支援措置の対象者であるため文書を送付できません。",
        "住所が登録されていないか、表示できないため文書を送付できません。",
    }  # fmt: skip
    assert logged(panel, "letters.count") == [("letters.count", None)]

    with panel.database.write() as tx:  # the second pays after the count
        tx.execute(update(Installment).where(Installment.debtor_id == ids["可2"]).values(outstanding=0))
        summaries.refresh(tx, [ids["可2"]], TODAY)
    lines = await taken_out(browser, f"{place}/letters/export")
    assert lines[0] == ["宛名番号", "氏名", "カナ", "業務区分", "郵便番号", "住所", "本税"]
    assert lines[1:] == [
        ["0000000001", "可 1子", "カ 1コ", Area.TAX.label, "123-4567", "'=港9番 第2棟", "10000"],
        ["0000000005", "可 3子", "カ 3コ", Area.TAX.label, "000-0000", "見本町1丁目2番3号", "30000"],
    ]
    assert [who for _, who in logged(panel, "letters.addressed")] == [ids["可1"], ids["可3"]]
    assert logged(panel, "letters.export") == [("letters.export", None)]

    out = await taken_out(browser, f"{place}/letters/left-out", "cp932")
    assert out[0] == ["宛名番号", "氏名", "業務区分", "理由"]
    assert {row[1]: row[3] for row in out[1:]} == {
        "可 2子": NO_DEBT,
        "可 4子": "住所が登録されていないか、表示できないため文書を送付できません。",
        FlagKind.BANKRUPT.label: BANKRUPT,
        FlagKind.LAWYER.label: "弁護士が介入しているため文書を送付できません。",
        FlagKind.PROTECTED.label: "支援措置の対象者であるため文書を送付できません。",
    }
    assert [who for _, who in logged(panel, "letters.left_out")] == [
        ids[name] for name in ("可2", "可4", "bankrupt", "lawyer", "protected")
    ]
    assert (await browser.post(f"{place}/letters/export", {"encoding": "ebcdic"}))[0] == 422


@pytest.mark.req("T8", "C5")
async def test_who_is_on_the_line_unproven_is_left_out_without_a_word_on_debts(panel: Panel) -> None:
    ids = household(panel)
    officer = panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await fixed(browser)
    with panel.database.write() as tx:  # the same person under two numbers (名寄せ)
        same = [{"debtor_id": ids[name], "person_id": ids["可1"]} for name in ("可1", "可2")]
        tx.execute(insert(MergedPerson), same)
    OnTheLine(panel, officer, ids["可1"]).talk()
    lines = await taken_out(browser, f"{place}/letters/export")
    assert [row[1] for row in lines[1:]] == ["可 3子", "可 4子"]
    out = await taken_out(browser, f"{place}/letters/left-out")
    for name in ("可 1子", "可 2子"):
        assert [row[3] for row in out[1:] if row[1] == name] == [target_checks.ON_THE_LINE]
    _, shown, _ = await browser.get(place)
    assert shown.count(">確認前<") == 2


@pytest.mark.req("T8", "T10", "C4")
async def test_a_visit_plan_makes_a_task_for_each_who_may_be_visited_and_never_two(panel: Panel) -> None:
    ids = household(panel)
    paid = panel.small.debtor("可 5子", "カ 5コ")
    with panel.database.write() as tx:  # what was paid today counts for a later day as well: another may be on its way
        tx.execute(
            insert(Payment).values(
                debtor_id=paid, area=Area.TAX, reference="T1", paid_on=TODAY - timedelta(days=2),
                reported_on=TODAY - timedelta(days=2), amount=1_000, place="窓口",
            )
        )  # fmt: skip
        summaries.refresh(tx, [paid], TODAY)
    panel.user("boss", "supervisor")
    visitor = panel.user("visitor", "officer")
    browser = await panel.browser("boss")
    place = await fixed(browser)
    key = f"u{visitor.user_id}"
    status, page, _ = await browser.get(f"{place}/visits")
    assert status == 200
    assert f'value="{key}"' in page
    _, text, _ = await browser.fragment(f"{place}/visits/count?day=2026-11-25")
    numbers, reasons = figures(text)
    assert numbers == ["4", "4"]
    assert reasons["破産の手続中であるため訪問できません。"] == "1"
    assert reasons["入金の反映待ちの可能性があるため訪問できません。"] == "1"
    assert "閉庁日です" not in text
    _, text, _ = await browser.fragment(f"{place}/visits/count?day=2026-11-28")
    assert figures(text)[0] == ["0", "8"]
    assert "閉庁日です" in text
    assert logged(panel, "visits.count") == [("visits.count", None)] * 2

    form = {"day": "2026-11-25", "to": key, "instructions": "玄関先で面談"}
    status, text, _ = await browser.post(f"{place}/visits", form | {"day": "2026-11-23"})
    assert status == 422
    assert "本日以降" in text
    assert (await browser.post(f"{place}/visits", form | {"to": "u999"}))[0] == 422
    assert not tasks_of(panel)

    with panel.database.write() as tx:  # one pays after the count
        tx.execute(update(Installment).where(Installment.debtor_id == ids["可4"]).values(outstanding=0))
    # two clicks at once: between them one task each
    answers = await asyncio.gather(*(browser.post(f"{place}/visits", form) for _ in range(2)))
    assert [status for status, _, _ in answers] == [200, 200]
    said = [
        [int(number) for number in re.findall(r"(\d+)件(?:作成|は未対応|は対象外)", text)] for _, text, _ in answers
    ]
    assert sum(numbers[0] for numbers in said) == 3, said
    assert [numbers[-1] for numbers in said] == [5, 5]
    made = [(ids[name], date(2026, 11, 25), visitor.user_id, "玄関先で面談") for name in ("可1", "可2", "可3")]
    assert tasks_of(panel) == made
    assert [who for _, who in logged(panel, "visits.planned")] == [row[0] for row in made]

    with panel.database.write() as tx:
        tx.execute(update(Task).where(Task.debtor_id == ids["可1"]).values(done_at=NOW))
    status, text, _ = await browser.post(f"{place}/visits", form | {"day": "2026-11-26", "instructions": "再訪"})
    assert "1件作成しました" in text
    assert "2件は未対応の訪問がすでにある" in text
    assert len(tasks_of(panel)) == 4
    _, text, _ = await (await panel.browser("visitor")).get("/tasks?when=later")
    assert "再訪" in text
    assert text.count("玄関先で面談") == 2
    assert ">訪問<" in text

    with panel.database.write() as tx:  # the result of a visit settles what asked for it, and no other's
        note_contact(tx, visitor, ids["可2"], Area.TAX, Channel.COUNTER, Entry("counter_talk"), NOW, OFFICE)
        note_contact(tx, visitor, ids["可3"], Area.TAX, Channel.VISIT, Entry("visit_absent"), NOW, OFFICE)
        done = tx.execute(select(Task.debtor_id).where(Task.done_by == visitor.user_id, Task.kind == TaskKind.VISIT))
        assert done.scalars().all() == [ids["可3"]]
    _, text, _ = await (await panel.browser("visitor")).get(f"/debtors/{ids['可3']}")
    assert "訪問不在" in text


@pytest.mark.req("T8", "C1")
async def test_only_those_with_the_right_take_a_list_further(panel: Panel) -> None:
    household(panel)
    panel.user("officer", "officer")
    panel.user("other", "supervisor")
    mine, other = await panel.browser("officer"), await panel.browser("other")
    place = await fixed(mine)
    assert f'href="{place}/visits"' not in (await mine.get(place))[1]
    assert (await mine.get(f"{place}/visits"))[0] == 403
    assert (await other.get(f"{place}/letters"))[0] == 404
    for path in ("letters/export", "letters/left-out", "visits"):
        form = {"encoding": "utf8", "day": "2026-11-25", "to": "u1"}
        assert (await other.post(f"{place}/{path}", form))[0] == 404, path


@pytest.mark.req("T8", "C6")
async def test_all_cases_of_a_person_go_together_and_a_protected_address_needs_the_right(panel: Panel) -> None:
    ids = household(panel)
    both = ids["可1"]
    with panel.database.write() as tx:
        tx.execute(insert(CaseFile).values(debtor_id=both, area=Area.PUBLIC))
        panel.small.owe(tx, both, Area.PUBLIC, 7_000)
        # 支援措置 of another area closes no letter of this one; the address is kept all the same
        tx.execute(insert(Flag).values(debtor_id=ids["可2"], kind=FlagKind.PROTECTED, area=Area.PUBLIC))
        summaries.refresh(tx, list(ids.values()), TODAY)
    officer = panel.user("officer", "officer", areas=(Area.TAX, Area.PUBLIC))
    place = await fixed(await panel.browser("officer"))
    list_id = uuid.UUID(place.rsplit("/", 1)[1])
    narrow = replace(officer, rights={Area.TAX: officer.rights[Area.TAX] - {Right.PROTECTED_VIEW}})
    with panel.database.read() as tx:
        seen, after = [], 0
        while after is not None:
            part, after = targets.portion(tx, officer, list_id, 1, after)
            seen.append([(case.debtor_id, case.area) for case in part])
        assert seen[0][:2] == [(both, area) for area in (Area.PUBLIC, Area.TAX)]
        assert len([case for part in seen for case in part]) == 8 == len({case for part in seen for case in part})
        addressed = {
            viewer: [
                one.case.debtor_id
                for one in target_letters.read_part(tx, rights, list_id, 0, NOW, OFFICE).addressed
                if one.case.area is Area.TAX
            ]
            for viewer, rights in (("wide", officer), ("narrow", narrow))
        }
    assert ids["可2"] in addressed["wide"]
    assert both in addressed["narrow"]
    assert ids["可2"] not in addressed["narrow"]


@pytest.mark.req("T8", "C2")
async def test_a_file_that_breaks_off_is_no_whole_file(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    household(panel)
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    place = await fixed(browser)
    log_part = target_letters.log_part

    def broken(*args: Any, **named: Any) -> None:
        if logged(panel, "letters.addressed"):
            raise OSError("no room")
        log_part(*args, **named)

    monkeypatch.setattr(target_letters, "log_part", broken)
    form = {"encoding": "utf8", "csrf": browser.csrf}
    async with browser.client.post(f"{place}/letters/export", data=form) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
