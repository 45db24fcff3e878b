"""The workflow in a real browser: at a glance on the screen, by keyboard down to the people, live, and on A4."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from db.engine import Database
from db.rules.bits import CASE_STATES
from db.rules.terms import Area, CaseState, Channel
from db.schema.summaries import CaseSummary
from db.store import summaries
from db.usecases import case_states
from db.usecases.results import Entry, note_contact
from saikoku.city.seed import seed_city
from tests.browser.conftest import DESK, TABLET, City
from tests.integration.db.people import NOW, OFFICE

Opener = Callable[..., Page]


def make_states(database: Database) -> None:
    """What `saikoku jobs` does."""
    with database.write() as tx:
        summaries.roll(tx, OFFICE.today(NOW))
        case_states.sweep_all(tx, NOW, OFFICE)


@pytest.fixture
def town(city: City) -> City:
    """A city of some hundred with their states, and an officer of all its areas."""
    boss = city.user("boss", "東 美咲", "supervisor", (Area.TAX, Area.PUBLIC, Area.PRIVATE))
    seed_city(city.database, debtors=300, seed=3, today=OFFICE.today(NOW), staff_ids=[boss.user_id])
    make_states(city.database)
    return city


@pytest.mark.req("T10")
@pytest.mark.parametrize("viewport", [DESK, TABLET], ids=["1366", "1024"])
def test_states_and_breakdown_are_on_one_screen_and_lead_to_the_people(
    open_page: Opener, town: City, viewport: dict[str, int]
) -> None:
    page = open_page("boss", viewport)
    page.click("text=業務ワークフロー")
    expect(page.locator(".flow-state")).to_have_count(6)
    for part in (".flow-states", ".flow-break"):
        box = page.locator(part).bounding_box()
        assert box
        assert box["y"] < viewport["height"] - 200, part
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the side"
    page.click("text=地区別")
    expect(page.locator(".flow-by [aria-current]")).to_have_text("地区別")
    page.focus(".flow-not_contacted a")
    page.keyboard.press("Enter")
    expect(page.locator(".flow-people-list tbody tr")).to_have_count(50)
    page.select_option("#f-order", "amount")
    page.click("text=並べ替え")
    expect(page).to_have_url(re.compile("order=amount"))
    page.click("text=次へ")
    expect(page.locator(".flow-pages")).to_contain_text("2 / ")
    assert page.input_value("#f-order") == "amount"
    with page.expect_download() as download:
        page.click("text=CSV出力")
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.req("T10")
def test_numbers_change_by_themselves_and_the_focus_stays(open_page: Opener, town: City) -> None:
    page = open_page("boss")
    page.goto("/workflow?by=amount")
    expect(page.locator("html")).to_have_attribute("data-live", "")
    reached = page.locator(".flow-no_promise strong")
    before = int(reached.inner_text())
    link = page.locator(".flow-table a").nth(3)
    link.focus()
    focused = page.evaluate("document.activeElement.getAttribute('href')")
    with town.database.write() as tx:
        somebody = select(CaseSummary.debtor_id).where(
            CaseSummary.state == CASE_STATES[CaseState.NOT_CONTACTED], CaseSummary.area == Area.TAX
        )
        debtor_id = tx.execute(somebody.order_by(CaseSummary.debtor_id).limit(1)).scalar_one()
        note_contact(tx, town.users["boss"], debtor_id, Area.TAX, Channel.COUNTER, Entry("counter_talk"), NOW, OFFICE)
    make_states(town.database)
    expect(reached).to_have_text(str(before + 1))
    assert page.evaluate("document.activeElement.getAttribute('href')") == focused


@pytest.mark.req("T11")
def test_figures_print_on_a4_with_their_numbers(open_page: Opener, town: City) -> None:
    page = open_page("boss")
    page.goto("/workflow/figures")
    page.emulate_media(media="print")
    for hidden in (".shell-head", ".flow-areas", ".call-bar"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#g-trend")).to_be_visible()
    page.set_viewport_size({"width": 703, "height": 1000})  # 186 mm, what A4 leaves between its margins
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.eval_on_selector_all(".figure", "all => all.map(one => one.getBoundingClientRect().height)")
    assert max(heights) < 1032, "no figure is longer than a sheet, so none is cut"
