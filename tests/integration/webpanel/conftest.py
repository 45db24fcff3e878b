"""The panel in the test's own process, on an office of synthetic people, with browsers that log in like a person."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select, update

from db.clock import FixedClock
from db.engine import Database
from db.hints import Bell
from db.reference.passwords import hash_password
from db.rules.viewer import Viewer
from db.schema.staff import Session, Staff
from db.settings import OfficeSettings, Settings
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from webpanel.app import make_app
from webpanel.errors import FRAGMENT_HEADER
from webpanel.sessions import CSRF_HEADER

PASSWORD = "Correct-Horse-9"
_HASH = hash_password(PASSWORD)

Answer = tuple[int, str, Mapping[str, str]]


@dataclass
class Browser:
    """One browser: its cookies, and the CSRF token of the page it last saw."""

    client: TestClient  # type: ignore[type-arg]
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> Answer:
        """Fetch a page, as it is: redirects are not followed."""
        async with self.client.get(path, allow_redirects=False, headers=headers) as response:
            text = await response.text()
            found = re.search(r'<meta name="csrf" content="([^"]*)"', text)
            self.csrf = found[1] if found and found[1] else self.csrf
            return response.status, text, response.headers

    async def fragment(self, path: str) -> Answer:
        """Fetch a part of a page as its script does."""
        return await self.get(path, **{FRAGMENT_HEADER: "1"})

    async def post(self, path: str, data: Mapping[str, str] | None = None, *, script: bool = True) -> Answer:
        """Send a form as the page's script does (or, without it, as the browser does)."""
        headers = {FRAGMENT_HEADER: "1", CSRF_HEADER: self.csrf} if script else {}
        fields = dict(data or {}) if script else {"csrf": self.csrf, **(data or {})}
        async with self.client.post(path, data=fields, headers=headers, allow_redirects=False) as response:
            return response.status, await response.text(), response.headers

    async def log_in(self, login: str, password: str = PASSWORD, target: str = "/") -> Answer:
        """Fill in the log-in form."""
        _, text, _ = await self.get("/login")
        token = re.search(r'name="csrf" value="([^"]+)"', text)
        assert token, text
        form = {"csrf": token[1], "login": login, "password": password, "next": target}
        async with self.client.post("/login", data=form, allow_redirects=False) as response:
            answer = response.status, await response.text(), response.headers
        if answer[0] == 303:
            await self.get("/password")
        return answer


@dataclass
class Panel:
    """A running panel, its clock, and the office behind it."""

    server: TestServer
    database: Database
    clock: FixedClock
    small: SmallOffice
    open: Callable[[], Awaitable[Browser]]

    def user(self, login: str, level: str = "operator", **values: bool) -> Viewer:
        """A user who can log in with PASSWORD."""
        viewer = self.small.user(login, level, **values)
        with self.database.write() as tx:
            tx.execute(update(Staff).where(Staff.id == viewer.user_id).values(password_hash=_HASH, password_set_at=NOW))
        return viewer

    async def browser(self, login: str | None = None) -> Browser:
        """A new browser, logged in as a user if one is named."""
        made = await self.open()
        if login is not None:
            status, text, _ = await made.log_in(login)
            assert status == 303, text
        return made

    def end_sessions(self) -> None:
        """Let every session run out."""
        with self.database.write() as tx:
            assert tx.execute(select(Session.user_id)).all()
            tx.execute(update(Session).values(expires_at=self.clock.now()))


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    """Settings of the panel under test."""
    office = OfficeSettings(name="みなと野市", zone=ZoneInfo("Asia/Tokyo"), run_dir=tmp_path / "run")
    office.run_dir.mkdir()
    return replace(Settings(), office=office)


@pytest.fixture
async def panel(url: str, settings: Settings) -> AsyncIterator[Panel]:
    """A panel on an empty register."""
    database = Database(url, ring=Bell(settings.office.run_dir))
    clock = FixedClock(NOW)
    server = TestServer(make_app(settings, database, clock, OFFICE))
    clients: list[TestClient] = []  # type: ignore[type-arg]

    async def browser() -> Browser:
        clients.append(TestClient(server))
        return Browser(clients[-1])

    await server.start_server()
    yield Panel(server, database, clock, SmallOffice(database), browser)
    for client in clients:
        await client.session.close()
    await server.close()
    await database.aclose()
