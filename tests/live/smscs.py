"""SMSCs that are not ours: the npm package `smpp` and Kannel's `drive_smpp`, each a process of its own.

A test that needs one which is not there fails and says how to get it: a skipped message proves nothing.
"""

import asyncio
import contextlib
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sms_smpp.link import SmppLink
from sms_smpp.values import Arrival, Keep, LinkSettings

PATIENCE_SECONDS = 20.0  # only bounds a test that would otherwise hang; nothing is asserted about it
FOLDER = Path(__file__).parent / "smsc"
DRIVE_SMPP = Path("/usr/lib/kannel/test/drive_smpp")
BEARERBOX_PORT = 13001  # where drive_smpp wants to find somebody, or it dies


def _wanted(path: Path, what: str) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{what} is not here; `make live` gets it")
    return path


class NodeSmsc:
    """What the npm SMSC says of itself."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.port = 0
        self.events: list[dict[str, Any]] = []
        self._counts: Counter[str] = Counter()
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        """Read what it says until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._news:
                self.events.append(event := json.loads(line))
                self._counts[event["event"]] += 1
                self._news.notify_all()

    def of(self, name: str) -> list[dict[str, Any]]:
        """The events of that name so far."""
        return [event for event in self.events if event["event"] == name]

    async def said(self, name: str, times: int = 1, patience: float = PATIENCE_SECONDS) -> list[dict[str, Any]]:
        """Wait until it has said so that often."""
        async with asyncio.timeout(patience), self._news:
            await self._news.wait_for(lambda: self._counts[name] >= times)
        return self.of(name)


@asynccontextmanager
async def node_smsc(*arguments: str | Path) -> AsyncIterator[NodeSmsc]:
    """Listening on a port of its own; `arguments`: files with key and certificate, for TLS."""
    node = _wanted(Path(shutil.which("node") or "node"), "node")
    _wanted(FOLDER / "node_modules" / "smpp", "the npm package smpp")
    process = await asyncio.create_subprocess_exec(node, FOLDER / "smsc.js", *arguments, stdout=asyncio.subprocess.PIPE)
    smsc = NodeSmsc(process)
    listening = asyncio.create_task(smsc.listen())
    try:
        smsc.port = (await smsc.said("listening"))[0]["port"]
        yield smsc
    finally:
        process.kill()
        await process.wait()
        await listening


@asynccontextmanager
async def drive_smpp(port: int, messages: int) -> AsyncIterator[None]:
    """Kannel's driver: it sends `messages` to whoever binds as a receiver, with an enquiry after each."""
    program = _wanted(DRIVE_SMPP, "drive_smpp (Debian's kannel-extras)")

    async def bearerbox(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(bearerbox, "127.0.0.1", BEARERBOX_PORT)
    process = await asyncio.create_subprocess_exec(program, "-v", "4", "-p", str(port), "-m", str(messages))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ends by itself with its last client
            process.kill()
        await process.wait()
        server.close()


class Store:
    """A register of arrivals; `until` waits for what shall be in it."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self._news = asyncio.Condition()

    async def __call__(self, arrivals: Any) -> None:
        async with self._news:
            self.arrivals += arrivals
            self._news.notify_all()

    async def until(self, wanted: Callable[[list[Arrival]], bool]) -> list[Arrival]:
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(lambda: wanted(self.arrivals))
        return self.arrivals


@asynccontextmanager
async def bound(port: int, keep: Keep, **changes: Any) -> AsyncIterator[SmppLink]:
    """A link that is up, and says goodbye in the end."""
    link = SmppLink(settings(port, **changes), keep)
    life = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await link.until(lambda state: state.up)
        yield link
        link.stop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await life
    finally:
        life.cancel()
        await asyncio.wait([life])


def settings(port: int, **changes: Any) -> LinkSettings:
    """For the SMSCs here; impatient, so that faults are over soon."""
    values = {"system_id": "saikoku", "password": "tanuki7", "first_retry": 0.05, "longest_retry": 0.2}
    return LinkSettings("127.0.0.1", port, **(values | {"first_throttle": 0.05} | changes))
