"""The page of imports: a file goes up, a worker takes it, the admin sees what became of it."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from db.rules.terms import ImportState
from db.rules.viewer import system_viewer
from db.schema.people import Debtor
from db.settings import ImportsSettings, Settings
from db.store import access_log, imports
from db.store.imports import ImportRow
from saikoku.import_worker import Worker
from tests.integration.db.people import OFFICE
from tests.integration.exchange.core import City, Zeimu
from tests.integration.webpanel.conftest import Browser, Panel
from webpanel.errors import FRAGMENT_HEADER
from webpanel.sessions import CSRF_HEADER

pytestmark = [pytest.mark.req("T20")]

CITY, ZEIMU = City(24), Zeimu()


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """With a folder of imports."""
    return replace(settings, imports=ImportsSettings(dir=tmp_path / "imports", mappings_dir=Path("deploy/mappings")))


@pytest.fixture
async def admin(panel: Panel) -> AsyncIterator[Browser]:
    """A system administrator."""
    panel.user("admin", "system_admin")
    return await panel.browser("admin")


async def send(browser: Browser, mapping: str, data: bytes | io.BytesIO, **query: str) -> tuple[int, str, str]:
    """Send a file as the page's script does; status, answer, and where it leads."""
    headers = {FRAGMENT_HEADER: "1", CSRF_HEADER: browser.csrf, "Content-Type": "application/octet-stream"}
    path = "/imports?" + urlencode({"mapping": mapping, "name": f"{mapping}.csv", **query})
    async with browser.client.post(path, data=data, headers=headers, allow_redirects=False) as response:
        return response.status, await response.text(), response.headers.get("Saikoku-Location", "")


async def work(panel: Panel, settings: Settings) -> None:
    """Let the jobs daemon's worker do what waits."""
    worker = Worker(panel.database, settings.imports.dir, panel.clock, OFFICE.zone, threading.Event())
    await asyncio.to_thread(worker.work)


def newest(panel: Panel) -> ImportRow:
    with panel.database.read() as tx:
        return imports.history(tx, system_viewer("test"))[0]


async def test_a_file_is_checked_then_applied(panel: Panel, admin: Browser, settings: Settings) -> None:
    _, text, _ = await admin.get("/imports")
    assert "まだ取込はありません" in text
    assert "税務 宛名" in text
    status, _, place = await send(admin, "zeimu-people", ZEIMU.people(CITY.people), dry_run="1")
    assert (status, place.startswith("/imports/")) == (204, True)
    _, text, _ = await admin.get(place)
    assert "待機中" in text
    await work(panel, settings)
    _, text, _ = await admin.get(place)
    assert "検査済" in text
    assert "この内容で反映する" in text
    assert "U+E000" in text
    with panel.database.read() as tx:
        assert tx.execute(select(Debtor.id)).all() == []
    assert (await admin.post(f"{place}/confirm"))[0] == 204
    await work(panel, settings)
    assert newest(panel).state is ImportState.DONE
    _, text, _ = await admin.fragment("/imports/list")
    assert "● 完了" in text
    assert "データの時点" in text


async def test_a_broken_file_shows_each_line_with_its_reason(panel: Panel, admin: Browser, settings: Settings) -> None:
    await send(admin, "zeimu-people", ZEIMU.people(CITY.people))
    await work(panel, settings)
    broken = (
        ZEIMU.assessments(CITY.bills).replace(b",5080630,", b",5080631,").replace(b",01,508,0000003,02,", b",01,508,")
    )
    _, _, place = await send(admin, "zeimu-assessments", broken)
    await work(panel, settings)
    row = newest(panel)
    assert (row.state, row.rejected) == (ImportState.HELD, 25)
    _, text, _ = await admin.get(place)
    assert "▲ 確認待ち" in text
    assert "2026年6月31日は存在しない日付です" in text
    assert "見出しは9列、この行は7列" in text
    assert "件数を確認したので反映する" in text
    status, file, headers = await admin.get(f"{place}/rejected.csv")
    assert (status, file.count("\n"), "attachment" in headers["Content-Disposition"]) == (200, 26, True)
    with panel.database.read() as tx:
        told = [row.detail for row in access_log.entries(tx, system_viewer("test")) if row.action == "import.report"]
    assert told == ["zeimu-assessments.csv 拒否行の一覧", "zeimu-assessments.csv"]
    assert (await admin.post(f"{place}/cancel"))[0] == 204
    assert newest(panel).state is ImportState.CANCELLED
    assert (await admin.post(f"{place}/confirm"))[0] == 409


async def test_what_is_wrong_with_the_form_is_told_beside_its_field(panel: Panel, admin: Browser) -> None:
    for mapping, query, field in (
        ("nothing", {}, "mapping"),
        ("../../etc/passwd", {}, "mapping"),
        ("zeimu-people", {"name": ""}, "file"),
        ("zeimu-people", {"as_of": "2030-01-01"}, "as_of"),
        ("zeimu-people", {"as_of": "yesterday"}, "as_of"),
    ):
        status, text, _ = await send(admin, mapping, b"x", **query)
        assert (status, f'"{field}"' in text) == (422, True), (mapping, text)
    status, text, _ = await send(admin, "zeimu-people", b"")
    assert (status, "空です" in text) == (422, True)
    with panel.database.read() as tx:
        assert imports.history(tx, system_viewer("test")) == []


async def test_nothing_is_left_of_an_upload_that_is_refused(panel: Panel, admin: Browser, settings: Settings) -> None:
    await send(admin, "zeimu-people", b"")
    assert list(settings.imports.dir.glob("*")) == []


async def test_a_file_larger_than_any_form_goes_up(panel: Panel, admin: Browser, settings: Settings) -> None:
    status, _, _ = await send(admin, "zeimu-people", io.BytesIO(ZEIMU.people(CITY.people) * 1000))
    assert status == 204
    assert newest(panel).size > 1_000_000


async def test_the_same_file_is_recognised(panel: Panel, admin: Browser, settings: Settings) -> None:
    data = ZEIMU.people(CITY.people)
    await send(admin, "zeimu-people", data)
    status, text, _ = await send(admin, "zeimu-people", data)
    assert (status, "進行中" in text) == (409, True)
    await work(panel, settings)
    _, _, place = await send(admin, "zeimu-people", data)
    _, text, _ = await admin.get(place)
    assert "取り込み済みです" in text


async def test_a_mapping_with_mistakes_is_shown_with_them(
    panel: Panel, admin: Browser, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings/bad.toml").write_text('kind = "people"\n[columns]\nname = "氏名"\n', encoding="utf-8")
    (tmp_path / "mappings/broken.toml").write_text("kind = ", encoding="utf-8")
    object.__setattr__(settings.imports, "mappings_dir", tmp_path / "mappings")
    _, text, _ = await admin.get("/imports")
    assert "必須の項目（宛名番号）がありません" in text
    assert "TOMLとして読めません" in text


async def test_others_do_not_see_imports(panel: Panel) -> None:
    panel.user("officer", "officer")
    browser = await panel.browser("officer")
    assert (await browser.get("/imports"))[0] == 403
    assert "データ取込" not in (await browser.get("/"))[1]
