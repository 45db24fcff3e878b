"""One running Asterisk with a folder of its own: start, stop, kill, restart, ask. For the demo and the tests.

Nothing is shared between instances but the program: each has its own `[directories]`, control socket, AMI and SIP
port. The folder holds everything the instance reads or writes, at the same path inside and outside.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from saikoku.lab.obtain import AsteriskBuild, LabUnavailable

START_SECONDS = 30.0
STOP_SECONDS = 10.0
# "Asterisk Ready." is a verbose message, and it is what start() waits for.
_LOGGER = """[general]
dateformat = %F %T.%3q

[logfiles]
console => verbose
messages.log => notice,warning,error
"""
_HARMLESS = ("res_musiconhold.c: Failed to write frame",)  # who waits hangs up between two frames of the music
_SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un.sun_path, less its NUL (unix(7))
_FOLDERS = ("etc", "var", "keys", "run", "log/cdr-csv", "log/cel-custom", "spool/monitor", "moh")


class AsteriskFailed(LabUnavailable):
    """An instance did not start or ended by itself; the message carries the end of its log."""

    code = "lab-asterisk-failed"

    def __init__(self, instance: str, what: str, log: str) -> None:
        """`what` happened to which instance, and the end of its log."""
        Exception.__init__(self, f"The lab's Asterisk `{instance}` {what}. The end of its log:\n{log}")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port on 127.0.0.1 that was free a moment ago (SOCK_DGRAM for SIP over UDP)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Console:
    """What an instance prints: to a terminal, because into a pipe it comes late; read on, so that it never fills."""

    def __init__(self, terminal: int) -> None:
        self.ready = asyncio.Event()
        self.ended = False
        self._terminal = terminal
        self._said = b""
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def last_words(self) -> str:
        """The last line it printed."""
        lines = self._said.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _read(self) -> None:
        try:
            chunk = os.read(self._terminal, 65536)
        except OSError:  # EIO: the other end is closed, the process has ended
            chunk = b""
        self._said = (self._said + chunk)[-8192:]
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._terminal)
            os.close(self._terminal)
            self.ended = True
        if not chunk or b"Asterisk Ready." in self._said:
            self.ready.set()


class AsteriskInstance:
    """One Asterisk process; `configuration` maps file names in its etc folder to their text."""

    def __init__(self, build: AsteriskBuild, folder: Path, configuration: Mapping[str, str]) -> None:
        """`folder` is made if it is absent; raises ValueError if its path is too long for a control socket."""
        if len(str(folder / "run/asterisk.ctl").encode()) > _SOCKET_PATH_LIMIT:
            raise ValueError(f"{folder}: this path is too long for a Unix socket; choose a shorter one")
        self.build = build
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None
        for name in _FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        own = {"asterisk.conf": self._directories(), "logger.conf": _LOGGER}
        for name, text in {**own, **configuration}.items():
            self.write(name, text)

    @property
    def etc(self) -> Path:
        """The folder of its configuration files."""
        return self.folder / "etc"

    @property
    def recordings(self) -> Path:
        """The folder it records into."""
        return self.folder / "spool/monitor"

    @property
    def log(self) -> Path:
        """Its log of notices, warnings and errors."""
        return self.folder / "log/messages.log"

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    def write(self, name: str, text: str) -> None:
        """Write one configuration file; secrets are in some, so none can be read by others."""
        path = self.etc / name
        path.write_text(text)
        path.chmod(0o600)

    async def start(self) -> None:
        """Start and wait until Asterisk says it is ready (about a second); raises AsteriskFailed."""
        if self.running:
            return
        try:
            terminal, its_end = os.openpty()
        except OSError as error:
            raise self._failure(f"cannot have a terminal ({error.strerror}): is /dev/pts mounted") from error
        console = _Console(terminal)
        try:
            process = await asyncio.create_subprocess_exec(
                *_dies_with_its_parent(),
                *self.build.command,
                *("-C", str(self.etc / "asterisk.conf"), "-f", "-n"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=its_end,
                stderr=its_end,
                env={**os.environ, "TERM": "dumb"},
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C must reach the demo, which then stops it in order
            )
        finally:
            os.close(its_end)
        self._process = process
        try:
            async with asyncio.timeout(START_SECONDS):
                await console.ready.wait()
        except TimeoutError:
            await self.kill()
            raise self._failure(f"was not ready after {START_SECONDS:.0f} s") from None
        if console.ended:
            await self.kill()
            raise self._failure(f"ended while starting: {console.last_words()}")

    async def stop(self) -> None:
        """End it cleanly (calls are hung up), or kill it if it takes longer than STOP_SECONDS."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it at once, as a crash or a power cut would (SIGKILL)."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def restart(self) -> None:
        """Stop and start again on the same ports and folder."""
        await self.stop()
        await self.start()

    async def cli(self, command: str) -> str:
        """Run one command of the Asterisk console and return what it printed; raises AsteriskFailed if it is down."""
        asking = await asyncio.create_subprocess_exec(
            *self.build.command,
            *("-C", str(self.etc / "asterisk.conf"), "-rx", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asking.communicate()
        text = said.decode(errors="replace")
        if asking.returncode:
            raise self._failure(f"gave no answer to `{command}`: {text.strip()}")
        return text

    def log_tail(self, lines: int = 20) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def complaints(self) -> list[str]:
        """Every warning and error it has logged so far, but for those that a caller who hangs up brings about."""
        if not self.log.exists():
            return []
        lines = self.log.read_text(errors="replace").splitlines()
        bad = [line for line in lines if " WARNING[" in line or " ERROR[" in line]
        return [line for line in bad if not any(harmless in line for harmless in _HARMLESS)]

    def _failure(self, what: str) -> AsteriskFailed:
        return AsteriskFailed(self.folder.name, what, self.log_tail())

    def _directories(self) -> str:
        own = self.folder
        folders = {
            "astetcdir": own / "etc",
            "astmoddir": self.build.modules,
            "astvarlibdir": own / "var",
            "astdbdir": own / "var",
            "astcachedir": own / "var",
            "astkeydir": own / "keys",
            "astdatadir": self.build.data,
            "astagidir": own / "var",
            "astspooldir": own / "spool",
            "astrundir": own / "run",
            "astlogdir": own / "log",
        }
        lines = "\n".join(f"{name} => {path}" for name, path in folders.items())
        return f"[directories]\n{lines}\n"


def modules_conf(build: AsteriskBuild, names: Iterable[str]) -> str:
    """An explicit load list; a module that this Asterisk series does not have is left out."""
    there = [name for name in names if (build.modules / f"{name}.so").exists()]
    return "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in there)


def _dies_with_its_parent() -> tuple[str, ...]:
    """A prefix: the kernel ends the instance when its parent dies, even by kill -9 (prctl(2), PR_SET_PDEATHSIG)."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()
