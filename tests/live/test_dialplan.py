"""The product's dialplan in a real Asterisk: calls as the bridge makes them, hooks as an admin writes them."""

import csv
import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from ami_bridge import variables as names
from saikoku import dialplan
from saikoku.lab.carrier import BEHAVIOURS, DESK_HZ, TALK_HZ, number_for
from saikoku.lab.obtain import obtain
from saikoku.lab.pbx import Lab
from tests.live.ami import Ami, connected
from tests.live.tones import loudness, whole_recording

DIRECT = "PJSIP/{number}@carrier"
LOCAL = "Local/{number}@saikoku-outbound/n"
WAYS = pytest.mark.parametrize("way", [DIRECT, LOCAL], ids=["direct", "local"])
HEARD = 1000  # of 32767; the tones are at about 4000, what is not there is below 100


async def seat_up(ami: Ami, seat: str, leg: str) -> str:
    """The operator's standing leg, in its room; returns its channel."""
    await ami.originate(f"PJSIP/{seat}", leg, names.CONTEXT_SEAT, seat)
    return (await ami.event("ConfbridgeJoin", Conference=names.room(seat), Uniqueid=leg))["Channel"]


async def dial(ami: Ami, way: str, number: str, call: str, *variables: str, timeout_ms: int = 15000) -> None:
    """A citizen is called as a dialer does it."""
    channel = way.format(number=number)
    everything = (f"{names.ATTEMPT}={call}", *variables)
    await ami.originate(channel, call, names.CONTEXT_ANSWERED, "s", *everything, Timeout=str(timeout_ms))


def say_what_is_in(samples: Sequence[int]) -> dict[int, bool]:
    """Which of the tones of desk and citizen, and one that nobody plays, are in a recording."""
    return {hz: loudness(samples, hz) > HEARD for hz in (DESK_HZ, TALK_HZ, 1500)}


@WAYS
@pytest.mark.req("T3", "T13", "P2")
async def test_an_answered_citizen_talks_with_the_waiting_operator_and_both_are_recorded(
    lab: Lab, ami: Ami, call_id: str, way: str
) -> None:
    await seat_up(ami, "1001", f"op-{call_id}")
    recording = f"{names.RECORDING}=2026/{call_id}.wav"

    await dial(ami, way, number_for("talks"), call_id, f"{names.SEAT}=1001", recording)

    joined = await ami.event("ConfbridgeJoin", Uniqueid=call_id)
    assert (joined["Conference"], joined["Admin"], joined["Linkedid"]) == (names.room("1001"), "No", call_id)
    await a_second_passes(ami)
    await ami.do("Hangup", Channel=joined["Channel"])
    assert (await ami.event("Hangup", Uniqueid=call_id))["Cause"] == "16"
    samples = await whole_recording(lab.recordings / f"2026/{call_id}.wav")
    assert say_what_is_in(samples) == {DESK_HZ: True, TALK_HZ: True, 1500: False}
    left = [event for event in ami.events if event["Event"] == "ConfbridgeLeave"]
    assert [event["Uniqueid"] for event in left] == [call_id], "the operator's leg stays up"


async def a_second_passes(ami: Ami) -> None:
    """A second of talk, on Asterisk's clock: another citizen waits in vain for as long."""
    other = f"second-{uuid.uuid4()}"
    await dial(ami, DIRECT, number_for("at-once"), other, f"{names.PATIENCE}=1")
    await ami.event("UserEvent", UserEvent=names.EVENT_ABANDONED, Attempt=other)


@WAYS
@pytest.mark.parametrize("behaviour", [b for b in BEHAVIOURS if b.cause not in (None, 16)], ids=lambda b: b.name)
@pytest.mark.req("T4", "P2")
async def test_the_cause_of_a_failed_call_arrives_as_the_carrier_gave_it(
    ami: Ami, call_id: str, way: str, behaviour: object
) -> None:
    known = next(b for b in BEHAVIOURS if b is behaviour)

    await dial(ami, way, number_for(known.name), call_id, f"{names.SEAT}=1001")

    assert (await ami.event("Hangup", Uniqueid=call_id))["Cause"] == str(known.cause)


@WAYS
@pytest.mark.req("T4")
async def test_a_call_that_rings_out_ends_with_no_answer(ami: Ami, call_id: str, way: str) -> None:
    await dial(ami, way, number_for("no-answer"), call_id, timeout_ms=1500)

    ended = await ami.event("Hangup", Uniqueid=call_id)
    assert (ended["Cause"], ended["ChannelStateDesc"]) == ("19", "Ringing")
    assert (await ami.event("OriginateResponse", Uniqueid=call_id))["Reason"] == "3"


@WAYS
@pytest.mark.parametrize(("given", "arrives"), [({}, "0"), ({"Cause": "16"}, "16"), ({"Cause": "26"}, "26")], ids=str)
@pytest.mark.req("T4")
async def test_a_ringing_call_that_we_cancel_ends_with_the_cause_we_give(
    ami: Ami, call_id: str, way: str, given: dict[str, str], arrives: str
) -> None:
    await dial(ami, way, number_for("no-answer"), call_id)
    ringing = await ami.event("Newstate", Uniqueid=call_id, ChannelStateDesc="Ringing")

    await ami.do("Hangup", Channel=ringing["Channel"], **given)

    assert (await ami.event("Hangup", Uniqueid=call_id))["Cause"] == arrives


@pytest.mark.req("T4")
async def test_a_trunk_that_does_not_exist_gives_no_hangup_but_only_a_failed_response(ami: Ami, call_id: str) -> None:
    await dial(ami, "PJSIP/{number}@nosuch", number_for("talks"), call_id)

    response = await ami.event("OriginateResponse", Uniqueid=call_id)

    assert (response["Response"], response["Reason"]) == ("Failure", "0")
    await ami.do("Ping")  # events come in order: whatever belonged to the call is here by now
    assert not [event for event in ami.events if event.get("Uniqueid") == call_id and event["Event"] == "Hangup"]


@pytest.mark.req("T4")
async def test_the_channel_id_of_a_living_call_is_refused_to_another(own_lab: Lab, call_id: str) -> None:
    """In a lab of its own: after such a refusal Asterisk 16 and 22 alike do not end on SIGTERM any more."""
    async with connected(own_lab.ami_host, own_lab.ami_port, own_lab.ami_user, own_lab.ami_secret) as ami:
        await dial(ami, DIRECT, number_for("no-answer"), call_id)
        await ami.event("Newstate", Uniqueid=call_id, ChannelStateDesc="Ringing")

        await dial(ami, DIRECT, number_for("talks"), call_id)

        refused = await ami.event("OriginateResponse", Uniqueid=call_id, Response="Failure")
        assert refused["Reason"] == "0"
        assert [call.number for call in await own_lab.carrier_calls()] == [number_for("no-answer")]
    await own_lab.office.kill()


@pytest.mark.req("T4")
async def test_an_answered_call_without_a_seat_waits_and_can_be_given_one(ami: Ami, call_id: str) -> None:
    await seat_up(ami, "1002", f"op-{call_id}")
    await dial(ami, DIRECT, number_for("at-once"), call_id, f"{names.PATIENCE}=20")
    waiting = await ami.event("UserEvent", UserEvent=names.EVENT_WAITING, Attempt=call_id)

    await ami.do("Redirect", Channel=waiting["Channel"], Context=names.CONTEXT_JOIN, Exten="1002", Priority="1")

    assert (await ami.event("ConfbridgeJoin", Uniqueid=call_id))["Conference"] == names.room("1002")


@pytest.mark.req("T4")
async def test_an_answered_call_that_no_operator_takes_hears_the_apology_and_is_counted(ami: Ami, call_id: str) -> None:
    await dial(ami, DIRECT, number_for("at-once"), call_id, f"{names.PATIENCE}=0.2")

    await ami.event("UserEvent", UserEvent=names.EVENT_ABANDONED, Attempt=call_id)
    assert (await ami.event("Hangup", Uniqueid=call_id))["Cause"] == "16"


@pytest.mark.req("T3", "C5")
async def test_two_citizens_sent_to_one_seat_never_meet(ami: Ami, call_id: str) -> None:
    """Not even while the operator is away, when the room itself would take a second one."""
    for turn, seat_is_up in enumerate((False, True)):
        first, second = f"{call_id}-{turn}-first", f"{call_id}-{turn}-second"
        if seat_is_up:
            await seat_up(ami, "1003", f"op-{call_id}")
        await dial(ami, DIRECT, number_for("at-once"), first, f"{names.SEAT}=1003")
        await ami.event("ConfbridgeJoin", Uniqueid=first)

        await dial(ami, DIRECT, number_for("at-once"), second, f"{names.SEAT}=1003")

        await ami.event("UserEvent", UserEvent=names.EVENT_REFUSED, Attempt=second, Seat="1003")
        await ami.event("Hangup", Uniqueid=second)
        assert not [e for e in ami.events if e["Event"] == "ConfbridgeJoin" and e["Uniqueid"] == second]
        await ami.do("Hangup", Channel=(await ami.event("ConfbridgeJoin", Uniqueid=first))["Channel"])
        await ami.event("Hangup", Uniqueid=first)


@pytest.mark.req("T3")
async def test_a_held_citizen_comes_back_to_the_operator(ami: Ami, call_id: str) -> None:
    await seat_up(ami, "1004", f"op-{call_id}")
    await dial(ami, DIRECT, number_for("at-once"), call_id, f"{names.SEAT}=1004")
    citizen = (await ami.event("ConfbridgeJoin", Uniqueid=call_id))["Channel"]

    await ami.do("Redirect", Channel=citizen, Context=names.CONTEXT_HOLD, Exten="s", Priority="1")
    await ami.event("MusicOnHoldStart", Uniqueid=call_id)
    await ami.do("Redirect", Channel=citizen, Context=names.CONTEXT_JOIN, Exten="1004", Priority="1")
    await ami.event("MusicOnHoldStop", Uniqueid=call_id)

    await ami.event("ConfbridgeJoin", times=2, Uniqueid=call_id, Conference=names.room("1004"))
    assert not [event for event in ami.events if event["Event"] == "Hangup"]


@pytest.mark.req("T3")
async def test_a_citizen_stays_with_music_when_the_operators_leg_drops_and_talks_on_when_it_returns(
    lab: Lab, ami: Ami, call_id: str
) -> None:
    leg = await seat_up(ami, "1005", f"op-{call_id}")
    await dial(ami, DIRECT, number_for("at-once"), call_id, f"{names.SEAT}=1005")
    await ami.event("ConfbridgeJoin", Uniqueid=call_id)

    assert await lab.hang_up_at_carrier("1005") == 1
    await ami.event("ConfbridgeLeave", Channel=leg)
    await ami.event("MusicOnHoldStart", Uniqueid=call_id)
    await seat_up(ami, "1005", f"again-{call_id}")

    await ami.event("MusicOnHoldStop", Uniqueid=call_id)
    assert not [e for e in ami.events if e["Event"] == "Hangup" and e["Uniqueid"] == call_id]


@pytest.mark.req("T14")
async def test_a_supervisor_listens_whispers_and_breaks_in(ami: Ami, call_id: str) -> None:
    await seat_up(ami, "1006", f"op-{call_id}")
    await dial(ami, DIRECT, number_for("at-once"), call_id, f"{names.SEAT}=1006")
    await ami.event("ConfbridgeJoin", Uniqueid=call_id)

    for context in (names.CONTEXT_LISTEN, names.CONTEXT_WHISPER):
        await ami.originate("PJSIP/1010", f"{context}-{call_id}", context, "1006")
        spying = await ami.event("ChanSpyStart", SpyerUniqueid=f"{context}-{call_id}")
        assert spying["SpyeeUniqueid"] == f"op-{call_id}"
    await ami.originate("PJSIP/1010", f"barge-{call_id}", names.CONTEXT_BARGE, "1006")

    assert (await ami.event("ConfbridgeJoin", Uniqueid=f"barge-{call_id}"))["Conference"] == names.room("1006")


@pytest.mark.req("T5", "T13")
async def test_a_return_call_rings_until_the_bridge_gives_it_to_an_operator(lab: Lab, ami: Ami, call_id: str) -> None:
    await seat_up(ami, "1007", f"op-{call_id}")
    await lab.call_office("05012340007")
    arrived = await ami.event("UserEvent", UserEvent=names.EVENT_INCOMING, Caller="05012340007")
    assert arrived["Dialed"] == lab.office_numbers[0]
    await a_second_passes(ami)
    up = [e for e in ami.events if e["Event"] == "Newstate" and e["ChannelStateDesc"] == "Up"]
    assert arrived["Uniqueid"] not in {event["Uniqueid"] for event in up}, "nobody pays before an operator is there"

    for variable, value in ((names.SEAT, "1007"), (names.RECORDING, f"{call_id}.wav")):
        await ami.do("Setvar", Channel=arrived["Channel"], Variable=variable, Value=value)
    await ami.do("Redirect", Channel=arrived["Channel"], Context=names.CONTEXT_ANSWERED, Exten="s", Priority="1")

    await ami.event("ConfbridgeJoin", Uniqueid=arrived["Uniqueid"], Conference=names.room("1007"))
    await a_second_passes(ami)
    await ami.do("Hangup", Channel=arrived["Channel"])
    samples = await whole_recording(lab.recordings / f"{call_id}.wav")
    assert say_what_is_in(samples) == {DESK_HZ: True, TALK_HZ: True, 1500: False}


@pytest.mark.req("T5")
async def test_a_hidden_number_is_not_shown_as_a_number(lab: Lab, ami: Ami) -> None:
    await lab.call_office()

    arrived = await ami.event("UserEvent", UserEvent=names.EVENT_INCOMING)

    assert not arrived["Caller"].isdigit()


@pytest.mark.req("P1")
async def test_asterisk_loads_every_file_without_one_warning(own_lab: Lab) -> None:
    for command in ("dialplan reload", "module reload app_confbridge", "manager reload", "module reload cel_custom"):
        await own_lab.office.cli(command)

    assert own_lab.office.complaints() == []
    assert own_lab.carrier.complaints() == []
    assert [str(finding) for finding in dialplan.lint(own_lab.office.etc)] == []


@pytest.mark.req("P1")
async def test_an_admins_hook_survives_an_upgrade_and_is_called(own_lab: Lab, call_id: str) -> None:
    hooks = own_lab.office.etc / "saikoku-hooks.conf"
    theirs = hooks.read_text().replace(
        "[saikoku-hook-answered]\nexten => s,1,Return()",
        "[saikoku-hook-answered]\nexten => s,1,UserEvent(OfficeHook,Attempt: ${SAIKOKU_ATTEMPT})\n same => n,Return()",
    )
    hooks.write_text(theirs)

    report = dialplan.install(own_lab.office.etc, own_lab.dialplan_settings(own_lab.office))
    await own_lab.office.cli("dialplan reload")

    assert report.kept == dialplan.THEIRS
    assert hooks.read_text() == theirs
    async with connected(own_lab.ami_host, own_lab.ami_port, own_lab.ami_user, own_lab.ami_secret) as ami:
        await dial(ami, DIRECT, number_for("at-once"), call_id, f"{names.SEAT}=1001")
        await ami.event("UserEvent", UserEvent="OfficeHook", Attempt=call_id)
        await ami.event("ConfbridgeJoin", Uniqueid=call_id)


@pytest.mark.req("P1")
async def test_the_outbound_hook_runs_before_the_number_is_dialled(own_lab: Lab, call_id: str) -> None:
    """Only by way of saikoku-outbound: 22 passes over PreDialGoSub in an Async Originate, 16 does not know it."""
    hook = "[saikoku-hook-outbound]\nexten => s,1,Set(CALLERID(num)=0398760000)\n same => n,Return()\n"
    (own_lab.office.etc / "saikoku-hooks.conf").write_text(hook)
    await own_lab.office.cli("dialplan reload")

    async with connected(own_lab.ami_host, own_lab.ami_port, own_lab.ami_user, own_lab.ami_secret) as ami:
        channel = LOCAL.format(number=number_for("busy"))
        await ami.originate(channel, call_id, names.CONTEXT_ANSWERED, "s", CallerID="0312340001")
        await ami.event("Hangup", Uniqueid=call_id)

    assert [call.caller for call in await own_lab.carrier_calls()] == ["0398760000"]


@pytest.mark.req("P1")
async def test_a_missing_hook_is_passed_over(own_lab: Lab, call_id: str) -> None:
    (own_lab.office.etc / "saikoku-hooks.conf").write_text("; nothing yet\n")
    await own_lab.office.cli("dialplan reload")

    async with connected(own_lab.ami_host, own_lab.ami_port, own_lab.ami_user, own_lab.ami_secret) as ami:
        await dial(ami, LOCAL, number_for("short"), call_id, f"{names.SEAT}=1001")
        await ami.event("ConfbridgeJoin", Uniqueid=call_id)
        assert (await ami.event("Hangup", Uniqueid=call_id))["Cause"] == "16"


@pytest.mark.req("P1", "P2")
async def test_the_ami_user_may_do_what_the_bridge_needs_and_nothing_more(ami: Ami) -> None:
    assert (await ami.do("CoreShowChannels"))["Response"] == "Success"
    for action, fields in {
        "Command": {"Command": "core show version"},
        "UpdateConfig": {"SrcFilename": "extensions.conf", "DstFilename": "extensions.conf"},
        "Originate": {"Channel": "Local/s@saikoku-goodbye", "Application": "System", "Data": "true"},
    }.items():
        refusal = await ami.do(action, **fields)
        assert refusal["Response"] == "Error", refusal
        assert refusal["Message"] in {"Permission denied", "Originate Access Forbidden: app or data blacklisted"}


@pytest.mark.req("P2")
async def test_the_same_files_serve_asterisk_16(tmp_path: Path, call_id: str) -> None:
    """Also with an AGI server that is away: a return call rings all the same."""
    build = obtain(suite="bullseye", use_system=False)
    assert build.major == 16
    async with (
        Lab(tmp_path, build=build, agi_url="agi://127.0.0.1:1") as lab,
        connected(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret) as ami,
    ):
        assert lab.office.complaints() == []
        await seat_up(ami, "1001", "operator")
        await dial(ami, DIRECT, number_for("talks"), call_id, f"{names.SEAT}=1001", f"{names.RECORDING}=here.wav")
        joined = await ami.event("ConfbridgeJoin", Uniqueid=call_id)
        await a_second_passes(ami)
        await ami.do("Hangup", Channel=joined["Channel"])
        samples = await whole_recording(lab.recordings / "here.wav")
        assert say_what_is_in(samples) == {DESK_HZ: True, TALK_HZ: True, 1500: False}
        for behaviour in ("busy", "changed", "congested"):
            await dial(ami, LOCAL, number_for(behaviour), f"{behaviour}-{call_id}")
            cause = (await ami.event("Hangup", Uniqueid=f"{behaviour}-{call_id}"))["Cause"]
            assert cause == str(next(b.cause for b in BEHAVIOURS if b.name == behaviour))
        await lab.call_office("05012340007")
        await ami.event("UserEvent", UserEvent=names.EVENT_INCOMING, Caller="05012340007")


@pytest.mark.req("T13")
async def test_asterisks_own_record_tells_how_a_call_went(lab: Lab, ami: Ami, call_id: str) -> None:
    await dial(ami, LOCAL, number_for("busy"), call_id)
    await ami.event("Hangup", Uniqueid=call_id)
    await ami.event("Hangup", Uniqueid=f"{call_id};2")
    await lab.office.cli("core show uptime")  # the record is written by another thread; this is later than both

    rows = list(csv.reader(lab.cel_csv.read_text().splitlines()))
    own = [row for row in rows if row[6] == call_id]
    assert [row[0] for row in own[:2]] == ["CHAN_START", "HANGUP"]
    assert json.loads(own[1][8])["hangupcause"] == 17
    assert len({row[6] for row in rows if row[7] == call_id}) == 3, "both ends of the Local channel and the trunk's"
