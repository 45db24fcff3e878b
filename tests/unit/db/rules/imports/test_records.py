"""From bytes to records: whatever the bytes, nothing is raised and no line is lost."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.rules.imports.records import (
    BLOCK,
    LONGEST_LINE,
    MOST_LINES,
    EncodingProbe,
    Record,
    records,
)

pytestmark = pytest.mark.req("T20")


def read(data: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[Record]:
    return list(records(io.BytesIO(data), encoding, delimiter))


def probe(*pieces: bytes) -> str | None:
    made = EncodingProbe()
    for piece in pieces:
        made.feed(piece)
    return made.encoding


def test_quoted_line_breaks_belong_to_one_record_and_numbers_are_those_of_the_file() -> None:
    found = read('a,"一\r\n二\r\n三",b\r\nc,d,e\r\n'.encode())
    assert [(one.number, one.fields) for one in found] == [(1, ["a", "一\r\n二\r\n三", "b"]), (4, ["c", "d", "e"])]


def test_a_quote_that_is_never_closed_costs_its_line_only() -> None:
    found = read(b'a,b\nc,"d\ne,f\ng,h\n')
    assert [(one.number, one.fields) for one in found if not one.reason] == [
        (1, ["a", "b"]),
        (3, ["e", "f"]),
        (4, ["g", "h"]),
    ]
    assert [(one.number, "引用符" in one.reason, one.raw) for one in found if one.reason] == [(2, True, 'c,"d')]


def test_a_quote_left_open_far_from_the_end_costs_its_line_only() -> None:
    data = b'a,"b\n' + b"c,d\n" * (MOST_LINES * 3)
    found = read(data)
    assert found[0].reason
    assert [one.number for one in found] == list(range(1, MOST_LINES * 3 + 2))
    assert all(one.fields == ["c", "d"] for one in found[1:])


def test_blocks_and_refusals_meet_without_loss() -> None:
    """Lines refused at the seams of what is read at once; every line is told once."""
    good, bad = b'"1","' + b"x" * 90 + b'","z"\r\n', b'"1","' + b"x" * 90 + b'"y"\r\n'
    data = (good * 37 + bad) * (3 * BLOCK // len(good) // 38)
    found = read(data)
    assert [one.number for one in found] == list(range(1, data.count(b"\n") + 1))
    assert sum(bool(one.reason) for one in found) == data.count(bad)


def test_a_quote_left_open_before_a_large_rest_costs_its_line_only() -> None:
    data = b'a,"b\n' + b"c,d\n" * (2 * BLOCK)
    found = read(data)
    assert (found[0].number, "引用符" in found[0].reason) == (1, True)
    assert len(found) == 2 * BLOCK + 1
    assert found[-1] == Record(2 * BLOCK + 1, ["c", "d"])


def test_text_after_a_closing_quote_is_refused_with_its_line() -> None:
    found = read(b'a,"b"x,c\nd,e,f\n')
    assert (found[0].number, "引用符" in found[0].reason) == (1, True)
    assert found[1].fields == ["d", "e", "f"]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    found = read(b"x" * (LONGEST_LINE * 3) + b"\na,b\n")
    assert [(one.number, one.reason) for one in found] == [(1, "1つの項目が長すぎます"), (2, "")]


@pytest.mark.parametrize("text", ["髙橋 﨑 ㈱ ① Ⅳ № ～ ∥ －", "彅 鄧 﨣 德"])
def test_the_extensions_of_jis_are_read(text: str) -> None:
    data = text.encode("cp932")
    assert probe(data) == "cp932"
    assert read(data, "cp932")[0].fields == [text]


def test_user_defined_characters_are_kept_and_noticed() -> None:
    found = read(b"\xf0\x40\x93\x63,b\r\nc,d\r\n", "cp932")
    assert (found[0].fields[0], found[0].private) == ("\ue000田", True)
    assert not found[1].private


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"", "utf-8"),
        (b"a,b\r\n", "utf-8"),
        ("税".encode(), "utf-8"),
        (b"\xef\xbb\xbf" + "税".encode(), "utf-8-sig"),
        ("税額".encode("cp932"), "cp932"),
        ("ﾔﾏﾀﾞ".encode("cp932"), "cp932"),
        ("税".encode("utf-16"), None),
        ("a,b".encode("utf-16-le"), None),
        ("税額は税額で税額の".encode() + b"\xff\n", "utf-8"),
    ],
)
def test_the_encoding_is_found(data: bytes, encoding: str | None) -> None:
    assert probe(data) == encoding


def test_the_encoding_is_found_across_pieces_and_after_much_ascii() -> None:
    data = b"1,2\r\n" * 1000 + "税".encode()
    assert probe(data[:-2], data[-2:]) == "utf-8"
    assert probe(b"1,2\r\n" * 1000, "税".encode("cp932")) == "cp932"


def test_undecodable_bytes_stay_in_their_field() -> None:
    found = read(b"a,\x83\xff\nb,c\n", "cp932")
    assert "\ufffd" in found[0].fields[1]
    assert found[1].fields == ["b", "c"]


CSV_BYTES = st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r", b"\r\n", b"\x00", b"\x83", b"\xf0\x40", b"\xef\xbb\xbf", b"a", "税".encode()]
    )
    | st.binary(max_size=3)
).map(b"".join)


@given(CSV_BYTES, st.sampled_from(["utf-8", "cp932"]), st.sampled_from([",", "\t"]))
def test_whatever_the_bytes_every_line_is_in_a_record_or_a_refusal(data: bytes, encoding: str, delimiter: str) -> None:
    found = read(data, encoding, delimiter)
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    numbers = [one.number for one in found]
    assert numbers == sorted(set(numbers))
    assert numbers[:1] == [1] * bool(lines)
    if not lines:
        return
    # a record ends where the next begins, so that the numbers cover the file without a gap
    spans = [after - before for before, after in zip(numbers, [*numbers[1:], len(lines) + 1], strict=True)]
    assert sum(spans) == len(lines)
    for one, span in zip(found, spans, strict=True):
        assert span == 1 or not one.reason
        assert one.fields or one.reason or not lines[one.number - 1].strip(b"\r\n")
