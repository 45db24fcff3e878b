"""The look-up of return calls over FastAGI: a city of a million, fifty callers at once, beside a server that looks nothing up.

Each server is a process of its own and serves the same requests in turn, several times: what else the machine does then
disturbs both alike. The bare server reads the head, sets one variable, reads the reply and closes; ours does the whole
look-up. Everyone who calls has a number on the record, chosen at random over the whole city.

`python -m bench.agi bare PORT` and `python -m bench.agi ours PORT FILE` are those processes.
"""

import asyncio
import contextlib
import logging
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from agi import server
from bench.office import NOW, city
from bench.rows import Row, percentile
from db.clock import FixedClock
from db.engine import Database
from db.reference.phones import dial_digits
from db.settings import Address, AgiSettings, Settings
from db.usecases.office import Office
from saikoku.lab.asterisk import free_port

SIZE = 1_000_000
REQUESTS = 6_000
AT_ONCE = 50
ROUNDS = 5

HEAD = """\
agi_network: yes
agi_network_script: incoming
agi_request: agi://127.0.0.1:4573/incoming
agi_channel: PJSIP/carrier-0000002a
agi_language: en
agi_type: PJSIP
agi_uniqueid: 1764000000.42
agi_version: 22.10.1
agi_callerid: {caller}
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 0312340001
agi_rdnis: unknown
agi_context: saikoku-incoming
agi_extension: s
agi_priority: 5
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 139848938714688
agi_arg_1: 0312340001

"""


@dataclass(frozen=True, slots=True)
class Round:
    """One round against one server: requests a second, and each request's time in ms."""

    rate: float
    times: Sequence[float]


def run() -> Sequence[Row]:
    """Requests a second of both, their ratio, and the p99 of ours from connection to close."""
    file = city(SIZE)
    callers = numbers(file, REQUESTS)
    rounds: dict[str, list[Round]] = {"bare": [], "ours": []}
    with _process("bare") as bare, _process("ours", str(file)) as ours:
        for name, port in (("bare", bare), ("ours", ours)):
            asyncio.run(_load(port, callers[:1000], known=name == "ours"))
        for _ in range(ROUNDS):
            for name, port in (("bare", bare), ("ours", ours)):
                rounds[name].append(asyncio.run(_load(port, callers, known=name == "ours")))
    rate = {name: statistics.median(one.rate for one in made) for name, made in rounds.items()}
    ratio = statistics.median(o.rate / b.rate for o, b in zip(rounds["ours"], rounds["bare"], strict=True))
    p99 = {name: statistics.median(percentile(one.times, 0.99) for one in made) for name, made in rounds.items()}
    what = f"FastAGI, {AT_ONCE} at once"
    return [
        Row(f"{what}, bare asyncio server that looks nothing up", rate["bare"], "req/s"),
        Row(f"{what}, bare: p99", p99["bare"], "ms"),
        Row(f"{what}, look-up over {SIZE:,} debtors, SQLite", rate["ours"], "req/s"),
        Row(f"{what}, look-up over bare", ratio, "times", 0.5, below=False),
        Row(f"{what}, look-up: p99", p99["ours"], "ms", 20.0),
    ]


def numbers(file: Path, count: int) -> list[str]:
    """National numbers on the record, at random over the whole city."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as city_file:
        last = city_file.execute("SELECT max(id) FROM phone").fetchone()[0]
        anywhere = random.Random(7)
        next_on = "SELECT number FROM phone WHERE id >= ? LIMIT 1"
        found = [city_file.execute(next_on, (anywhere.randint(1, last),)).fetchone() for _ in range(count)]
    return [dial_digits(row[0]) for row in found]


class _Call(asyncio.Protocol):
    """One request: the head, one command, its reply, the end. Leaner than streams, so that the server is the limit."""

    def __init__(self, caller: str, ended: "asyncio.Future[bytes]") -> None:
        self._head = HEAD.format(caller=caller).encode()
        self._ended = ended
        self._said = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        self._said += data
        if self._said.endswith(b"\n"):
            self._transport.write(b"200 result=0\n" if self._said.startswith(b"EXEC") else b"200 result=1\n")

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        if not self._ended.done():
            self._ended.set_result(self._said)


async def _load(port: int, callers: Sequence[str], *, known: bool) -> Round:
    loop = asyncio.get_running_loop()
    waiting = iter(callers)
    times: list[float] = []

    async def one_after_the_other() -> None:
        for caller in waiting:
            ended: asyncio.Future[bytes] = loop.create_future()
            begun = time.perf_counter()
            await loop.create_connection(lambda: _Call(caller, ended), "127.0.0.1", port)  # noqa: B023 - used at once
            said = await ended
            times.append((time.perf_counter() - begun) * 1000)
            if known and b"KIND=known" not in said and b"KIND=several" not in said and b"KIND=unknown" not in said:
                raise RuntimeError(f"not a look-up: {said!r}")

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as callers_at_once:
        for _ in range(AT_ONCE):
            callers_at_once.create_task(one_after_the_other())
    return Round(len(callers) / (time.perf_counter() - begun), times)


@contextlib.contextmanager
def _process(name: str, *arguments: str) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.agi", name, str(port), *arguments])
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    import socket

    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


# -- the two servers


async def _bare(port: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\n\n")
            writer.write(b'SET VARIABLE SAIKOKU_CALLER_KIND "unasked"\n')
            await reader.readline()
        except asyncio.IncompleteReadError:
            pass  # the look whether it has started
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port, backlog=256) as listening:
        await listening.serve_forever()


async def _ours(port: int, file: str) -> None:
    settings = Settings(agi=AgiSettings(Address("127.0.0.1", port)))
    database = Database(f"sqlite:///{file}")
    await server.run(settings, database, FixedClock(NOW), Office(ZoneInfo("Asia/Tokyo")))


def main(name: str, port: str, file: str = "") -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)

    async def until_told() -> None:
        work = asyncio.ensure_future(_ours(int(port), file) if name == "ours" else _bare(int(port)))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await work

    asyncio.run(until_told())


if __name__ == "__main__":
    main(*sys.argv[1:])
