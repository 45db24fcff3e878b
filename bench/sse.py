"""What 200 browsers with open streams cost the panel while nothing happens."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.browsers import connected
from bench.office import city, panel
from bench.rows import Row

BROWSERS = 200
SETTLE = 5.0
WATCH = 60.0


def run() -> Sequence[Row]:
    """Processor time over a minute (four signs of life each), and memory for each browser."""
    with (
        tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder,
        panel(f"sqlite:///{city(10_000)}", Path(folder)) as served,
    ):
        address, process = served
        return asyncio.run(_watch(address, psutil.Process(process.pid)))


async def _watch(address: str, process: psutil.Process) -> list[Row]:
    alone = process.memory_info().rss
    async with connected(address, BROWSERS, "operator"):
        await asyncio.sleep(SETTLE)
        before = sum(process.cpu_times()[:2])
        await asyncio.sleep(WATCH)
        spent = sum(process.cpu_times()[:2]) - before
        each = (process.memory_info().rss - alone) / BROWSERS
    return [
        Row(f"panel, {BROWSERS} browsers with open streams, quiet: share of a core", 100 * spent / WATCH, "%", 10.0),
        Row(f"panel, {BROWSERS} browsers with open streams: memory for each", each / 1000, "kB"),
    ]
