"""Who is on the line: forgiving of spelling, never of a wrong digit."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.identity import Identification, Identity, address_matches, identify

ADDRESS = "架空県見本市中央一丁目3番2号 みほんハイツ503号室"
RECORD = Identity("やまだたろう", date(1980, 4, 1), ADDRESS)
SAID = Identity("やまだたろう", date(1980, 4, 1), "中央1-3-2")


@pytest.mark.req("C5")
def test_all_three_parts_are_needed() -> None:
    assert identify(SAID, RECORD).matched
    assert identify(replace(SAID, name_kana="やまだじろう"), RECORD) == Identification(False, True, True)
    assert identify(replace(SAID, birth_date=date(1980, 4, 2)), RECORD) == Identification(True, False, True)
    assert identify(replace(SAID, address="中央1-3-3"), RECORD) == Identification(True, True, False)
    for name in (True, False):
        for birth_date in (True, False):
            for address in (True, False):
                expected = name and birth_date and address
                assert Identification(name, birth_date, address).matched == expected


@pytest.mark.req("C5")
def test_nothing_said_or_nothing_known_is_no_match() -> None:
    blank = Identity("", None, "")
    assert identify(blank, RECORD) == Identification(False, False, False)
    assert identify(blank, blank) == Identification(False, False, False)
    assert identify(SAID, blank) == Identification(False, False, False)


@pytest.mark.req("C5")
@pytest.mark.parametrize(
    "part",
    [
        "中央1-3-2",
        "中央１－３－２",
        "中央 １丁目３番２号",
        "中央一丁目三番二号",
        "中央1丁目3番地2",
        "中央1ー3ー2",
        "見本市中央1-3",
        "1-3-2",
        "3-2",
        "1の3の2",
        "中央01-03-02",
        "503",
        "503号室",
        "みほんハイツ５０３",
        "ハイツ503",
        "2号みほん",
        "架空県見本市中央一丁目3番2号みほんハイツ503号室",
    ],
)
def test_spelling_is_forgiven(part: str) -> None:
    assert address_matches(part, ADDRESS)


@pytest.mark.req("C5")
@pytest.mark.parametrize(
    "part",
    [
        "",
        " ",
        "-",
        "中央",
        "架空県見本市",
        "1",
        "3",
        "50",
        "中央1-3-3",
        "中央11-3-2",
        "中央1-32",
        "1-2-3",
        "3-1",
        "13-2",
        "5-0-3",
        "5030",
        "央中1-3-2",
        "北中央1-3-2",
        "みほんハイツ504",
        "見本1-3",
    ],
)
def test_wrong_or_too_little(part: str) -> None:
    assert not address_matches(part, ADDRESS)


@pytest.mark.parametrize(
    ("part", "address"),
    [
        ("北12条西3", "札幌見本区北十二条西三丁目"),
        ("東25線10号", "見本町東二十五線十号"),
        ("103番地", "見本町一〇三番地"),
        ("見本三田2-1", "見本三田二丁目1"),
    ],
)
def test_kanji_numerals(part: str, address: str) -> None:
    assert address_matches(part, address)


def test_a_name_with_a_numeral_in_it_stays_a_name() -> None:
    assert not address_matches("見本3田2-1", "見本三田二丁目1")


def test_an_address_without_numbers_is_named_by_its_end() -> None:
    assert address_matches("字奥山", "架空県見本村大字字奥山")
    assert not address_matches("架空県", "架空県見本村大字字奥山")
    assert not address_matches("山", "架空県見本村大字字奥山")


def test_absurdly_long_text_is_only_cut() -> None:
    assert not address_matches("1" * 9_000, ADDRESS)
    assert not address_matches("一" * 9_000 + "番", ADDRESS)


NUMBERS = st.lists(st.integers(1, 40), min_size=2, max_size=4)


@given(NUMBERS)
def test_the_right_numbers_match_in_every_style(numbers: list[int]) -> None:
    address = "見本市中央" + "-".join(map(str, numbers))
    for style in ("-", "－", "の"):
        assert address_matches("中央" + style.join(map(str, numbers)), address)


@given(NUMBERS, st.data())
def test_one_wrong_number_never_matches(numbers: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(numbers) - 1))
    wrong = [*numbers]
    wrong[place] = data.draw(st.integers(1, 400).filter(lambda n: n != numbers[place]))
    assert not address_matches("中央" + "-".join(map(str, wrong)), "見本市中央" + "-".join(map(str, numbers)))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_compared_without_failing(part: str, address: str) -> None:
    assert address_matches(part, address) in {True, False}
