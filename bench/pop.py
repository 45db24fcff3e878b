"""From the AMI event that says somebody is calling to the pop on the operator's screen, in a real Chromium.

Everything runs: two Asterisk, look-up, bridge and panel as processes, and 49 more operators' browsers with open streams. The bench
reads the same AMI event as the bridge, on a connection of its own; the browser notes when the pop is in the page.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.async_api import Page, async_playwright
from sqlalchemy import Connection, select, update

from ami_bridge import variables
from ami_bridge.link import AmiLink
from ami_bridge.values import Event, LinkSettings, Phase
from bench.browsers import connected
from bench.office import NOW, city
from bench.rows import Row, percentile
from db.engine import Database
from db.hints import Bell
from db.rules.telephony import CallState, DutyState
from db.rules.terms import Area, PhoneKind, PhoneStatus
from db.schema.calls import Seat
from db.schema.people import CaseFile, Phone
from db.schema.staff import Staff
from db.settings import environment
from db.store import calls, staff
from db.usecases import duty, incoming
from db.usecases.office import Office
from db.usecases.results import Entry, record_result
from saikoku.demo_office import PASSWORD
from saikoku.lab.asterisk import free_port
from saikoku.lab.clock import VARIABLE, LabClock
from saikoku.lab.pbx import Lab

CALLS = 40
WARM_UP = 5
BETWEEN = 1.5  # seconds from one call to the next: the browsers have seen the last one off, as in an office
OTHERS = 49
SEAT = "1001"
OFFICE = Office(zone=ZoneInfo("Asia/Tokyo"))
WATCH = """() => {
  const pop = document.querySelector("#call-pop");
  const look = () => { if (pop.querySelector(".pop")) window.popped = window.popped ?? Date.now(); };
  new MutationObserver(look).observe(pop, {childList: true, subtree: true});
}"""


def run() -> Sequence[Row]:
    """p50 and p95 over the calls."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as name:
        folder = Path(name)
        shutil.copy(city(10_000), folder / "register.db")
        agi = f"127.0.0.1:{free_port()}"
        async with AsyncExitStack() as stack:
            lab = await stack.enter_async_context(Lab(folder / "lab", agi_url=f"agi://{agi}"))
            settings = {
                "database.url": f"sqlite:///{folder}/register.db",
                "office.run_dir": folder / "run",
                "panel.listen": f"127.0.0.1:{free_port()}",
                "agi.listen": agi,
                "ami.host": lab.ami_host,
                "ami.port": lab.ami_port,
                "ami.username": lab.ami_user,
                "ami.secret": lab.ami_secret,
                "dial.recordings_dir": lab.recordings,
            }
            clock = LabClock(timedelta(seconds=round((NOW - datetime.now(UTC)).total_seconds())))
            await stack.enter_async_context(_daemons(settings, clock))
            address = f"http://{settings['panel.listen']}"
            await stack.enter_async_context(connected(address, OTHERS, "operator2"))
            floor = Floor(lab, Database(str(settings["database.url"]), ring=Bell(folder / "run")), clock)
            stack.push_async_callback(floor.database.aclose)
            events = await stack.enter_async_context(_events(lab))
            page = await stack.enter_async_context(_browser(address))
            times = await _measure(floor, events, page)
    said = f"AMI event to pop in Chromium, {OTHERS + 1} operators connected, {CALLS} calls"
    return [
        Row(f"{said}: p50", percentile(times, 0.5), "ms"),
        Row(f"{said}: p95", percentile(times, 0.95), "ms", 150.0),
    ]


@asynccontextmanager
async def _daemons(settings: dict[str, object], clock: LabClock) -> AsyncIterator[None]:
    offset = str(int(clock.offset.total_seconds()))
    environ = {**os.environ, **environment(settings), VARIABLE: offset}
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "saikoku", name, env=environ, stderr=asyncio.subprocess.DEVNULL
        )
        for name in ("panel", "agi", "bridge")
    ]
    host, _, port = str(settings["panel.listen"]).rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        break
    try:
        yield
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


@asynccontextmanager
async def _events(lab: Lab) -> AsyncIterator[AsyncIterator[Event]]:
    link = AmiLink(LinkSettings(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret))
    events = link.subscribe("bench", only=frozenset({"UserEvent"}))
    running = asyncio.create_task(link.run())
    await link.until(lambda state: state.phase is Phase.UP)
    yield aiter(events)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def _browser(address: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        path = os.environ.get("SAIKOKU_TEST_CHROMIUM", "/usr/bin/chromium")
        chromium = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = await chromium.new_page(base_url=address)
        await page.goto("/login")
        await page.fill("#login", "operator")
        await page.fill("#password", PASSWORD)
        await page.click("button")
        await page.wait_for_url("**/")
        yield page
        await chromium.close()


class Floor:
    """The operator who is called, as the register has them."""

    def __init__(self, lab: Lab, database: Database, clock: LabClock) -> None:
        self.lab, self.database, self.clock = lab, database, clock
        with database.read() as tx:
            user_id = tx.execute(select(Staff.id).where(Staff.login == "operator")).scalar_one()
            found = staff.viewer(tx, user_id)
        if found is None:
            raise RuntimeError("the city has no operator")
        self.viewer = found

    def callers(self) -> list[str]:
        """Numbers of people with a case in the operator's area, each of one person."""
        query = (
            select(Phone.number)
            .join(CaseFile, CaseFile.debtor_id == Phone.debtor_id)
            .where(CaseFile.area == Area.TAX, Phone.kind == PhoneKind.MOBILE, Phone.status == PhoneStatus.USABLE)
            .order_by(Phone.id)
            .limit(CALLS + WARM_UP)
        )
        with self.database.read() as tx:
            return [f"0{number.removeprefix('+81')}" for number in tx.execute(query).scalars()]

    async def ready(self) -> None:
        """Until the operator waits for a call."""
        await self._until(lambda tx: (row := calls.duty(tx, self.viewer.user_id)) and row.state is DutyState.READY)

    async def _until(self, true: Callable[[Connection], object]) -> None:
        while not await self.database.ask(true):  # noqa: ASYNC110 - the bench stands outside and hears no hint
            await asyncio.sleep(0.05)

    async def take_seat(self) -> None:
        """Go on duty."""

        def sit(tx: Connection) -> None:
            tx.execute(update(Seat).where(Seat.extension == SEAT).values(channel=f"PJSIP/{SEAT}", pbx="main"))
            duty.take_seat(tx, self.viewer, SEAT, self.clock.now())

        await self.database.run(sit)
        await self.ready()

    async def finish(self, number: str) -> None:
        """They talk, the caller hangs up, the result is saved."""
        await self._until(lambda tx: (call := calls.current(tx, self.viewer)) and call.state is CallState.TALKING)
        await self.lab.hang_up_at_carrier(number)

        def save(tx: Connection) -> None:
            call = calls.current(tx, self.viewer)
            if call is None:
                raise RuntimeError("no call to finish")
            if call.debtor_id is None:
                shown = incoming.pop(tx, self.viewer, call)
                if shown is None or not shown.candidates:
                    raise RuntimeError(f"nobody is known by {number}")
                incoming.choose(tx, self.viewer, call.id, shown.candidates[0].hit.id, self.clock.now())
            record_result(tx, self.viewer, call.id, Entry("talked_self"), self.clock.now(), OFFICE)

        await self.database.run(save)
        await self.ready()


async def _measure(floor: Floor, events: AsyncIterator[Event], page: Page) -> list[float]:
    await floor.take_seat()
    await page.evaluate(WATCH)
    times = []
    for count, number in enumerate(floor.callers()):
        await page.evaluate("() => { window.popped = null; }")
        await floor.lab.call_office(number)
        while (await asyncio.wait_for(anext(events), 20)).get("UserEvent") != variables.EVENT_INCOMING:
            pass
        heard = time.time()
        shown = await (await page.wait_for_function("() => window.popped")).json_value()
        if count >= WARM_UP:
            times.append(max(0.0, shown - heard * 1000))
        await floor.finish(number)
        await page.wait_for_function("() => !document.querySelector('#call-pop .pop')")
        await asyncio.sleep(BETWEEN)
    return times
