"""Return calls on a real Asterisk: who is calling is known with the event by which the bridge learns of the call."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from agi.desk import Desk, open_desk
from agi.handlers import HANDLERS, Handler
from agi.server import Server, listening, networks
from agi.session import Session
from agi.verbs import set_variable
from ami_bridge import variables as names
from db.clock import FixedClock
from db.engine import Database
from db.migrations import upgrade
from db.rules.callers import Caller, CallerKind
from db.rules.terms import Area
from db.settings import Address
from db.store import callers, office
from db.usecases import foundation
from saikoku.lab.asterisk import free_port
from saikoku.lab.obtain import AsteriskBuild
from saikoku.lab.pbx import Lab
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice
from tests.live.ami import Ami, connected

KNOWN, UNKNOWN = "05012340007", "05012340009"
AWKWARD = 'a "b" \\ c,d=e;f ${X} (g) 山'


@pytest.fixture(scope="module")
def agi_address() -> Address:
    """Where the lab's dialplan looks for the server."""
    return Address("127.0.0.1", free_port())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def agi_lab(
    asterisk_build: AsteriskBuild, tmp_path_factory: pytest.TempPathFactory, agi_address: Address
) -> AsyncIterator[Lab]:
    """A lab whose dialplan asks our server."""
    folder = tmp_path_factory.mktemp("agi")
    async with Lab(folder, build=asterisk_build, agi_url=f"agi://{agi_address}") as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def agi_ami(agi_lab: Lab) -> AsyncIterator[Ami]:
    """A connection to the lab's office."""
    async with connected(agi_lab.ami_host, agi_lab.ami_port, agi_lab.ami_user, agi_lab.ami_secret) as connection:
        yield connection
        await connection.hang_up_all()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallOffice:
    """A register with a few people."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('register')}/register.db")
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)
        office.put(tx, ADMIN, callers.LINES, {"0312340002": "health"}, NOW)
    return SmallOffice(database)


@asynccontextmanager
async def answering(
    small: SmallOffice, at: Address, handlers: dict[str, Handler] | None = None
) -> AsyncIterator[Server]:
    desk = open_desk(small.database, FixedClock(NOW), OFFICE, 0.5)
    server = Server(desk, networks("127.0.0.0/8"), handlers or HANDLERS)
    async with listening(server, at):
        yield server
    await desk.aclose()


async def call(lab: Lab, ami: Ami, caller: str, dialled: str = "0312340001") -> Caller:
    """Somebody calls the office; what the bridge is told of them."""
    before = sum(event.get("UserEvent") == names.EVENT_INCOMING for event in ami.events)
    await lab.call_office(caller, dialled)
    event = await ami.event("UserEvent", UserEvent=names.EVENT_INCOMING, times=before + 1)
    assert event["Dialed"] == dialled
    return Caller.from_headers(event)


@pytest.mark.req("T5", "P2")
async def test_who_calls_back_is_known_before_a_desk_phone_rings(
    agi_lab: Lab, agi_ami: Ami, small: SmallOffice, agi_address: Address
) -> None:
    one = small.debtor(phone="+81" + KNOWN[1:])
    other = small.debtor("山田 花子", "ヤマダ ハナコ", phone="+81" + KNOWN[1:])
    health = small.debtor("山田 次郎", "ヤマダ ジロウ", phone="+81" + KNOWN[1:], area=Area.HEALTH, owes=0)
    async with answering(small, agi_address) as server:
        known = await call(agi_lab, agi_ami, KNOWN)
        on_the_health_line = await call(agi_lab, agi_ami, KNOWN, "0312340002")
        unknown = await call(agi_lab, agi_ami, UNKNOWN)
        hidden = await call(agi_lab, agi_ami, "anonymous")
        malformed = await call(agi_lab, agi_ami, "1234")
    assert known == Caller(CallerKind.SEVERAL, "+815012340007", Area.TAX, (one, other))
    assert on_the_health_line == Caller(CallerKind.KNOWN, "+815012340007", Area.HEALTH, (health,))
    assert unknown == Caller(CallerKind.UNKNOWN, "+815012340009")
    assert hidden == Caller(CallerKind.HIDDEN)
    assert malformed == Caller(CallerKind.MALFORMED)
    assert server.ended == {"answered": 5}
    assert agi_lab.office.complaints() == []


@pytest.mark.req("T5")
async def test_without_the_server_the_call_rings_all_the_same(agi_lab: Lab, agi_ami: Ami) -> None:
    assert await call(agi_lab, agi_ami, KNOWN) == Caller(CallerKind.UNASKED)


@pytest.mark.req("T5")
async def test_with_the_register_gone_the_call_rings_all_the_same(
    agi_lab: Lab, agi_ami: Ami, small: SmallOffice, agi_address: Address, tmp_path: Path
) -> None:
    shutil.copy(small.database.file, tmp_path / "gone.db")
    elsewhere = SmallOffice(Database(f"sqlite:///{tmp_path}/gone.db"))
    (tmp_path / "gone.db").unlink()
    async with answering(elsewhere, agi_address):
        assert await call(agi_lab, agi_ami, KNOWN) == Caller(CallerKind.UNASKED, "+815012340007")


@pytest.mark.req("T5")
async def test_a_caller_who_hangs_up_during_the_look_up_is_noticed(
    agi_lab: Lab, agi_ami: Ami, small: SmallOffice, agi_address: Address
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(session: Session, desk: Desk) -> None:
        asked.set()
        await answer.wait()
        await HANDLERS["incoming"](session, desk)

    async with answering(small, agi_address, {"incoming": slow}) as server:
        await agi_lab.call_office(UNKNOWN)
        await asyncio.wait_for(asked.wait(), 20)
        channel = [event for event in agi_ami.events if event["Event"] == "Newchannel"][-1]
        await agi_ami.do("Hangup", Channel=channel["Channel"])
        answer.set()
        await agi_ami.event("Hangup", Uniqueid=channel["Uniqueid"])
        async with asyncio.timeout(20):
            while not server.ended:  # noqa: ASYNC110 - the end of a connection gives no event here
                await asyncio.sleep(0.01)
    assert server.ended == {"agi_hung_up": 1}


@pytest.mark.req("T5")
async def test_the_quoting_is_asterisks_own(
    agi_lab: Lab, agi_ami: Ami, small: SmallOffice, agi_address: Address
) -> None:
    """A variable set to awkward text comes back as it was; commands that Asterisk refuses do not shift later replies."""
    read: list[str] = []

    async def awkward(session: Session, desk: Desk) -> None:
        assert (await session.command("NONSENSE")).code == 510
        assert (await session.command("SET VARIABLE")).code == 520
        await set_variable(session, "AWKWARD", AWKWARD)
        read.append((await session.command("GET VARIABLE AWKWARD")).data)

    async with answering(small, agi_address, {"incoming": awkward}) as server:
        await call(agi_lab, agi_ami, UNKNOWN)
    assert server.ended == {"answered": 1}
    assert read == [AWKWARD]


@pytest.mark.req("T5")
async def test_a_caller_cannot_write_headers_of_the_event(
    agi_lab: Lab, agi_ami: Ami, small: SmallOffice, agi_address: Address
) -> None:
    async with answering(small, agi_address):
        number = "0501,Kind: known,Candidates: 1"
        await agi_ami.originate(
            "Local/0312340001@saikoku-incoming/n", "forged", names.CONTEXT_HOLD, "s", CallerID=f'"x" <{number}>'
        )
        event = await agi_ami.event("UserEvent", UserEvent=names.EVENT_INCOMING, Linkedid="forged")
    assert event["Caller"] == "0501KindknownCandidates1"
    assert Caller.from_headers(event).candidates == ()
    assert event["Kind"] == CallerKind.MALFORMED
