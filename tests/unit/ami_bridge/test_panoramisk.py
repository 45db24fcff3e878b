"""Each defect of panoramisk 1.4 twice: shown on bare panoramisk, and shown to be absent from AmiLink.

When a `bare` test fails because a new panoramisk has mended the defect, its mending in `ami_bridge.wire` may go.
The FastAGI rows are with `agi`; `CallManager` is not used at all (last test).
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import panoramisk
import pytest
from panoramisk.ami_protocol import AMIProtocol

import ami_bridge
from ami_bridge import actions
from ami_bridge.errors import LoginRefused, OutcomeUnknown
from tests.unit.ami_bridge.running import running, take, up
from tests.unit.ami_bridge.scripted_ami import HeldTime, ScriptedAmi, packet, soon

CALL = actions.originate(
    "PJSIP/0312345678@trunk", channel_id="attempt-1", context="saikoku-out", exten="s", timeout_ms=30_000
)
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


@asynccontextmanager
async def bare_manager(ami: ScriptedAmi) -> AsyncIterator[panoramisk.Manager]:
    manager = panoramisk.Manager(
        host="127.0.0.1",
        port=ami.port,
        username="saikoku",
        secret="s",
        reconnect_timeout=0,
        ping_delay=3600,
        ping_interval=3600,
        loop=asyncio.get_running_loop(),
        on_login=lambda manager: manager.logged_in.set(),
    )
    manager.logged_in = asyncio.Event()
    manager.connect()
    try:
        yield manager
    finally:
        manager.connect = lambda: None  # it would reconnect for ever
        manager.close()


def bare_call() -> dict[str, str]:
    return {"Action": "Originate", "Channel": "PJSIP/0312345678@trunk", "ChannelId": "attempt-1", "Async": "true"}


# -- an unanswered Originate after a reconnect --------------------------------------------------------------------------


async def test_bare_sends_an_unanswered_originate_again(ami: ScriptedAmi) -> None:
    async with bare_manager(ami) as manager:
        first = await ami.accept()
        await first.login_bare()
        await soon(manager.logged_in.wait())
        manager.send_action(bare_call())
        await first.expect("Originate")
        await first.close()
        second = await ami.accept()
        await second.login_bare()
        again = await second.expect("Originate")
        assert again["ChannelId"] == "attempt-1"  # the person's phone rings a second time


@pytest.mark.req("T3", "T4")
async def test_link_never_sends_an_originate_again(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        first = await up(ami, link)
        sending = asyncio.create_task(link.send(CALL))
        await first.expect("Originate")
        await first.close()
        with pytest.raises(OutcomeUnknown, match="Originate"):
            await soon(sending)
        await clock.passes(1.0)
        second = await up(ami, link, generation=2)
        marker = asyncio.create_task(link.send(actions.core_settings()))
        second.reply(await second.expect("CoreSettings"))  # the very next action after the login
        await soon(marker)


# -- pings ---------------------------------------------------------------------------------------------------------------


async def test_bare_stays_connected_to_a_silent_server(ami: ScriptedAmi) -> None:
    async with bare_manager(ami) as manager:
        peer = await ami.accept()
        await peer.login_bare()
        await soon(manager.logged_in.wait())
        for _ in range(5):
            manager.ping()
            manager.pinger.cancel()
            await peer.expect("Ping")
        assert manager._connected


@pytest.mark.req("T4")
async def test_link_gives_a_silent_server_up(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        await clock.passes(14.0)
        peer.reply(await peer.expect("Ping"), Ping="Pong")
        await clock.passes(14.0)
        await peer.expect("Ping")
        await clock.passes(15.0)
        lost = await soon(link.until(lambda state: not state.up))
        assert "ping failed" in lost.reason
        await peer.closed_by_client()


# -- an exception in a consumer ------------------------------------------------------------------------------------------


async def test_bare_drops_the_link_and_the_chunk_when_a_callback_raises(ami: ScriptedAmi) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    seen = []

    def callback(manager: panoramisk.Manager, event: panoramisk.Message) -> None:
        seen.append(event.event)
        if event.event == "Newchannel":
            raise RuntimeError("a bug in a consumer")

    async with bare_manager(ami) as manager:
        manager.register_event("New*", callback)
        manager.register_event("Hangup", callback)
        first = await ami.accept()
        await first.login_bare()
        await soon(manager.logged_in.wait())
        first.raw(packet(("Event", "Newchannel")) + packet(("Event", "Hangup")))
        await ami.accept()  # it dropped the link and connects anew
        assert seen == ["Newchannel"]  # the Hangup of the same read is gone


@pytest.mark.req("T4")
async def test_link_survives_a_consumer_that_raises(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        careless, careful = link.subscribe("careless"), link.subscribe("careful")
        peer = await up(ami, link)

        async def consume() -> None:
            async for event in careless:
                raise RuntimeError(event.name)

        with pytest.raises(RuntimeError):
            await soon(consume())
        peer.raw(packet(("Event", "Newchannel")) + packet(("Event", "Hangup")))
        assert [event.name for event in await take(careful, 3)] == ["FullyBooted", "Newchannel", "Hangup"]
        assert link.state.up


# -- order ---------------------------------------------------------------------------------------------------------------


async def test_bare_loses_the_order_of_events(ami: ScriptedAmi) -> None:
    seen: list[str] = []
    store_is_free, both = asyncio.Event(), asyncio.Event()

    async def callback(manager: panoramisk.Manager, event: panoramisk.Message) -> None:
        if event.event == "Newchannel":
            await store_is_free.wait()  # a slow write of the first event
        seen.append(event.event)
        store_is_free.set()
        if len(seen) == 2:
            both.set()

    async with bare_manager(ami) as manager:
        manager.register_event("Newchannel", callback)
        manager.register_event("Hangup", callback)
        peer = await ami.accept()
        await peer.login_bare()
        peer.raw(packet(("Event", "Newchannel")) + packet(("Event", "Hangup")))
        await soon(both.wait())
        assert seen == ["Hangup", "Newchannel"]


@pytest.mark.req("T4")
async def test_link_keeps_the_order_of_events(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        events = link.subscribe("tracker", only=frozenset({"Newstate"}))
        peer = await ami.accept()
        await peer.login()
        for number in range(500):
            peer.event("Newstate", Number=str(number))
        assert [event["number"] for event in await take(events, 500)] == [str(number) for number in range(500)]


# -- characters ----------------------------------------------------------------------------------------------------------

NAMED = packet(("Event", "Newstate"), ("CallerIDName", "滞納 太郎"))


class _Names:
    """What bare AMIProtocol wants of its factory."""

    save_stream = None

    def __init__(self) -> None:
        self.names: list[str] = []

    def dispatch(self, event: panoramisk.Message) -> None:
        self.names.append(event["CallerIDName"])


def test_bare_breaks_a_character_at_the_end_of_a_read() -> None:
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory = factory = _Names()
    protocol.encoding = "utf8"
    middle = NAMED.index("滞".encode()) + 1
    protocol.data_received(BANNER + NAMED[:middle])
    protocol.data_received(NAMED[middle:])
    assert factory.names == ["納 太郎"]


@pytest.mark.req("T4")
async def test_link_keeps_a_character_at_the_end_of_a_read(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        events = link.subscribe("tracker", only=frozenset({"Newstate", "Halfway"}))
        peer = await ami.accept()
        await peer.login()
        middle = NAMED.index("滞".encode()) + 1
        peer.raw(packet(("Event", "Halfway")) + NAMED[:middle])
        assert [event.name for event in await take(events, 1)] == ["Halfway"]  # the first half has been read
        peer.raw(NAMED[middle:])
        assert [event["CallerIDName"] for event in await take(events, 1)] == ["滞納 太郎"]


# -- the answer of an asynchronous Originate -----------------------------------------------------------------------------


async def test_bare_waits_for_originate_response_and_hides_it(ami: ScriptedAmi) -> None:
    seen, marked = [], asyncio.Event()
    async with bare_manager(ami) as manager:
        manager.register_event("*", lambda manager, event: seen.append(event.event))
        manager.register_event("Marker", lambda manager, event: marked.set())
        peer = await ami.accept()
        await peer.login_bare()
        await soon(manager.logged_in.wait())
        future = manager.send_action(bare_call())
        sent = await peer.expect("Originate")
        peer.reply(sent, Message="Originate successfully queued")
        peer.event("Marker")
        await soon(marked.wait())
        assert not future.done()  # and for ever, if the OriginateResponse never comes
        peer.event("OriginateResponse", ActionID=sent["ActionID"], Response="Failure", Reason="5")
        await soon(future)
        assert "OriginateResponse" not in seen


@pytest.mark.req("T3", "T4")
async def test_link_answers_at_once_and_delivers_originate_response(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        events = link.subscribe("tracker", only=frozenset({"OriginateResponse"}))
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(CALL))
        sent = await peer.expect("Originate")
        peer.reply(sent, Message="Originate successfully queued")
        assert (await soon(sending)).message == "Originate successfully queued"
        peer.event("OriginateResponse", ActionID=sent["ActionID"], Response="Failure", Reason="5", Uniqueid="<null>")
        (event,) = await take(events, 1)
        assert (event.tag, event["Reason"]) == ("attempt-1", "5")


@pytest.mark.req("T4")
async def test_link_delivers_an_originate_response_that_overtakes_its_answer(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        events = link.subscribe("tracker", only=frozenset({"OriginateResponse"}))
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(CALL))
        sent = await peer.expect("Originate")
        peer.event("OriginateResponse", ActionID=sent["ActionID"], Response="Failure", Reason="1")
        peer.reply(sent, Message="Originate successfully queued")
        assert (await soon(sending)).message == "Originate successfully queued"
        assert [event.tag for event in await take(events, 1)] == ["attempt-1"]


# -- a wrong password ----------------------------------------------------------------------------------------------------


async def test_bare_knocks_for_ever_with_a_wrong_password(ami: ScriptedAmi, caplog: pytest.LogCaptureFixture) -> None:
    async with bare_manager(ami):
        for _ in range(4):
            peer = await ami.accept()
            peer.greet()
            peer.reply(await peer.expect("Login"), "Error", Message="Authentication failed")
            await peer.close()
        await ami.accept()
    assert "uthentication" not in caplog.text


@pytest.mark.req("T4")
async def test_link_stops_and_says_so_at_a_wrong_password(
    ami: ScriptedAmi, clock: HeldTime, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(ami, clock, reports=LoginRefused) as link:
        peer = await ami.accept()
        peer.greet()
        peer.reply(await peer.expect("Challenge"), Challenge="1")
        peer.reply(await peer.expect("Login"), "Error", Message="Authentication failed")
        await peer.closed_by_client()
        refused = await soon(link.until(lambda state: state.phase.value == "refused"))
    assert "Authentication failed" in refused.reason
    assert "manager.conf" in caplog.text
    assert clock.asleep() == []
    assert len(ami.made) == 1


# -- a refused list (seen while wrapping) --------------------------------------------------------------------------------


async def test_bare_hangs_on_a_refused_list(ami: ScriptedAmi) -> None:
    marked = asyncio.Event()
    async with bare_manager(ami) as manager:
        manager.register_event("Marker", lambda manager, event: marked.set())
        peer = await ami.accept()
        await peer.login_bare()
        await soon(manager.logged_in.wait())
        future = manager.send_action({"Action": "ConfbridgeList", "Conference": "op-1"}, as_list=True)
        peer.reply(await peer.expect("ConfbridgeList"), "Error", Message="No active conferences.")
        peer.event("Marker")
        await soon(marked.wait())
        assert not future.done()


def test_call_manager_and_fast_agi_of_panoramisk_are_not_used() -> None:
    for module in Path(ami_bridge.__file__).parent.rglob("*.py"):
        names = {
            node.attr if isinstance(node, ast.Attribute) else getattr(node, "module", None) or ""
            for node in ast.walk(ast.parse(module.read_text()))
        }
        assert not {"CallManager", "fast_agi", "panoramisk.call_manager", "panoramisk.fast_agi"} & names
