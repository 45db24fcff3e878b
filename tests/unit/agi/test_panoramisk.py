"""The defects of panoramisk 1.4's FastAGI, shown on it bare; their absence here is in test_session and test_server.

When one of these fails because a new panoramisk has mended the defect, its pieces may be used instead of ours.
"""

import asyncio

import pytest
from panoramisk import fast_agi
from panoramisk.fast_agi import Request
from panoramisk.utils import parse_agi_result


class Spinning(Exception):  # noqa: N818 - it ends the loop that nothing else ends
    """It asked again for what will never come."""


class ClosedReader:
    """A stream at its end, as after a port probe: every read returns b'' at once, without giving way to the loop."""

    def __init__(self) -> None:
        self.reads = 0

    async def read(self, _: int) -> bytes:
        self.reads += 1
        if self.reads > 10_000:
            raise Spinning
        return b""


async def test_bare_hangs_the_loop_on_a_port_probe() -> None:
    application = fast_agi.Application(loop=asyncio.get_running_loop())
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "had a turn")
    with pytest.raises(Spinning):
        await application.handler(ClosedReader(), None)
    assert others == [], "in ten thousand reads nobody else had a turn"


class Writer:
    """Sends nowhere."""

    def write(self, _: bytes) -> None:
        """Lost."""

    async def drain(self) -> None:
        """Nothing to wait for."""


def bare_request(*lines: bytes) -> Request:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(line + b"\n" for line in lines))
    return Request(None, {}, reader, Writer())


async def test_bare_takes_the_rest_of_a_usage_text_for_later_replies() -> None:
    request = bare_request(b"520-Invalid", b"Usage: X", b" more of it", b"520 End of proper usage.", b"200 result=1")
    await request.send_command("WRONG")
    with pytest.raises(ValueError, match="invalid literal"):
        await request.send_command("NOOP")


async def test_bare_takes_an_out_of_band_hang_up_for_the_reply_and_is_one_behind_ever_after() -> None:
    request = bare_request(b"HANGUP", b"200 result=1 (first)", b"200 result=1 (second)")
    assert (await request.send_command("FIRST"))["error"] == "AGIResultHangup"
    assert (await request.send_command("SECOND"))["result"] == ("1", "first")


async def test_bare_sends_line_breaks_as_commands() -> None:
    sent: list[bytes] = []
    request = bare_request(b"200 result=1")
    request.writer.write = sent.append
    await request.send_command('SET VARIABLE NAME "x\nEXEC System rm"')
    assert sent == [b'SET VARIABLE NAME "x\nEXEC System rm"\n']


@pytest.mark.parametrize("line", ["", "hello", "HANGUP "])
def test_bare_parser_fails_on_a_line_that_is_no_reply(line: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_agi_result(line)
