"""An operator's day by keyboard alone: 60 calls in the demo, real browser in front, two Asterisk behind.

What comes of each call is the citizens' doing; the operator proves identities, writes promises, recalls and notes, and
saves. Time that persons take (ringing, talking) is not counted, only that in which somebody would look at a screen that
is not there yet.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import func, select

from bench.rows import Row, percentile
from db.engine import Database
from db.rules import bits
from db.rules.terms import Area, PhoneOwner, PhoneStatus
from db.schema.calls import Attempt
from db.schema.people import Address, Debtor, Phone
from db.schema.summaries import CaseSummary
from db.store import access_log
from saikoku.demo_office import PASSWORD
from saikoku.lab.asterisk import free_port
from saikoku.lab.carrier import BEHAVIOURS
from saikoku.lab.pbx import read_calls

CALLS: Final = 60
DEBTORS: Final = 2000
PATIENCE: Final = 60_000.0  # ms
_MIX: Final = (
    "talks", "no-answer", "talks", "busy", "talks", "voicemail", "no-answer", "talks", "short", "unallocated",
)  # fmt: skip
_RESULT: Final = {
    "talks": "talked_self", "no-answer": "no_answer", "busy": "busy", "voicemail": "voicemail",
    "short": "refused", "unallocated": "unallocated",
}  # fmt: skip
_STATE: Final = "#call-bar .bar-word"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to call, and what they would say to prove who they are."""

    id: int
    number: str
    kana: str
    born: str
    home: str
    behaviour: str


@dataclass
class Hands:
    """The operator's: what they press is counted, and how long they look at a screen that is not there yet (ms)."""

    page: Page
    strokes: int = 0
    waits: float = 0.0

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.strokes += 1
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type a text; each character counts."""
        self.strokes += len(text)
        self.page.keyboard.type(text)

    def tab_to(self, selector: str) -> None:
        """Tab on until an element has the focus."""
        for _ in range(40):
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
            self.press("Tab")
        raise RuntimeError(f"not reached by keyboard: {selector}")

    def until(self, selector: str, text: str = "") -> None:
        """Wait for something that the system owes."""
        begun = time.perf_counter()
        self.page.locator(selector, has_text=re.compile(text)).first.wait_for(timeout=PATIENCE)
        self.waits += (time.perf_counter() - begun) * 1000

    def until_gone(self, selector: str) -> None:
        """Wait until a page has been left."""
        begun = time.perf_counter()
        self.page.locator(selector).wait_for(state="detached", timeout=PATIENCE)
        self.waits += (time.perf_counter() - begun) * 1000

    def until_loaded(self) -> None:
        """Wait until the page works: its scripts have run."""
        begun = time.perf_counter()
        self.page.wait_for_load_state("load")
        self.waits += (time.perf_counter() - begun) * 1000


@dataclass
class Day:
    """What was counted."""

    strokes: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: int = 0


def run() -> Sequence[Row]:
    """The whole day."""
    return day(CALLS)


def day(calls: int) -> Sequence[Row]:
    """Work so many calls."""
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder:
        data = Path(folder) / "data"
        with _demo(data) as address:
            database = Database(f"sqlite:///{data}/saikoku.db")
            begun = time.perf_counter()
            worked = _in_browser(address, _people(database, calls), calls)
            minutes = (time.perf_counter() - begun) / 60
            left = _left_behind(database, data)
            database.close()
    return [
        Row("an operator's day: calls worked by keyboard", len(worked.strokes), "calls", calls, below=False),
        Row("persons opened whom the rules let nobody call", worked.refused, "persons"),
        Row("keys and typed characters per call: median", percentile(worked.strokes, 0.5), "keys"),
        Row("keys and typed characters per call: p95", percentile(worked.strokes, 0.95), "keys"),
        Row("clicks", 0, "clicks", 0),
        Row("errors of page and console", len(worked.errors), "errors", 0),
        *left,
        Row("waiting for screens per call: p50", percentile(worked.waits, 0.5), "ms"),
        Row("waiting for screens per call: p95", percentile(worked.waits, 0.95), "ms"),
        Row("the day, ringing and talk included", minutes, "minutes"),
    ]


@contextmanager
def _demo(data: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "saikoku", "demo", "--no-browser", "--port", str(free_port())]
    process = subprocess.Popen(
        [*command, "--debtors", str(DEBTORS), "--data", str(data)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = next((line for line in process.stdout if line.startswith("ready")), "the demo did not start")
        if "without" in ready or not ready.startswith("ready"):
            raise RuntimeError(ready)
        yield ready.split()[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _people(database: Database, calls: int) -> Iterator[Person]:
    """Persons in debt with one number and nothing in the way, in the order of the mix; more than are needed."""
    asked = (
        select(Debtor, Phone.number.label("phone"), (Address.town + Address.block).label("home"))
        .join(CaseSummary, CaseSummary.debtor_id == Debtor.id)
        .join(Phone)
        .join(Address, Address.debtor_id == Debtor.id)
        .where(
            CaseSummary.area_bit == bits.AREAS[Area.TAX],
            CaseSummary.principal > 0,
            CaseSummary.flags == 0,
            CaseSummary.promise_open_due == 0,
            Debtor.birth_date.is_not(None),
            Phone.status == PhoneStatus.USABLE,
            Phone.owner == PhoneOwner.SELF,
        )
        .group_by(Debtor.id)
        .having(func.count(Phone.id) == 1)
        .order_by(Debtor.id.desc())
    )
    waiting: dict[str, list[Person]] = {name: [] for name in _MIX}
    with database.read() as tx:
        for row in tx.execute(asked):
            last = int(row.phone[-2:])
            name = next(one.name for one in BEHAVIOURS if one.first <= last <= one.last)
            if name in waiting:
                born = row.birth_date.isoformat()
                waiting[name].append(Person(row.id, row.number, row.kana, born, row.home, name))
    for place in range(3 * calls):
        if waiting[_MIX[place % len(_MIX)]]:
            yield waiting[_MIX[place % len(_MIX)]].pop()


def _in_browser(address: str, people: Iterator[Person], calls: int) -> Day:
    counted = Day()
    with sync_playwright() as playwright:
        path = os.environ.get("SAIKOKU_TEST_CHROMIUM", "/usr/bin/chromium")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = chromium.new_context(
            base_url=address, viewport={"width": 1366, "height": 768}, locale="ja-JP", timezone_id="Asia/Tokyo"
        )
        page = context.new_page()
        page.on("pageerror", lambda error: counted.errors.append(str(error)))
        page.on("console", lambda said: counted.errors.append(said.text) if said.type == "error" else None)
        _take_a_seat(page)
        for person in people:
            if len(counted.strokes) == calls:
                break
            hands = Hands(page)
            if _work(hands, person, len(counted.strokes)):
                counted.strokes.append(hands.strokes)
                counted.waits.append(hands.waits)
            else:
                counted.refused += 1
        chromium.close()
    for error in counted.errors:
        print(error, file=sys.stderr)
    return counted


def _take_a_seat(page: Page) -> None:
    hands = Hands(page)
    page.goto("/login")
    hands.type("operator")
    hands.press("Tab")
    hands.type(PASSWORD)
    hands.press("Enter")
    hands.until(_STATE, "業務外")
    hands.tab_to("#bar-seat")
    hands.type("1001")
    hands.press("Tab", "Enter")
    hands.until(_STATE, "待機")


def _work(hands: Hands, person: Person, turn: int) -> bool:
    """One call from the search to the saved result; False if the rules let nobody call."""
    page = hands.page
    hands.press("F2")
    hands.type(person.number)
    hands.press("Enter")
    hands.until(f'.record[data-debtor="{person.id}"]')
    hands.until_loaded()
    if not page.locator("[data-call-suggested]").is_visible():
        return False
    hands.press("F4")
    hands.until(_STATE, "呼出|通話|後処理|発信")
    _WORK[person.behaviour](hands, person, turn)
    hands.press("Control+Enter")
    hands.until_gone(f'.record[data-debtor="{person.id}"]')
    hands.until(_STATE, "待機")
    hands.until_loaded()
    return True


def _person_does(page: Page, state: str) -> None:
    page.locator(_STATE, has_text=re.compile(state)).wait_for(timeout=PATIENCE)
    page.locator(".pad-keys").wait_for(timeout=PATIENCE)


def _talk(hands: Hands, person: Person, turn: int) -> None:
    _person_does(hands.page, "通話中")
    hands.press("K")
    hands.type(person.kana)
    hands.press("Tab")
    hands.type(person.born)
    hands.press("Tab")
    hands.type(person.home)
    hands.press("Enter")
    hands.until(".identity-done")
    _result(hands, person)
    (_promise, _recall, _note)[turn % 3](hands)
    hands.press("F12")
    hands.until(_STATE, "後処理")


def _promise(hands: Hands) -> None:
    hands.press("P")
    hands.tab_to("[name=promise_total]")
    hands.type("5000")
    hands.tab_to('[data-fill="promise_first"]')
    hands.press("Enter")
    hands.until(".preview", "円")


def _recall(hands: Hands) -> None:
    hands.press("R")
    hands.tab_to('[data-recall="tomorrow"]')
    hands.press("Enter")


def _note(hands: Hands) -> None:
    hands.press("N")
    hands.type("月末に納付書で支払うとのこと")


def _nobody(hands: Hands, person: Person, _: int) -> None:
    _person_does(hands.page, "呼出")
    hands.page.wait_for_timeout(3000)  # three seconds of ringing are enough for a bench
    hands.press("F12")
    _fails(hands, person, 0)


def _voicemail(hands: Hands, person: Person, _: int) -> None:
    _person_does(hands.page, "通話中")
    _result(hands, person)
    hands.press("F12")
    hands.until(_STATE, "後処理")


def _fails(hands: Hands, person: Person, _: int) -> None:
    _person_does(hands.page, "後処理")
    _result(hands, person)


def _result(hands: Hands, person: Person) -> None:
    field = hands.page.locator(f'[name=disposition][value="{_RESULT[person.behaviour]}"]')
    key = field.get_attribute("data-shortcut")
    if key is None:
        raise RuntimeError(f"no key for {_RESULT[person.behaviour]}")
    hands.press(key)
    if not field.is_checked():
        raise RuntimeError(f"{key} does not choose {_RESULT[person.behaviour]}")


_WORK: Final[dict[str, Callable[[Hands, Person, int], None]]] = {
    "talks": _talk,
    "no-answer": _nobody,
    "voicemail": _voicemail,
    "busy": _fails,
    "short": _fails,
    "unallocated": _fails,
}


def _left_behind(database: Database, data: Path) -> list[Row]:
    """What the register and the carrier say of the day afterwards."""
    with database.read() as tx:
        dialled = ["0" + number.removeprefix("+81") for number in tx.scalars(select(Attempt.number))]
        broken = len(list(access_log.verify(tx)))
    records = (data / "lab").glob("carrier/log/cel-custom/*.csv")
    seen = [call.number for file in records for call in read_calls(file.read_text(encoding="utf-8"))]
    carried = [number for number in seen if number.startswith("0")]  # the lab's carrier plays the desk phones, too
    odd = sum((number in carried) != (number in dialled) for number in {*carried, *dialled})
    return [
        Row("calls at the carrier", len(carried), "calls", len(dialled)),
        Row("attempts in the register", len(dialled), "calls", len(carried)),
        Row("numbers that only one of the two knows", odd, "numbers", 0),
        Row("broken links of the access log", broken, "links", 0),
    ]
