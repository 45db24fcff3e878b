"""The head of a session, as Asterisk sends it and as nobody should."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.errors import RequestError
from agi.request import HEADERS, LINE_BYTES, parse
from tests.unit.agi.asterisk import HEAD


@pytest.mark.req("T5")
def test_what_asterisk_sends_is_read() -> None:
    request = parse(HEAD.encode())
    assert (request.script, request.caller, request.argument(1)) == ("incoming", "05012340007", "0312340001")
    assert (request.channel_id, request.argument(2), request.withheld) == ("1764000000.1", "", False)
    assert request.headers["accountcode"] == ""
    assert len(request.headers) == 23


@pytest.mark.parametrize(
    ("presentation", "withheld"), [("0", False), ("3", False), ("32", True), ("35", True), ("67", False), ("x", False)]
)
@pytest.mark.req("T5")
def test_a_withheld_number_is_told_by_the_presentation(presentation: str, withheld: bool) -> None:
    assert parse(f"agi_callingpres: {presentation}\n".encode()).withheld is withheld


def test_a_number_that_is_not_there_is_empty() -> None:
    assert parse(b"agi_callerid: unknown\n").caller == ""
    assert parse(b"agi_network: yes\n").caller == ""


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"agi_network: yes\nsomething else\n",
        b"agi_network yes\n",
        b"agi_: yes\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"agi_callerid: " + b"9" * (LINE_BYTES + 1),
        b"".join(b"agi_arg_%d: x\n" % n for n in range(HEADERS + 1)),
    ],
    ids=["empty", "http", "no header", "no colon", "no name", "tls", "long line", "too many"],
)
def test_anything_else_is_refused(head: bytes) -> None:
    with pytest.raises(RequestError):
        parse(head)


def test_as_many_and_as_long_as_is_allowed_is_taken() -> None:
    assert len(parse(b"".join(b"agi_arg_%d: x\n" % n for n in range(HEADERS))).headers) == HEADERS
    assert len(parse(b"agi_callerid: " + b"9" * LINE_BYTES).caller) == LINE_BYTES


def test_bytes_that_are_no_utf8_and_nul_do_not_stop_a_call() -> None:
    request = parse(b"agi_calleridname: \x8e\x52\x93\x63 \xff\x00\nagi_callerid: 0312345678\n")
    assert request.caller == "0312345678"


def test_an_id_is_fit_for_a_log() -> None:
    assert parse("agi_uniqueid: 1.2\x1b[31m 山\n".encode()).channel_id == "1.231m"


@given(st.binary(max_size=400))
def test_any_bytes_are_a_head_or_refused(head: bytes) -> None:
    with contextlib.suppress(RequestError):
        parse(head)
