"""What the network says of a caller, in all the ways it says it."""

import pytest

from agi.caller import read_caller
from agi.request import Request
from db.reference.phones import PhoneNumber
from db.rules.callers import CallerKind
from db.rules.terms import PhoneKind


def caller(number: str, presentation: str = "0") -> PhoneNumber | CallerKind:
    return read_caller(Request({"callerid": number, "callingpres": presentation}))


@pytest.mark.req("T5")
@pytest.mark.parametrize("text", ["09012345678", "+819012345678", "819012345678", "090-1234-5678", " 09012345678 "])
def test_every_spelling_of_a_trunk_is_one_number(text: str) -> None:
    number = caller(text)
    assert isinstance(number, PhoneNumber)
    assert number.e164 == "+819012345678"


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("text", "kind"),
    [("0312345678", PhoneKind.LANDLINE), ("+16502530000", PhoneKind.FOREIGN), ("0120123456", PhoneKind.TOLL_FREE)],
)
def test_the_kind_of_a_number_is_known(text: str, kind: PhoneKind) -> None:
    number = caller(text)
    assert isinstance(number, PhoneNumber)
    assert number.kind is kind


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("number", "presentation"), [("anonymous", "0"), ("Anonymous", "32"), ("", "32"), ("09012345678", "35")]
)
def test_a_withheld_number_is_not_used_even_if_it_came(number: str, presentation: str) -> None:
    assert caller(number, presentation) is CallerKind.HIDDEN


@pytest.mark.req("T5")
@pytest.mark.parametrize("number", ["", "unknown", "Unavailable"])
def test_no_number_is_no_number(number: str) -> None:
    assert caller(number, "67") is CallerKind.NO_NUMBER


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    "number", ["12", "110", "1001", "0" * 50, "0901234567\0", "09012345678;x", "山田", "🂡", "-", "+"]
)
def test_what_is_no_number_is_malformed(number: str) -> None:
    assert caller(number) is CallerKind.MALFORMED
