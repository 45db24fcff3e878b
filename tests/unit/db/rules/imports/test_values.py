"""Single values of core systems."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.calendar import parse_date
from db.reference.phones import parse_phone
from db.rules.imports import values
from db.rules.imports.values import BadValueError
from db.rules.terms import Area, FlagKind

pytestmark = pytest.mark.req("T20")


@pytest.mark.parametrize(
    ("text", "yen"),
    [
        ("0", 0), ("00012300", 12_300), ("12,300", 12_300), ("１２，３００", 12_300), ("¥12,300円", 12_300), ("-1,200", -1200),
        ("△1,200", -1200), ("▲１２００", -1200), ("1200-", -1200), ("(1,200)", -1200), ("−500", -500), ("+500", 500), ("1200.00", 1200),
    ],
)  # fmt: skip
def test_amounts(text: str, yen: int) -> None:
    assert values.signed_yen(text) == yen


@pytest.mark.parametrize("text", ["", "-", "1.5", "12a", "1-2", "--1", "-1-", "一万", "1" * 13, "9" * 4000, "1 2\x00"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadValueError):
        values.signed_yen(text)


def test_an_amount_that_may_not_be_negative() -> None:
    with pytest.raises(BadValueError, match="マイナス"):
        values.yen("△100")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("5080630", "2026-06-30"), ("令和8年6月30日", "2026-06-30"), ("R8.6.30", "2026-06-30"), ("S55.5.3", "1980-05-03"),
        ("20260630", "2026-06-30"), ("2026/6/30", "2026-06-30"), ("２０２６／０６／３０", "2026-06-30"), ("平成31年4月30日", "2019-04-30"),
        ("0000000", None), ("00000000", None), ("99999999", None), ("  /  /  ", None), ("　", None),
    ],
)  # fmt: skip
def test_days(text: str, iso: str | None) -> None:
    assert values.day(text, parse_date) == iso


@pytest.mark.parametrize("text", ["5081332", "平成40年1月1日", "2026-02-30", "昭和", "R8"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(BadValueError):
        values.day(text, parse_date)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2026", 2026),
        ("２０２６年度", 2026),
        ("令和8年度", 2026),
        ("R08", 2026),
        ("508", 2026),
        ("令和元年度", 2019),
        ("平成31年度", 2019),
        ("H30", 2018),
    ],
)
def test_fiscal_years(text: str, year: int) -> None:
    assert values.fiscal_year(text, parse_date) == year


@pytest.mark.parametrize("text", ["8", "08", "令和", "平成99年度", "20260", "x"])
def test_what_is_no_fiscal_year(text: str) -> None:
    with pytest.raises(BadValueError):
        values.fiscal_year(text, parse_date)


def test_codes_and_texts() -> None:
    assert values.code(" ０１２３－４ ") == "0123-4"
    assert values.text("見本\r\n　町 ") == "見本 　町".replace("　", "　")
    assert values.note("一行\r\n二行") == "一行\n二行"
    with pytest.raises(BadValueError, match="文字を超え"):
        values.code("1" * 41)
    with pytest.raises(BadValueError, match="制御"):
        values.text("a\x00b")


def test_choices_items_and_phones() -> None:
    assert values.choice("支援措置", FlagKind) == values.choice("protected", FlagKind) == "protected"
    with pytest.raises(BadValueError, match="どれでもありません"):
        values.choice("?", FlagKind)
    with pytest.raises(BadValueError, match="登録されていない"):
        values.item("99", {"care": Area.PUBLIC}, frozenset({Area.TAX}))
    with pytest.raises(BadValueError, match="対象（areas）"):
        values.item("care", {"care": Area.PUBLIC}, frozenset({Area.TAX}))

    def read(text: str) -> tuple[str, str]:
        number = parse_phone(text)
        return number.e164, number.kind.value

    assert values.phone("０９０－１１１１－２２２２", read) == "+819011112222/mobile"
    with pytest.raises(BadValueError, match="内線"):
        values.phone("03-1234-5678 内線2", read)


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_refusal(text: str) -> None:
    for read in (
        values.text, values.note, values.code, values.yen, values.signed_yen, values.count,
        lambda one: values.day(one, parse_date), lambda one: values.fiscal_year(one, parse_date),
    ):  # fmt: skip
        try:
            found = read(text)
        except BadValueError as error:
            found = str(error) or 0.5
        assert isinstance(found, str | int | None)


@given(st.dates(min_value=date(1873, 1, 1), max_value=date(2100, 12, 31)))
def test_a_day_comes_back_from_every_spelling(day: date) -> None:
    from db.reference.calendar import era_date, era_date_short

    spellings = [day.isoformat(), f"{day:%Y%m%d}", f"{day:%Y/%m/%d}", era_date(day), era_date_short(day)]
    assert {values.day(text, parse_date) for text in spellings} == {day.isoformat()}
