"""The modulus 11 check digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.numbering import check_digit, has_valid_check_digit

BODIES = st.text("0123456789", min_size=1, max_size=14)


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("body", "digit"),
    [
        ("1", 9),  # 1×2 = 2, 11 − 2
        ("5", 1),  # 5×2 = 10, 11 − 10
        ("0", 0),
        ("6", 0),  # 6×2 = 12, remainder 1
        ("1234567", 4),  # 7×2+6×3+5×4+4×5+3×6+2×7+1×2 = 106, remainder 7
        ("12345678901", 8),
    ],
)
def test_examples(body: str, digit: int) -> None:
    assert check_digit(body) == digit


@pytest.mark.parametrize("number", ["", "1", "12a4", "１２", "-19"])
def test_what_is_no_number_is_not_valid(number: str) -> None:
    assert not has_valid_check_digit(number)


@pytest.mark.parametrize("body", ["", "1x", "１"])
def test_a_check_digit_needs_digits(body: str) -> None:
    with pytest.raises(ValueError, match="ASCII digits"):
        check_digit(body)


@given(BODIES)
def test_computing_and_verifying_agree(body: str) -> None:
    valid = [digit for digit in "0123456789" if has_valid_check_digit(body + digit)]
    assert valid == [str(check_digit(body))]


@given(BODIES.filter(lambda body: len(body) <= 6), st.data())
def test_one_wrong_digit_is_noticed_unless_both_complements_are_folded_to_zero(body: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != body[place]]))
    wrong = body[:place] + other + body[place + 1 :]
    assert check_digit(body) != check_digit(wrong) or check_digit(body) == 0
