"""Browsers for the benches, as many as wanted: a session of the panel each, and its stream of live changes held open."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import aiohttp

from saikoku.demo_office import PASSWORD


async def log_in(session: aiohttp.ClientSession, login: str) -> None:
    """Log a session in as a user of the demo's office."""
    async with session.get("/login") as form:
        token = re.search(r'name="csrf" value="([^"]+)"', await form.text())
    if token is None:
        raise RuntimeError("the log-in page has no form")
    data = {"login": login, "password": PASSWORD, "csrf": token[1], "next": ""}
    async with session.post("/login", data=data) as answer:
        if answer.status != 200 or "/login" in str(answer.url):
            raise RuntimeError(f"cannot log in: {answer.status}")


@asynccontextmanager
async def connected(address: str, number: int, login: str) -> AsyncIterator[None]:
    """So many browsers of a user, each logged in by itself, each with its stream open and read."""
    async with AsyncExitStack() as stack:
        logging_in = asyncio.Semaphore(8)  # the panel verifies two passwords at once; the others wait here

        async def one() -> None:
            jar = aiohttp.CookieJar(unsafe=True)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
            session = aiohttp.ClientSession(address, cookie_jar=jar, timeout=timeout)
            await stack.enter_async_context(session)
            async with logging_in:
                await log_in(session, login)
            answer = await session.get("/events")
            if await answer.content.readline() != b"event: ready\n":
                raise RuntimeError(f"no stream: {answer.status}")
            reading = asyncio.create_task(_read(session, answer))
            stack.push_async_callback(_end, reading)

        await asyncio.gather(*(one() for _ in range(number)))
        yield


async def _read(session: aiohttp.ClientSession, answer: aiohttp.ClientResponse) -> None:
    """As `live.js`: when the queue of callers has changed, what waits is asked for within a second."""
    async with asyncio.TaskGroup() as tasks:
        asking: asyncio.Task[None] | None = None
        async for line in answer.content:
            if line.startswith(b"data:") and b'"incoming"' in line and (asking is None or asking.done()):
                asking = tasks.create_task(_ask(session))


async def _ask(session: aiohttp.ClientSession) -> None:
    await asyncio.sleep(random.random())
    async with session.get("/live/waiting") as part:
        await part.read()


async def _end(reading: "asyncio.Task[None]") -> None:
    reading.cancel()
    with suppress(asyncio.CancelledError, aiohttp.ClientError):
        await reading
