"""An operator's shift for live tests: a small register, the lab's office, and the bridge between them.

A test does what the panel does (use cases in one transaction) and waits for what the outbox says. Nothing sleeps.
"""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, select

from ami_bridge.bridge import run
from db.engine import Database
from db.hints import Bell, hints
from db.rules.telephony import OPEN_ATTEMPTS, AttemptResult, AttemptState, CallState, DutyState, EndedBy, RecordingState
from db.rules.terms import Area
from db.schema.calls import Attempt, Call, Recording
from db.schema.people import Phone
from db.settings import AmiSettings, DatabaseSettings, DialSettings, OfficeSettings, Secret, Settings, environment
from db.store import calls as stored
from db.usecases import calls, duty
from db.usecases.commands import CommandKind
from saikoku.lab.clock import VARIABLE, LabClock
from saikoku.lab.pbx import CarrierCall, Lab
from tests.integration.db.people import NOW, OFFICE, SmallOffice

PATIENCE = 30.0  # only bounds a test that would otherwise hang; nothing is asserted about it
CALLER_ID = "0312340001"
_serial = count(1)


@dataclass(frozen=True)
class Told:
    """What the register says of a call."""

    attempt: AttemptState
    result: AttemptResult | None
    cause: int | None
    refusal: str
    call: CallState
    by: EndedBy | None
    wrapped: bool


class Shift:
    """One operator at one seat."""

    def __init__(self, lab: Lab, folder: Path, register: Path, **dial: object) -> None:
        url = f"sqlite:///{register}"
        run_dir = folder / "run"
        run_dir.mkdir()
        self.lab = lab
        self.seat = "1001"
        self.settings = Settings(
            database=DatabaseSettings(url),
            office=OfficeSettings(run_dir=run_dir),
            ami=AmiSettings(port=lab.ami_port, secret=Secret(lab.ami_secret), cel_file=lab.cel_csv),
            dial=replace(
                DialSettings(caller_id=CALLER_ID, ring_seconds=15, recordings_dir=lab.recordings),
                **dial,  # type: ignore[arg-type]
            ),
        )
        self.clock = LabClock(NOW - datetime.now(UTC))
        self.database = self._open()
        self.small = SmallOffice(self.database)
        self.operator = self.small.user("op")
        self.small.seat(self.seat)

    def plug_into(self, port: int) -> None:
        """Let the bridge reach Asterisk by way of this port."""
        self.use(replace(self.settings.ami, port=port))

    def use(self, ami: AmiSettings) -> None:
        """Let the next bridge work with these settings."""
        self.settings = replace(self.settings, ami=ami)

    def _open(self) -> Database:
        return Database(self.settings.database.url, ring=Bell(self.settings.office.run_dir))

    # -- the bridge ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def bridge(self) -> AsyncIterator[asyncio.Task[None]]:
        """The bridge runs beside the test, with a connection to the register of its own."""
        database = self._open()
        life = asyncio.create_task(run(self.settings, database, self.clock, OFFICE))
        try:
            yield life
        finally:
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life
            await database.aclose()

    @asynccontextmanager
    async def bridge_process(self, *step: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The bridge as a process of its own, to be killed; it kills itself at a step of a call, if one is named."""
        settings = {
            "database.url": self.settings.database.url,
            "office.run_dir": self.settings.office.run_dir,
            "ami.port": self.settings.ami.port,
            "ami.secret": self.settings.ami.secret.reveal(),
            "ami.cel_file": self.settings.ami.cel_file,
            "dial.caller_id": self.settings.dial.caller_id,
            "dial.ring_seconds": self.settings.dial.ring_seconds,
            "dial.recordings_dir": self.settings.dial.recordings_dir,
        }
        offset = str(round(self.clock.offset.total_seconds()))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.live.bridge_process", *step,
            env={**environment(settings), VARIABLE: offset, "PATH": "/usr/bin:/bin"},
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    # -- what the panel does ------------------------------------------------------------------------------------------

    async def take_seat(self) -> uuid.UUID:
        """Go on duty; returns the leg's id."""
        row = await self.database.run(duty.take_seat, self.operator, self.seat, self.clock.now())
        return row.leg_id

    async def ready(self) -> uuid.UUID:
        """Go on duty and wait until the phone is in its room."""
        leg_id = await self.take_seat()
        await self.duty_becomes(DutyState.READY)
        return leg_id

    async def go_home(self) -> None:
        await self.database.run(duty.go_home, self.operator, self.clock.now())

    async def ring_again(self) -> None:
        await self.database.run(duty.ring_again, self.operator, self.clock.now())

    async def person(self, ending: int) -> tuple[int, str]:
        """Somebody who owes, with a number that nobody else has; its ending decides how they behave."""
        number = f"050{next(_serial):06d}{ending:02d}"
        # in a thread: it waits for SQLite's one writer, which may be a bridge in this loop
        return await asyncio.to_thread(self.small.debtor, phone=f"+81{number[1:]}"), number

    async def click(self, debtor_id: int) -> uuid.UUID:
        """Call somebody on their first number."""

        def place(tx: Connection) -> uuid.UUID:
            phone_id = tx.execute(select(Phone.id).where(Phone.debtor_id == debtor_id)).scalars().first()
            assert phone_id is not None
            return calls.place_call(tx, self.operator, debtor_id, phone_id, Area.TAX, self.clock.now(), OFFICE)

        return await self.database.run(place)

    async def want(self, call_id: uuid.UUID, kind: CommandKind) -> None:
        await self.database.run(calls.request, self.operator, call_id, kind, self.clock.now())

    # -- what the register says ---------------------------------------------------------------------------------------

    async def until(self, what: str, true: Callable[[Connection], bool]) -> None:
        """Wait until the register says so; it is asked at every hint of the outbox."""
        async with hints(self.database, self.settings.office.run_dir) as listening:
            try:
                async with asyncio.timeout(PATIENCE):
                    while not await self.database.ask(true):
                        await listening.wait(PATIENCE)
            except TimeoutError:
                raise AssertionError(f"never: {what}; duty: {await self.duty()}") from None

    async def duty(self) -> stored.DutyRow | None:
        return await self.database.ask(stored.duty, self.operator.user_id)

    async def duty_becomes(self, state: DutyState, reason: str | None = None) -> None:
        def true(tx: Connection) -> bool:
            row = stored.duty(tx, self.operator.user_id)
            return row is not None and row.state is state and reason in {None, row.reason}

        await self.until(f"duty {state} {reason}", true)

    async def call_becomes(self, call_id: uuid.UUID, state: CallState) -> None:
        def true(tx: Connection) -> bool:
            return tx.execute(select(Call.state).where(Call.id == call_id)).scalar_one() is state

        await self.until(f"call {state}", true)

    async def told_when_over(self, call_id: uuid.UUID) -> Told:
        """The same, once the attempt has come to an end, known or not."""
        query = select(Attempt.state).where(Attempt.id == call_id)
        await self.until("the attempt is over", lambda tx: tx.execute(query).scalar_one() not in OPEN_ATTEMPTS)
        return await self.told(call_id)

    async def told(self, call_id: uuid.UUID) -> Told:
        query = (
            select(
                Attempt.state, Attempt.result, Attempt.cause, Attempt.refusal, Call.state, Call.ended_by, Call.wrapped_at
            )
            .join(Call, Call.attempt_id == Attempt.id)
            .where(Attempt.id == call_id)
        )  # fmt: skip
        row = await self.database.ask(lambda tx: tx.execute(query).one())
        return Told(*row[:5], by=EndedBy(row[5]) if row[5] else None, wrapped=row[6] is not None)

    async def recording(self, call_id: uuid.UUID) -> tuple[RecordingState, Path, int | None, int | None, str | None]:
        """State, file, length in ms, bytes and checksum, once the file was looked at."""
        query = select(Recording).where(Recording.call_id == call_id)

        def settled(tx: Connection) -> bool:
            row = tx.execute(query).one_or_none()
            return row is not None and row.state is not RecordingState.RUNNING

        await self.until("recording settled", settled)
        row = await self.database.ask(lambda tx: tx.execute(query).one())
        return row.state, self.lab.recordings / row.path, row.milliseconds, row.bytes, row.sha256

    # -- what the world says ------------------------------------------------------------------------------------------

    async def calls_at_carrier(self, number: str) -> list[CarrierCall]:
        """Calls to a number, by the carrier's own record."""
        return [call for call in await self.lab.carrier_calls() if call.number == number]
