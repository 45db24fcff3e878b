"""One round: an office is set up, people work in it, its parts break, it comes to rest, and is judged."""

import asyncio
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.exc import OperationalError

from db.engine import Database
from db.migrations import upgrade
from db.reference.passwords import hash_password
from db.rules.campaigns import CampaignSettings, TargetOrder, TargetState
from db.rules.conditions import Amount
from db.rules.telephony import OPEN_ATTEMPTS, DialMode
from db.rules.terms import Area
from db.schema.calls import Attempt
from db.schema.campaigns import CampaignTarget
from db.schema.people import Phone
from db.schema.staff import Staff
from db.settings import environment
from db.store import staff, summaries
from db.usecases import campaign_desk, foundation, targets
from saikoku.dialplan import DialplanSettings
from saikoku.lab.asterisk import AsteriskInstance, free_port
from saikoku.lab.clock import VARIABLE
from saikoku.lab.obtain import AsteriskBuild
from saikoku.lab.pbx import DESKS, CarrierCall, Lab
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.live.cable import Cable
from tests.live.havoc.judge import Verdict, Window, at_rest, campaign, judge
from tests.live.havoc.kinds import MIXED, Kind
from tests.live.havoc.people import PASSWORD, Operator, Person, call_back
from tests.live.havoc.servers import Daemon, Link, Part, Pbx, Postgres, SqliteFile
from tests.live.returning import hurry

CALL_BACK: Final = 0.2  # share of the calls that come in
RING_SECONDS: Final = 4
GET_ON: Final = 3
PATIENCE: Final = 15.0
"""So many calls are placed between two faults, or so many seconds pass."""

COME_TO_REST: Final = 240.0
CAMPAIGN: Final = CampaignSettings(
    name="嵐の中の催告", mode=DialMode.PREDICTIVE, order=TargetOrder.AMOUNT, lines=12,
    calls_per_second=5.0, ring_seconds=15,
)  # fmt: skip
_HASH: Final = hash_password(PASSWORD)


@dataclass(frozen=True, slots=True)
class Havoc:
    """How much of it. `every`: seconds between two faults, from and to; `postgres`: the database, else SQLite.

    `campaign`: the calls out are those of a predictive campaign, not of operators who click. `kind`: only faults of this kind
    then, and nobody calls in; operators do not lift a finger for their phones.
    """

    calls: int
    seed: int
    postgres: bool
    operators: int = len(DESKS)
    every: tuple[float, float] = (2.5, 6.5)
    campaign: bool = False
    kind: Kind | None = None

    @property
    def inbound(self) -> int:
        """How many people call in."""
        return 0 if self.kind else round(self.calls * CALL_BACK)


class HurriedLab(Lab):
    """Callers do not wait long, prompts are short."""

    def dialplan_settings(self, office: AsteriskInstance) -> DialplanSettings:
        found = super().dialplan_settings(office)
        hurry(Path(found.sounds))
        return replace(found, incoming_ring=0.2, incoming_remind=2.0, incoming_patience=20.0)


class Round:
    """The office of one round, in `folder`."""

    def __init__(self, havoc: Havoc, folder: Path, build: AsteriskBuild) -> None:
        self.havoc = havoc
        self.folder = folder
        self.build = build
        self.chance = random.Random(havoc.seed)
        self.faults: list[str] = []
        self.windows: list[Window] = []
        self._broken: set[str] = set()
        self._mending: set[asyncio.Task[None]] = set()
        self._began = time.monotonic()
        self._all_dialled = False

    async def run(self) -> Verdict:
        """Work, break, come to rest, judge."""
        agi, ami, panel = free_port(), free_port(), free_port()
        database = await self._database()
        register = Database(database.url)
        await asyncio.to_thread(self._found, register)
        people = await asyncio.to_thread(self._people, register)
        if self.havoc.campaign:
            await asyncio.to_thread(self._campaign, register, people[self.havoc.inbound :])
        lab = HurriedLab(self.folder / "lab", build=self.build, agi_url=f"agi://127.0.0.1:{agi}", ami_port=ami)
        async with Cable(ami) as self._cable:
            environ = self._environ(lab, database.url, self._cable.port, agi, panel)
            return await self._in(lab, environ, database, register, people, panel)

    async def _in(
        self, lab: Lab, environ: dict[str, str], database: Postgres | SqliteFile, register: Database,
        people: list[Person], panel: int,
    ) -> Verdict:  # fmt: skip
        with (self.folder / "daemons.log").open("ab") as log:
            daemons = [Daemon(name, environ, log) for name in ("bridge", "panel", "agi")]
            try:
                await lab.start()
                for daemon in daemons:
                    await daemon.start()
                parts = [*daemons, Pbx(lab.office), database, *([Link(self._cable)] if self.havoc.kind else [])]
                shown = await self._work(lab, parts, register, people, panel)
                return await asyncio.to_thread(self._judge, lab, await lab.carrier_calls(), register, shown)
            finally:
                for daemon in daemons:
                    await daemon.kill()
                await lab.stop()
                register.close()
                await register.aclose()
                if isinstance(database, Postgres):
                    await database.kill()

    # -- setting up -------------------------------------------------------------------------------------------------

    async def _database(self) -> Postgres | SqliteFile:
        if not self.havoc.postgres:
            return SqliteFile(self.folder / "register.db")
        folder = self.folder / "pg"
        await asyncio.to_thread(folder.mkdir)
        made = await asyncio.to_thread(Postgres, folder)
        await made.make()
        return made

    def _found(self, register: Database) -> None:
        upgrade(register)
        with register.write() as tx:
            foundation.lay(tx)
        small = SmallOffice(register)
        for number in range(self.havoc.operators):
            small.user(f"op{number}")
            small.seat(DESKS[number])
        with register.write() as tx:
            tx.execute(update(Staff).values(password_hash=_HASH, password_set_at=NOW))

    def _people(self, register: Database) -> list[Person]:
        small, endings = SmallOffice(register), self.havoc.kind.endings if self.havoc.kind else MIXED
        people = []
        for serial in range(self.havoc.calls):
            number = f"050{serial:06d}{self.chance.choice(endings):02d}"
            debtor_id = small.debtor(phone=f"+81{number[1:]}")
            with register.read() as tx:
                phone_id = tx.execute(select(Phone.id).where(Phone.debtor_id == debtor_id)).scalar_one()
            people.append(Person(debtor_id, phone_id, number))
        return people

    def _campaign(self, register: Database, people: list[Person]) -> None:
        """All operators have joined a campaign that runs over these people."""
        small = SmallOffice(register)
        boss = small.user("boss", "supervisor")
        with register.write() as tx:
            summaries.refresh(tx, [one.debtor_id for one in people], OFFICE.today(NOW))
            fixed = targets.freeze(tx, boss, Amount(low=1), "名簿", None, NOW, OFFICE)
            made = campaign_desk.make(tx, boss, Area.TAX, CAMPAIGN, {fixed: 1}, NOW, OFFICE)
            for user_id in tx.execute(select(Staff.id).where(Staff.login.like("op%"))).scalars():
                operator = staff.viewer(tx, user_id)
                assert operator is not None
                campaign_desk.join(tx, operator, made, NOW)
            campaign_desk.start(tx, boss, made, NOW)

    def _environ(self, lab: Lab, url: str, ami: int, agi: int, panel: int) -> dict[str, str]:
        settings = {
            "database.url": url,
            "office.run_dir": self.folder / "run",
            "panel.listen": f"127.0.0.1:{panel}",
            "agi.listen": f"127.0.0.1:{agi}",
            "ami.port": ami,
            "ami.secret": lab.ami_secret,
            "ami.cel_file": lab.folder / "office/log/cel-custom/saikoku-cel.csv",
            "dial.caller_id": lab.office_numbers[0],
            "dial.ring_seconds": RING_SECONDS,
            "dial.recordings_dir": lab.folder / "office/spool/monitor",
        }
        self._offset = timedelta(seconds=round((NOW - datetime.now(UTC)).total_seconds()))
        return {**os.environ, **environment(settings), VARIABLE: str(round(self._offset.total_seconds()))}

    # -- the round --------------------------------------------------------------------------------------------------

    async def _work(
        self, lab: Lab, parts: list[Part], register: Database, people: list[Person], panel: int
    ) -> set[str]:  # fmt: skip
        inbound = self.havoc.inbound
        todo: Iterator[Person] = iter([] if self.havoc.campaign else people[inbound:])
        operators = [
            Operator(f"http://127.0.0.1:{panel}", f"op{n}", DESKS[n], todo, random.Random(self.havoc.seed * 100 + n))
            for n in range(self.havoc.operators)
        ]
        for operator in operators:
            operator.rings = self.havoc.kind is None
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(operator.work()) for operator in operators]
            kind = self.havoc.kind
            broken = self._break_by(kind, parts, register) if kind else self._break(parts, operators)
            breaking = tasks.create_task(broken)
            async with asyncio.TaskGroup() as calling:
                calling.create_task(self._callers(lab, people[:inbound], operators))
                calling.create_task(self._until_all_is_placed(operators, register))
            breaking.cancel()
            await asyncio.wait([breaking])
            await self._mend(parts)
            await self._rest(register, operators, lab)
            for task in working:
                task.cancel()
        return set().union(*(operator.shown for operator in operators))

    async def _callers(self, lab: Lab, callers: list[Person], operators: list[Operator]) -> None:
        """Spread over the round: one for every few calls that were placed."""
        async with asyncio.TaskGroup() as calls:
            for serial, caller in enumerate(callers):
                share = (serial + 0.5) / len(callers) * (self.havoc.calls - len(callers))
                while self._progress(operators) < share:  # noqa: ASYNC110 - people, not events
                    await asyncio.sleep(0.2)
                calls.create_task(call_back(lab, caller, self.chance.uniform(3, 12)))

    async def _until_all_is_placed(self, operators: list[Operator], register: Database) -> None:
        while self.havoc.campaign and await asyncio.to_thread(self._to_dial, register):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.5)
        self._all_dialled = True
        while not any(operator.rested for operator in operators):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.2)

    def _progress(self, operators: list[Operator]) -> float:
        """How many calls were placed; those of a campaign that nobody answers are seen by no operator."""
        if not self.havoc.campaign:
            return sum(operator.placed for operator in operators)
        return self.havoc.calls if self._all_dialled else 2.0 * sum(len(operator.shown) for operator in operators)

    def _to_dial(self, register: Database) -> int:
        """How many targets nobody has looked at yet, or are being dialled."""
        open_now = or_(
            CampaignTarget.state == TargetState.CLAIMED,
            and_(CampaignTarget.state == TargetState.OPEN, CampaignTarget.due_at.is_(None)),
        )
        query = select(func.count()).select_from(CampaignTarget).where(open_now)
        query = query.where(
            ~exists().where(Attempt.id == CampaignTarget.attempt_id, Attempt.state.not_in(OPEN_ATTEMPTS))
        )
        try:
            with register.read() as tx:
                return tx.execute(query).scalar_one()
        except OperationalError:  # the database is dead at this moment
            return 1

    async def _break(self, parts: list[Part], operators: list[Operator]) -> None:
        """One fault after another, and at times two at once. On a slow machine the people get on a little in between."""
        while True:
            placed, patience = self._progress(operators), time.monotonic() + PATIENCE
            await asyncio.sleep(self.chance.uniform(*self.havoc.every))
            while (  # noqa: ASYNC110 - people, not events
                self._progress(operators) < placed + GET_ON and time.monotonic() < patience
            ):
                await asyncio.sleep(0.2)
            part = self.chance.choice(parts)
            kills = part.can_be_killed and self.chance.random() < 0.5
            seconds = self.chance.uniform(0.2, 2.0) if kills else self.chance.uniform(0.3, 5.0)
            if part.name not in self._broken:
                self._broken.add(part.name)
                at = time.monotonic() - self._began
                self.faults.append(f"{at:6.1f} s: {part.name} {'killed' if kills else 'frozen'} for {seconds:.1f} s")
                self._mending.add(asyncio.create_task(self._break_one(part, seconds, kills=kills)))

    async def _break_by(self, kind: Kind, parts: list[Part], register: Database) -> None:
        """Faults of one kind, spread over the campaign; each is over before the next comes."""
        part = next((one for one in parts if one.name == kind.part), None)
        for number in range(kind.times if part else 0):
            share = self.havoc.calls * 0.9 * (number + self.chance.random()) / kind.times
            while await asyncio.to_thread(self._dialled, register) < share:  # noqa: ASYNC110 - people, not events
                await asyncio.sleep(0.1)
            assert part is not None
            links, began, seconds = self._cable.made, datetime.now(UTC), self.chance.uniform(*kind.seconds)
            if in_order := kind.restarts and number % 2 == 1:
                await part.stop()
                await asyncio.sleep(seconds)
                await part.start()
            else:
                await self._break_one(part, seconds, kills=kind.kills)
            if part.name != "database":
                await self._cable.connected(links + 1)
            self.windows.append(Window(began + self._offset, datetime.now(UTC) + self._offset))
            at, took = time.monotonic() - self._began, (datetime.now(UTC) - began).total_seconds()
            how = "restarted" if in_order else "killed" if kind.kills else "frozen"
            self.faults.append(f"{at:6.1f} s: {part.name} {how} for {seconds:.1f} s, served again after {took:.1f} s")

    def _dialled(self, register: Database) -> int:
        with register.read() as tx:
            return tx.execute(select(func.count(Attempt.sent_at))).scalar_one()

    async def _break_one(self, part: Part, seconds: float, *, kills: bool) -> None:
        if kills:
            await part.kill()
            await asyncio.sleep(seconds)
            await part.start()
        else:
            await part.freeze(seconds)
        self._broken.discard(part.name)

    async def _mend(self, parts: list[Part]) -> None:
        """What was being broken when the havoc ended is let come back; what has ended by itself is a fault of ours."""
        await asyncio.gather(*self._mending)
        for part in parts:
            if isinstance(part, Daemon) and part.dead:
                raise AssertionError(f"{part.name} has ended by itself")

    async def _rest(self, register: Database, operators: list[Operator], lab: Lab) -> None:
        """Nothing breaks any more: everything must come to an end."""
        until, what = time.monotonic() + COME_TO_REST, "-"
        while what or not all(operator.rested for operator in operators):
            if time.monotonic() > until:
                raise AssertionError(
                    f"never at rest: {what}; {sum(not one.rested for one in operators)} operators busy"
                )
            await asyncio.sleep(0.5)
            what = await asyncio.to_thread(self._unsettled, register)
        await lab.carrier.cli("channel request hangup all")

    def _unsettled(self, register: Database) -> str:
        try:
            with register.read() as tx:
                return at_rest(tx)
        except OperationalError:  # a connection of before its last death
            return "database"

    def _judge(self, lab: Lab, at_carrier: list[CarrierCall], register: Database, shown: set[str]) -> Verdict:
        record = lab.cel_csv.read_text(encoding="utf-8", errors="replace")
        with register.read() as tx:
            verdict = judge(tx, at_carrier, record, lab.recordings, shown)
            if self.havoc.kind:
                campaign(tx, verdict, self.windows, self.havoc.kind.times, CAMPAIGN.cap)
        verdict.counts["faults"] = len(self.faults)
        return verdict


async def play(havoc: Havoc, folder: Path, build: AsteriskBuild, *, keep: bool = False) -> tuple[Verdict, list[str]]:
    """One round in a folder, which is removed again if all was well."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    made = Round(havoc, folder, build)
    try:
        verdict = await made.run()
    except BaseException:
        (folder / "faults.txt").write_text("\n".join(made.faults))
        raise
    if verdict.wrong:
        (folder / "faults.txt").write_text("\n".join([*made.faults, *verdict.wrong]))
    elif not keep:
        shutil.rmtree(folder)
    return verdict, made.faults
