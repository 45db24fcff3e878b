"""The workflow screen (states, breakdown, who is stuck), the figures and a page of people, at two sizes of city and on both
databases."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

import aiohttp

from bench import postgres
from bench.browsers import log_in
from bench.office import city, panel
from bench.rows import Row, percentile

SIZES: Final = (10_000, 1_000_000)
PAGES: Final = 60
WARM_UP: Final = 8

_BY: Final = ("item", "district", "amount", "age", "officer", "group")
SCREENS: Final = {
    "workflow screen": [f"/workflow?by={by}&area={area}" for area in ("", "tax") for by in _BY],
    "workflow numbers, fetched again": [f"/workflow/numbers?by={by}" for by in _BY],
    "figures": ["/workflow/figures", "/workflow/figures?area=tax"],
    "page of people": [
        f"/workflow/people?state={state}&order={order}&page={page}"
        for state in ("not_contacted", "broken")
        for order in ("amount", "oldest", "contact", "since")
        for page in (1, 20)
    ],
    "page of people of a district": [
        f"/workflow/people?state=not_contacted&by=district&key={key}&order={order}"
        for key in (1, 3)
        for order in ("amount", "contact")
    ],
    "page of few people among all": [
        f"/workflow/people?by={by}&key={key}&order={order}"
        for by, key in (("amount", "1000000"), ("item", "elderly"))
        for order in ("amount", "contact")
    ],
}
BARS: Final = {"workflow screen": 200.0, "page of people": 100.0}


def run() -> Sequence[Row]:
    """p95 from request to complete answer, over loopback, and how it grows."""
    found = {size: _measure(f"sqlite:///{city(size)}") for size in SIZES}
    with postgres.city(SIZES[-1]) as database:
        other = _measure(database.url)
    rows = []
    for name in SCREENS:
        small, large = (percentile(found[size][name], 0.95) for size in SIZES)
        rows.append(Row(f"{name}, {SIZES[0]:,} debtors, SQLite: p95", small, "ms"))
        rows.append(Row(f"{name}, {SIZES[1]:,} debtors, SQLite: p95", large, "ms", BARS.get(name)))
        there = percentile(other[name], 0.95)
        rows.append(Row(f"{name}, {SIZES[1]:,} debtors, PostgreSQL: p95", there, "ms", BARS.get(name)))
        rows.append(Row(f"{name}, p95 at {SIZES[1]:,} over p95 at {SIZES[0]:,}", large / small, "times"))
    return rows


def _measure(url: str) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder, panel(url, Path(folder)) as (address, _):
        return asyncio.run(_open_pages(address))


async def _open_pages(address: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await log_in(session, "officer")
        for name, paths in SCREENS.items():
            times = []
            for path, _ in zip(cycle(paths), range(WARM_UP + PAGES), strict=False):
                begun = time.perf_counter()
                async with session.get(path) as answer:
                    text = await answer.text()
                if answer.status != 200 or "初めて集計" in text:
                    raise RuntimeError(f"{path}: {answer.status}, or the states are not made")
                times.append((time.perf_counter() - begun) * 1000)
            found[name] = times[WARM_UP:]
    return found
