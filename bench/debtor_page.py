"""The basic screen, complete (rights, access log, late charges, history), for one user at a time, at two sizes of city and on
both databases."""

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bench import postgres
from bench.browsers import log_in
from bench.office import city, panel
from bench.rows import Row, percentile

SIZES = (10_000, 1_000_000)
PAGES = 400
WARM_UP = 50


def run() -> Sequence[Row]:
    """p50 and p95 of the time from request to complete answer, over loopback."""
    rows = []
    p95: dict[int, float] = {}
    for size in SIZES:
        times = _measure(f"sqlite:///{city(size)}", size)
        p95[size] = percentile(times, 0.95)
        bar = 50.0 if size == SIZES[-1] else None
        rows.append(Row(f"debtor page, {size:,} debtors, SQLite: p50", percentile(times, 0.5), "ms"))
        rows.append(Row(f"debtor page, {size:,} debtors, SQLite: p95", p95[size], "ms", bar))
    rows.append(
        Row(f"debtor page, p95 at {SIZES[1]:,} over p95 at {SIZES[0]:,}", p95[SIZES[1]] / p95[SIZES[0]], "times")
    )
    with postgres.city(SIZES[-1]) as database:
        times = _measure(database.url, SIZES[-1])
    rows.append(Row(f"debtor page, {SIZES[-1]:,} debtors, PostgreSQL: p50", percentile(times, 0.5), "ms"))
    rows.append(Row(f"debtor page, {SIZES[-1]:,} debtors, PostgreSQL: p95", percentile(times, 0.95), "ms", 50.0))
    return rows


def _measure(url: str, size: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder, panel(url, Path(folder)) as (address, _):
        return asyncio.run(_open_pages(address, size))


async def _open_pages(address: str, size: int) -> list[float]:
    chosen = random.Random(7)
    times = []
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(address, cookie_jar=jar) as session:
        await log_in(session, "officer")
        for count in range(WARM_UP + PAGES):
            begun = time.perf_counter()
            async with session.get(f"/debtors/{chosen.randint(1, size)}") as answer:
                page = await answer.text()
            if answer.status == 404:  # not everyone has a case of the officer's areas
                continue
            if answer.status != 200 or "交渉記録" not in page:
                raise RuntimeError(f"not the basic screen: {answer.status}")
            if count >= WARM_UP:
                times.append((time.perf_counter() - begun) * 1000)
    return times
