"""The operator's minute in the real thing: `saikoku demo`, Chromium in front, two Asterisk behind.

From log-in to saved result by keyboard, a real call through the office PBX and the carrier, and what it left: one call at
the carrier, one contact with its promise, one recording with both voices, the access log whole.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Row, select

from db.engine import Database
from db.rules.telephony import AttemptState
from db.schema.calls import Attempt, Recording
from db.schema.contacts import Contact, Promise, PromiseLine
from db.schema.people import Address
from db.store import access_log
from saikoku.city.showcase import BROKEN, BY_BEHAVIOUR
from saikoku.demo_office import PASSWORD
from saikoku.lab.asterisk import free_port
from saikoku.lab.carrier import DESK_HZ, TALK_HZ
from saikoku.lab.pbx import read_calls
from tests.live.tones import loudness, whole_recording

READY = re.compile(r"^ready (http://127\.0\.0\.1:\d+)$")


@dataclass
class RunningDemo:
    """A demo as somebody started it from the shell."""

    address: str
    data: Path
    database: Database

    def calls_at_carrier(self, number: str) -> int:
        """How many calls of a number reached the carrier: its own record, not ours."""
        records = sorted((self.data / "lab").glob("carrier/log/cel-custom/*.csv"))
        return sum(call.number == number for file in records for call in read_calls(file.read_text(encoding="utf-8")))

    def in_campaign(self) -> list[Row[str, AttemptState]]:
        """The dials of the demo's campaign: number and state."""
        query = select(Attempt.number, Attempt.state).where(Attempt.campaign_id.is_not(None))
        with self.database.read() as tx:
            return list(tx.execute(query.order_by(Attempt.prepared_at)).all())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """`saikoku demo`, until it says that it is ready; stopped by SIGTERM, which it must obey."""
    data = tmp_path_factory.mktemp("demo") / "data"
    port = free_port()
    command = [sys.executable, "-m", "saikoku", "demo", "--no-browser", "--port", str(port), "--debtors", "500"]
    process = subprocess.Popen([*command, "--data", str(data)], stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("ready"):
            break
    assert READY.match(said[-1].rstrip()), f"not ready: {said}"
    database = Database(f"sqlite:///{data}/saikoku.db")
    yield RunningDemo(said[-1].split()[1], data, database)
    database.close()
    process.send_signal(signal.SIGTERM)
    with process.stdout:
        assert process.wait(30) == 0


def logged_in(demo: RunningDemo, chromium: Browser, login: str) -> Page:
    """One of the demo's users, in a browser of their own."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, base_url=demo.address)
    page = context.new_page()
    page.goto("/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    return page


@pytest.fixture
def operator(demo: RunningDemo, chromium: Browser) -> Iterator[Page]:
    """The operator, logged in and ready at seat 1001."""
    page = logged_in(demo, chromium, "operator")
    page.get_by_label("席").select_option("1001")
    page.get_by_role("button", name="業務開始").click()
    bar = page.locator("#call-bar")
    expect(bar).to_contain_text("待機")
    yield page
    page.get_by_role("button", name="退席").click()
    expect(bar).to_contain_text("業務外")
    page.context.close()


@pytest.mark.req("T1", "T3", "T7", "T9", "T12", "T13", "C2", "C5")
def test_from_log_in_to_saved_result_by_keyboard(demo: RunningDemo, operator: Page) -> None:
    debtor = BROKEN
    assert debtor.mobile is not None
    page = operator
    bar = page.locator("#call-bar")

    page.keyboard.press("F2")
    page.keyboard.type(debtor.number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/debtors/{debtor.id}")
    expect(page.locator("body")).to_contain_text("約束不履行")

    page.keyboard.press("F4")
    expect(bar).to_contain_text("通話中")
    expect(page.locator("body")).not_to_contain_text("約束不履行")  # masked until identity is confirmed

    with demo.database.read() as tx:
        home = tx.execute(select(Address.town, Address.block).where(Address.debtor_id == debtor.id)).first()
    assert home is not None
    page.fill("input[name=kana]", debtor.kana)
    page.fill("input[name=birth_date]", debtor.birth_date.isoformat())
    page.fill("input[name=address]", home.town + home.block)
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("約束不履行")
    expect(page.locator(".work")).to_contain_text("本人確認済み（")

    page.locator("body").press("1")
    page.locator("body").press("p")
    page.fill("input[name=promise_total]", "10000")
    page.fill("input[name=promise_count]", "2")
    page.fill("input[name=promise_first]", "2031-01-15")
    page.fill("textarea[name=note]", "ボーナスで支払う")
    page.keyboard.press("F12")
    expect(bar).to_contain_text("後処理")
    page.keyboard.press("Control+Enter")
    expect(bar).to_contain_text("待機")

    assert_what_it_left(demo, debtor.id, debtor.mobile)


def assert_what_it_left(demo: RunningDemo, debtor_id: int, number: str) -> None:
    with demo.database.read() as tx:
        contact = tx.execute(
            select(Contact).where(Contact.debtor_id == debtor_id).order_by(Contact.recorded_at.desc()).limit(1)
        ).one()
        recording = tx.execute(select(Recording).where(Recording.call_id == contact.call_id)).one()
        promised = tx.execute(
            select(PromiseLine.amount)
            .join(Promise)
            .where(Promise.contact_id == contact.id)
            .order_by(PromiseLine.number)
        ).scalars()
        assert (contact.disposition, contact.note, contact.number) == ("talked_self", "ボーナスで支払う", number)
        assert list(promised) == [5000, 5000]
        assert list(access_log.verify(tx)) == []
    file = demo.data / "lab/office/spool/monitor" / recording.path
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright keeps a loop running in this thread
        samples = elsewhere.submit(asyncio.run, whole_recording(file)).result()
    assert min(loudness(samples, DESK_HZ), loudness(samples, TALK_HZ)) > 20 * loudness(samples, 1500)
    assert demo.calls_at_carrier("0" + number.removeprefix("+81")) == 1


@pytest.mark.req("T3", "T7")
@pytest.mark.parametrize(("behaviour", "result", "key"), [("busy", "話中", "5"), ("unallocated", "欠番", "6")])
def test_a_call_that_fails_is_three_keys(
    demo: RunningDemo, operator: Page, behaviour: str, result: str, key: str
) -> None:
    debtor = BY_BEHAVIOUR[behaviour]
    page = operator
    page.goto(f"/debtors/{debtor.id}")
    page.keyboard.press("F4")
    expect(page.locator("#call-bar")).to_contain_text("後処理")
    expect(page.locator(".work")).to_contain_text("登録して次へ")  # the pad stands there now
    page.locator("body").press(key)
    page.keyboard.press("Control+Enter")
    # and then to what is next: home, or a booked call of the city that is due
    page.wait_for_url(lambda url: not url.partition("?")[0].endswith(f"/debtors/{debtor.id}"))
    expect(page.locator("#call-bar")).to_contain_text("待機")
    with demo.database.read() as tx:
        row = tx.execute(
            select(Contact.disposition).where(Contact.debtor_id == debtor.id).order_by(Contact.recorded_at.desc())
        )
        assert row.first() == (behaviour,)
        assert tx.execute(select(Attempt.id).where(Attempt.debtor_id == debtor.id)).all()


@pytest.mark.req("T4")
def test_the_prepared_campaign_dials_after_one_click_of_the_supervisor(
    demo: RunningDemo, operator: Page, chromium: Browser
) -> None:
    """The operator of the demo has joined it; nobody is dialled before the click, and on it the carrier is."""
    assert demo.in_campaign() == []
    supervisor = logged_in(demo, chromium, "supervisor")
    supervisor.goto("/campaigns")
    row = supervisor.locator("table.campaigns tbody tr").first
    expect(row).to_contain_text("準備中")
    expect(row.locator("td").nth(3)).to_have_text(re.compile(r"^\s*[1-9]\d*件"))  # how many a start brings
    expect(row).to_contain_text("参加 1人")
    row.get_by_role("button", name="開始", exact=True).click()
    expect(row).to_contain_text("実施中")
    expect(row).to_contain_text("対応中 1")  # the operator is alone: nobody is dialled ahead before anything is learnt
    (number, _) = demo.in_campaign()[0]
    expect(row).to_contain_text(re.compile(r"[1-9]件/時"))
    supervisor.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="終了").click()  # what rings is let go, a talk goes on
    expect(row).to_contain_text("終了")
    supervisor.context.close()
    bar = operator.locator("#call-bar")
    expect(bar).to_contain_text(re.compile("待機|通話中"))
    if "通話中" in bar.inner_text():
        operator.locator("body").press("1")
        operator.keyboard.press("F12")
        expect(bar).to_contain_text("後処理")
        operator.keyboard.press("Control+Enter")
    expect(bar).to_contain_text("待機")
    assert demo.calls_at_carrier("0" + number.removeprefix("+81")) == 1
