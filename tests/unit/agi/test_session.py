"""Commands and replies in turn, however they arrive, and every way in which a session can end."""

import asyncio

import pytest

from agi.errors import HungUpError, PeerGoneError, ReplyError, UnsafeValueError
from agi.replies import Reply
from agi.request import HEAD_BYTES, LINE_BYTES
from agi.session import COMMAND_BYTES, USAGE_LINES
from agi.wire import Wire
from tests.unit.agi.asterisk import HEAD, FakeTransport, Notes, Talk

USAGE = "520-Invalid command syntax.  Proper usage follows:\nUsage: SET VARIABLE\n\n 200 result=7\n520 End of proper usage.\n"


async def test_a_command_is_one_line_and_its_reply_the_next() -> None:
    talk = Talk()
    assert await talk.during(talk.session.command("NOOP"), "200 result=0\n") == Reply(200, "0")
    assert talk.transport.sent == b"NOOP\n"


async def test_a_reply_may_come_in_any_pieces() -> None:
    talk = Talk()
    assert await talk.during(talk.session.command("NOOP"), *"200 result=1 (x)\r\n") == Reply(200, "1", "x")


async def test_trying_is_not_yet_the_reply() -> None:
    talk = Talk()
    doing = talk.session.command("NOOP")
    assert await talk.during(doing, "100 result=0 Trying...\n100 Trying\n", "200 result=1\n") == Reply(200, "1")


@pytest.mark.parametrize(
    "usage",
    [USAGE, USAGE.replace("result=7\n520", "result=7520"), USAGE.replace("\n", "\r\n")],
    ids=["as documented", "text without a last newline", "CRLF"],
)
@pytest.mark.req("T5")
async def test_a_usage_text_of_several_lines_is_one_reply(usage: str) -> None:
    talk = Talk()
    first = await talk.during(talk.session.command("WRONG"), usage)
    second = await talk.during(talk.session.command("NOOP"), "200 result=1 (mine)\n")
    assert (first, second) == (Reply(520), Reply(200, "1", "mine")), "the replies after it are not shifted"


async def test_a_usage_text_without_end_is_given_up() -> None:
    talk = Talk()
    with pytest.raises(ReplyError):
        await talk.during(talk.session.command("WRONG"), "520-x\n" + "y\n" * (USAGE_LINES + 1))


async def test_a_reply_without_end_is_given_up() -> None:
    talk = Talk()
    with pytest.raises(ReplyError):
        await talk.during(talk.session.command("NOOP"), "2" * HEAD_BYTES)


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    "says",
    [
        ["HANGUP\n"],
        ["HANGUP\n200 result=0\n"],
        ["HAN", "GUP\n"],
        ["100 Trying\n", "HANGUP\n"],
        ["511 Command Not Permitted on a dead channel\n"],
    ],
    ids=["instead of a reply", "before the reply", "in pieces", "after trying", "dead channel"],
)
async def test_a_hang_up_ends_the_session_wherever_it_comes(says: list[str]) -> None:
    talk = Talk()
    with pytest.raises(HungUpError):
        await talk.during(talk.session.command("NOOP"), *says)


@pytest.mark.req("T5")
async def test_a_hang_up_before_the_first_command_is_seen_with_its_reply() -> None:
    talk = Talk()
    talk.says("HANGUP\n")
    with pytest.raises(HungUpError):
        await talk.during(talk.session.command("NOOP"), "200 result=0\n")


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    "says", [[], ["200 resu"], ["520-Usage\nhalf of"]], ids=["at once", "in a reply", "in a usage"]
)
async def test_a_peer_that_goes_is_noticed_at_every_point(says: list[str]) -> None:
    talk = Talk()
    with pytest.raises(PeerGoneError):
        await talk.during(talk.session.command("NOOP"), *says, then_goes=True)


async def test_a_command_to_a_peer_that_is_gone_fails_at_once() -> None:
    talk = Talk()
    talk.goes(ConnectionResetError())
    with pytest.raises(PeerGoneError):
        await talk.during(talk.session.command("NOOP"))


@pytest.mark.parametrize("command", ["NOOP\nHANGUP", "NOOP\r", "NOOP \0", "x" * (COMMAND_BYTES + 1), "あ" * 700])
async def test_a_command_that_is_more_than_one_line_is_never_sent(command: str) -> None:
    talk = Talk()
    with pytest.raises(UnsafeValueError):
        await talk.during(talk.session.command(command))
    assert talk.transport.sent == b""


# -- the head


def connected() -> tuple[Notes, Wire, FakeTransport]:
    owner, transport = Notes(), FakeTransport()
    wire = Wire(owner)
    wire.connection_made(transport)
    return owner, wire, transport


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_a_head_may_come_in_any_pieces(size: int) -> None:
    owner, wire, _ = connected()
    data = HEAD.encode()
    for at in range(0, len(data), size):
        assert owner.told == ["connected"]
        wire.data_received(data[at : at + size])
    assert owner.told == ["connected", "began"]
    assert owner.head == data[:-2]


async def test_what_comes_with_the_head_is_kept_for_later() -> None:
    owner, wire, _ = connected()
    wire.data_received(HEAD.encode() + b"HANGUP\n")
    assert owner.told == ["connected", "began"]
    assert await asyncio.wait_for(wire.line(), 10) == b"HANGUP"


@pytest.mark.parametrize("piece", [b"x" * 100, b"\0" * 4096, b"agi_a: b\n", b"a" * (LINE_BYTES + 1)])
async def test_a_head_without_end_is_told_once_and_no_more_is_kept(piece: bytes) -> None:
    owner, wire, _ = connected()
    for _ in range(HEAD_BYTES // len(piece) + 1):
        wire.data_received(piece)
    assert owner.told == ["connected", "overlong"]


async def test_a_peer_that_floods_is_cut_off() -> None:
    _, wire, transport = connected()
    wire.data_received(HEAD.encode())
    for _ in range(3):
        wire.data_received(b"x" * HEAD_BYTES)
    assert transport.closed
