"""The life of the link, and the end of every action on it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ami_bridge import actions
from ami_bridge.errors import AmiError, AmiRefused, LinkBusy, NotConnected, NotSent, OutcomeUnknown
from ami_bridge.link import AmiLink
from ami_bridge.session import Session
from ami_bridge.subscription import Subscription
from ami_bridge.values import Action, Event, Headers, LinkSettings, Phase
from ami_bridge.wire import Pending
from tests.unit.ami_bridge.running import rest, running, take, up
from tests.unit.ami_bridge.scripted_ami import SECRET, HeldTime, ScriptedAmi, packet, soon


def call(number: int) -> Action:
    return actions.originate(
        f"PJSIP/0312345678{number}@trunk", channel_id=f"attempt-{number}", context="out", exten="s", timeout_ms=30_000
    )


# -- the life -------------------------------------------------------------------------------------------------------------


async def test_nothing_is_sent_before_the_link_is_up(ami: ScriptedAmi, clock: HeldTime) -> None:
    link = AmiLink(ami.settings(), time=clock)
    with pytest.raises(NotConnected) as refused:
        await link.send(call(1))
    assert isinstance(refused.value, NotSent)
    assert link.state.phase is Phase.DOWN


@pytest.mark.req("T4")
async def test_reconciles_before_anybody_dials(ami: ScriptedAmi, clock: HeldTime) -> None:
    found: list[tuple[int, tuple[str, ...]]] = []

    async def reconcile(session: Session) -> None:
        reply = await session.send(actions.core_show_channels())
        found.append((session.generation, tuple(event["Uniqueid"] for event in reply.events)))

    async with running(ami, clock, reconcile=reconcile) as link:
        for generation in (1, 2):
            peer = await ami.accept()
            await peer.login()
            asked = await peer.expect("CoreShowChannels")
            assert link.state.phase is Phase.RECONCILING
            with pytest.raises(NotConnected):
                await soon(link.send(call(1)))
            peer.reply(asked, EventList="start", Message="Channels will follow")
            peer.event("CoreShowChannel", ActionID=asked["ActionID"], Uniqueid="attempt-1")
            peer.event("Hangup", Uniqueid="attempt-0")  # other events may come between
            peer.event("CoreShowChannel", ActionID=asked["ActionID"], Uniqueid="attempt-2")
            peer.event("CoreShowChannelsComplete", ActionID=asked["ActionID"], EventList="Complete", ListItems="2")
            await soon(link.until(lambda state: state.up))
            assert link.state.generation == generation
            await peer.close()
            await soon(link.until(lambda state: not state.up))
            await clock.passes(float(generation))  # 1 s, then 2 s
    assert found == [(1, ("attempt-1", "attempt-2")), (2, ("attempt-1", "attempt-2"))]


async def test_a_log_in_refused_by_an_asterisk_that_stops_is_tried_again(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await ami.accept()
        peer.greet()
        peer.reply(await peer.expect("Challenge"), "Error", Message="Asterisk is shutting down")
        await peer.closed_by_client()
        await clock.passes(1.0)
        peer = await ami.accept()
        await peer.login()
        await soon(link.until(lambda state: state.phase is Phase.UP))


async def test_a_reconciliation_that_is_refused_is_tried_on_a_new_link(ami: ScriptedAmi, clock: HeldTime) -> None:
    async def reconcile(session: Session) -> None:
        await session.send(actions.core_show_channels())

    async with running(ami, clock, reconcile=reconcile) as link:
        peer = await ami.accept()
        await peer.login()
        peer.reply(await peer.expect("CoreShowChannels"), "Error", Message="Permission denied")
        await peer.closed_by_client()
        await clock.passes(1.0)
        assert "Permission denied" in link.state.reason


async def test_a_link_lost_while_reconciling_ends_the_reconciliation(ami: ScriptedAmi, clock: HeldTime) -> None:
    ended = asyncio.Event()

    async def reconcile(session: Session) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(ami, clock, reconcile=reconcile) as link:
        peer = await ami.accept()
        await peer.login()
        await soon(link.until(lambda state: state.phase is Phase.RECONCILING))
        await peer.close()
        await soon(ended.wait())
        await clock.passes(1.0)
        assert "while reconciling" in link.state.reason


async def test_a_bug_in_the_reconciliation_ends_the_link_loudly(ami: ScriptedAmi, clock: HeldTime) -> None:
    async def reconcile(session: Session) -> None:
        raise ZeroDivisionError

    async with running(ami, clock, reconcile=reconcile, reports=ZeroDivisionError):
        peer = await ami.accept()
        await peer.login()
        await peer.closed_by_client()


async def test_waits_longer_after_each_failure_and_briefly_after_a_stable_link(
    ami: ScriptedAmi, clock: HeldTime
) -> None:
    async with running(ami, clock) as link:
        for pause in (1.0, 2.0, 4.0, 8.0, 8.0):
            await (await ami.accept()).close()
            await clock.passes(pause)
        peer = await up(ami, link, generation=6)
        clock.advance(60.0)
        await peer.close()
        await clock.passes(1.0)
        peer = await up(ami, link, generation=7)
        await peer.close()  # it came and went at once
        await clock.passes(2.0)
        await ami.accept()


async def test_a_port_where_nobody_listens_is_tried_again(clock: HeldTime) -> None:
    async def nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError

    server = await asyncio.start_server(nobody, "127.0.0.1", 0)
    closed = ScriptedAmi(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    async with running(closed, clock) as link:
        await clock.passes(1.0)
        assert link.state.phase is Phase.DOWN
        await clock.passes(2.0)


@pytest.mark.parametrize(
    ("stage", "wait", "complaint"),
    [("greeting", 11.0, "no greeting"), ("challenge", 13.0, "no login"), ("boot", 12.0, "FullyBooted")],
)
async def test_a_server_that_falls_silent_while_the_link_is_made(
    ami: ScriptedAmi, clock: HeldTime, stage: str, wait: float, complaint: str
) -> None:
    async with running(ami, clock) as link:
        peer = await ami.accept()
        if stage == "challenge":
            peer.greet()
            await peer.expect("Challenge")
        if stage == "boot":
            await peer.login(booted=False)
        await clock.passes(wait)
        await peer.closed_by_client()
        await clock.passes(1.0)
        assert complaint in link.state.reason


async def test_another_service_on_the_port_is_named(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        (await ami.accept()).raw(b"SSH-2.0-OpenSSH_9.2\r\n")
        await clock.passes(1.0)
        assert "not an Asterisk manager port" in link.state.reason


async def test_a_shutdown_of_asterisk_is_delivered_and_ends_the_link(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        events = link.subscribe("tracker", only=frozenset({"Shutdown"}))
        peer = await up(ami, link)
        peer.event("Shutdown", Shutdown="Cleanly", Restart="False")
        assert [event.name for event in await take(events, 1)] == ["Shutdown"]
        await clock.passes(1.0)
        assert "shutting down" in link.state.reason


async def test_closing_ends_the_subscriptions_and_the_connection(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        events = link.subscribe("tracker")
        peer = await up(ami, link)
    await peer.closed_by_client()
    assert [event.name for event in await rest(events)] == ["FullyBooted"]
    assert link.state.phase is Phase.CLOSED
    assert clock.asleep() == []


async def test_the_secret_does_not_cross_a_clear_link(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        login = peer.seen[-1]
        assert "Secret" not in login
        assert login["AuthType"] == "MD5"
        assert login["Events"] == "system,call,agent,user"


async def test_nothing_personal_or_secret_is_logged(
    ami: ScriptedAmi, clock: HeldTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(call(1)))
        await peer.expect("Originate")
        peer.event("Newstate", CallerIDName="滞納 太郎")
        await peer.close()
        with pytest.raises(OutcomeUnknown):
            await soon(sending)
        await clock.passes(1.0)
        assert not any(word in caplog.text for word in (SECRET, peer.seen[1]["Key"], "0312345678", "太郎"))
        assert "link 1 to Asterisk" in caplog.text
        assert "0312345678" not in repr(Pending(call(1), "1"))
        assert SECRET not in repr(ami.settings())
        assert SECRET not in repr(link)


# -- the end of an action --------------------------------------------------------------------------------------------------


async def test_refused_with_the_words_of_asterisk(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(actions.hangup("PJSIP/x-1")))
        peer.reply(await peer.expect("Hangup"), "Error", Message="No such channel")
        with pytest.raises(AmiRefused) as refused:
            await soon(sending)
        assert refused.value.reason == "No such channel"


async def test_a_refused_list_ends_at_once(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(actions.confbridge_list("op-1")))
        peer.reply(await peer.expect("ConfbridgeList"), "Error", Message="No active conferences.")
        with pytest.raises(AmiRefused, match="No active conferences"):
            await soon(sending)


async def test_a_reply_holds_the_lines_of_asterisk_and_no_others(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(actions.get_var("PJSIP/x-1", "NOTE")))
        asked = await peer.expect("Getvar")
        peer.reply(asked, Variable="NOTE", Value="a: b")
        assert dict((await soon(sending)).headers) == {
            "Response": "Success",
            "ActionID": asked["ActionID"],
            "Variable": "NOTE",
            "Value": "a: b",
        }


async def test_an_empty_list(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(actions.core_show_channels()))
        asked = await peer.expect("CoreShowChannels")
        peer.reply(asked, EventList="start")
        peer.event("CoreShowChannelsComplete", ActionID=asked["ActionID"], EventList="Complete", ListItems="0")
        assert (await soon(sending)).events == ()


@pytest.mark.req("T4")
async def test_a_deadline_after_writing_is_unknown_and_a_late_answer_does_no_harm(
    ami: ScriptedAmi, clock: HeldTime
) -> None:
    async with running(ami, clock) as link:
        events = link.subscribe("tracker", only=frozenset({"CoreShowChannel", "Marker"}))
        peer = await up(ami, link)
        single = asyncio.create_task(link.send(call(1), deadline=3.0))
        first = await peer.expect("Originate")
        await clock.passes(3.0)
        with pytest.raises(OutcomeUnknown):
            await soon(single)
        listed = asyncio.create_task(link.send(actions.core_show_channels(), deadline=4.0))
        second = await peer.expect("CoreShowChannels")
        peer.reply(second, EventList="start")
        await clock.passes(4.0)
        with pytest.raises(OutcomeUnknown):
            await soon(listed)
        peer.reply(first, Message="Originate successfully queued")
        for _ in range(3):
            peer.event("CoreShowChannel", ActionID=second["ActionID"])
        peer.event("Marker")
        assert [event.name for event in await take(events, 1)] == ["Marker"]
        (late,) = link._session._protocol.responses.values()  # type: ignore[union-attr]
        assert len(late.responses) == 2  # what nobody waits for is not collected
        peer.event("CoreShowChannelsComplete", ActionID=second["ActionID"], EventList="Complete")
        peer.event("Marker")
        assert [event.name for event in await take(events, 1)] == ["Marker"]  # no entry of the late list strayed
        assert link.state.up
        assert link._session is not None
        assert link._session._protocol.responses == {}


@pytest.mark.req("T4")
async def test_no_more_actions_in_flight_than_allowed(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock, max_in_flight=1) as link:
        peer = await up(ami, link)
        first = asyncio.create_task(link.send(call(1)))
        one = await peer.expect("Originate")
        second = asyncio.create_task(link.send(call(2), deadline=3.0))
        await clock.passes(3.0)
        with pytest.raises(LinkBusy) as busy:
            await soon(second)
        assert isinstance(busy.value, NotSent)
        third = asyncio.create_task(link.send(call(3)))
        peer.reply(one)
        await soon(first)
        three = await peer.expect("Originate")
        assert three["ChannelId"] == "attempt-3"  # the second was surely not sent
        peer.reply(three)
        await soon(third)


@pytest.mark.req("T4")
async def test_pings_do_not_wait_for_a_turn(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock, max_in_flight=1) as link:
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(call(1)))
        await peer.expect("Originate")
        await clock.passes(14.0)
        peer.reply(await peer.expect("Ping"))
        sending.cancel()


@pytest.mark.req("T4")
async def test_what_waits_for_its_turn_when_the_link_is_lost_is_surely_not_sent(
    ami: ScriptedAmi, clock: HeldTime
) -> None:
    async with running(ami, clock, max_in_flight=1) as link:
        peer = await up(ami, link)
        sendings = [asyncio.create_task(link.send(call(number))) for number in (1, 2)]
        await peer.expect("Originate")
        await peer.close()
        outcomes = await soon(asyncio.gather(*sendings, return_exceptions=True))
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, NotConnected]
        await clock.passes(1.0)
        again = await up(ami, link, generation=2)
        marker = asyncio.create_task(link.send(actions.core_settings()))
        again.reply(await again.expect("CoreSettings"))
        await soon(marker)


@pytest.mark.req("T4")
async def test_a_turn_that_comes_with_the_end_of_the_link_is_not_used(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock, max_in_flight=1) as link:
        peer = await up(ami, link)
        first, second = [asyncio.create_task(link.send(call(number))) for number in (1, 2)]
        sent = await peer.expect("Originate")
        answer = packet(("Response", "Success"), ("ActionID", sent["ActionID"]))
        peer.raw(answer + packet(("Event", "Shutdown")))
        await soon(first)
        with pytest.raises(NotConnected):
            await soon(second)


@pytest.mark.req("T4")
async def test_originates_are_spread_and_other_actions_are_not(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock, originates_per_second=4.0) as link:
        peer = await up(ami, link)
        calls = [asyncio.create_task(link.send(call(number))) for number in (1, 2, 3)]
        peer.reply(await peer.expect("Originate"))
        other = asyncio.create_task(link.send(actions.core_settings()))
        peer.reply(await peer.expect("CoreSettings"))
        await soon(other)
        assert {0.25, 0.5} <= set(clock.asleep())
        await clock.passes(0.25)
        peer.reply(await peer.expect("Originate"))
        await clock.passes(0.5)
        peer.reply(await peer.expect("Originate"))
        await soon(asyncio.gather(*calls))
        assert [seen["ChannelId"] for seen in peer.seen if seen["Action"] == "Originate"] == [
            "attempt-1",
            "attempt-2",
            "attempt-3",
        ]


async def test_a_caller_that_is_cancelled_frees_its_place(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock, max_in_flight=1) as link:
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(call(1)))
        await peer.expect("Originate")
        waiting = asyncio.create_task(link.send(call(2)))
        await clock.passes(14.0)  # both are under way
        peer.reply(await peer.expect("Ping"))
        waiting.cancel()
        sending.cancel()
        await asyncio.wait([sending, waiting])
        last = asyncio.create_task(link.send(call(3)))
        sent = await peer.expect("Originate")
        assert sent["ChannelId"] == "attempt-3"
        peer.reply(sent)
        await soon(last)


async def test_action_ids_are_unique_and_carry_the_tag(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        peer = await up(ami, link)
        for _ in range(2):
            sending = asyncio.create_task(link.send(call(1)))
            peer.reply(await peer.expect("Originate"))
            await soon(sending)
        ids = [seen["ActionID"] for seen in peer.seen]
        assert len(set(ids)) == len(ids)
        assert ids[-1].startswith("saikoku-")
        assert ids[-1].endswith("/attempt-1")


async def test_an_event_is_own_only_to_the_link_that_asked(ami: ScriptedAmi, clock: HeldTime) -> None:
    """Asterisk tells every connection of an OriginateResponse: a second bridge, and the link after this one."""
    async with running(ami, clock) as link:
        events = link.subscribe("test", only={"OriginateResponse"})
        peer = await up(ami, link)
        sending = asyncio.create_task(link.send(call(1)))
        asked = await peer.expect("Originate")
        peer.reply(asked)
        await soon(sending)
        peer.event("OriginateResponse", ActionID=asked["ActionID"])
        await peer.close()
        await soon(link.until(lambda state: not state.up))
        await clock.passes(1.0)
        peer = await up(ami, link, 2)
        peer.event("OriginateResponse", ActionID=asked["ActionID"])
        assert [(event.tag, event.own) for event in await take(events, 2)] == [
            ("attempt-1", True),
            ("attempt-1", False),
        ]


def test_only_our_own_action_ids_have_a_tag() -> None:
    assert Event("OriginateResponse", Headers([("ActionID", "saikoku-0af3-12/attempt-1")])).tag == "attempt-1"
    assert Event("OriginateResponse", Headers([("ActionID", "other/attempt-1")])).tag is None
    assert Event("Hangup", Headers()).tag is None


def test_every_error_has_its_own_code() -> None:
    kinds = {AmiError}
    while more := {kind for known in kinds for kind in known.__subclasses__()} - kinds:
        kinds |= more
    assert len({kind.code for kind in kinds}) == len(kinds)


# -- consumers -------------------------------------------------------------------------------------------------------------


@pytest.mark.req("T4")
async def test_a_consumer_too_far_behind_costs_the_link_and_nothing_in_silence(
    ami: ScriptedAmi, clock: HeldTime
) -> None:
    async with running(ami, clock) as link:
        slow = link.subscribe("slow", limit=3, only=frozenset({"Newstate"}))
        peer = await up(ami, link)
        for number in range(5):
            peer.event("Newstate", Number=str(number))
        await peer.closed_by_client()
        await clock.passes(1.0)
        assert "slow is too far behind" in link.state.reason
        assert [event["Number"] for event in await take(slow, 3)] == ["0", "1", "2"]  # what was taken is delivered
        again = await up(ami, link, generation=2)
        again.event("Newstate", Number="9")
        (event,) = await take(slow, 1)
        assert (event["Number"], event.generation) == ("9", 2)


async def test_after_the_overflow_nobody_sees_the_rest(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        link.subscribe("slow", limit=1, only=frozenset({"Newstate"}))
        other = link.subscribe("other", only=frozenset({"Newstate"}))
        peer = await up(ami, link)
        peer.raw(b"".join(packet(("Event", "Newstate"), ("Number", str(number))) for number in range(5)))
        await peer.closed_by_client()
        await clock.passes(1.0)
        again = await ami.accept()
        await again.login()
        again.event("Newstate", Number="9")
        seen = await take(other, 3)
        # the second one cost the link; what follows it belongs to a link that is given up
        assert [(event["Number"], event.generation) for event in seen] == [("0", 1), ("1", 1), ("9", 2)]


async def test_a_consumer_that_left_holds_nobody_up(ami: ScriptedAmi, clock: HeldTime) -> None:
    async with running(ami, clock) as link:
        gone, present = link.subscribe("gone", limit=1), link.subscribe("present")
        link.unsubscribe(gone)
        peer = await up(ami, link)
        peer.event("Newstate")
        peer.event("Hangup")
        assert [event.name for event in await take(present, 3)] == ["FullyBooted", "Newstate", "Hangup"]
        assert len(gone) == 0


async def test_a_closed_subscription_takes_nothing() -> None:
    events = Subscription("x", 1)
    events.close()
    assert events.offer(Event("Hangup", Headers()))
    assert await rest(events) == []


def test_a_certificate_authority_that_is_missing_stops_the_start() -> None:
    settings = LinkSettings("127.0.0.1", 5039, "saikoku", SECRET, tls=True, ca_file="/nowhere/ca.pem")
    with pytest.raises(FileNotFoundError):
        AmiLink(settings)
