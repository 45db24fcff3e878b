"""Every trap of smpplib's codec, sprung."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import smpp

from sms_smpp.errors import BadField, FramingLost, Malformed
from sms_smpp.pdu import (
    LONGEST,
    MESSAGE_PAYLOAD,
    RECEIPTED_MESSAGE_ID,
    Address,
    Delivery,
    Framer,
    Queried,
    Submission,
    bare,
    bind,
    delivery,
    delivery_response,
    header,
    message_id,
    queried,
    query_sm,
    submit_sm,
)

CITY, PHONE = Address("0422112233", 2), Address("819012345678")
MESSAGE = Submission(CITY, PHONE, "桜市です".encode("utf-16-be"), data_coding=8)


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def deliver_sm(
    text: bytes = b"", *, tlvs: bytes = b"", esm_class: int = 0, coding: int = 0, sequence: int = 9
) -> bytes:
    body = b"\0\1\x01819012345678\0\2\x010422112233\0" + bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, coding, 0))
    body += bytes((len(text),)) + text + tlvs
    return struct.pack(">LLLL", 16 + len(body), 5, 0, sequence) + body


def read(frame: bytes) -> Delivery:
    return delivery(header(frame))


# -- the stream -----------------------------------------------------------------------------------------------------------


@given(
    texts=st.lists(st.binary(max_size=200), min_size=1, max_size=5), places=st.lists(st.integers(0, 2000), max_size=20)
)
def test_pdus_are_the_same_however_they_are_cut(texts: list[bytes], places: list[int]) -> None:
    frames = [deliver_sm(text) for text in texts]
    data = b"".join(frames)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    framer = Framer()
    assert [pdu for start, end in itertools.pairwise(edges) for pdu in framer.feed(data[start:end])] == frames
    assert len(framer) == 0


@pytest.mark.req("S1")
@pytest.mark.parametrize("length", [0, 4, 15, LONGEST + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_refused_at_its_fourth_byte(length: int) -> None:
    framer = Framer()
    assert list(framer.feed(struct.pack(">L", length)[:3])) == []
    with pytest.raises(FramingLost, match=str(length)):
        list(framer.feed(struct.pack(">L", length)[3:]))


@given(frame=st.binary(min_size=12, max_size=300), code=st.sampled_from([5, 0x103, 0x80000004, 0x80000009, 0x77]))
def test_whatever_comes_is_read_or_malformed_and_nothing_else(frame: bytes, code: int) -> None:
    pdu = header(struct.pack(">LL", len(frame) + 4, code) + frame[:8] + frame[8:])
    try:
        if pdu.command in {"deliver_sm", "data_sm"}:
            delivery(pdu)
        elif pdu.command == "submit_sm_resp":
            message_id(pdu)
    except Malformed:
        pass


# -- traps of smpplib -------------------------------------------------------------------------------------------------------


def test_a_sequence_number_is_the_one_given() -> None:
    """smpplib's constructor takes `sequence` and ignores it."""
    assert smpp.make_pdu("enquire_link_resp", sequence=7).sequence == 0
    for frame in (
        submit_sm(7, MESSAGE),
        bind("transceiver", 7, "saikoku", "secret", ""),
        bare("enquire_link", 7),
        delivery_response(header(deliver_sm(sequence=7)), 0),
    ):
        assert header(frame).sequence == 7


def test_reading_a_request_uses_up_no_sequence_number() -> None:
    """`smpp.parse_pdu` wants a client and takes a number of it; nobody is asked here, so nothing is used."""
    with pytest.raises(AttributeError):
        smpp.parse_pdu(deliver_sm(b"a"))
    assert header(deliver_sm(b"a", sequence=41)).sequence == 41
    assert read(deliver_sm(b"a", sequence=41)).octets == b"a"


@pytest.mark.req("S4")
@pytest.mark.parametrize("value", [b"4fe21a\0", b"4fe21a"])
def test_an_id_without_its_end_keeps_its_last_character(value: bytes) -> None:
    assert read(deliver_sm(tlvs=tlv(RECEIPTED_MESSAGE_ID, value))).tlvs[RECEIPTED_MESSAGE_ID] == value


@pytest.mark.req("S4")
@pytest.mark.parametrize("tag", [0x0017, 0x0421, 0x1400, 0x3FFF])  # known but undeclared (KeyError), vendor's, reserved
def test_optional_parameters_nobody_expected_are_kept(tag: int) -> None:
    found = read(deliver_sm(b"a", tlvs=tlv(tag, b"xyz") + tlv(RECEIPTED_MESSAGE_ID, b"77")))
    assert dict(found.tlvs) == {tag: b"xyz", RECEIPTED_MESSAGE_ID: b"77"}


@pytest.mark.parametrize("value", [b"", b"\2", b"\2\2\2\2\2"])
def test_a_number_of_the_wrong_size_does_not_shift_the_next(value: bytes) -> None:
    found = read(deliver_sm(tlvs=tlv(0x0427, value) + tlv(RECEIPTED_MESSAGE_ID, b"77")))
    assert found.tlvs[RECEIPTED_MESSAGE_ID] == b"77"


@pytest.mark.req("S1")
@pytest.mark.parametrize(("length", "cut_by_smpplib"), [(8, False), (9, True), (60, True)])
def test_a_password_too_long_is_refused_not_cut(length: int, cut_by_smpplib: bool) -> None:
    if not cut_by_smpplib:
        assert b"p" * length + b"\0" in bind("transceiver", 1, "saikoku", "p" * length, "")
        return
    with pytest.raises(BadField, match="password") as error:
        bind("transceiver", 1, "saikoku", "p" * length, "")
    assert "ppp" not in str(error.value)


@pytest.mark.req("S1")
@pytest.mark.parametrize(
    "bad",
    [
        Submission(Address("1" * 21), PHONE, b"a"),
        Submission(CITY, Address("1" * 21), b"a"),
        Submission(Address("桜市", 5, 0), PHONE, b"a"),
        Submission(Address("1\x002"), PHONE, b"a"),
        Submission(Address("1", 256), PHONE, b"a"),
        Submission(CITY, PHONE, b"a" * 255),
        Submission(CITY, PHONE, b"a", validity="0" * 17),
        Submission(CITY, PHONE, b"a", data_coding=-1),
    ],
)
def test_what_smpp_cannot_carry_is_refused(bad: Submission) -> None:
    with pytest.raises(BadField):
        submit_sm(1, bad)


@pytest.mark.parametrize("cut", [*range(1, 9), *range(11, 45)])  # without both its last fields it is an empty text
def test_a_body_that_ends_early_is_malformed(cut: int) -> None:
    whole = deliver_sm(b"abcdefgh")
    pdu = header(whole[: len(whole) - cut])
    with pytest.raises(Malformed):
        delivery(pdu)


def test_commands_nobody_knows_have_a_header() -> None:
    pdu = header(struct.pack(">LLLL", 20, 0x00010200, 0, 5) + b"abcd")
    assert (pdu.command, pdu.code, pdu.sequence, pdu.is_response) == ("", 0x00010200, 5, False)
    assert header(struct.pack(">LLLL", 16, 0x80010200, 0, 5)).is_response


# -- what is written and read -------------------------------------------------------------------------------------------------


@pytest.mark.req("S1")
def test_a_submission_as_smpplib_reads_it() -> None:
    class Client:
        sequence = 0

        def next_sequence(self) -> int:
            return 0

    frame = submit_sm(3, Submission(CITY, PHONE, b"\5\0\3\1\2\1ab", 8, has_header=True, validity="000001000000000R"))
    read_back = smpp.parse_pdu(frame, client=Client())
    assert (read_back.sequence, read_back.esm_class, read_back.registered_delivery) == (3, 0x40, 1)
    assert (read_back.source_addr, read_back.source_addr_ton) == (b"0422112233", 2)
    assert (read_back.destination_addr, read_back.data_coding) == (b"819012345678", 8)
    assert (read_back.short_message, read_back.validity_period) == (b"\5\0\3\1\2\1ab", b"000001000000000R")
    whole = submit_sm(3, Submission(CITY, PHONE, b"x" * 1340, 8, payload=True, wants_receipt=False))
    assert whole.endswith(b"\0" + tlv(MESSAGE_PAYLOAD, b"x" * 1340))
    assert smpp.parse_pdu(whole, client=Client()).registered_delivery == 0


def test_an_answer_without_a_body_has_no_id() -> None:
    assert message_id(header(bare("submit_sm_resp", 3, 0x58))) == ""
    assert message_id(header(struct.pack(">LLLL", 19, 0x80000004, 0, 3) + b"7f\0")) == "7f"


@pytest.mark.req("S5")
def test_a_text_may_stand_in_message_payload() -> None:
    assert read(deliver_sm(tlvs=tlv(MESSAGE_PAYLOAD, b"hello"))).octets == b"hello"


def test_what_is_printed_shows_no_number_text_or_secret() -> None:
    shown = repr(MESSAGE) + repr(read(deliver_sm(b"secret"))) + repr(header(deliver_sm(b"secret")))
    assert "9012345678" not in shown
    assert "secret" not in shown


@pytest.mark.req("S4")
def test_what_became_of_a_message_is_asked_and_read() -> None:
    asked = header(query_sm(7, "1A2B", Address("0422112233", 2, 1)))
    assert (asked.command, asked.sequence, asked.body) == ("query_sm", 7, b"1A2B\0\2\x010422112233\0")
    answer = header(struct.pack(">LLLL", 0, 0x80000003, 0, 7) + b"1A2B\x00" + b"261124101600000R\0\5\x0b")
    assert queried(answer) == Queried(5, 11)
    for short in (b"", b"1A2B", b"1A2B\0\0"):
        with pytest.raises(Malformed):
            queried(header(struct.pack(">LLLL", 0, 0x80000003, 0, 7) + short))
    with pytest.raises(BadField):
        query_sm(7, "x" * 65, Address("0422112233"))
