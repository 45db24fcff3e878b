"""The sender over a register, with a carrier that takes everything at once."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from db.engine import Database
from db.hints import hints
from db.register import Register
from db.rules.sms import PartOutcome, SmsState
from db.schema.sms import SmsMessage
from db.tenure import Lease
from db.timing import RealTime
from db.usecases import sms
from saikoku.lab.clock import LabClock
from sms_smpp.carriers import Carrier
from sms_smpp.pdu import Address, Submission
from sms_smpp.routes import Route
from sms_smpp.sender import Sender
from sms_smpp.values import Accepted, LinkState, Outcome, Phase
from tests.integration.db import test_sms
from tests.integration.db.people import NOW, OFFICE, SmallOffice

PATIENCE_SECONDS = 20.0  # only bounds a test that would otherwise hang; nothing is asserted about it


class Link:
    """Up from the beginning."""

    state = LinkState(Phase.UP, 1)

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._stopped, self._news = asyncio.Event(), asyncio.Condition()

    async def run(self) -> None:
        await self._stopped.wait()

    def stop(self) -> None:
        self._stopped.set()

    async def submit(self, submission: Submission) -> Outcome:
        async with self._news:
            self.taken.append(submission.tag.partition("/")[0])
            self._news.notify_all()
        return Accepted(str(len(self.taken)))

    async def has(self, *messages: uuid.UUID) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(lambda: {str(one) for one in messages} <= set(self.taken))


class Held:
    """The claim of everything, stopped before its end until it is let go; and the answer to the commit of one of single messages
    lost, if so wanted."""

    def __init__(self, *, lost: bool) -> None:
        self.claimed, self.let_go = asyncio.Event(), threading.Event()
        self._loop, self._claim, self._lost = asyncio.get_running_loop(), sms.claim, lost

    def claim(self, *args: Any, single: bool = False) -> Any:
        ready = self._claim(*args, single=single)
        if not single:
            self._loop.call_soon_threadsafe(self.claimed.set)
            self.let_go.wait(PATIENCE_SECONDS)
        return ready

    def committed(self, run: Callable[..., Any]) -> Callable[..., Any]:
        async def answer(function: Callable[..., Any], *args: Any) -> Any:
            result = await run(function, *args)
            if self._lost and function.__name__ == "_claim_singles" and result:
                self._lost = False
                self.let_go.set()
                raise OperationalError("COMMIT", {}, OSError("the connection is gone"))
            return result

        return answer


@pytest.mark.req("S2", "S6")
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("lost", [False, True])
async def test_a_single_message_does_not_wait_for_the_claim_that_is_under_way(
    url: str, database: Database, small: SmallOffice, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, *, lost: bool
) -> None:
    """Nor is it lost, or sent twice, if the answer to the commit of its own claim is."""
    desk = test_sms.Sender(database, small)
    others = [desk.queue(debtor=small.debtor(phone=f"+81902222000{n}")) for n in range(3)]
    held, link, time = Held(lost=lost), Link(), RealTime()
    monkeypatch.setattr(sms, "claim", held.claim)
    daemon = Database(url, threaded=True)
    monkeypatch.setattr(daemon, "run", held.committed(daemon.run))
    register = Register(daemon, LabClock(NOW - datetime.now(UTC)), time)
    lease = Lease(register, "sms", time)
    await lease.acquire()
    carrier = Carrier(Route("a", Address("0422112233")), link, 50)  # type: ignore[arg-type]
    sender = Sender(register, lease, OFFICE, [carrier], asyncio.Lock(), time)
    async with hints(daemon, tmp_path) as heard, hints(daemon, tmp_path, but_own=True) as of_others:
        life = asyncio.create_task(sender.run(heard, of_others))
        try:
            await asyncio.wait_for(held.claimed.wait(), PATIENCE_SECONDS)
            single = desk.queue()
            await link.has(single)
            if not lost:
                assert link.taken == [str(single)], "before anything of the claim that is held up"
            held.let_go.set()
            await link.has(*others)
        finally:
            held.let_go.set()
            life.cancel()
            await asyncio.wait([life])
    assert sorted(link.taken) == sorted(map(str, (single, *others)))
    with database.read() as tx:
        assert set(tx.execute(select(SmsMessage.state)).scalars()) == {SmsState.ACCEPTED}
    await daemon.aclose()


@pytest.mark.req("S4")
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_the_sender_asks_is_found_by_keys_also_before_postgresql_counted_anything(
    url: str, database: Database, small: SmallOffice
) -> None:
    """A plan that was made while there were no receipts is kept while 100,000 come: it must not be to read all of them."""
    desk = test_sms.Sender(database, small)
    desk.database = by_key = Database(url, by_key=True)
    with pytest.raises(LookupError), by_key.write():
        raise LookupError  # a transaction that is taken back takes nothing of it along
    with by_key.read() as tx:
        assert [tx.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("enable_seqscan", "jit")] == ["off", "off"]
    plans: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if any(table in statement for table in ("sms_part", "sms_receipt")):
            plans.extend(row[0] for row in cursor.connection.execute(f"EXPLAIN {statement}", parameters))

    event.listen(by_key.engine, "before_cursor_execute", note)
    desk.sent(PartOutcome(SmsState.ACCEPTED, "1a", ("1a",)))
    assert desk.receipt(("1a",), SmsState.DELIVERED)
    event.remove(by_key.engine, "before_cursor_execute", note)
    assert [plan for plan in plans if "Index" in plan]
    assert not [plan for plan in plans if "Seq Scan on sms_" in plan], plans
    by_key.close()
