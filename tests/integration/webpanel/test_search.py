"""The search: what is found by what, where it leads, and what nobody finds."""

from datetime import date
from urllib.parse import quote

import pytest

from db.rules.terms import Area
from tests.integration.webpanel.conftest import Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged

STRANGE = "葛\U000e0100城 O'Brien　凛🌸"
STRANGE_KANA = "カツラギ オブライエン　リン"


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    "words",
    [
        "0000000001",
        "０００００００００１",
        "090-1111-2222",
        "+81 90 1111 2222",
        "昭和55年5月3日",
        "1980-05-03",
        "N000002",
        "葛城",
        "葛\U000e0100城",
        "葛城 O'Brien",
        "葛城OBrien",
        "葛城 O’Brien 凛🌸",
        "かつらぎ",
        "ｶﾂﾗｷﾞ",
        "カツラギ オブ",
    ],
)
async def test_one_hit_opens_directly(panel: Panel, words: str) -> None:
    found = panel.small.debtor(STRANGE, STRANGE_KANA)
    panel.small.debtor("佐藤 花", "サトウ ハナ", phone=None, born=date(1991, 7, 15))
    panel.user("op")
    browser = await panel.browser("op")
    status, _, headers = await browser.get(f"/search?q={quote(words)}")
    assert (status, headers.get("Location")) == (302, f"/debtors/{found}")
    status, text, _ = await browser.get(f"/debtors/{found}")
    assert status == 200
    assert "葛\U000e0100城 O&#39;Brien　凛🌸" in text


@pytest.mark.req("T5", "C2")
async def test_several_hits_are_listed_with_their_count_and_the_search_is_logged(panel: Panel) -> None:
    for given, kana in (("太郎", "タロウ"), ("次郎", "ジロウ"), ("<b>花</b>", "ハナ")):
        panel.small.debtor(f"山田 {given}", f"ヤマダ {kana}", phone=None)
    panel.user("op")
    browser = await panel.browser("op")
    status, text, _ = await browser.get("/search?q=やまだ")
    assert status == 200
    assert "3人" in text
    assert text.count('<td class="number">') == 3
    assert "&lt;b&gt;花&lt;/b&gt;" in text
    assert "昭和55年5月3日" in text
    assert logged(panel, "search") == 1


@pytest.mark.req("T5")
async def test_more_than_can_be_listed_is_said(panel: Panel) -> None:
    for number in range(51):
        panel.small.debtor(f"鈴木 {number}", "スズキ", phone=None, owes=0)
    panel.user("op")
    _, text, _ = await (await panel.browser("op")).get("/search?q=鈴木")
    assert "50人以上" in text
    assert text.count('<td class="number">') == 50


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    "words", ["いない", "12345678901234567890", "%", "_", "'; DROP TABLE debtor;--", "a\0b", "あ" * 500]
)
async def test_nobody_found_says_what_can_be_typed(panel: Panel, words: str) -> None:
    panel.small.debtor()
    panel.user("op")
    status, text, _ = await (await panel.browser("op")).get(f"/search?q={quote(words)}")
    assert status == 200
    assert "見つかりません" in text
    assert "入力できるもの" in text


@pytest.mark.req("T5")
async def test_an_empty_search_only_shows_what_can_be_typed(panel: Panel) -> None:
    panel.user("op")
    status, text, _ = await (await panel.browser("op")).get("/search?q=%20")
    assert status == 200
    assert "入力できるもの" in text
    assert "見つかりません" not in text
    assert logged(panel, "search") == 0


@pytest.mark.req("T15", "C6")
@pytest.mark.parametrize(
    ("mine", "theirs"), [(Area.TAX, Area.HEALTH), (Area.HEALTH, Area.TAX), (Area.TAX, Area.PRIVATE)]
)
async def test_people_of_another_area_are_not_found(panel: Panel, mine: Area, theirs: Area) -> None:
    panel.small.debtor(area=theirs, owes=0)
    panel.user("op", areas=(mine,))
    browser = await panel.browser("op")
    for words in ("0000000001", "090-1111-2222", "1980-05-03", "山田", "ヤマダ"):
        _, text, _ = await browser.get(f"/search?q={quote(words)}")
        assert "見つかりません" in text


@pytest.mark.req("C5")
async def test_a_list_shows_no_birth_date_before_identity(panel: Panel) -> None:
    first = panel.small.debtor()
    panel.small.debtor("山田 花", "ヤマダ ハナ", phone=None)
    panel.user("contracted", "contracted_operator", contracted=True)
    _, text, _ = await (await panel.browser("contracted")).get("/search?q=山田")
    assert "昭和55年" not in text
    assert "1980" not in text
    viewer = panel.user("op")
    OnTheLine(panel, viewer, first).talk()
    _, text, _ = await (await panel.browser("op")).get("/search?q=山田")
    assert text.count("昭和55年5月3日") == 1
