"""An office that is called back, for live tests: a lab that asks our look-up, a bridge, and operators who may be there."""

import asyncio
import shutil
import uuid
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert, select

from agi.desk import open_desk
from agi.server import Server, listening, networks
from db.engine import Database
from db.migrations import upgrade
from db.rules.telephony import CallState, DutyState, IncomingState
from db.rules.terms import AnsweredBy, Area, Channel
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.calls import Call, Incoming
from db.schema.contacts import Contact
from db.schema.work import Task
from db.settings import Address
from db.store import calls as stored
from db.usecases import duty, foundation, incoming
from db.usecases.incoming import Pop
from saikoku import prompts
from saikoku.dialplan import DialplanSettings
from saikoku.lab.asterisk import AsteriskInstance, free_port
from saikoku.lab.obtain import AsteriskBuild
from saikoku.lab.pbx import Lab
from tests.integration.db.people import OFFICE
from tests.live.ami import Ami, connected
from tests.live.shift import Shift


class ImpatientLab(Lab):
    """A lab whose dialplan lets callers wait for few seconds only, with prompts of its own that are soon over."""

    def dialplan_settings(self, office: AsteriskInstance) -> DialplanSettings:
        found = super().dialplan_settings(office)
        hurry(Path(found.sounds))
        return replace(found, incoming_ring=0.2, incoming_remind=2.0, incoming_patience=6.0)


def hurry(sounds: Path) -> None:
    """Prompts of a tenth of a second."""
    sounds.mkdir(exist_ok=True)
    for name in prompts.names():
        with wave.open(str(sounds / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(1600))


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

    async def colleague(self, seat: str = "1002", level: str = "operator") -> Viewer:
        """Somebody else at a seat, whose phone is up."""

        def add() -> Viewer:
            self.small.seat(seat)
            return self.small.user("colleague", level)

        viewer = await asyncio.to_thread(add)
        await self.database.run(duty.take_seat, viewer, seat, self.clock.now())

        def ready(tx: Connection) -> bool:
            row = stored.duty(tx, viewer.user_id)
            return row is not None and row.state is DutyState.READY

        await self.until("the colleague is ready", ready)
        return viewer

    async def is_at(self, viewer: Viewer, state: DutyState) -> None:
        def true(tx: Connection) -> bool:
            row = stored.duty(tx, viewer.user_id)
            return row is not None and row.state is state

        await self.until(f"{viewer.login} {state}", true)

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

    async def spoke(self, debtor_id: int, viewer: Viewer) -> None:
        """Somebody of the office spoke with them yesterday."""

        def write(tx: Connection) -> None:
            tx.execute(
                insert(Contact).values(
                    id=new_id(), debtor_id=debtor_id, area=Area.TAX, channel=Channel.CALL_OUT,
                    at=self.clock.now() - timedelta(days=1), user_id=viewer.user_id, answered_by=AnsweredBy.SELF,
                    disposition="talked_self", recorded_at=self.clock.now(),
                )
            )  # fmt: skip

        await self.database.run(write)

    async def pop(self, call_id: uuid.UUID) -> Pop:
        """What the operator's screen shows of the call."""

        def shown(tx: Connection) -> Pop | None:
            call = stored.own(tx, self.operator, call_id)
            return incoming.pop(tx, self.operator, call) if call else None

        found = await self.database.ask(shown)
        assert found is not None
        return found

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
