"""A register that is locked by somebody else: the page waits, and says so if it takes too long. A real lock."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from db.clock import FixedClock
from db.engine import Database
from db.settings import Settings
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.integration.webpanel.conftest import Browser, Panel
from webpanel.app import make_app

HELD = 5.0
"""Seconds for which another program holds the writer."""


@contextmanager
def writer_held(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program has begun to write."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    """Only SQLite has one writer."""
    (tmp_path / "register.db").write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{tmp_path}/register.db"


@pytest.fixture
async def impatient(url: str, settings: Settings) -> AsyncIterator[Panel]:
    """A panel that waits for a moment only."""
    database = Database(url, lock_wait=0.1)
    patient = Database(url)
    server = TestServer(make_app(settings, database, FixedClock(NOW), OFFICE))
    clients: list[TestClient] = []  # type: ignore[type-arg]

    async def browser() -> Browser:
        clients.append(TestClient(server))
        return Browser(clients[-1])

    await server.start_server()
    yield Panel(server, patient, FixedClock(NOW), SmallOffice(patient), browser)
    for client in clients:
        await client.session.close()
    await server.close()
    await database.aclose()
    await patient.aclose()


async def test_a_page_waits_for_a_lock_of_five_seconds_and_then_works(panel: Panel, tmp_path: Path) -> None:
    panel.user("sato")
    panel.small.seat()
    browser = await panel.browser("sato")
    with writer_held(tmp_path / "register.db") as other:
        starting = asyncio.create_task(browser.post("/duty/start", {"seat": "1001"}))
        opening = asyncio.create_task(browser.get("/"))
        done, _ = await asyncio.wait({starting, opening}, timeout=HELD)
        assert not done, "both write (the page its row of the access log), so both wait"
        assert (await browser.get("/healthz"))[0] == 200, "the panel itself goes on"
        other.execute("ROLLBACK")
        assert (await starting)[0] == 204
        assert (await opening)[0] == 200


async def test_a_lock_that_lasts_is_told_in_a_sentence(impatient: Panel, tmp_path: Path) -> None:
    impatient.user("sato")
    impatient.small.seat()
    browser = await impatient.browser("sato")
    with writer_held(tmp_path / "register.db"):
        status, text, _ = await browser.get("/")
        assert status == 503
        assert "登録簿が混み合っています" in text
        status, text, _ = await browser.post("/duty/start", {"seat": "1001"})
        assert status == 503
        assert "入力した内容はそのままです" in text
        assert '"locked"' in text
    assert (await browser.post("/duty/start", {"seat": "1001"}))[0] == 204
