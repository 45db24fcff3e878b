"""What events and lists say of our calls."""

import asyncio
import uuid

import pytest

from ami_bridge import legs
from ami_bridge.tracking import (
    Answered,
    Began,
    Entered,
    Fact,
    Failed,
    Gone,
    OnHold,
    Rang,
    Standing,
    Tracker,
    TurnedAway,
    ours,
    standing,
)
from ami_bridge.values import Event, Headers, Reply
from tests.unit.ami_bridge.scripted_ami import soon

ID = uuid.UUID("01a20d56-78f8-73f4-aae0-c9ee0dc523f6")


def event(name: str, generation: int = 1, *, own: bool = True, **headers: str) -> Event:
    lines = {"Uniqueid": str(ID), **{key.replace("_", "-"): value for key, value in headers.items()}}
    return Event(name, Headers(lines.items()), generation, own)


async def facts(*events: Event) -> list[Fact | None]:
    tracker = Tracker()
    return [await tracker.read(each) for each in events]


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    ("happened", "fact"),
    [
        (event("Newchannel", ChannelStateDesc="Down"), Began(ID)),
        (event("Newstate", ChannelStateDesc="Ringing"), Rang(ID)),
        (event("Newstate", ChannelStateDesc="Up"), Answered(ID)),
        (event("Newstate", ChannelStateDesc="Ring"), None),
        (event("ConfbridgeJoin", Conference="saikoku-1001"), Entered(ID, "1001")),
        (event("ConfbridgeJoin", Conference="board-meeting"), None),
        (event("MusicOnHoldStart", Context="saikoku-hold"), OnHold(ID)),
        (event("MusicOnHoldStart", Context="saikoku-join"), None),
        (event("UserEvent", UserEvent="SaikokuRefused"), TurnedAway(ID)),
        (event("UserEvent", UserEvent="TheirOwn"), None),
        (event("Hangup", Cause="17", ChannelStateDesc="Down"), Gone(ID, 17, reached=False)),
        (event("Hangup", Cause="19", ChannelStateDesc="Ringing"), Gone(ID, 19, reached=True)),
        (event("Hangup", Cause="", ChannelStateDesc="Up"), Gone(ID, 0, reached=True, answered=True)),
        (
            event("Hangup", Cause="16", ChannelStateDesc="Up", Context="saikoku-join"),
            Gone(ID, 16, reached=True, answered=True, talked=True),
        ),
        (
            event("Hangup", Cause="16", ChannelStateDesc="Up", Context="saikoku-waiting"),
            Gone(ID, 16, reached=True, answered=True),
        ),
        (event("Hangup", Cause="0", ChannelStateDesc="Ringing"), Gone(ID, 19, reached=True)),
        (event("Hangup", Cause="0", ChannelStateDesc="Down"), Gone(ID, 0, reached=False)),
        (event("SoftHangupRequest", Cause="16"), None),
    ],
)
async def test_each_event_says_one_thing_or_nothing(happened: Event, fact: Fact | None) -> None:
    assert await facts(happened) == [fact]


@pytest.mark.req("T3")
@pytest.mark.parametrize("other", ["1795517905.6", f"{ID};2", "", f"call-{ID}", "x" * 36])
async def test_channels_of_others_are_passed_over(other: str) -> None:
    assert ours(other) is None
    assert await facts(Event("Hangup", Headers([("Uniqueid", other), ("Cause", "16")]))) == [None]


@pytest.mark.req("T4")
async def test_a_failure_counts_only_when_there_was_never_a_channel() -> None:
    failure = event("OriginateResponse", Response="Failure", Reason="0", ActionID=f"saikoku-0a-1/{ID}")
    assert await facts(failure) == [Failed(ID, own=True)]
    assert await facts(event("Newchannel"), failure) == [Began(ID), None]
    ended = event("Hangup", Cause="17", ChannelStateDesc="Down")
    assert await facts(event("Newchannel"), failure, ended) == [Began(ID), None, Gone(ID, 17, reached=False)]
    assert await facts(event("OriginateResponse", Response="Success", Reason="4")) == [None]


@pytest.mark.req("T4")
async def test_a_failure_that_another_link_asked_for_is_not_certain() -> None:
    """A link made in these milliseconds hears of the failure, and may have come too late for the channel before it."""
    failure = event("OriginateResponse", Response="Failure", Reason="0", ActionID=f"saikoku-0b-1/{ID}", own=False)
    assert await facts(failure) == [Failed(ID, own=False)]


@pytest.mark.req("T4")
async def test_a_failure_of_a_channel_known_from_the_list_does_not_count_either() -> None:
    tracker = Tracker()
    tracker.saw([ID])
    assert await tracker.read(event("OriginateResponse", Response="Failure", Reason="0")) is None


@pytest.mark.req("T3")
async def test_the_reconciler_waits_for_the_events_of_the_links_before() -> None:
    tracker = Tracker()
    waiting = asyncio.create_task(tracker.caught_up(2))
    await tracker.read(event("FullyBooted", generation=1))
    await tracker.read(event("Hangup", generation=1, Cause="16"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await tracker.read(event("FullyBooted", generation=2))
    await soon(waiting)


@pytest.mark.req("T3")
def test_the_list_of_channels_tells_where_each_of_ours_stands() -> None:
    def channel(unique_id: str, **headers: str) -> Event:
        return Event("CoreShowChannel", Headers([("Uniqueid", unique_id), *headers.items()]))

    talking, held, ringing = (uuid.uuid4() for _ in range(3))
    reply = Reply(
        Headers(),
        (
            channel(str(talking), ChannelStateDesc="Up", Context="saikoku-join", Application="ConfBridge",
                    ApplicationData="saikoku-1001,saikoku_room"),
            channel(str(held), ChannelStateDesc="Up", Context="saikoku-hold", Application="MusicOnHold"),
            channel(str(ringing), ChannelStateDesc="Ringing", Context="from-carrier", Application="AppDial"),
            channel("1795517905.6", ChannelStateDesc="Up", Context="saikoku-hold"),
        ),
    )  # fmt: skip
    assert standing(reply) == {
        talking: Standing(ringing=False, up=True, context="saikoku-join", seat="1001"),
        held: Standing(ringing=False, up=True, context="saikoku-hold", seat=None),
        ringing: Standing(ringing=True, up=False, context="from-carrier", seat=None),
    }
    assert standing(reply)[held].held


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    ("cause", "reached", "reason"),
    [
        (17, False, legs.BUSY),
        (21, True, legs.REJECTED),
        (19, True, legs.NO_ANSWER),
        (19, False, legs.NOT_REGISTERED),
        (20, False, legs.NOT_REGISTERED),
        (0, True, legs.NO_ANSWER),
    ],
)
def test_why_a_phone_did_not_come_up(cause: int, reached: bool, reason: str) -> None:
    assert legs.reason_of(Gone(ID, cause, reached=reached)) == reason
