"""What a carrier says of a message, in either form, and whose message it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_smpp.pdu import MESSAGE_STATE, NETWORK_ERROR_CODE, RECEIPTED_MESSAGE_ID
from sms_smpp.receipts import Fate, Receipt, id_candidates, id_key, receipt_of, text_of
from tests.unit.sms_smpp.test_pdu import deliver_sm, read, tlv

TEXT = b"id:0000006699 sub:001 dlvrd:001 submit date:2611241015 done date:2611241016 stat:DELIVRD err:000 text:id:1 stat:REJECTD"


@pytest.mark.req("S4")
def test_a_receipt_as_text() -> None:
    assert receipt_of(read(deliver_sm(TEXT, esm_class=4))) == Receipt("0000006699", Fate.DELIVERED, "000")


@pytest.mark.req("S4")
def test_a_receipt_as_optional_parameters() -> None:
    tlvs = tlv(RECEIPTED_MESSAGE_ID, b"1a2b\0") + tlv(MESSAGE_STATE, b"\5") + tlv(NETWORK_ERROR_CODE, b"\3\0\x0c")
    assert receipt_of(read(deliver_sm(tlvs=tlvs, esm_class=4))) == Receipt("1a2b", Fate.UNDELIVERABLE, "3-12")
    assert receipt_of(read(deliver_sm(TEXT, tlvs=tlvs))) == Receipt("1a2b", Fate.UNDELIVERABLE, "3-12")


@pytest.mark.req("S4")
@pytest.mark.parametrize(
    ("word", "fate"), [("undeliv", Fate.UNDELIVERABLE), ("EXPIRED", Fate.EXPIRED), ("???", Fate.UNKNOWN)]
)
def test_states_in_words(word: str, fate: Fate) -> None:
    assert receipt_of(read(deliver_sm(f"id:7 stat:{word} err:12".encode(), esm_class=4))) == Receipt("7", fate, "12")


@pytest.mark.req("S4")
def test_what_the_message_said_is_not_what_the_carrier_says() -> None:
    quoting = read(deliver_sm(b"id:7 text:stat:DELIVRD err:99", esm_class=4))
    assert receipt_of(quoting) == Receipt("7", Fate.UNKNOWN)


@pytest.mark.req("S4")
def test_a_receipt_that_says_nothing_is_a_receipt_without_id() -> None:
    assert receipt_of(read(deliver_sm(b"", esm_class=4))) == Receipt("", Fate.UNKNOWN)
    assert receipt_of(
        read(deliver_sm(b"", tlvs=tlv(RECEIPTED_MESSAGE_ID, b"7") + tlv(MESSAGE_STATE, b"\x63")))
    ) == Receipt("7", Fate.UNKNOWN)


@pytest.mark.req("S4", "S5")
def test_a_citizen_cannot_write_a_receipt() -> None:
    assert receipt_of(read(deliver_sm(TEXT))) is None


def test_what_is_final() -> None:
    assert {fate for fate in Fate if not fate.is_final} == {Fate.ENROUTE, Fate.ACCEPTED}


@pytest.mark.req("S4")
@pytest.mark.parametrize(
    ("answered", "reported"),
    [
        ("4FE21A", "4fe21a"),
        ("1A2B", "6699"),
        ("1A2B", "0000006699"),
        ("6699", "1a2b"),
        ("00001a2b", "6699"),
        ("abc-77", "ABC-77"),
        ("0", "000"),
    ],
)
def test_ids_in_hex_and_decimal_are_the_same(answered: str, reported: str) -> None:
    assert id_key(answered) in id_candidates(reported)


@given(number=st.integers(0, 1 << 62), width=st.integers(0, 20))
def test_every_id_is_found_in_either_base(number: int, width: int) -> None:
    for answered, reported in ((f"{number:X}", f"{number:0{width}d}"), (f"{number:0{width}d}", f"{number:x}")):
        assert id_key(answered) in id_candidates(reported)
        assert id_candidates(reported)[0] == id_key(reported)


@given(identity=st.text(max_size=80))
def test_any_id_has_candidates(identity: str) -> None:
    assert id_candidates(identity)


@pytest.mark.req("S5")
@pytest.mark.parametrize(
    ("octets", "coding", "text"),
    [
        ("はい".encode("utf-16-be"), 8, "はい"),
        (b"hi \x1be", 0, "hi €"),
        ("はい".encode("shift_jis"), 5, "はい"),
        ("はい".encode("iso2022_jp"), 10, "はい"),
        (b"caf\xe9", 3, "café"),
        (b"\xd8", 8, "\ufffd"),
    ],
)
def test_replies_in_every_coding(octets: bytes, coding: int, text: str) -> None:
    assert text_of(read(deliver_sm(octets, coding=coding))) == text


@pytest.mark.req("S5")
def test_the_header_of_a_part_is_no_text() -> None:
    part = bytes((5, 0, 3, 1, 2, 1)) + "はい".encode("utf-16-be")
    assert text_of(read(deliver_sm(part, esm_class=0x40, coding=8))) == "はい"
    assert text_of(read(deliver_sm(b"\xff", esm_class=0x40, coding=8))) == ""
