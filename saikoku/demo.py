"""`saikoku demo`: the whole product on one machine, in one command, on loopback addresses and invented people.

A real Asterisk as the office's PBX, a second one as carrier, citizens and desk phones, a synthetic city in an SQLite
file, and the daemons as in an office. What cannot be had is said in one sentence, and the rest starts. Where settings
name a PBX already (`SAIKOKU_AMI_HOST`), that one is used and no lab is started.
"""

import argparse
import asyncio
import os
import shutil
import socket
import sys
import webbrowser
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from db.clock import Clock, office_date
from db.engine import Database
from db.reference.phones import parse_phone
from db.schema.ops import Lease
from db.settings import Address, SettingError, Settings, environment
from db.usecases.office import Office
from saikoku import register
from saikoku.city.seed import seed_city
from saikoku.daemons import Supervisor, until_signal
from saikoku.demo_office import CAMPAIGN, CITY, PASSWORD, USERS, add_campaign, add_office, add_templates
from saikoku.lab.asterisk import free_port
from saikoku.lab.clock import VARIABLE, LabClock, office_hours_offset
from saikoku.lab.obtain import LabUnavailable
from saikoku.lab.pbx import OFFICE_NUMBERS, Lab
from saikoku.lab.smsc import SYSTEM_ID, LabSmsc

SEED: Final = 1
READY_WITHIN: Final = 60.0


@dataclass
class Demo:
    """What the demo has put together so far: settings for the daemons, and what it has to do without."""

    settings: dict[str, object] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)

    def environ(self) -> Mapping[str, str]:
        """The environment of the daemons."""
        return {**os.environ, **environment(self.settings), **self.extra}


def run(arguments: argparse.Namespace, settings: Settings, clock: Clock) -> int:
    """Run the demo until SIGINT or SIGTERM."""
    address = Address("127.0.0.1", arguments.port)
    _must_be_free(address)
    arguments.data = arguments.data.absolute()
    shutil.rmtree(arguments.data, ignore_errors=True)
    arguments.data.mkdir(parents=True)
    return asyncio.run(until_signal(_demo(arguments, settings, clock, address))) or 0


async def _demo(arguments: argparse.Namespace, settings: Settings, clock: Clock, address: Address) -> int:
    data: Path = arguments.data
    offset = office_hours_offset(clock.now(), Office.of(settings.office))
    if offset:
        clock = LabClock(offset)
        print(f"nobody may be called at this hour: the demo's clock stands at {_local(clock, settings)}", flush=True)
    demo = Demo(
        settings={
            "database.url": f"sqlite:///{data}/saikoku.db",
            "office.name": CITY,
            "office.run_dir": data / "run",
            "panel.listen": address,
        },
        extra={VARIABLE: str(int(offset / timedelta(seconds=1)))} if offset else {},
    )
    async with AsyncExitStack() as stack:
        lab = await _lab(stack, demo, data)
        await _smsc(stack, demo)
        database = Database(str(demo.settings["database.url"]))
        await asyncio.to_thread(_city, database, clock, settings, arguments.debtors, lab)
        telephone = ("bridge", "agi") if lab or "SAIKOKU_AMI_HOST" in os.environ else ()
        names = ("panel", *telephone, "jobs", "sms")
        supervisor = asyncio.create_task(Supervisor(names, demo.environ()).run())
        stack.push_async_callback(_cancelled, supervisor)
        waiting = asyncio.create_task(_ready(demo, database, address, bridge="bridge" in names))
        await asyncio.wait({supervisor, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if supervisor.done():
            waiting.cancel()
            return supervisor.result()
        if not waiting.result():
            return _failed("the panel did not start; its reason stands above")
        database.close()
        _announce(demo, address, lab, browser=not arguments.no_browser)
        return await supervisor


async def _lab(stack: AsyncExitStack, demo: Demo, data: Path) -> Lab | None:
    if "SAIKOKU_AMI_HOST" in os.environ:
        return None
    print("starting the office PBX and the carrier (the first time, Asterisk is fetched; about a minute) …", flush=True)
    try:
        look_up = Address("127.0.0.1", free_port())
        lab = await stack.enter_async_context(Lab(data / "lab", agi_url=f"agi://{look_up}"))
    except LabUnavailable as error:
        print(f"no telephone: {error}", file=sys.stderr, flush=True)
        demo.without.append("telephone")
        return None
    print(f"Asterisk {lab.version}", flush=True)
    demo.settings |= {
        "agi.listen": look_up,
        "ami.host": lab.ami_host,
        "ami.port": lab.ami_port,
        "ami.username": lab.ami_user,
        "ami.secret": lab.ami_secret,
        "ami.cel_file": lab.cel_csv,
        "dial.channel": lab.trunk,
        "dial.caller_id": lab.office_numbers[0],
        "dial.recordings_dir": lab.recordings,
    }
    return lab


def _written(number: str) -> str:
    """As people write it: 03-1234-0001."""
    return parse_phone(number).national


async def _smsc(stack: AsyncExitStack, demo: Demo) -> None:
    """The carrier of messages, unless settings name one."""
    if "SAIKOKU_SMPP_HOST" in os.environ:
        return
    smsc = await stack.enter_async_context(LabSmsc())
    demo.settings |= {
        "smpp.host": "127.0.0.1",
        "smpp.port": smsc.port,
        "smpp.name": "ラボ回線",
        "smpp.system_id": SYSTEM_ID,
        "smpp.password": "lab",
        "smpp.sender": OFFICE_NUMBERS[0],
        "smpp.window": 20,
    }


def _city(database: Database, clock: Clock, settings: Settings, debtors: int, lab: Lab | None) -> None:
    register.prepare(database)
    desks = (*lab.seats, *lab.phone_passwords) if lab else ()
    staff = add_office(database, clock.now(), desks)
    add_templates(database, staff, clock.now(), _written(OFFICE_NUMBERS[0]))
    seed_city(
        database,
        debtors=debtors,
        seed=SEED,
        today=office_date(clock.now(), settings.office.zone),
        staff_ids=staff.history_ids,
        progress=sys.stderr.isatty(),
    )
    add_campaign(database, staff, clock.now(), Office.of(settings.office))


async def _ready(demo: Demo, database: Database, address: Address, *, bridge: bool) -> bool:
    """Wait until the panel answers and the bridge has its PBX; a bridge that does not get there is done without."""
    try:
        async with asyncio.timeout(READY_WITHIN):
            while not await _answers(address):  # noqa: ASYNC110 - a process that starts gives no event
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    try:
        async with asyncio.timeout(READY_WITHIN):
            while bridge and not await asyncio.to_thread(_bridge_is_up, database):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)
    except TimeoutError:
        demo.without.append("telephone")
    return True


def _failed(why: str) -> int:
    print(f"saikoku: {why}", file=sys.stderr)
    return 1


async def _answers(address: Address) -> bool:
    try:
        reader, writer = await asyncio.open_connection(address.host, address.port)
    except OSError:
        return False
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return b" 200 " in line


def _bridge_is_up(database: Database) -> bool:
    with database.read() as tx:
        return tx.execute(select(func.count()).select_from(Lease)).scalar_one() > 0


def _announce(demo: Demo, address: Address, lab: Lab | None, *, browser: bool) -> None:
    print("users, all with the password " + PASSWORD)
    for user in USERS:
        print(f"  {user.login:12} {user.name}")
    if lab:
        phones = ", ".join(f"{phone} ({password})" for phone, password in lab.phone_passwords.items())
        print(f"desks: {', '.join(lab.seats)} answer by themselves")
        print(
            f"a campaign waits to be started: log in as operator (and operator2 in another browser), take a seat, then start"
            f" 「{CAMPAIGN}」 as supervisor (キャンペーン → 開始)"
        )
        print("somebody calls back: saikoku lab call-back NUMBER (one of a record; or: anonymous)")
        print(f"a SIP phone of your own can register at 127.0.0.1:{lab.sip_port} (UDP) as {phones}")
    missing = f" (without: {', '.join(demo.without)})" if demo.without else ""
    print(f"ready http://{address}{missing}", flush=True)
    if browser:
        webbrowser.open(f"http://{address}/")


def _must_be_free(address: Address) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise SettingError("--port", address.port, f"cannot be used ({error.strerror}); choose another") from error


def _local(clock: Clock, settings: Settings) -> str:
    return f"{clock.now().astimezone(settings.office.zone):%Y-%m-%d %H:%M}"


async def _cancelled(task: "asyncio.Task[int]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
