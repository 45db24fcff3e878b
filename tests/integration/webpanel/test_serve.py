"""The panel as a process: it stops when told, refuses a taken port by name, and stays small."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from db.clock import SystemClock
from db.settings import SettingError, load
from webpanel.serve import run

SMALL = 150 * 1024 * 1024
"""Bytes of memory that an idle panel may take."""
PROGRAM = """
import asyncio, signal
from db.clock import SystemClock
from db.settings import load
from webpanel import serve
async def main():
    stop, ready = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    task = asyncio.create_task(serve.serve(load(), SystemClock(), stop, ready))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    print("down" if task.done() else "up", flush=True)
    await task
asyncio.run(main())
"""


@pytest.fixture
def environ(sqlite_template: Path, tmp_path: Path) -> dict[str, str]:
    """A panel's environment on a free port."""
    (tmp_path / "register.db").write_bytes(sqlite_template.read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        "SAIKOKU_DATABASE_URL": f"sqlite:///{tmp_path}/register.db",
        "SAIKOKU_OFFICE_RUN_DIR": str(tmp_path / "run"),
        "SAIKOKU_PANEL_LISTEN": f"127.0.0.1:{port}",
    }


@pytest.mark.req("P3")
def test_the_panel_serves_stays_small_and_stops_on_sigterm(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=os.environ | environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        with urllib.request.urlopen(f"http://{environ['SAIKOKU_PANEL_LISTEN']}/login") as answer:
            assert answer.status == 200
        assert psutil.Process(process.pid).memory_info().rss < SMALL
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_taken_port_is_told_with_its_setting(environ: dict[str, str]) -> None:
    host, _, port = environ["SAIKOKU_PANEL_LISTEN"].partition(":")
    with socket.create_server((host, int(port))), pytest.raises(SettingError, match=r"panel\.listen.*taken"):
        run(load(environ=environ), SystemClock())
