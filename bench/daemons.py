"""What the daemons cost when nothing happens: resident memory, and processor time over the longest of their rounds."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.office import city
from bench.rows import Row
from db.settings import environment
from saikoku.daemons import DAEMONS
from saikoku.lab.asterisk import free_port
from saikoku.lab.pbx import Lab

SIZE = 10_000
SETTLE = 8.0
WATCH = 600.0
"""`saikoku jobs` goes its round every ten minutes."""


def run() -> Sequence[Row]:
    """Each daemon beside a real Asterisk, nobody logged in."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    file = city(SIZE)
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder:
        async with Lab(Path(folder) / "lab") as lab:
            settings = {
                "database.url": f"sqlite:///{file}",
                "office.run_dir": Path(folder) / "run",
                "panel.listen": f"127.0.0.1:{free_port()}",
                "agi.listen": f"127.0.0.1:{free_port()}",
                "ami.host": lab.ami_host,
                "ami.port": lab.ami_port,
                "ami.username": lab.ami_user,
                "ami.secret": lab.ami_secret,
                "dial.recordings_dir": lab.recordings,
            }
            return await asyncio.to_thread(_start_and_watch, {**os.environ, **environment(settings)})


def _start_and_watch(environ: dict[str, str]) -> list[Row]:
    started = {
        name: subprocess.Popen([sys.executable, "-m", "saikoku", name], env=environ, stderr=subprocess.DEVNULL)
        for name in DAEMONS
    }
    try:
        return _watch(started)
    finally:
        for process in started.values():
            process.terminate()
            process.wait(20)


def _watch(started: dict[str, subprocess.Popen[bytes]]) -> list[Row]:
    time.sleep(SETTLE)
    watched = {name: psutil.Process(process.pid) for name, process in started.items()}
    before = {name: sum(process.cpu_times()[:2]) for name, process in watched.items()}
    time.sleep(WATCH)
    rows = []
    for name, process in watched.items():
        spent = sum(process.cpu_times()[:2]) - before[name]
        rows.append(Row(f"{name}: resident", process.memory_info().rss / 1e6, "MB", 150.0))
        rows.append(Row(f"{name}: idle, share of a core", 100 * spent / WATCH, "%", 1.0))
    return rows
