"""The server against everything that can connect to a port. After each, an ordinary call is served as before."""

import asyncio
import ipaddress

import pytest

from agi.desk import Desk
from agi.request import HEAD_BYTES, LINE_BYTES
from agi.server import Limits, networks
from agi.session import Session
from db.settings import SettingError
from tests.integration.agi.peers import running
from tests.unit.agi.asterisk import HEAD

QUICK = Limits(head=0.05, session=0.05, look=0.01)


@pytest.mark.req("T5")
async def test_a_thousand_port_probes_leave_nothing_behind() -> None:
    async with running() as at:
        for number in range(1000):
            probe = await at.connect()
            probe.reset() if number % 2 else probe.go()
        await at.ended("agi_peer_gone", 1000)
        assert at.server.connections == 0
        assert await at.answers()


@pytest.mark.req("T5")
@pytest.mark.parametrize("cut", [1, 4, 100, len(HEAD) - 1])
async def test_half_a_head_and_then_nothing_is_closed_at_the_deadline(cut: int) -> None:
    async with running(limits=QUICK) as at:
        peer = await at.connect()
        peer.say(HEAD[:cut])
        assert await peer.closed() == b""
        await at.ended("too_slow")
        assert await at.answers()


@pytest.mark.req("T5")
@pytest.mark.parametrize("cut", [0, 1, 4, 100, len(HEAD) - 1])
async def test_a_peer_that_goes_within_the_head_is_forgotten(cut: int) -> None:
    async with running() as at:
        peer = await at.connect()
        peer.say(HEAD[:cut])
        peer.go()
        await at.ended("agi_peer_gone")
        assert await at.answers()


@pytest.mark.req("T5")
async def test_a_byte_now_and_then_does_not_buy_more_time() -> None:
    async with running(limits=QUICK) as at:
        peer = await at.connect()

        async def drip() -> None:
            for mark in HEAD * 10:
                peer.say(mark)
                await asyncio.sleep(0.005)

        dripping = asyncio.create_task(drip())
        assert await peer.closed() == b""
        dripping.cancel()
        await at.ended("too_slow")


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        (b"GET / HTTP/1.1\nHost: x\n\n", "agi_request"),
        (b"\x16\x03\x01" + b"\0\n\n", "agi_request"),
        (b"\n\n", "agi_request"),
        (b"agi_callerid: " + b"9" * (LINE_BYTES + 1) + b"\n\n", "agi_request"),
        (b"".join(b"agi_arg_%d: x\n" % n for n in range(101)) + b"\n", "agi_request"),
        (b"agi_callerid: " + b"9" * (2 * HEAD_BYTES), "agi_request"),
        (b"\0" * (2 * HEAD_BYTES), "agi_request"),
        (b"agi_network_script: elsewhere\n\n", "no_handler"),
        (b"agi_network: yes\n\n", "no_handler"),
    ],
    ids=["http", "tls", "nothing", "long line", "too many", "no end", "nul", "unknown script", "no script"],
)
@pytest.mark.req("T5")
async def test_what_is_no_call_is_closed_at_once(head: bytes, outcome: str) -> None:
    async with running() as at:
        peer = await at.connect()
        peer.say(head)
        assert await peer.closed() == b""
        await at.ended(outcome)
        assert await at.answers()


@pytest.mark.req("T5")
@pytest.mark.parametrize("name", [b"\x8e\x52\x93\x63", b"\xff\xfe", b"a\0b"])
async def test_a_display_name_in_any_bytes_does_not_stop_a_call(name: bytes) -> None:
    async with running() as at:
        peer = await at.connect()
        peer.say(HEAD.encode().replace(b"calleridname: unknown", b"calleridname: " + name))
        assert (await peer.line()).startswith("EXEC MSet ")


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("HANGUP\n", "agi_hung_up"),
        ("511 Command Not Permitted on a dead channel or intercept routine\n", "agi_hung_up"),
        ("510 Invalid or unknown command\n", "agi_command"),
        ("520-Invalid command syntax.  Proper usage follows:\nUsage\n520 End of proper usage.\n", "agi_command"),
        ("200 result=-2\n", "agi_command"),
        ("nonsense\n", "agi_reply"),
        ("2" * HEAD_BYTES, "agi_reply"),
        ("200 result=0\n", "answered"),
    ],
)
async def test_every_reply_ends_in_its_own_way(reply: str, outcome: str) -> None:
    async with running() as at:
        peer = await at.connect()
        peer.say(HEAD)
        await peer.line()
        peer.say(reply)
        assert await peer.closed() == b""
        await at.ended(outcome)
        assert await at.answers()


@pytest.mark.req("T5")
async def test_a_hang_up_that_comes_with_the_head_is_understood() -> None:
    async with running() as at:
        peer = await at.connect()
        peer.say(HEAD + "HANGUP\n")
        await at.ended("agi_hung_up")


@pytest.mark.req("T5")
@pytest.mark.parametrize("reply", ["", "200 res", "520-Usage\n"])
async def test_a_peer_that_goes_while_a_reply_is_due_is_noticed(reply: str) -> None:
    async with running() as at:
        peer = await at.connect()
        peer.say(HEAD)
        await peer.line()
        peer.say(reply)
        peer.go()
        await at.ended("agi_peer_gone")
        assert at.server.connections == 0


@pytest.mark.req("T5")
@pytest.mark.parametrize("reply", ["", "200 res", "520-Usage\n", "100 Trying\n"])
async def test_a_peer_that_falls_silent_is_closed_at_the_deadline(reply: str) -> None:
    async with running(limits=QUICK) as at:
        peer = await at.connect()
        peer.say(HEAD)
        await peer.line()
        peer.say(reply)
        assert await peer.closed() == b""
        await at.ended("too_slow")
        assert at.server.connections == 0


@pytest.mark.req("T5")
async def test_two_hundred_calls_at_once_are_all_answered() -> None:
    async with running() as at:
        peers = [await at.connect() for _ in range(200)]
        for peer in peers:
            peer.say(HEAD[:100])
        for peer in reversed(peers):
            peer.say(HEAD[100:])
        commands = [await peer.line() for peer in peers]
        assert all(command.startswith("EXEC MSet ") for command in commands)
        for peer in peers:
            peer.say("200 result=0\n")
        await at.ended("answered", 200)


@pytest.mark.req("T5")
async def test_more_connections_than_allowed_are_refused_and_the_others_served() -> None:
    async with running(limits=Limits(sessions=3)) as at:
        first = [await at.connect() for _ in range(3)]
        fourth = await at.connect()
        assert await fourth.closed() == b""
        await at.ended("too_many")
        first[0].go()
        await at.ended("agi_peer_gone")
        assert await at.answers()


@pytest.mark.req("T5", "C1")
async def test_only_the_permitted_networks_may_ask() -> None:
    async with running(permit="192.0.2.0/24") as at:
        peer = await at.connect()
        peer.say(HEAD)
        assert await peer.closed() == b""
        await at.ended("not_permitted")


def test_networks_are_read_or_refused_by_name() -> None:
    assert networks("127.0.0.0/8, ::1/128  192.0.2.7") == (
        ipaddress.ip_network("127.0.0.0/8"),
        ipaddress.ip_network("::1/128"),
        ipaddress.ip_network("192.0.2.7/32"),
    )
    for wrong in ("localhost", "10.0.0.1/8", "1.2.3"):
        with pytest.raises(SettingError, match=r"agi\.permit"):
            networks(wrong)


@pytest.mark.req("T5")
async def test_a_fault_in_a_handler_ends_one_session_only(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(session: Session, desk: Desk) -> None:
        raise ZeroDivisionError

    async def sound(session: Session, desk: Desk) -> None:
        await session.command("NOOP")

    async with running(handlers={"broken": broken, "incoming": sound}) as at:
        peer = await at.connect()
        peer.say(HEAD.replace("script: incoming", "script: broken"))
        assert await peer.closed() == b""
        await at.ended("fault")
        assert "ZeroDivisionError" in caplog.text
        other = await at.connect()
        other.say(HEAD)
        assert await other.line() == "NOOP"


async def test_stopping_ends_all_connections() -> None:
    async with running(keep_peers=True) as at:
        idle, asking = await at.connect(), await at.connect()
        asking.say(HEAD)
        await asking.line()
    assert await idle.closed() == b""
    assert await asking.closed() == b""
    assert at.server.connections == 0
    at.leave()


@pytest.mark.req("C2")
async def test_no_number_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with running() as at:
        assert await at.answers()
        assert await at.answers(HEAD.replace("05012340007", "0501234"))
    assert "return call 1764000000.1" in caplog.text
    assert "1234000" not in caplog.text
    assert "0501234" not in caplog.text
