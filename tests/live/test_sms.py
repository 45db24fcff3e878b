"""`saikoku sms` as a process, against an SMSC that is not ours: every message's fate, whatever breaks."""

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from db.engine import Database
from db.findings import Level
from db.hints import Bell, follow, hints
from db.register import Register
from db.rules.sms import SmsState
from db.schema.base import new_id
from db.schema.people import Phone
from db.schema.sms import SmsMessage
from db.settings import Secret, Settings, SmppSettings
from db.tenure import Lease
from db.timing import RealTime
from db.usecases import sms, stop
from db.usecases.sms import ReadyMessage
from saikoku.lab.clock import LabClock
from saikoku.lab.smsc import SYSTEM_ID, LabSmsc
from sms_smpp.carriers import carriers_of
from sms_smpp.checks import check_carriers
from sms_smpp.inbox import Inbox
from sms_smpp.pdu import Address, Submission
from sms_smpp.receipts import Fate, receipt_of, text_of
from sms_smpp.sender import Sender
from sms_smpp.values import Refused
from tests.integration.db.people import ADMIN, NOW, OFFICE
from tests.live.cable import Cable
from tests.live.sms_crash import PLAIN, Crash, environ_of, fill, play
from tests.live.smscs import PATIENCE_SECONDS, Store, bound, node_smsc


@asynccontextmanager
async def sender(environ: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The daemon; in the end it is told to stop, and has."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "saikoku", "sms", env=environ)
    try:
        yield process
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_over(database: Database, folder: Path) -> Counter[SmsState]:
    """Wait until nothing is to be sent any more; how many messages stand how."""
    return await until(database, folder, lambda states: not states.keys() & {SmsState.QUEUED, SmsState.SUBMITTING})


async def until(
    database: Database, folder: Path, wanted: Callable[[Counter[SmsState]], bool]
) -> Counter[SmsState]:  # fmt: skip
    """Wait until the messages stand as wanted."""

    async def stand() -> Counter[SmsState]:
        query = select(SmsMessage.state, func.count()).group_by(SmsMessage.state)
        return await database.ask(lambda tx: Counter({row[0]: row[1] for row in tx.execute(query)}))

    async with asyncio.timeout(3 * PATIENCE_SECONDS), hints(database, folder / "run") as heard:
        changes = follow(database, heard)
        while not wanted(states := await stand()):
            await anext(changes)
    return states


@pytest.mark.req("S4", "S6")
async def test_the_sender_is_killed_and_its_link_cut_and_nothing_goes_out_twice(tmp_path: Path) -> None:
    verdict = await play(Crash(150, kills=2, cuts=2, seed=1), tmp_path, f"sqlite:///{tmp_path}/register.db")
    assert verdict.wrong == []
    assert verdict.counts["received"] > 0
    assert verdict.counts["unknown"] <= 4 * 50, "no more than are in hand at a time"


@pytest.mark.req("S1", "S4", "S6")
async def test_fates_come_into_the_register_and_a_stop_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    database = Database(f"sqlite:///{tmp_path}/register.db")
    fill(database, 90)
    try:
        async with node_smsc() as smsc:
            environ = environ_of(f"sqlite:///{tmp_path}/register.db", tmp_path, smsc.port, 5)
            async with sender(environ):
                await smsc.said("submit_sm", 10)
            assert len(smsc.of("unbind")) == 1
            with database.read() as tx:
                found = set(tx.execute(select(SmsMessage.state)).scalars())
            assert found <= {SmsState.QUEUED, SmsState.ACCEPTED, SmsState.DELIVERED, SmsState.FAILED}
            async with sender(environ):
                states = await until_over(database, tmp_path)
        assert states[SmsState.FAILED] == 30
        # this SMSC does not send again the receipt that comes in the moment of the goodbye
        assert states[SmsState.ACCEPTED] + states[SmsState.DELIVERED] == 60
        assert 20 <= states[SmsState.DELIVERED] <= 30
        assert len({(event["to"], event["header"]) for event in smsc.of("submit_sm")}) == len(smsc.of("submit_sm"))
    finally:
        await database.aclose()


@asynccontextmanager
async def sending(
    folder: Path, port: int, messages: int, prepare: Callable[[Database, int], object] = fill, **changes: object
) -> AsyncIterator[tuple[Database, "asyncio.Task[None]"]]:
    """A sender in this process, with so many messages to send."""
    (folder / "run").mkdir()
    database = Database(f"sqlite:///{folder}/register.db", ring=Bell(folder / "run"))
    prepare(database, messages)
    time, writing = RealTime(), asyncio.Lock()
    register = Register(database, LabClock(NOW - datetime.now(UTC)), time)
    agreed = SmppSettings("127.0.0.1", port, system_id="saikoku", password=Secret("tanuki7"), sender="0422112233")
    [carrier] = carriers_of(Settings(smpp=agreed), lambda route: Inbox(register, route.name, OFFICE, writing), time)
    lease = Lease(register, "sms", time)
    await lease.acquire()
    sender_ = Sender(register, lease, OFFICE, [replace(carrier, **changes)], writing, time)  # type: ignore[arg-type]
    try:
        async with hints(database, folder / "run") as heard:
            life = asyncio.create_task(sender_.run(heard))
            yield database, life
            life.cancel()
            await asyncio.wait([life])
    finally:
        await database.aclose()


@pytest.mark.req("S1", "S4", "S6")
async def test_what_is_queued_again_goes_out_once_and_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A carrier without room for the first message to each number, at once given back to the queue; and a link that is cut."""
    monkeypatch.setattr("sms_smpp.carriers.THROTTLE_PATIENCE", 0.0)
    monkeypatch.setattr("db.timing.Backoff.next", lambda _: 0.01)
    monkeypatch.setattr(sms, "TRY_AGAIN", timedelta(0))
    async with node_smsc() as smsc, Cable(smsc.port) as cable:
        async with sending(tmp_path, cable.port, 18, _fill_twice) as (database, _):
            await smsc.said("submit_sm", 4)
            cable.cut()
            await until(database, tmp_path, lambda states: not states.keys() & {SmsState.QUEUED, SmsState.SUBMITTING})
            with database.read() as tx:
                query = select(SmsMessage.number, SmsMessage.body, SmsMessage.state, SmsMessage.reason)
                rows = tx.execute(query.order_by(SmsMessage.id)).all()
        got = [(f"+{event['to']}", event["text"]) for event in smsc.of("submit_sm")]
        assert len(got) == len(set(got)), "nothing came twice"
        for number in {row.number for row in rows}:
            sent = [row.body for row in rows if row.number == number and (number, row.body) in got]
            assert [body for to, body in got if to == number] == sent, "in the order in which they were queued"
        assert {row.state for row in rows} <= {SmsState.ACCEPTED, SmsState.UNKNOWN}, rows
        accepted = {(row.number, row.body) for row in rows if row.state is SmsState.ACCEPTED}
        assert accepted <= set(got)


def _fill_twice(database: Database, messages: int) -> None:
    """To each number, of which the carrier has no room for the first message, two messages."""
    fill(database, messages, texts=("一通目です。",))
    with database.write() as tx:
        for row in tx.execute(select(SmsMessage)).all():
            number = f"{row.number[:-1]}4"
            if row.number[-1] != PLAIN:
                tx.execute(delete(SmsMessage).where(SmsMessage.id == row.id))
                continue
            tx.execute(update(Phone).where(Phone.id == row.phone_id).values(number=number))
            tx.execute(update(SmsMessage).where(SmsMessage.id == row.id).values(number=number))
            tx.execute(
                insert(SmsMessage).values({**row._mapping, "id": new_id(), "number": number, "body": "二通目です。"})
            )


@pytest.mark.req("S4")
async def test_a_carrier_that_sends_no_receipts_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sms_smpp.sender.ASKED_EVERY", 0.05)
    async with node_smsc() as smsc:
        async with sending(tmp_path, smsc.port, 9, query_after=timedelta(0)) as (database, _):
            await until(database, tmp_path, lambda states: states[SmsState.DELIVERED] == 6)
        assert {event["from"] for event in smsc.of("query_sm")} == {"0422112233"}


@pytest.mark.req("P4", "S6")
async def test_during_an_emergency_stop_the_sender_waits_and_asks_no_more_than_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, claim = [], sms.claim
    monkeypatch.setattr(sms, "claim", lambda *args: claims.append(1) or claim(*args))
    async with node_smsc() as smsc, sending(tmp_path, smsc.port, 9, _fill_and_stop) as (database, _):
        await smsc.said("bind_transceiver")
        while not claims:  # noqa: ASYNC110 - it looks once a second; nothing tells of it
            await asyncio.sleep(0.01)
        for _ in range(50):
            await database.ask(sms.is_due, NOW)
        assert len(claims) <= 3
        await database.run(stop.resume, ADMIN, NOW)
        await smsc.said("submit_sm", 9)


def _fill_and_stop(database: Database, messages: int) -> None:
    fill(database, messages)
    with database.write() as tx:
        stop.stop(tx, ADMIN, "訓練", NOW)


@pytest.mark.req("S6")
async def test_what_is_claimed_in_the_moment_of_the_end_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, ended, loop, claim = asyncio.Event(), threading.Event(), asyncio.get_running_loop(), sms.claim

    def slow(*args: Any) -> list[ReadyMessage]:
        ready = claim(*args)
        loop.call_soon_threadsafe(claimed.set)
        ended.wait(PATIENCE_SECONDS)
        return ready

    monkeypatch.setattr(sms, "claim", slow)
    async with node_smsc() as smsc, sending(tmp_path, smsc.port, 9) as (database, life):
        await asyncio.wait_for(claimed.wait(), PATIENCE_SECONDS)
        life.cancel()
        ended.set()
        await asyncio.wait([life])
        states = await database.ask(lambda tx: list(tx.execute(select(SmsMessage.state)).scalars()))
        assert states == [SmsState.QUEUED] * 9
        assert smsc.of("submit_sm") == []


@pytest.mark.req("S1")
async def test_doctor_binds_and_enquires(tmp_path: Path) -> None:
    async with node_smsc() as smsc:
        right = SmppSettings(
            "127.0.0.1", smsc.port, system_id="saikoku", password=Secret("tanuki7"), sender="0422112233"
        )
        found = await check_carriers(Settings(smpp=right))
        assert [finding.level for finding in found] == [Level.WARN, Level.OK]  # not encrypted; answers
        wrong = SmppSettings("127.0.0.1", smsc.port, system_id="other", password=Secret("tanuki7"), sender="0422112233")
        found = await check_carriers(Settings(smpp=wrong))
        assert found[-1].level is Level.BAD
        assert "ESME_RINVPASWD" in str(found[-1])
        assert "tanuki7" not in str(found)
        assert smsc.of("submit_sm") == []
    gone = await check_carriers(Settings(smpp=right))
    assert gone[-1].level is Level.BAD


@pytest.mark.req("S4", "S5")
async def test_the_labs_carrier_plays_the_phones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saikoku.lab.smsc.RECEIPT_AFTER", 0.01)
    store = Store()
    async with LabSmsc() as smsc, bound(smsc.port, store, system_id=SYSTEM_ID) as link:
        endings = {
            "85": Refused(0x0B),
            "00": Fate.DELIVERED,
            "31": Fate.EXPIRED,
            "95": Fate.UNDELIVERABLE,
            "93": "停止",
        }
        sent = {
            ending: await link.submit(Submission(Address("0312340001"), Address(f"8190000000{ending}"), b"text"))
            for ending in endings
        }
        assert sent["85"] == endings["85"]
        arrivals = await store.until(lambda all_: len(all_) == 5)
        fates = {one.source[-2:]: receipt.fate for one in arrivals if (receipt := receipt_of(one))}
        assert fates == {"00": Fate.DELIVERED, "31": Fate.EXPIRED, "95": Fate.UNDELIVERABLE, "93": Fate.DELIVERED}
        assert [text_of(one) for one in arrivals if not receipt_of(one)] == ["停止"]
