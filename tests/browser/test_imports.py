"""A system administrator takes a file of the core system, and a broken one, as they would."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.settings import ImportsSettings
from saikoku.import_worker import Worker
from tests.browser.conftest import TABLET, City, PanelThread
from tests.integration.db.people import OFFICE
from tests.integration.exchange.core import City as CoreCity
from tests.integration.exchange.core import Zeimu

CORE, ZEIMU = CoreCity(24), Zeimu()


@pytest.fixture
def work(panel: PanelThread, city: City, tmp_path: Path) -> Iterator[Callable[[], int]]:
    """Lets the jobs daemon's worker do what waits; the panel knows the same folder."""
    panel.stop()
    settings = ImportsSettings(dir=tmp_path / "imports", mappings_dir=Path("deploy/mappings"))
    panel.settings = replace(panel.settings, imports=settings)
    panel.start()
    return Worker(city.database, settings.dir, panel.clock, OFFICE.zone, threading.Event()).work


def send(page: Page, tmp_path: Path, mapping: str, data: bytes, *, check: bool = True) -> None:
    file = tmp_path / f"{mapping}_20261123.csv"
    file.write_bytes(data)
    page.goto("/imports")
    page.select_option("#i-mapping", mapping)
    page.set_input_files("#i-file", file)
    if not check:
        page.uncheck("[name=dry_run]")
    page.click("form[data-upload] button")
    page.wait_for_url(re.compile("/imports/.+"))


@pytest.mark.req("T20")
def test_a_good_file_and_a_broken_one(open_page: Callable[..., Page], work: Callable[[], int], tmp_path: Path) -> None:
    page = open_page("admin")
    page.click("text=データ取込")
    expect(page.locator("#content")).to_contain_text("まだ取込はありません")
    send(page, tmp_path, "zeimu-people", ZEIMU.people(CORE.people))
    expect(page.locator(".import-mark")).to_contain_text("待機中")
    assert work() == 1
    expect(page.locator(".import-mark")).to_contain_text("検査済")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.click("text=この内容で反映する")
    assert [("追加24件" in said, "終了0件" in said) for said in asked] == [(True, True)], (
        "what it will do is said once more"
    )
    expect(page.locator(".import-mark")).to_contain_text("待機中")
    assert work() == 1
    expect(page.locator(".import-mark")).to_contain_text("完了")
    expect(page.locator(".private")).to_contain_text("U+E000")

    broken = ZEIMU.assessments(CORE.bills).replace(b",5080630,", b",5080631,").replace(b"0000003,02,", b'"0000003,02,')
    send(page, tmp_path, "zeimu-assessments", broken, check=False)
    assert work() == 1
    expect(page.locator(".import-mark")).to_contain_text("確認待ち")
    expect(page.locator(".refused")).to_contain_text("2026年6月31日は存在しない日付です")
    expect(page.locator(".refused")).to_contain_text("引用符")
    page.screenshot(path=tmp_path / "broken-1366.png", full_page=True)
    with page.expect_download() as saved:
        page.click("text=全件をCSVで保存")
    assert saved.value.path().read_bytes().startswith("\ufeff行,列,値,理由".encode())
    page.click("text=取込を取り消す")
    expect(page.locator(".import-mark")).to_contain_text("取消")

    page.goto("/imports")
    expect(page.locator(".import-history tbody tr")).to_have_count(2)
    page.screenshot(path=tmp_path / "imports-1366.png", full_page=True)
    page.select_option("#e-mapping", "zeimu-export-contacts")
    page.click("text=前回以降の分を書き出す")
    expect(page.locator("#e-history + table")).to_contain_text("準備中")
    work()
    page.set_viewport_size(TABLET)
    page.reload()
    expect(page.locator("#e-history + table")).to_contain_text("保存")
    page.screenshot(path=tmp_path / "imports-1024.png", full_page=True)
