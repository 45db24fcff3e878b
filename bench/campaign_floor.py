"""A predictive campaign at work on the lab's real Asterisk, for the benches: the bridge as a process, operators who work by themselves.

Every citizen's number says what they do (`talks`, `silent`): the carrier's dialplan reads it, so that nothing is told it call by call.
Operators take whoever they get, and save a result when the time for wrapping up, which is drawn, is over. Nothing else runs: no
panel, no jobs.
"""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import Connection, func, insert, select

from db.engine import Database
from db.hints import Bell, hints
from db.migrations import upgrade
from db.rules.campaigns import CampaignSettings
from db.rules.conditions import Amount
from db.rules.telephony import OPEN_ATTEMPTS, DutyState
from db.rules.terms import AddressKind, Area, PersonKind, PhoneKind, PhoneOwner, PhoneStatus
from db.rules.viewer import Viewer
from db.schema.calls import Attempt, Duty
from db.schema.claims import Assessment, Installment
from db.schema.people import Address, CaseFile, Debtor, Phone
from db.settings import environment
from db.store import summaries
from db.usecases import campaign_desk, duty, foundation, targets
from db.usecases.calls import CallError
from db.usecases.results import Entry, record_result
from saikoku.lab.asterisk import AsteriskInstance
from saikoku.lab.clock import VARIABLE, LabClock
from saikoku.lab.obtain import AsteriskBuild
from saikoku.lab.pbx import Lab
from tests.integration.db.people import NOW, OFFICE, SmallOffice

FIRST_SEAT: Final = 2001
TALK_UNIT: Final = 0.2
"""Seconds: what a number can say of a talk is up to 999 of them; of ringing, up to 999 tenths of a second."""
START_WITHIN: Final = 120.0
REST_WITHIN: Final = 120.0

_CITIZENS: Final = f"""
[from-office](+)
; 0501 RRR TTT x: answers after RRR tenths of a second, talks for TTT units, hangs up
exten => _0501XXXXXXX,1,Ringing()
 same => n,Wait($[${{EXTEN:4:3}} / 10])
 same => n,Answer()
 same => n,PlayTones(880)
 same => n,Wait($[${{EXTEN:7:3}} * {TALK_UNIT}])
 same => n,Hangup(16)
; 0502: rings until the caller gives up; 0503: busy
exten => _0502XXXXXXX,1,Ringing()
 same => n,Wait(86400)
exten => _0503XXXXXXX,1,Hangup(17)
"""


def talks(ring: float, talk: float, serial: int) -> str:
    """The number of somebody who answers after `ring` seconds and talks for `talk`; `serial` tells tens of them apart."""
    return f"0501{min(999, round(ring * 10)):03d}{min(999, round(talk / TALK_UNIT)):03d}{serial % 10}"


def silent(serial: int) -> str:
    """The number of somebody who lets it ring."""
    return f"0502{serial:07d}"


def busy(serial: int) -> str:
    """The number of somebody who is on the telephone."""
    return f"0503{serial:07d}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Who works and who is called, in this order; `wrap_up` gives the seconds of wrapping up, call by call."""

    operators: int
    numbers: Sequence[str]
    settings: CampaignSettings
    wrap_up: Callable[[], float]


class FloorLab(Lab):
    """A lab with as many desks as wanted, whose citizens do what their number says."""

    def __init__(self, folder: Path, operators: int, build: AsteriskBuild | None = None) -> None:
        super().__init__(folder, build=build)
        self.seats = [str(FIRST_SEAT + number) for number in range(operators)]

    def _carrier(self, build: AsteriskBuild) -> AsteriskInstance:
        carrier = super()._carrier(build)
        carrier.write("extensions.conf", (carrier.etc / "extensions.conf").read_text() + _CITIZENS)
        return carrier


@dataclass
class Used:
    """Processor seconds of processes by name, at one moment."""

    at: float
    seconds: dict[str, float] = field(default_factory=dict)

    def since(self, before: "Used", name: str) -> float:
        """What a process has used since, in shares of a core."""
        return (self.seconds[name] - before.seconds[name]) / (self.at - before.at)


def use_of(pids: Mapping[str, int | None]) -> Used:
    """What processes have used until now."""
    found = Used(time.monotonic())
    for name, pid in pids.items():
        times = psutil.Process(pid).cpu_times()
        found.seconds[name] = times.user + times.system
    return found


class CampaignFloor:
    """The whole, at work: use `open_floor`."""

    def __init__(self, plan: Plan, lab: FloorLab, database: Database, run_dir: Path, clock: LabClock) -> None:
        self.plan = plan
        self.lab = lab
        self.database = database
        self.clock = clock
        self.log = run_dir / "bridge.log"
        self.bridge: asyncio.subprocess.Process | None = None
        self._run_dir = run_dir
        self._operators: dict[int, Viewer] = {}
        self._saving: set[asyncio.Task[None]] = set()
        self._seen: set[uuid.UUID] = set()
        self.campaign_id = uuid.UUID(int=0)

    # -- setting up ---------------------------------------------------------------------------------------------------

    def lay(self) -> None:
        """The register: staff, people, a campaign that is joined by all and does not run yet."""
        upgrade(self.database)
        with self.database.write() as tx:
            foundation.lay(tx)
        small = SmallOffice(self.database)
        for number, seat in enumerate(self.lab.seats):
            viewer = small.user(f"op{number}")
            self._operators[viewer.user_id] = viewer
            small.seat(seat)
        self._boss = small.user("boss", "supervisor")
        with self.database.write() as tx:
            people = _people(tx, self.plan.numbers)
            summaries.refresh_range(tx, people[0], people[-1], OFFICE.today(NOW))
            fixed = targets.freeze(tx, self._boss, Amount(low=1), "名簿", None, NOW, OFFICE)
            self.campaign_id = campaign_desk.make(tx, self._boss, Area.TAX, self.plan.settings, {fixed: 1}, NOW, OFFICE)
            for viewer in self._operators.values():
                campaign_desk.join(tx, viewer, self.campaign_id, NOW)

    async def everybody_sits(self) -> None:
        """All operators go on duty; returns when every phone is in its room."""
        for viewer, seat in zip(self._operators.values(), self.lab.seats, strict=True):
            await self.database.run(duty.take_seat, viewer, seat, self.clock.now())
        ready = select(func.count()).where(Duty.state == DutyState.READY, Duty.leg_up.is_(True))
        async with asyncio.timeout(START_WITHIN):
            while await self._one(ready) < len(self._operators):  # noqa: ASYNC110 - the bench stands outside
                await asyncio.sleep(0.2)

    # -- at work ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """The campaign runs from now on."""
        await self.database.run(campaign_desk.start, self._boss, self.campaign_id, self.clock.now())

    async def pause(self) -> None:
        """No more calls are placed, and what rings is let go."""
        await self.database.run(campaign_desk.pause, self._boss, self.campaign_id, self.clock.now())

    async def rest(self) -> None:
        """Until every attempt is over and everybody is ready."""
        open_attempts = select(func.count()).where(Attempt.state.in_(OPEN_ATTEMPTS))
        away = select(func.count()).where(Duty.state != DutyState.READY)
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_WITHIN):
                while await self._one(open_attempts) or await self._one(away):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.5)

    async def operators_work(self, look_every: float) -> None:
        """Until cancelled: whoever has to wrap up saves a result when the drawn time is over."""
        query = select(Duty.user_id, Duty.call_id, Duty.since).where(
            Duty.state == DutyState.WRAP_UP, Duty.call_id.is_not(None)
        )
        async with hints(self.database, self._run_dir) as listening:
            while True:
                for user_id, call_id, since in await self.database.ask(lambda tx: tx.execute(query).all()):
                    if call_id not in self._seen:
                        self._seen.add(call_id)
                        task = asyncio.create_task(self._save(user_id, call_id, since))
                        self._saving.add(task)
                        task.add_done_callback(self._saving.discard)
                await listening.wait(0.5)
                await asyncio.sleep(look_every)

    async def _save(self, user_id: int, call_id: uuid.UUID, since: datetime) -> None:
        until = since + timedelta(seconds=self.plan.wrap_up())
        await asyncio.sleep(max(0.0, (until - self.clock.now()).total_seconds()))
        entry, viewer = Entry("talked_self"), self._operators[user_id]
        with suppress(CallError):
            await self.database.run(record_result, viewer, call_id, entry, self.clock.now(), OFFICE)

    # -- looking ------------------------------------------------------------------------------------------------------

    async def _one(self, query: Any) -> int:
        found = await self.database.ask(lambda tx: tx.execute(query).scalar_one())
        return int(found)

    def used(self) -> Used:
        """What each process has used until now."""
        assert self.bridge is not None
        pids = {"bridge": self.bridge.pid, "office": self.lab.office.pid, "carrier": self.lab.carrier.pid}
        return use_of({**pids, "operators": os.getpid()})

    def complaints(self) -> list[str]:
        """What the bridge has warned of."""
        said = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [line for line in said if "lab clock" not in line]


@asynccontextmanager
async def open_floor(
    plan: Plan, folder: Path, *, build: AsteriskBuild | None = None, url: str = "", bridge: Sequence[str] = ()
) -> AsyncIterator[CampaignFloor]:
    """Everything started, everybody at their desk; the campaign waits to be started. `url`: the register, else SQLite in `folder`.

    `bridge`: another command than `saikoku bridge`, to look into it.
    """
    async with AsyncExitStack() as stack:
        run_dir = folder / "run"
        run_dir.mkdir()
        url = url or f"sqlite:///{folder}/register.db"
        database = Database(url, ring=Bell(run_dir))
        stack.push_async_callback(database.aclose)
        clock = LabClock(timedelta(seconds=round((NOW - datetime.now(UTC)).total_seconds())))
        lab = FloorLab(folder / "lab", plan.operators, build)
        floor = CampaignFloor(plan, lab, database, run_dir, clock)
        await asyncio.to_thread(floor.lay)
        await stack.enter_async_context(lab)
        floor.bridge = await stack.enter_async_context(_bridge(floor, url, bridge))
        await floor.everybody_sits()
        yield floor


@asynccontextmanager
async def _bridge(floor: CampaignFloor, url: str, command: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    lab = floor.lab
    settings = {
        "database.url": url,
        "office.run_dir": floor.log.parent,
        "ami.host": lab.ami_host,
        "ami.port": lab.ami_port,
        "ami.username": lab.ami_user,
        "ami.secret": lab.ami_secret,
        "ami.cel_file": lab.cel_csv,
        "dial.caller_id": lab.office_numbers[0],
        "dial.recordings_dir": lab.recordings,
    }
    environ = {**os.environ, **environment(settings), VARIABLE: str(round(floor.clock.offset.total_seconds()))}
    with floor.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(command or (sys.executable, "-m", "saikoku", "bridge")), env=environ, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _people(tx: Connection, numbers: Sequence[str]) -> list[int]:
    """A debtor for each number; the first owes most, so that a campaign by amount calls them in this order."""
    ids = list(range(1, len(numbers) + 1))
    tx.execute(
        insert(Debtor),
        [
            {
                "id": one, "number": f"{one:010d}", "kind": PersonKind.PERSON, "name": "見本 太郎", "kana": "ミホン タロウ",
                "name_folded": "見本太郎", "kana_folded": "ミホンタロウ", "data_as_of": NOW - timedelta(hours=3),
            }
            for one in ids
        ],
    )  # fmt: skip
    tx.execute(insert(CaseFile), [{"debtor_id": one, "area": Area.TAX} for one in ids])
    home = {"kind": AddressKind.REGISTERED, "postal_code": "0000000", "town": "見本町", "district": "中央"}
    tx.execute(insert(Address), [{"debtor_id": one, "block": f"{one}番", **home} for one in ids])
    phone = {"kind": PhoneKind.MOBILE, "status": PhoneStatus.USABLE, "owner": PhoneOwner.SELF}
    tx.execute(
        insert(Phone),
        [{"debtor_id": one, "number": f"+81{number[1:]}", **phone} for one, number in zip(ids, numbers, strict=True)],
    )
    claim = {"area": Area.TAX, "item_code": "resident_ordinary", "fiscal_year": 2026}
    tx.execute(
        insert(Assessment), [{"id": one, "debtor_id": one, "notice_number": f"N{one:06d}", **claim} for one in ids]
    )
    due = {"area": Area.TAX, "number": 1, "due_on": OFFICE.today(NOW).replace(month=6, day=30)}
    tx.execute(
        insert(Installment),
        [
            {
                "assessment_id": one, "debtor_id": one, "principal": 10_000_000 - 10 * one,
                "outstanding": 10_000_000 - 10 * one, **due,
            }
            for one in ids
        ],
    )  # fmt: skip
    return ids
