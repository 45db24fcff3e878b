"""Single replies of Asterisk."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.errors import HungUpError, ReplyError
from agi.replies import Reply, parse


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=0", Reply(200, "0")),
        ("200 result=1", Reply(200, "1")),
        ("200 result=1 (two words)", Reply(200, "1", "two words")),
        ("200 result=1 (a (b) c)", Reply(200, "1", "a (b) c")),
        ("200 result=-1", Reply(200, "-1")),
        ("200 result=-2", Reply(200, "-2")),
        ("100 result=0 Trying...", Reply(100)),
        ("510 Invalid or unknown command", Reply(510)),
        ("520 Invalid command syntax.  Proper usage not available.", Reply(520)),
        ("200", Reply(200)),
    ],
)
def test_a_reply_is_read(line: str, reply: Reply) -> None:
    assert parse(line) == reply


@pytest.mark.parametrize(
    "line",
    [
        "HANGUP",
        "511 Command Not Permitted on a dead channel or intercept routine",
        "200 result=0 (hangup)",
    ],
)
def test_a_caller_who_is_gone_is_said_to_be(line: str) -> None:
    with pytest.raises(HungUpError):
        parse(line)


@pytest.mark.parametrize("line", ["", "hello", "20", "2000 x", "HANGUP ", "٢٠٠ result=0"])
def test_a_line_that_is_no_reply_is_refused(line: str) -> None:
    with pytest.raises(ReplyError):
        parse(line)


@given(st.text(st.characters(exclude_characters="\r\n"), max_size=60) | st.from_regex(r"200 .{0,40}"))
def test_any_line_is_a_reply_or_an_error_of_ours(line: str) -> None:
    with contextlib.suppress(ReplyError, HungUpError):
        parse(line)
