"""Citizens call back: through carrier, look-up, bridge and register to an operator's phone, on a real Asterisk (T5)."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert, select

from agi.desk import open_desk
from agi.server import Server, listening, networks
from db.engine import Database
from db.migrations import upgrade
from db.rules.callers import CallerKind
from db.rules.telephony import CallState, Direction, DutyState, EndedBy, IncomingState, RecordingState
from db.rules.terms import AnsweredBy, Area, Channel
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call, Incoming
from db.schema.contacts import Contact
from db.schema.work import Task
from db.settings import Address
from db.store import calls as stored
from db.usecases import duty, foundation, incoming, results
from db.usecases.commands import CommandKind
from db.usecases.results import Entry
from saikoku.dialplan import DialplanSettings
from saikoku.lab.asterisk import AsteriskInstance, free_port
from saikoku.lab.carrier import DESK_HZ, TALK_HZ
from saikoku.lab.obtain import AsteriskBuild
from saikoku.lab.pbx import Lab
from tests.integration.db.people import OFFICE
from tests.live.ami import Ami, connected
from tests.live.shift import PATIENCE, Shift
from tests.live.test_dialplan import a_second_passes, say_what_is_in
from tests.live.tones import whole_recording


class ImpatientLab(Lab):
    """A lab whose dialplan lets callers wait for few seconds only."""

    def dialplan_settings(self, office: AsteriskInstance) -> DialplanSettings:
        return replace(super().dialplan_settings(office), incoming_patience=8.0)


@pytest.fixture(scope="module")
def agi_address() -> Address:
    """Where the lab's dialplan looks for the server."""
    return Address("127.0.0.1", free_port())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def return_lab(
    asterisk_build: AsteriskBuild, tmp_path_factory: pytest.TempPathFactory, agi_address: Address
) -> AsyncIterator[Lab]:
    """A lab whose dialplan asks our server."""
    folder = tmp_path_factory.mktemp("return")
    async with ImpatientLab(folder, build=asterisk_build, agi_url=f"agi://{agi_address}") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def return_ami(return_lab: Lab) -> AsyncIterator[Ami]:
    """A connection to the lab's office; in the end every call is hung up."""
    async with connected(return_lab.ami_host, return_lab.ami_port, return_lab.ami_user, return_lab.ami_secret) as ami:
        yield ami
        await ami.hang_up_all()


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register with its base rows, to be copied."""
    path = tmp_path_factory.mktemp("laid") / "register.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)
    database.close()
    return path


class Office(Shift):
    """A shift that is called: people call back, and a second operator may be there."""

    async def rings(self, number: str) -> uuid.UUID:
        """A citizen calls; the call as the register knows it."""
        known = {row[0] for row in await self.database.ask(self._all)}
        await self.lab.call_office(number)
        await self.until("the call is known", lambda tx: bool({row[0] for row in self._all(tx)} - known))
        (call_id,) = {row[0] for row in await self.database.ask(self._all)} - known
        assert isinstance(call_id, uuid.UUID)
        return call_id

    @staticmethod
    def _all(tx: Connection) -> list[tuple[uuid.UUID]]:
        return [(row.id,) for row in tx.execute(select(Incoming.id))]

    async def becomes(self, call_id: uuid.UUID, state: IncomingState) -> None:
        def true(tx: Connection) -> bool:
            return tx.execute(select(Incoming.state).where(Incoming.id == call_id)).scalar_one() is state

        await self.until(f"incoming {state}", true)

    async def call_is(self, call_id: uuid.UUID, state: CallState) -> None:
        def true(tx: Connection) -> bool:
            return tx.execute(select(Call.state).where(Call.id == call_id)).scalar_one_or_none() is state

        await self.until(f"call {state}", true)

    async def colleague(self, seat: str = "1002") -> Viewer:
        """A second operator, whose phone is up."""

        def add() -> Viewer:
            self.small.seat(seat)
            return self.small.user("colleague")

        viewer = await asyncio.to_thread(add)
        await self.database.run(duty.take_seat, viewer, seat, self.clock.now())

        def ready(tx: Connection) -> bool:
            row = stored.duty(tx, viewer.user_id)
            return row is not None and row.state is DutyState.READY

        await self.until("the colleague is ready", ready)
        return viewer

    async def letter(self, debtor_id: int, channel: Channel = Channel.LETTER) -> uuid.UUID:
        """Something that the office sent yesterday."""
        contact_id = new_id()
        now = self.clock.now()

        def write(tx: Connection) -> None:
            tx.execute(
                insert(Contact).values(
                    id=contact_id, debtor_id=debtor_id, area=Area.TAX, channel=channel, at=now,
                    answered_by=AnsweredBy.NOBODY, disposition="no_answer", recorded_at=now,
                )
            )  # fmt: skip

        await self.database.run(write)
        return contact_id

    async def open_tasks(self) -> list[tuple[str, int | None]]:
        query = select(Task.kind, Task.debtor_id).where(Task.done_at.is_(None))
        return [(row.kind, row.debtor_id) for row in await self.database.ask(lambda tx: tx.execute(query).all())]

    @asynccontextmanager
    async def look_up(self, at: Address) -> AsyncIterator[None]:
        """The FastAGI server runs beside the test."""
        desk = open_desk(self.database, self.clock, OFFICE, 0.5)
        async with listening(Server(desk, networks("127.0.0.0/8")), at):
            yield
        await desk.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def office(
    return_lab: Lab, return_ami: Ami, tmp_path: Path, laid: Path, agi_address: Address
) -> AsyncIterator[Office]:
    """Bridge and look-up are running; nobody is on duty yet."""
    shutil.copy(laid, tmp_path / "register.db")
    made = Office(return_lab, tmp_path, tmp_path / "register.db")
    async with made.look_up(agi_address), made.bridge():
        yield made
    await made.database.aclose()


@pytest.mark.req("T5", "T13")
async def test_a_return_call_reaches_the_operator_is_recorded_and_answers_the_letter(
    office: Office, return_ami: Ami
) -> None:
    await office.ready()
    person, number = await office.person(0)
    letter = await office.letter(person)

    call_id = await office.rings(number)
    await office.call_is(call_id, CallState.TALKING)
    call = await office.database.ask(lambda tx: stored.current(tx, office.operator))
    assert call is not None
    assert (call.direction, call.debtor_id, call.number) == (Direction.IN, person, f"+81{number[1:]}")
    await a_second_passes(return_ami)
    await office.want(call_id, CommandKind.HOLD)
    await office.call_is(call_id, CallState.HELD)
    await office.want(call_id, CommandKind.RESUME)
    await office.call_is(call_id, CallState.TALKING)
    await a_second_passes(return_ami)
    await office.lab.hang_up_at_carrier(number)

    await office.duty_becomes(DutyState.WRAP_UP)
    contact_id = await office.database.run(
        results.record_result, office.operator, call_id, Entry("talked_self"), office.clock.now(), OFFICE
    )
    await office.duty_becomes(DutyState.READY)
    contact = await office.database.ask(lambda tx: tx.execute(select(Contact).where(Contact.id == contact_id)).one())
    assert (contact.channel, contact.answers_id) == (Channel.CALL_IN, letter)
    state, file, *_ = await office.recording(call_id)
    assert state is RecordingState.KEPT
    heard = say_what_is_in(await whole_recording(file))
    assert (heard[DESK_HZ], heard[TALK_HZ]) == (True, True)
    assert office.lab.office.complaints() == []


@pytest.mark.req("T5")
async def test_two_calls_at_once_reach_two_operators_and_a_third_waits_until_one_is_free(office: Office) -> None:
    await office.ready()
    colleague = await office.colleague()
    people = [await office.person(0) for _ in range(3)]

    first, second, third = [await office.rings(number) for _, number in people]

    await office.call_is(first, CallState.TALKING)
    await office.call_is(second, CallState.TALKING)
    row = await office.database.ask(lambda tx: stored.current(tx, colleague))
    assert row is not None
    assert row.id in {first, second}
    await office.becomes(third, IncomingState.WAITING)
    mine = first if row.id == second else second
    await office.want(mine, CommandKind.HANG_UP)
    await office.duty_becomes(DutyState.WRAP_UP)
    await office.database.run(
        results.record_result, office.operator, mine, Entry("talked_self"), office.clock.now(), OFFICE
    )
    await office.call_is(third, CallState.TALKING)
    waited = await office.database.ask(lambda tx: stored.current(tx, office.operator))
    assert waited is not None
    assert waited.id == third
    by = select(Call.ended_by).where(Call.id == mine)
    assert await office.database.ask(lambda tx: tx.execute(by).scalar_one()) == EndedBy.SCREEN


@pytest.mark.req("T5")
async def test_nobody_takes_the_call_and_a_task_is_left(office: Office) -> None:
    person, number = await office.person(0)

    call_id = await office.rings(number)

    await office.becomes(call_id, IncomingState.MISSED)  # the dialplan's patience is over
    assert await office.open_tasks() == [(incoming.MISSED_TASK, person)]


@pytest.mark.req("T5")
async def test_a_caller_who_hangs_up_while_it_rings_is_missed(office: Office) -> None:
    call_id = await office.rings("05012349999")
    kind = select(Incoming.kind).where(Incoming.id == call_id)
    assert await office.database.ask(lambda tx: tx.execute(kind).scalar_one()) is CallerKind.UNKNOWN

    async with asyncio.timeout(PATIENCE):
        while not await office.lab.hang_up_at_carrier("05012349999"):
            pass

    await office.becomes(call_id, IncomingState.MISSED)
    assert await office.open_tasks() == [(incoming.MISSED_TASK, None)]


@pytest.mark.req("T5", "T3")
async def test_a_bridge_that_was_away_takes_up_who_rings_and_who_talks(
    return_lab: Lab, return_ami: Ami, tmp_path: Path, laid: Path, agi_address: Address
) -> None:
    shutil.copy(laid, tmp_path / "register.db")
    office = Office(return_lab, tmp_path, tmp_path / "register.db")
    _, number = await office.person(0)
    async with office.look_up(agi_address):
        async with office.bridge():
            await office.ready()
            talking = await office.rings(number)
            await office.call_is(talking, CallState.TALKING)
        _, other = await office.person(0)
        await return_lab.call_office(other)
        await return_ami.event("UserEvent", UserEvent="SaikokuIncoming", Caller=other)
        async with office.bridge():
            await office.until("both are known", lambda tx: len(tx.execute(select(Incoming.id)).all()) == 2)
            await office.want(talking, CommandKind.HANG_UP)
            await office.call_is(talking, CallState.ENDED)
    await office.database.aclose()
