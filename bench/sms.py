"""Messages a second to one SMSC, window 50: the whole path of `saikoku sms` (rule of contact, history, every state stored) on SQLite
and on PostgreSQL, beside (a) our codec in a bare loop without a store, (b) Kannel's bearerbox draining its spool store, and
(c) `aiosmpplib`, which has no store either. The same sender with what a gateway's store knows only (queued, being sent, the carrier's
answer; see `stored`) is what stands beside Kannel. And how long a single message waits during a batch.

The SMSC is `smpp34`'s, in a process of its own; it accepts everything at once and says when the first and the last message came. That is
what is timed, the same for everybody.

`python -m bench.sms smsc PORT COUNT`, `… bare PORT COUNT`, `… aiosmpplib PORT COUNT` and `… stored` are those processes.
"""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import aiohttp
import smpp34
from sqlalchemy import ColumnElement, Connection, cast, func, insert, literal, select, true, type_coerce, update
from sqlalchemy.types import TypeEngine

from bench.rows import Row, percentile
from db.engine import Database
from db.hints import Bell
from db.outbox import publish
from db.rules.sms import message_state
from db.rules.terms import AnsweredBy, Area, Channel
from db.schema.base import UtcDateTime, new_id
from db.schema.contacts import Contact
from db.schema.people import Phone
from db.schema.sms import SmsMessage
from db.store.bulk import learn
from db.usecases import sms, sms_fate
from db.usecases.office import Office
from saikoku.__main__ import main
from saikoku.lab.asterisk import free_port
from sms_smpp.pdu import Address, Submission, bind, numbered, submit_sm
from tests.integration.db.people import NOW
from tests.live.havoc.servers import Postgres
from tests.live.sms_crash import environ_of, fill

MESSAGES: Final = 10_000
WINDOW: Final = 50
SINGLES: Final = 40
SENT: Final = 1_000
BAR: Final = 2_000.0
SINGLE_BAR: Final = 100.0
CACHES: Final = 64.0
"""What SQLite keeps of a register that is large enough: 16 MB for each of the sender's connections."""
PATIENCE: Final = 60.0
TEXT: Final = "桜市役所です。0422-11-2233までお電話ください。"
SENDER: Final = Address("0422112233")


def run() -> Sequence[Row]:
    """Everybody in turn."""
    rates = {
        "our codec in a bare loop, no store": _of_child("bare"),
        "aiosmpplib, no store": _of_child("aiosmpplib"),
        "Kannel's bearerbox, draining its spool store": _kannel(),
    }
    rows = [Row(f"{name}: messages/s", rate, "1/s") for name, rate in rates.items() if rate]
    kannel = rates["Kannel's bearerbox, draining its spool store"]
    for name, postgres in (("SQLite", False), ("PostgreSQL", True)):
        rate, memory, waits = asyncio.run(_ours(postgres=postgres))
        rows += [
            Row(f"saikoku sms on {name}, rule of contact and history: messages/s", rate, "1/s", BAR, below=False),
            Row(f"saikoku sms on {name}: resident at most", memory, "MB"),
            Row(f"a single message during a batch on {name}: queue to submit, p99", percentile(waits, 0.99), "ms",
                SINGLE_BAR),
        ]  # fmt: skip
        rate, _, _ = asyncio.run(_ours(postgres=postgres, command=("bench.sms", "stored"), single=0))
        rows.append(Row(f"its link with its store alone on {name}: messages/s", rate, "1/s"))
        if kannel:
            over = rate / kannel
            rows.append(
                Row(f"its link with its store alone on {name} over Kannel with its", over, "times", 0.8, below=False)
            )
    for name, postgres in (("SQLite", False), ("PostgreSQL", True)):
        few, many = (asyncio.run(_resident(count, postgres=postgres)) for count in (1_000, 1_000_000))
        rows.append(Row(f"saikoku sms on {name}: resident with 1,000 messages queued", few, "MB"))
        rows.append(Row(f"saikoku sms on {name}: resident with 1,000,000 queued beyond that", many - few, "MB", CACHES))
    return rows


# -- the SMSC ------------------------------------------------------------------------------------------------------------------


async def serve(port: int, count: int) -> None:
    """Accept `count` messages; say when it listens, when each number first came if few, and the rate in the end."""
    server = smpp34.Server(host="127.0.0.1", port=port, system_id="bench", inbound_capacity=4 * MESSAGES)
    await server.start()
    print("listening", flush=True)
    taken, first = 0, 0.0
    while taken < count:
        event = await server.next()
        if isinstance(event, smpp34.SubmitSmEvent):
            taken += 1
            event.accept(message_id=f"{taken:x}")
            if not first:
                first = time.monotonic()
                print(json.dumps({"first": first}), flush=True)
            if event.destination_addr.startswith("8170"):  # a single one
                print(json.dumps({"number": event.destination_addr, "at": time.time()}), flush=True)
    print(json.dumps({"rate": (count - 1) / (time.monotonic() - first)}), flush=True)
    await asyncio.sleep(1.0)  # for the last answers to go out
    await server.stop()


@contextmanager
def smsc(count: int, port: int | None = None) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """That process, listening."""
    chosen = port or free_port()
    command = [sys.executable, "-m", "bench.sms", "smsc", str(chosen), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline().strip() != "listening":
                raise RuntimeError("the SMSC did not start")
            yield chosen, process
        finally:
            process.kill()


def told(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    """What the SMSC says, up to its rate."""
    assert process.stdout is not None
    for line in process.stdout:
        said: dict[str, Any] = json.loads(line)
        yield said
        if "rate" in said:
            return
    raise RuntimeError("the SMSC ended before all messages came")


def _rate(process: "subprocess.Popen[str]") -> float:
    return next(float(said["rate"]) for said in told(process) if "rate" in said)


# -- the others ------------------------------------------------------------------------------------------------------------------


def _of_child(name: str) -> float:
    """0 where it is not installed, or where not everything has come after `PATIENCE`."""
    if name == "aiosmpplib" and find_spec(name) is None:
        print("aiosmpplib is not installed: its row is missing", flush=True)
        return 0.0
    with smsc(MESSAGES) as (port, process):
        child = subprocess.Popen([sys.executable, "-m", "bench.sms", name, str(port), str(MESSAGES)])
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()
        try:
            return _rate(process)
        except RuntimeError:
            print(f"{name}: not all {MESSAGES:,} messages came within {PATIENCE:.0f} s: its row is missing", flush=True)
            return 0.0
        finally:
            alarm.cancel()
            child.kill()
            child.wait()


async def bare(port: int, count: int) -> None:
    """Our codec and a window, and nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(bind("transceiver", 1, "saikoku", "tanuki7", ""))
    numbers = itertools.count(2)
    left, free = count, 0

    async def read() -> None:
        head = await reader.readexactly(16)
        await reader.readexactly(int.from_bytes(head[:4]) - 16)

    await read()
    free = WINDOW
    while left:
        for _ in range(min(free, left)):
            at = next(numbers)
            frame = submit_sm(0, Submission(SENDER, Address(f"8190{at:08d}"), TEXT.encode("utf-16-be"), 8))
            writer.write(numbered(frame, at))
            left, free = left - 1, free - 1
        await read()
        free += 1
    await asyncio.Event().wait()


async def aiosmpplib(port: int, count: int) -> None:
    """As its own README does it; it has no window, but a sequence of its own. Its queue holds 2,500: whoever fills it before the start
    waits for ever."""
    from aiosmpplib import ESME, PhoneNumber, SubmitSm

    esme = ESME("127.0.0.1", port, system_id="saikoku", password="tanuki7", log_level=40)  # noqa: S106
    sender = PhoneNumber("0422112233")

    async def fill() -> None:
        for at in range(count):
            to = PhoneNumber(f"8190{at:08d}")
            await esme.broker.enqueue(SubmitSm(short_message=TEXT, source=sender, destination=to, log_id=str(at)))

    await asyncio.gather(fill(), esme.start())


def _kannel() -> float:
    """Fill bearerbox's spool over smsbox while no SMSC is there, then let one come up."""
    if not Path("/usr/sbin/bearerbox").exists():
        print("Kannel is not installed: its row is missing", flush=True)
        return 0.0
    with tempfile.TemporaryDirectory(prefix="saikoku-kannel-") as made:
        folder = Path(made)
        (folder / "spool").mkdir()
        port, admin, box, http = (free_port() for _ in range(4))
        config = folder / "kannel.conf"
        config.write_text(_KANNEL.format(port=port, admin=admin, box=box, http=http, folder=folder, window=WINDOW))
        with contextlib.ExitStack() as stack:
            for program in ("bearerbox", "smsbox"):
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                process = subprocess.Popen([f"/usr/sbin/{program}", "-v", "4", str(config)], **quiet)  # type: ignore[call-overload]
                stack.callback(process.wait)
                stack.callback(process.kill)
                time.sleep(1.0)  # smsbox gives up where there is no bearerbox yet
            asyncio.run(_fill_kannel(http))
            with smsc(MESSAGES, port) as (_, receiver):
                return _rate(receiver)


_KANNEL: Final = """\
group = core
admin-port = {admin}
admin-password = x
smsbox-port = {box}
store-type = spool
store-location = {folder}/spool
log-level = 4
sms-resend-freq = 1

group = smsc
smsc = smpp
smsc-id = a
host = 127.0.0.1
port = {port}
smsc-username = saikoku
smsc-password = tanuki7
system-type = ""
transceiver-mode = true
max-pending-submits = {window}
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}

group = sendsms-user
username = bench
password = bench
"""


async def _fill_kannel(http: int) -> None:
    numbers = iter(range(MESSAGES))
    words = {
        "username": "bench",
        "password": "bench",
        "from": "0422112233",
        "coding": "2",
        "charset": "UTF-8",
        "text": TEXT,
    }

    async def feed(session: aiohttp.ClientSession) -> None:
        for at in numbers:
            query = urllib.parse.urlencode(words | {"to": f"8190{at:08d}"})
            async with session.get(f"/cgi-bin/sendsms?{query}") as answer:
                if answer.status != 202:
                    raise RuntimeError(f"Kannel: {answer.status} {await answer.text()}")

    async with aiohttp.ClientSession(f"http://127.0.0.1:{http}") as session:
        await asyncio.gather(*(feed(session) for _ in range(20)))


# -- ours ------------------------------------------------------------------------------------------------------------------------


async def _ours(
    *, postgres: bool, command: Sequence[str] = ("saikoku", "sms"), single: int = SINGLES
) -> tuple[float, float, list[float]]:
    """The rate, the memory of the sender, and how long each of so many single messages waited."""
    async with _register(postgres=postgres) as (url, folder):
        database = Database(url, ring=Bell(folder / "run"))
        (folder / "run").mkdir()
        fill(database, MESSAGES + single, texts=(TEXT,))
        _remember(database)
        singles = _hold_back_singles(database, single)
        with smsc(MESSAGES + single) as (port, process):
            environ = environ_of(url, folder, port, WINDOW)
            child = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, env=environ)
            try:
                heard = told(process)
                await asyncio.to_thread(next, heard)  # the first message
                hearing = asyncio.create_task(asyncio.to_thread(list, heard))
                let_go = await _send_singles(database, singles)
                found = await hearing
                memory = _peak(child.pid)
            finally:
                child.terminate()
                await child.wait()
        await database.aclose()
    waits = [(one["at"] - let_go[one["number"]]) * 1000 for one in found if "number" in one]
    return float(found[-1]["rate"]), memory, waits


def stored() -> None:
    """`saikoku sms` with the store of a gateway: its own lease, loop, link and transactions; a message is committed as being sent before
    it is submitted, and its part with the carrier's id, the answer and the match with early receipts after. Nobody is asked whether
    a person may be written to, nothing stands in the record of contacts or in summaries, and no page hears of it."""
    sms.claim, sms.settle = _claim, _settle
    raise SystemExit(main(["sms"]))


def _claim(
    tx: Connection, now: datetime, office: Office, most: int, *, single: bool = False
) -> list[sms.ReadyMessage]:  # fmt: skip
    del office, single
    rows = sms.due(tx, None, now, most)
    if rows:
        tx.execute(sms._TAKEN, {"ids": [row.id for row in rows], "now": now})  # noqa: SLF001 - the product's own statements
    return [sms.ReadyMessage(row.id, row.number, row.body, row.reference, now, (False, row.not_before)) for row in rows]


def _settle(tx: Connection, submitted: Sequence[sms.Submitted], now: datetime, office: Office) -> None:
    del office
    rows = {row.id: row for row in tx.execute(sms._BEING_SENT, {"ids": [one.id for one in submitted]})}  # noqa: SLF001 - the product's own statements
    sent = [one for one in submitted if one.id in rows and one.since == rows[one.id].submitting_at]
    if not sent:
        return
    sms_fate.add_parts(tx, [(one.id, one.outcomes) for one in sent], now)
    states = [(one.id, message_state([part.state for part in one.outcomes]), one.route, None, "") for one in sent]
    tx.execute(sms._submitted(tx.dialect.name), {**sms._SUBMITTED.bound(tx, states), "now": now})  # noqa: SLF001 - the product's own statements
    told_of = [sms_fate.Told(one.route, one.id, rows[one.id].number, part) for one in sent for part in one.outcomes]
    sms_fate.match_early(tx, told_of, now)


async def _resident(count: int, *, postgres: bool) -> float:
    """Megabytes of the sender when it has sent a thousand messages out of `count` that are due."""
    async with _register(postgres=postgres) as (url, folder):
        database = Database(url, ring=Bell(folder / "run"))
        (folder / "run").mkdir()
        fill(database, SENT, texts=(TEXT,))
        with database.write() as tx:
            _queue_more(tx, count // SENT - 1)
        await database.aclose()
        with smsc(SENT) as (port, process):
            environ = environ_of(url, folder, port, WINDOW)
            child = await asyncio.create_subprocess_exec(sys.executable, "-m", "saikoku", "sms", env=environ)
            try:
                await asyncio.to_thread(_rate, process)
                return _peak(child.pid)
            finally:
                child.terminate()
                await child.wait()


def _queue_more(tx: Connection, times: int) -> None:
    """As many again, so many times, due a little later."""
    if not times:
        return
    table = SmsMessage.__table__
    nth = select(literal(1).label("n")).cte("nth", recursive=True)
    nth = nth.union_all(select(nth.c.n + 1).where(nth.c.n < times))
    new = {
        "id": _rising(tx, nth.c.n * SENT + table.c.debtor_id, table.c.id.type),
        "not_before": literal(NOW + timedelta(seconds=1), UtcDateTime()),
    }
    columns = [new.get(column.name, column) for column in table.columns]
    rows = select(*columns).select_from(nth.join(table, true())).order_by(nth.c.n)
    tx.execute(insert(SmsMessage).from_select([column.name for column in table.columns], rows))


def _rising(tx: Connection, number: ColumnElement[int], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """Keys that rise, or a million of them take minutes."""
    if tx.dialect.name == "sqlite":
        return type_coerce(func.printf("%032x", number), kind)
    return cast(func.lpad(func.to_hex(number), 32, "0"), kind)


@contextlib.asynccontextmanager
async def _register(*, postgres: bool) -> AsyncIterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory(prefix="saikoku-sms-") as made:
        folder = Path(made)
        folder.chmod(0o755)  # noqa: ASYNC240 - the server's own user must get in
        if not postgres:
            yield f"sqlite:///{folder}/register.db", folder
            return
        (folder / "pg").mkdir()
        server = Postgres(folder / "pg", durable=True)
        await server.make()
        try:
            yield server.url, folder
        finally:
            await server.kill()


def _remember(database: Database) -> None:
    """A call to each a month ago: no office's history is empty. PostgreSQL, which counted none, would read all contacts at each
    that refers to one."""
    with database.write() as tx:
        people = tx.execute(select(Phone.debtor_id, Phone.number)).all()
        ago = NOW - timedelta(days=30)
        tx.execute(insert(Contact), [
            {"id": new_id(), "debtor_id": row.debtor_id, "area": Area.TAX, "channel": Channel.CALL_OUT, "at": ago,
             "number": row.number, "answered_by": AnsweredBy.NOBODY, "disposition": "no_answer", "recorded_at": ago}
            for row in people
        ])  # fmt: skip
        learn(tx)


def _hold_back_singles(database: Database, count: int) -> list[uuid.UUID]:
    """Let the last messages wait, under numbers by which the SMSC knows them."""
    with database.write() as tx:
        last = select(SmsMessage.id, SmsMessage.phone_id).order_by(SmsMessage.debtor_id.desc()).limit(count)
        rows = tx.execute(last).all()
        for at, row in enumerate(rows):
            later = {"number": _single(at), "not_before": NOW + timedelta(days=1)}
            tx.execute(update(SmsMessage).where(SmsMessage.id == row.id).values(**later))
            tx.execute(update(Phone).where(Phone.id == row.phone_id).values(number=_single(at)))
    return [row.id for row in rows]


def _single(at: int) -> str:
    return f"+8170{at:08d}"


async def _send_singles(database: Database, singles: Sequence[uuid.UUID]) -> dict[str, float]:
    """Let one after the other go while the batch does; returns when each was committed, by its number."""
    let_go = {}
    for at, message_id in enumerate(singles):
        await asyncio.sleep(0.05)  # all within less than a batch takes, or they would be what is timed
        await database.run(_let_go, message_id)
        let_go[_single(at).removeprefix("+")] = time.time()
    return let_go


def _let_go(tx: Connection, message_id: uuid.UUID) -> None:
    tx.execute(update(SmsMessage).where(SmsMessage.id == message_id).values(not_before=NOW - timedelta(days=1)))
    publish(tx, NOW, "sms", message_id)


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000


if __name__ == "__main__":
    if sys.argv[1] == "stored":
        stored()
    work = {"smsc": serve, "bare": bare, "aiosmpplib": aiosmpplib}[sys.argv[1]]
    asyncio.run(work(int(sys.argv[2]), int(sys.argv[3])))
