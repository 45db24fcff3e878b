"""One phone has one spelling, whatever the import, the operator or the trunk wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.reference.phones import PhoneError, dial_digits, parse_phone
from db.rules.terms import PhoneKind


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    "text",
    [
        "09012345678",
        "090-1234-5678",
        " 090 1234 5678 ",
        "０９０－１２３４－５６７８",
        "090ー1234ー5678",
        "090−1234‐5678",
        "090(1234)5678",
        "(090)1234-5678",
        "（０９０）１２３４－５６７８",
        "+819012345678",
        "+81 90-1234-5678",
        "+81 (0)90-1234-5678",
        "＋８１ ９０ １２３４ ５６７８",
        "0081 90 1234 5678",
        "819012345678",
        "9012345678",
        "090\u30001234\u30005678",
    ],
)
def test_every_spelling_of_a_mobile_is_one_number(text: str) -> None:
    number = parse_phone(text)
    assert (number.e164, number.kind, number.national) == ("+819012345678", PhoneKind.MOBILE, "090-1234-5678")


@pytest.mark.req("S3")
@pytest.mark.parametrize(
    ("text", "kind", "national"),
    [
        ("06012345678", PhoneKind.MOBILE, "060-1234-5678"),
        ("06001234567", PhoneKind.MOBILE, "060-0123-4567"),
        ("07012345678", PhoneKind.MOBILE, "070-1234-5678"),
        ("08012345678", PhoneKind.MOBILE, "080-1234-5678"),
        ("09000001234", PhoneKind.MOBILE, "090-0000-1234"),
        ("05012345678", PhoneKind.IP, "050-1234-5678"),
        ("0120123456", PhoneKind.TOLL_FREE, "0120-123-456"),
        ("08001234567", PhoneKind.TOLL_FREE, "0800-123-4567"),
        ("0570123456", PhoneKind.SHARED_COST, "0570-123-456"),
        ("0612345678", PhoneKind.LANDLINE, "06-1234-5678"),
        ("0312345678", PhoneKind.LANDLINE, "03-1234-5678"),
        ("0466221234", PhoneKind.LANDLINE, "0466-22-1234"),
        ("0990123456", PhoneKind.OTHER, "0990-123-456"),
        ("+1 650 253 0000", PhoneKind.FOREIGN, "+1 650-253-0000"),
        ("010 1 650 253 0000", PhoneKind.FOREIGN, "+1 650-253-0000"),
    ],
)
def test_kind_and_display(text: str, kind: PhoneKind, national: str) -> None:
    number = parse_phone(text)
    assert (number.kind, number.national) == (kind, national)


@pytest.mark.req("S3")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("02012345678", "not_a_phone"),
        ("020-4123-4567", "not_a_phone"),
        ("110", "invalid"),
        ("090123456", "invalid"),
        ("090123456789", "invalid"),
        ("0000000000", "invalid"),
        ("0912345678", "invalid"),
        ("+1 234", "invalid"),
        ("anonymous", "bad_characters"),
        ("0120-FREE-CALL", "bad_characters"),
        ("03-1234-5678 内線12", "bad_characters"),
        ("03-1234-5678/090-1234-5678", "bad_characters"),
        ("09012345678\r\nAction: Originate", "bad_characters"),
        ("0" * 41, "bad_characters"),
        ("++819012345678", "bad_characters"),
    ],
)
def test_anything_else_is_refused_in_japanese(text: str, code: str) -> None:
    with pytest.raises(PhoneError) as caught:
        parse_phone(text)
    assert caught.value.code == code
    assert caught.value.message.endswith("。")


@pytest.mark.req("T3")
def test_what_is_dialled() -> None:
    assert dial_digits("+819012345678") == "09012345678"
    assert dial_digits("+81312345678") == "0312345678"
    assert dial_digits("+16502530000") == "01016502530000"


@pytest.mark.req("T3")
@pytest.mark.parametrize("text", ["09012345678", "+81", "+819012345678\r\n", "+81 9012345678", "+81901234567８"])
def test_only_e164_is_dialled(text: str) -> None:
    with pytest.raises(PhoneError) as caught:
        dial_digits(text)
    assert caught.value.code == "bad_e164"


@given(st.from_regex(r"0(60|70|90)[0-9]{8}|080[1-9][0-9]{7}", fullmatch=True).filter(str.isascii))
def test_dialling_undoes_parsing(national: str) -> None:
    assert dial_digits(parse_phone(national).e164) == national


@given(st.text(max_size=60))
def test_text_is_a_number_or_a_phone_error(text: str) -> None:
    try:
        number = parse_phone(text)
    except PhoneError:
        return
    assert parse_phone(number.e164) == number
    assert parse_phone(dial_digits(number.e164)) == number
