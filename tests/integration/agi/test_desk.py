"""Who is calling, from a real register; and a register that is locked, gone or silent: the call goes on without."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert

from agi.desk import UNANSWERED, Desk, PoolRegister, open_desk
from db.clock import FixedClock
from db.engine import Database
from db.quick import RegisterUnavailable
from db.reference.phones import parse_phone
from db.rules.callers import Caller, CallerKind
from db.rules.terms import AnsweredBy, Area, Channel
from db.schema.base import new_id
from db.schema.contacts import Contact
from db.store import callers, office
from tests.integration.agi.peers import running
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice
from tests.unit.agi.asterisk import HEAD

NUMBER = "+815012340007"
LINE = "0312340001"
SOON = 0.2


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    made = open_desk(database, FixedClock(NOW), OFFICE, 5.0)
    yield made
    await made.aclose()
    await database.aclose()


async def who(desk: Desk, number: str = NUMBER, dialled: str = LINE) -> Caller:
    return await desk.who(parse_phone(number), dialled)


@pytest.mark.req("T5")
async def test_a_caller_on_the_record_is_known_before_a_phone_rings(small: SmallOffice, desk: Desk) -> None:
    debtor_id = small.debtor(phone=NUMBER)
    operator = small.user("op").user_id
    letter = new_id()
    with small.database.write() as tx:
        tx.execute(
            insert(Contact).values(
                id=letter,
                debtor_id=debtor_id,
                area=Area.TAX,
                channel=Channel.CALL_OUT,
                at=NOW - timedelta(days=3),
                user_id=operator,
                answered_by=AnsweredBy.SELF,
                disposition="no_answer",
                recorded_at=NOW,
            )
        )
    async with running(desk) as at:
        peer = await at.connect()
        peer.say(HEAD)
        said = await peer.line()
        peer.say("200 result=0\n")
        await peer.closed()
    assert said == (
        f'EXEC MSet "SAIKOKU_CALLER_KIND=known,SAIKOKU_CALLER_E164={NUMBER},SAIKOKU_AREA=tax,'
        f'SAIKOKU_CANDIDATES={debtor_id},SAIKOKU_LAST_OPERATOR={operator},SAIKOKU_ANSWERS={letter}"'
    )


@pytest.mark.req("T5")
async def test_several_with_the_number_are_all_listed(small: SmallOffice, desk: Desk) -> None:
    ids = (small.debtor(phone=NUMBER), small.debtor("山田 花子", "ヤマダ ハナコ", phone=NUMBER))
    assert await who(desk) == Caller(CallerKind.SEVERAL, NUMBER, Area.TAX, ids)


@pytest.mark.req("T5")
async def test_numbers_on_no_record_go_on_with_what_is_known_of_them(desk: Desk) -> None:
    assert (await who(desk)).kind is CallerKind.UNKNOWN
    assert (await who(desk, "+16502530000")).kind is CallerKind.FOREIGN
    assert (await who(desk, "0120123456")).kind is CallerKind.SERVICE
    assert await desk.who(CallerKind.HIDDEN, LINE) == Caller(CallerKind.HIDDEN)


@pytest.mark.req("T5", "T15")
async def test_the_number_that_was_called_decides_the_area(small: SmallOffice, desk: Desk) -> None:
    tax, health = small.debtor(phone=NUMBER), small.debtor(phone=NUMBER, area=Area.HEALTH, owes=0)
    with small.database.write() as tx:
        office.put(tx, ADMIN, callers.LINES, {"0312340002": "health"}, NOW)
    assert (await who(desk, dialled=LINE)).candidates == (tax,)
    found = await who(desk, dialled="0312340002")
    assert (found.area, found.candidates) == (Area.HEALTH, (health,))
    assert await desk.who(CallerKind.HIDDEN, "0312340002") == Caller(CallerKind.HIDDEN, area=Area.HEALTH)


@pytest.mark.req("T5")
async def test_a_changed_list_of_numbers_is_read_after_a_while(small: SmallOffice, database: Database) -> None:
    clock = FixedClock(NOW)
    desk = open_desk(database, clock, OFFICE, 5.0)
    assert (await who(desk)).area is Area.TAX
    with small.database.write() as tx:
        office.put(tx, ADMIN, callers.LINES, {LINE: "public"}, NOW)
    assert (await who(desk)).area is Area.TAX
    clock.set(NOW + timedelta(seconds=6))
    assert (await who(desk)).area is Area.PUBLIC
    await desk.aclose()
    await database.aclose()


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Somebody holds the whole register."""
    if database.is_sqlite:
        database.close()
        other = sqlite3.connect(database.file, isolation_level=None)
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("UPDATE debtor SET kana = kana")
        yield
        other.close()
        return
    with psycopg.connect(database.dsn) as connection:
        connection.execute("LOCK TABLE phone, office_setting IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.req("T5")
async def test_while_the_register_is_locked_calls_go_on_without_it(small: SmallOffice, database: Database) -> None:
    debtor_id = small.debtor(phone=NUMBER)
    desk = open_desk(database, FixedClock(NOW), OFFICE, SOON)
    with locked(database):
        async with asyncio.timeout(20):
            assert await who(desk) == Caller(CallerKind.UNASKED, NUMBER)
            assert await desk.who(CallerKind.HIDDEN, LINE) == Caller(CallerKind.HIDDEN)
    patient = open_desk(database, FixedClock(NOW), OFFICE, 10.0)
    assert (await who(patient)).candidates == (debtor_id,)
    await desk.aclose()
    await patient.aclose()
    await database.aclose()


@pytest.mark.req("T5")
async def test_a_register_that_is_gone_does_not_stop_a_call(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/absent.db", f"postgresql://saikoku@/x?host={tmp_path}"):
        database = Database(url)
        desk = open_desk(database, FixedClock(NOW), OFFICE, 5.0)
        async with running(desk) as at:
            assert await at.answers()
        assert (await who(desk)).kind is CallerKind.UNASKED
        await database.aclose()


@pytest.mark.req("T5")
async def test_a_server_that_takes_the_connection_and_says_nothing_does_not_stop_a_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        database = Database(f"postgresql://saikoku:x@127.0.0.1:{port}/x")
        desk = open_desk(database, FixedClock(NOW), OFFICE, SOON)
        async with asyncio.timeout(20), running(desk) as at:
            assert await at.answers()
        assert await asyncio.wait_for(who(desk), 20) == Caller(CallerKind.UNASKED, NUMBER)
    await desk.aclose()
    await database.aclose()


class StuckRegister(PoolRegister):
    """Where cancelling does not help either."""

    def __init__(self) -> None:
        super().__init__(Database("postgresql:///x"), 0.001)
        self.opened: list[asyncio.Future[None]] = []

    async def _put(self, question: object) -> None:  # type: ignore[override]
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.opened.append(waiting)
        while not waiting.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(waiting)


@pytest.mark.req("T5")
async def test_questions_left_behind_do_not_pile_up() -> None:
    register = StuckRegister()
    for _ in range(UNANSWERED + 20):
        with suppress(RegisterUnavailable):
            await register.ask(callers.lines())
    for waiting in register.opened:
        waiting.set_result(None)
    await register.aclose()
    assert len(register.opened) == UNANSWERED
