"""The parts of an office that can be killed or frozen: daemons, the PBX, the database."""

import asyncio
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
import psycopg

from saikoku.lab.asterisk import AsteriskInstance
from tests.live.cable import Cable


class Part(ABC):
    """Something that breaks."""

    name: str
    can_be_killed = True

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def kill(self) -> None:
        """As a power cut would, at once."""

    async def stop(self) -> None:
        """In order, as an admin does it."""
        raise NotImplementedError

    @abstractmethod
    async def freeze(self, seconds: float) -> None:
        """It does nothing for so long, and then goes on."""


class Daemon(Part):
    """One of saikoku's."""

    def __init__(self, name: str, environ: Mapping[str, str], log: IO[bytes]) -> None:
        self.name = name
        self._environ = environ
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "saikoku", self.name, env=self._environ, stdout=self._log, stderr=self._log
        )

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def freeze(self, seconds: float) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            self._process.send_signal(signal.SIGCONT)

    @property
    def dead(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.returncode is not None


class Pbx(Part):
    """The office's Asterisk."""

    name = "office"

    def __init__(self, instance: AsteriskInstance) -> None:
        self._instance = instance

    async def start(self) -> None:
        await self._instance.start()

    async def kill(self) -> None:
        await self._instance.kill()

    async def stop(self) -> None:
        await self._instance.stop()

    async def freeze(self, seconds: float) -> None:
        pid = self._instance.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)


class Link(Part):
    """The bridge's way to Asterisk: it cannot be killed, but cut."""

    name = "link"
    can_be_killed = False

    def __init__(self, cable: Cable) -> None:
        self._cable = cable

    async def start(self) -> None:
        """It is there."""

    async def kill(self) -> None:
        raise NotImplementedError

    async def freeze(self, seconds: float) -> None:
        self._cable.unplug()
        await asyncio.sleep(seconds)
        self._cable.plug()


class SqliteFile(Part):
    """The register in a file: it cannot be killed, but somebody else can hold its one write lock."""

    name = "database"
    can_be_killed = False

    def __init__(self, file: Path) -> None:
        self._file = file
        self.url = f"sqlite:///{file}"

    async def start(self) -> None:
        """It is there."""

    async def kill(self) -> None:
        raise NotImplementedError

    async def freeze(self, seconds: float) -> None:
        other = await asyncio.to_thread(self._hold)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(other.close)

    def _hold(self) -> sqlite3.Connection:
        other = sqlite3.connect(self._file, timeout=30, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        return other


class Postgres(Part):
    """A PostgreSQL server of our own, on a Unix socket in `folder`."""

    name = "database"

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """`durable`: commits reach the disk, as an office has it; tests do without."""
        self._folder = folder
        self._durable = durable
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/initdb")]
        self._programs = found[-1].parent
        account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        self._who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://saikoku@/saikoku?host={folder}"
        options = ["-U", "saikoku", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run([self._programs / "initdb", "-D", folder / "data", *options])

    def _run(self, command: list[object]) -> None:
        quiet = {"cwd": self._folder, "stdout": subprocess.DEVNULL, **self._who}
        subprocess.run([str(word) for word in command], check=True, **quiet)  # type: ignore[call-overload]

    async def make(self) -> None:
        """Start it for the first time, with an empty database."""
        await self.start()
        with psycopg.connect(host=str(self._folder), user="saikoku", dbname="postgres", autocommit=True) as admin:
            admin.execute("CREATE DATABASE saikoku")

    async def start(self) -> None:
        data = self._folder / "data"
        (data / "postmaster.pid").unlink(missing_ok=True)
        words = [
            "-D",
            str(data),
            "-k",
            str(self._folder),
            "-c",
            "listen_addresses=",
            "-c",
            f"fsync={'on' if self._durable else 'off'}",
        ]
        self._process = await asyncio.to_thread(self._server, words)
        while not await asyncio.to_thread(self._answers):  # noqa: ASYNC110 - a server that starts gives no event
            await asyncio.sleep(0.05)

    def _server(self, words: list[str]) -> "subprocess.Popen[bytes]":
        quiet = {"cwd": self._folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **self._who}
        return subprocess.Popen(
            [str(self._programs / "postgres"), *words],
            start_new_session=True,
            **quiet,  # type: ignore[call-overload]
        )  # type: ignore[no-any-return]

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(host=str(self._folder), user="saikoku", dbname="postgres", connect_timeout=2).close()
            return True
        return False

    async def kill(self) -> None:
        """The server and all its children at once: only so does what is shared between them go, too."""
        if self._process is not None:
            for pid in self._family():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.to_thread(self._process.wait)
            self._process = None

    async def freeze(self, seconds: float) -> None:
        family = self._family()
        for word in (signal.SIGSTOP, signal.SIGCONT):
            for pid in family:
                with suppress(ProcessLookupError):
                    os.kill(pid, word)
            if word is signal.SIGSTOP:
                await asyncio.sleep(seconds)

    def _family(self) -> list[int]:
        assert self._process is not None
        mine = self._process.pid
        return [mine, *(child.pid for child in psutil.Process(mine).children())]
