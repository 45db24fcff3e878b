"""A panel in a thread, a small office behind it, and Chromium in front of it.

Playwright's synchronous interface keeps an event loop running for as long as it is open, so it is closed when this
folder is done: tests elsewhere bring loops of their own.
"""

import asyncio
import gc
import os
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import insert, update

from db.clock import FixedClock
from db.engine import Database
from db.hints import Bell
from db.migrations import upgrade
from db.reference.passwords import hash_password
from db.rules.terms import Area
from db.rules.viewer import Viewer
from db.schema.calls import Seat
from db.schema.staff import Staff
from db.settings import Address, DatabaseSettings, DialSettings, OfficeSettings, PanelSettings, Settings
from db.usecases import foundation
from tests.integration.db.people import NOW, SmallOffice
from webpanel.serve import serve

PASSWORD = "Correct-Horse-9"
DESK = {"width": 1366, "height": 768}
TABLET = {"width": 1024, "height": 768}

HALF_TAKEN = "unclosed (transport|<socket)"
"""Chromium connects ahead. In Python 3.11 a connection that is taken in the very turn of the loop in which a server closes
fails an assertion of `asyncio.Server._attach` and is left to the garbage collector, which complains of it in whatever test
it comes by: it is collected where a panel stops, and these warnings fail no test of this folder."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pass over HALF_TAKEN in this folder alone."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{HALF_TAKEN}:ResourceWarning"))


@dataclass
class PanelThread:
    """A panel that can be stopped and started again on the same address."""

    settings: Settings
    clock: FixedClock
    _stop: Callable[[], object] = field(default=lambda: None)
    _thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{self.settings.panel.listen}"

    def start(self) -> None:
        """Start and wait until it listens."""
        up, failed = threading.Event(), []

        async def main() -> None:
            stop, ready = asyncio.Event(), asyncio.Event()
            loop = asyncio.get_running_loop()
            self._stop = lambda: loop.call_soon_threadsafe(stop.set)
            serving = asyncio.create_task(serve(self.settings, self.clock, stop, ready))
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            up.set()
            await serving

        def run() -> None:
            try:
                asyncio.run(main())
            except BaseException as error:
                failed.append(error)
                up.set()
                raise

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert up.wait(30)
        assert not failed, failed

    def stop(self) -> None:
        """Stop and wait until it is gone."""
        self._stop()
        if self._thread is not None:
            self._thread.join(30)
            assert not self._thread.is_alive()
        self._thread = None
        self._stop = lambda: None  # it holds the loop
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", HALF_TAKEN, ResourceWarning)
            gc.collect()


@dataclass
class City:
    """The register behind the panel, with users who can log in with PASSWORD."""

    database: Database
    small: SmallOffice
    users: dict[str, Viewer] = field(default_factory=dict)
    hashed: str = field(default_factory=lambda: hash_password(PASSWORD))

    def user(self, login: str, name: str, level: str, areas: tuple[Area, ...] = (Area.TAX,), **values: bool) -> Viewer:
        """A user with a real name."""
        viewer = self.small.user(login, level, areas, **values)
        with self.database.write() as tx:
            tx.execute(
                update(Staff)
                .where(Staff.id == viewer.user_id)
                .values(name=name, password_hash=self.hashed, password_set_at=NOW)
            )
        self.users[login] = replace(viewer, name=name)
        return self.users[login]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of the folder."""
    expect.set_options(timeout=15_000)  # only bounds a test that would otherwise fail on a busy machine
    with sync_playwright() as playwright:
        path = os.environ.get("SAIKOKU_TEST_CHROMIUM", "/usr/bin/chromium")
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """An office with one user of each kind and three seats."""
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    database = Database(f"sqlite:///{tmp_path}/register.db", ring=Bell(run_dir))
    upgrade(database)
    with database.write() as tx:
        foundation.lay(tx)
        tx.execute(
            insert(Seat),
            [{"extension": str(n), "name": "窓側", "channel": f"PJSIP/{n}", "pbx": "main"} for n in (1001, 1002, 1003)],
        )
    made = City(database, SmallOffice(database))
    made.user("operator", "佐藤 花子", "operator")
    made.user("contracted", "委託 一郎", "contracted_operator", contracted=True)
    made.user("officer", "鈴木 次郎", "officer")
    made.user("supervisor", "高橋 三郎", "supervisor")
    made.user("admin", "管理 四郎", "system_admin", tuple(Area))
    yield made
    database.close()


@pytest.fixture
def clock() -> FixedClock:
    """The office's clock: a Tuesday, 10:30."""
    return FixedClock(NOW)


@pytest.fixture
def recordings_dir(tmp_path: Path) -> Path:
    """The folder of recordings."""
    return tmp_path / "recordings"


@pytest.fixture
def panel(city: City, clock: FixedClock, tmp_path: Path, recordings_dir: Path) -> Iterator[PanelThread]:
    """A running panel."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = replace(
        Settings(),
        database=DatabaseSettings(city.database.url),
        office=OfficeSettings(name="みなと野市", zone=ZoneInfo("Asia/Tokyo"), run_dir=tmp_path / "run"),
        panel=PanelSettings(listen=Address("127.0.0.1", port)),
        dial=DialSettings(recordings_dir=recordings_dir),
    )
    made = PanelThread(settings, clock)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def open_page(chromium: Browser, panel: PanelThread) -> Iterator[Callable[..., Page]]:
    """Makes pages: each in a browser of its own, logged in as a user if one is named."""
    contexts = []

    def opened(login: str | None = None, viewport: dict[str, int] | None = None) -> Page:
        context = chromium.new_context(
            base_url=panel.address,
            viewport=viewport or DESK,
            locale="ja-JP",
            timezone_id="Asia/Tokyo",  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        if login is not None:
            page.goto("/login")
            page.fill("#login", login)
            page.fill("#password", PASSWORD)
            page.click("button")
            page.wait_for_url("**/")
        return page

    yield opened
    for context in contexts:
        context.close()
