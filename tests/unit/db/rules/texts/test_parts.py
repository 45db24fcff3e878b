"""Texts are coded by content and cut so that a phone shows what was written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.texts import alphabet
from db.rules.texts.clusters import clusters
from db.rules.texts.parts import Allowance, Coding, Composition, Joining, TextError, compose

WIDE = Allowance(longest=100_000)
BY_JOINING = {joining: Allowance(joining, longest=100_000) for joining in Joining}

GSM = "".join(alphabet._SEPTETS).replace("\r", "").replace("\f", "")
WHOLE = [
    "辻\U000e0100",
    "葛\ufe00",
    "が",
    "か\u3099",
    "ｶﾞ",
    "e\u0301\u0323",
    "👨\u200d👩\u200d👧",
    "👍🏽",
    "🇯🇵",
    "1\ufe0f\u20e3",
    "𠮷",
    "각",
]
PLAIN = list("市役所です。ご連絡ください\n")

japanese = st.lists(st.sampled_from(WHOLE + PLAIN), min_size=1, max_size=260).map("".join).filter(str.strip)
western = st.text(st.sampled_from(GSM), min_size=1, max_size=600).filter(str.strip)
anything = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co"]), min_size=1, max_size=300).filter(str.strip)


def body(composition: Composition, number: int, reference: int = 0) -> bytes:
    return composition.parts(reference)[number].body


@pytest.mark.req("S1")
@given(text=japanese, joining=st.sampled_from([Joining.UDH8, Joining.UDH16]))
def test_no_part_begins_or_ends_within_what_reads_as_one_character(text: str, joining: Joining) -> None:
    composed = compose(text, BY_JOINING[joining])
    joined = "".join(part.body.decode("utf-16-be") for part in composed.parts(7))  # a cut surrogate fails here
    assert joined == text == composed.shown
    whole = list(clusters(text))
    assert [cluster for piece in composed.pieces for cluster in clusters(piece)] == whole


@pytest.mark.req("S1")
@given(text=western, joining=st.sampled_from([Joining.UDH8, Joining.UDH16]))
def test_no_part_ends_within_an_escape(text: str, joining: Joining) -> None:
    composed = compose(text, BY_JOINING[joining])
    assert composed.coding is Coding.GSM7
    assert "".join(alphabet.decode(part.body) for part in composed.parts(7)) == text
    assert all(not part.body.endswith(b"\x1b") for part in composed.parts(7))


@pytest.mark.req("S1")
@given(text=st.one_of(japanese, western, anything), joining=st.sampled_from([Joining.UDH8, Joining.UDH16]))
def test_every_part_fits_into_140_octets_with_its_header(text: str, joining: Joining) -> None:
    composed = compose(text, BY_JOINING[joining])
    parts = composed.parts(300)
    assert len(parts) == composed.units
    for part in parts:
        if composed.coding is Coding.UCS2:
            assert len(part.header) + len(part.body) <= 140
        else:
            septets_of_header = -(-len(part.header) * 8 // 7)
            assert septets_of_header + len(part.body) <= 160
        assert bool(part.header) == (len(parts) > 1)


@given(text=anything)
def test_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(clusters(text)) == text
    assert all(unicodedata.combining(cluster[0]) == 0 for cluster in list(clusters(text))[1:])


@pytest.mark.parametrize("whole", WHOLE)
def test_these_are_one_character(whole: str) -> None:
    assert list(clusters(whole)) == [whole]
    assert list(clusters(f"あ{whole}い")) == ["あ", whole, "い"]


def test_two_flags_are_two() -> None:
    assert list(clusters("🇯🇵🇫🇷🇩")) == ["🇯🇵", "🇫🇷", "🇩"]


@pytest.mark.req("S2")
@pytest.mark.parametrize(
    ("text", "coding", "units", "length", "room"),
    [
        ("a" * 160, Coding.GSM7, 1, 160, 160),
        ("a" * 161, Coding.GSM7, 2, 161, 306),
        ("a" * 158 + "€", Coding.GSM7, 1, 160, 160),
        ("a" * 159 + "€", Coding.GSM7, 2, 161, 306),
        ("あ" * 70, Coding.UCS2, 1, 70, 70),
        ("あ" * 71, Coding.UCS2, 2, 71, 134),
        ("あ" * 134, Coding.UCS2, 2, 134, 134),
        ("あ" * 135, Coding.UCS2, 3, 135, 201),
        ("𠮷" * 35, Coding.UCS2, 1, 70, 70),
        ("𠮷" * 36, Coding.UCS2, 2, 72, 134),
        ("あ" * 670, Coding.UCS2, 10, 670, 670),
        ("a`", Coding.UCS2, 1, 2, 70),  # GSM has no grave accent alone
    ],
)
def test_units_and_the_counter(text: str, coding: Coding, units: int, length: int, room: int) -> None:
    composed = compose(text, Allowance())
    assert (composed.coding, composed.units, composed.length, composed.room) == (coding, units, length, room)


@pytest.mark.req("S1")
def test_a_route_without_gsm_takes_ucs2() -> None:
    assert compose("call 03-1234-5678", Allowance(gsm7=False)).coding is Coding.UCS2


@pytest.mark.req("S1")
def test_headers_carry_the_callers_reference() -> None:
    text = "あ" * 71
    first, second = compose(text, Allowance(Joining.UDH8)).parts(0x1234)
    assert (first.header, second.header) == (bytes((5, 0, 3, 0x34, 2, 1)), bytes((5, 0, 3, 0x34, 2, 2)))
    first, second = compose(text, Allowance(Joining.UDH16)).parts(0x1234)
    assert (first.header, second.header) == (bytes((6, 8, 4, 0x12, 0x34, 2, 1)), bytes((6, 8, 4, 0x12, 0x34, 2, 2)))
    assert [len(part.body) // 2 for part in (first, second)] == [66, 5]
    (whole,) = compose(text, Allowance(Joining.PAYLOAD)).parts(0x1234)
    assert (whole.header, whole.body) == (b"", text.encode("utf-16-be"))


@pytest.mark.req("S2")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n", "本文がありません"),
        ("あ" * 671, "671文字あります"),
        ("𠮷" * 336, "672文字あります"),
        ("辻\ue000", "外字（U\\+E000）"),
        ("あ\x1bい", "制御文字（U\\+001B）"),
        ("あ\ud842", "制御文字（U\\+D842）"),
        ("あ" * 70 + "e" + "\u0301" * 70, "結合文字"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(TextError, match=reason):
        compose(text, Allowance())


@pytest.mark.req("S1")
@pytest.mark.parametrize(
    ("char", "joining", "room"),
    [("a", Joining.UDH8, 153), ("a", Joining.UDH16, 152), ("あ", Joining.UDH8, 67), ("あ", Joining.UDH16, 66)],
)
def test_a_part_is_filled_to_the_last_octet(char: str, joining: Joining, room: int) -> None:
    assert compose(char * 500, Allowance(joining)).pieces[0] == char * room


def test_line_ends_are_one_character() -> None:
    assert compose("a\r\nb\rc", Allowance()).shown == "a\nb\nc"


def test_septets_from_outside_always_have_a_text() -> None:
    assert alphabet.decode(b"\x1b\x65\x1b\x41\x80\x1b") == "€A\ufffd"
    assert alphabet.decode(b"a\x1b\x1bb") == "a b"
    assert alphabet.decode(alphabet.encode(GSM)) == GSM
    assert len(set(GSM)) == 127 + 10 - 2
