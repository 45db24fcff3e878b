"""Calls and phones against a link that fails at every step: nothing is dialled twice, nothing hangs for ever."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ami_bridge.dialing import BAD_NUMBER, NO_PBX, Dialing
from ami_bridge.errors import AmiRefused, NotConnected, OutcomeUnknown
from ami_bridge.legs import CUT, NO_ANSWER, Legs
from ami_bridge.patience import Patience
from ami_bridge.recordings import Recordings
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
    TurnedAway,
)
from ami_bridge.values import Action, Event, Headers, Reply
from db.clock import FixedClock
from db.register import Register
from db.rules.telephony import AttemptResult, AttemptState, CallState, DutyState, EndedBy
from db.rules.terms import Area
from db.schema.calls import Attempt, Call, Duty
from db.schema.ops import Command
from db.schema.ops import Lease as LeaseRow
from db.schema.people import Phone
from db.settings import DialSettings
from db.store import calls as stored
from db.tenure import Lease
from db.usecases import calls, duty, settling
from db.usecases.leases import LeaseLostError
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.unit.ami_bridge.scripted_ami import HeldTime, soon

NOBODY: frozenset[uuid.UUID] = frozenset()
IN_ROOM = Standing(ringing=False, up=True, context="saikoku-join", seat="1001")


@dataclass
class Link:
    """Takes actions; what it answers to those of a name is decided by the test."""

    sent: list[Action] = field(default_factory=list)
    answers: dict[str, Exception | Reply] = field(default_factory=dict)

    async def send(self, action: Action) -> Reply:
        self.sent.append(action)
        answer = self.answers.get(action.name, Reply(Headers()))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def names(self) -> list[str]:
        return [action.name for action in self.sent]


class Tasks:
    """Stands for the bridge's task group; ends what is still waiting with the test."""

    def __init__(self) -> None:
        self.made: list[asyncio.Task[None]] = []

    def create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.made.append(asyncio.create_task(work))
        return self.made[-1]

    async def end(self) -> None:
        for task in self.made:
            task.cancel()
        for result in await asyncio.gather(*self.made, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError), result


class Line:
    """An operator with the phone up, a person to call, and the bridge's workers without a bridge."""

    def __init__(self, small: SmallOffice, clock: HeldTime, dial: DialSettings) -> None:
        self.database = small.database
        self.viewer = small.user("op")
        self.seat = small.seat()
        self.debtor_id = small.debtor()
        self.clock = clock
        self.link = link = Link()
        self.tasks = tasks = Tasks()
        self.given_up = asyncio.Event()
        register = Register(self.database, FixedClock(NOW), clock)
        self.lease = Lease(register, "bridge:main", clock)
        patience = Patience(tasks, clock, 45.0, self.give_up)  # type: ignore[arg-type]
        recordings = Recordings(register, dial.recordings_dir, tasks, clock)  # type: ignore[arg-type]
        self.dialing = Dialing(register, link, self.lease, patience, recordings, dial, OFFICE, self.lose)  # type: ignore[arg-type]
        self.lost: list[uuid.UUID] = []
        self.legs = Legs(register, link, patience, tasks, clock, 30)  # type: ignore[arg-type]

    async def give_up(self, call_id: uuid.UUID) -> None:
        await self.dialing.give_up(call_id)
        self.given_up.set()

    async def lose(self, attempt_id: uuid.UUID, failed: Failed | None = None) -> None:
        """There is no record that could tell more."""
        self.lost.append(attempt_id)
        await self.database.run(settling.settle, attempt_id, settling.NOTHING, NOW)

    async def begin(self) -> None:
        viewer, seat, debtor_id = self.viewer, self.seat, self.debtor_id
        await self.lease.acquire()
        row = await self.database.run(duty.take_seat, viewer, seat, NOW)
        self.leg_id = row.leg_id
        await self.legs.apply(Entered(self.leg_id, seat))
        phone = select(Phone.id).where(Phone.debtor_id == debtor_id)
        phone_id = await self.database.ask(lambda tx: tx.execute(phone).scalar_one())
        self.id = await self.database.run(calls.place_call, viewer, debtor_id, phone_id, Area.TAX, NOW, OFFICE)

    async def hears(self, *facts: Fact) -> None:
        for fact in facts:
            await self.dialing.apply(fact)

    async def told(self) -> tuple[AttemptState, AttemptResult | None, CallState, EndedBy | None, bool]:
        query = select(Attempt.state, Attempt.result, Call.state, Call.ended_by, Call.wrapped_at).join(
            Call, Call.attempt_id == Attempt.id
        )
        row = await self.database.ask(lambda tx: tx.execute(query).one())
        return row[0], row[1], row[2], EndedBy(row[3]) if row[3] else None, row[4] is not None

    async def attempt(self) -> AttemptState:
        return (await self.told())[0]

    async def duty(self) -> stored.DutyRow:
        row = await self.database.ask(stored.duty, self.viewer.user_id)
        assert row is not None
        return row


DIAL = DialSettings(caller_id="0312340001", recordings_dir=Path("/nowhere"))


@pytest.fixture
def clock() -> HeldTime:
    return HeldTime()


@pytest.fixture
async def line(small: SmallOffice, clock: HeldTime) -> AsyncIterator[Line]:
    """The attempt is prepared and wanted, and not yet authorized."""
    made = Line(small, clock, DIAL)
    await made.begin()
    yield made
    await made.tasks.end()
    await small.database.aclose()


async def talking(line: Line) -> None:
    await line.dialing.place(line.id)
    await line.hears(Began(line.id), Rang(line.id), Answered(line.id), Entered(line.id, line.seat))
    assert (await line.told())[2] is CallState.TALKING
    line.link.sent.clear()


# -- dialing ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("T3")
async def test_one_originate_is_sent_with_the_attempts_id_and_only_a_number_of_the_record(line: Line) -> None:
    assert await line.dialing.place(line.id) is None
    assert await line.dialing.place(line.id) == "refused"

    (sent,) = line.link.sent
    fields = dict(sent.fields)
    assert (fields["Channel"], fields["ChannelId"]) == ("PJSIP/09011112222@carrier", str(line.id))
    assert fields["CallerID"] == "<0312340001>"
    variables = [value for key, value in sent.fields if key == "Variable"]
    assert variables == [
        "SAIKOKU_SEAT=1001",
        f"SAIKOKU_RECORDING=/nowhere/2026/11/24/{line.id}.wav",
        f"SAIKOKU_ATTEMPT={line.id}",
    ]


@pytest.mark.req("T3", "T4")
@pytest.mark.parametrize(
    ("failure", "state", "result"),
    [
        (AmiRefused("Originate", "no"), AttemptState.ENDED, AttemptResult.TRUNK_FAULT),
        (NotConnected("down"), AttemptState.REFUSED, None),
        (OutcomeUnknown("Originate", "cut"), AttemptState.UNKNOWN, None),
    ],
)
async def test_what_an_originate_that_fails_leaves_behind(
    line: Line, failure: Exception, state: AttemptState, result: AttemptResult | None
) -> None:
    line.link.answers["Originate"] = failure
    assert await line.dialing.place(line.id)
    assert (await line.told())[:2] == (state, result)
    assert line.link.names().count("Originate") == 1
    assert (await line.duty()).state is (DutyState.READY if state is AttemptState.REFUSED else DutyState.WRAP_UP)


@pytest.mark.req("T4")
async def test_an_unanswered_originate_whose_channel_is_there_goes_on(line: Line) -> None:
    line.link.answers["Originate"] = OutcomeUnknown("Originate", "no answer within 10 s")
    here = Event("CoreShowChannel", Headers([("Uniqueid", str(line.id)), ("ChannelStateDesc", "Ringing")]))
    line.link.answers["CoreShowChannels"] = Reply(Headers(), (here,))
    await line.dialing.place(line.id)
    assert await line.attempt() is AttemptState.SENT
    await line.hears(Answered(line.id))
    assert await line.attempt() is AttemptState.ANSWERED


@pytest.mark.req("T4")
async def test_an_unanswered_originate_over_a_lost_link_waits_for_the_reconciliation(line: Line) -> None:
    line.link.answers = {"Originate": OutcomeUnknown("Originate", "cut"), "CoreShowChannels": NotConnected("down")}
    await line.dialing.place(line.id)
    assert await line.attempt() is AttemptState.SENT
    (known,) = await line.database.ask(stored.open_attempts, "main")
    await line.dialing.found(known, None, NOBODY)
    assert await line.attempt() is AttemptState.UNKNOWN


@pytest.mark.req("T3")
@pytest.mark.parametrize("channel", ["PJSIP/{number}@carrier\r\nAction: Originate", "Local/{number},1", "{number}"])
async def test_a_dial_string_that_asterisk_would_misread_is_never_sent(
    small: SmallOffice, clock: HeldTime, channel: str
) -> None:
    line = Line(small, clock, replace(DIAL, channel=channel))
    await line.begin()
    assert await line.dialing.place(line.id)
    assert line.link.sent == []
    refusal = await line.database.ask(lambda tx: tx.execute(select(Attempt.refusal)).scalar_one())
    assert refusal == BAD_NUMBER
    await small.database.aclose()


@pytest.mark.req("T3")
async def test_a_row_with_no_number_is_never_sent(line: Line) -> None:
    await line.database.run(lambda tx: tx.execute(update(Attempt).values(number="119")).rowcount)
    assert await line.dialing.place(line.id)
    assert (line.link.sent, await line.attempt()) == ([], AttemptState.REFUSED)


@pytest.mark.req("P3")
async def test_a_bridge_that_lost_its_lease_dials_nothing(line: Line) -> None:
    await line.database.run(lambda tx: tx.execute(update(LeaseRow).values(holder="another")).rowcount)
    with pytest.raises(LeaseLostError):
        await line.dialing.place(line.id)
    assert (line.link.sent, await line.attempt()) == ([], AttemptState.PREPARED)


# -- events -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("T3")
async def test_events_that_come_twice_or_in_any_order_end_in_the_same(line: Line) -> None:
    await talking(line)
    gone = Gone(line.id, 16, reached=True)
    again: tuple[Fact, ...] = (Began(line.id), Rang(line.id), Answered(line.id), Entered(line.id, "1001"), gone)
    await line.hears(gone)
    told = await line.told()
    assert told == (AttemptState.ENDED, AttemptResult.ANSWERED, CallState.ENDED, EndedBy.PERSON, False)
    for order in itertools.permutations((*again, OnHold(line.id), Failed(line.id, own=True)), 3):
        await line.hears(*order)
    assert await line.told() == told


@pytest.mark.req("T4")
async def test_a_failure_without_a_channel_is_our_own(line: Line) -> None:
    await line.dialing.place(line.id)
    await line.hears(Failed(line.id, own=True))
    assert line.lost == [line.id]  # whether there was a channel is waited for: `test_settling`


@pytest.mark.req("T3")
async def test_the_end_of_a_call_whose_answer_this_link_did_not_hear_is_looked_up(line: Line) -> None:
    """A bridge that comes back as the person puts the receiver down hears a Hangup of a call that it believes to ring."""
    await line.dialing.place(line.id)
    await line.hears(Rang(line.id), Gone(line.id, 16, reached=True, answered=True, talked=True))
    assert (line.lost, await line.attempt()) == ([line.id], AttemptState.UNKNOWN)


@pytest.mark.req("T4")
async def test_a_channel_of_an_attempt_given_up_is_ended_as_soon_as_it_begins(line: Line) -> None:
    line.link.answers["Originate"] = OutcomeUnknown("Originate", "cut")
    await line.dialing.place(line.id)
    await line.hears(Began(line.id))
    assert line.link.names()[-1] == "Hangup"


@pytest.mark.req("T3")
async def test_a_person_turned_away_from_a_full_room_did_not_hang_up(line: Line) -> None:
    await line.dialing.place(line.id)
    await line.hears(Answered(line.id), TurnedAway(line.id), Gone(line.id, 16, reached=True))
    assert (await line.told())[3] is EndedBy.SYSTEM


@pytest.mark.req("T3")
async def test_a_call_taken_back_before_its_channel_is_ended_when_it_begins(line: Line) -> None:
    await line.dialing.place(line.id)
    line.link.answers["Hangup"] = AmiRefused("Hangup", "No such channel")
    assert await line.dialing.hang_up(line.id) is None
    del line.link.answers["Hangup"]
    await line.hears(Began(line.id))
    assert line.link.names() == ["Originate", "Hangup", "Hangup"]
    await line.hears(Gone(line.id, 16, reached=False))
    assert (await line.told())[1] is AttemptResult.CANCELLED


@pytest.mark.req("T3")
async def test_what_cannot_be_done_says_so(line: Line) -> None:
    await talking(line)
    line.link.answers = {"Redirect": NotConnected("down"), "Hangup": NotConnected("down")}
    for act in (line.dialing.hold, line.dialing.resume, line.dialing.hang_up):
        assert await act(line.id) == NotConnected.code
    await line.hears(Gone(line.id, 16, reached=True))
    assert await line.dialing.hang_up(line.id) == "call_over"


# -- reconciliation ---------------------------------------------------------------------------------------------------


@pytest.mark.req("T3")
async def test_a_prepared_attempt_is_refused_only_when_nobody_is_still_to_dial_it(line: Line) -> None:
    (known,) = await line.database.ask(stored.open_attempts, "main")
    await line.dialing.found(known, None, frozenset({line.id}))
    assert await line.attempt() is AttemptState.PREPARED
    await line.dialing.found(known, None, NOBODY)
    assert (await line.told())[0] is AttemptState.REFUSED
    assert await line.dialing.place(line.id) == "refused"


@pytest.mark.req("T3")
async def test_what_is_found_up_goes_on_from_there(line: Line) -> None:
    await line.dialing.place(line.id)
    (known,) = await line.database.ask(stored.open_attempts, "main")
    for channel, attempt, call in (
        (Standing(ringing=True, up=False, context="from-carrier", seat=None), AttemptState.RINGING, CallState.RINGING),
        (IN_ROOM, AttemptState.ANSWERED, CallState.TALKING),
        (Standing(ringing=False, up=True, context="saikoku-hold", seat=None), AttemptState.ANSWERED, CallState.HELD),
        (IN_ROOM, AttemptState.ANSWERED, CallState.TALKING),
    ):
        await line.dialing.found(known, channel, NOBODY)
        told = await line.told()
        assert (told[0], told[2]) == (attempt, call)


@pytest.mark.req("T3")
async def test_an_answered_call_that_is_gone_has_ended_and_one_that_rang_is_unknown(line: Line) -> None:
    await talking(line)
    (known,) = await line.database.ask(stored.open_attempts, "main")
    await line.dialing.found(known, None, NOBODY)
    assert (await line.told())[:3] == (AttemptState.ENDED, AttemptResult.ANSWERED, CallState.ENDED)


# -- the operator's phone ---------------------------------------------------------------------------------------------


async def commands_to_ring(line: Line) -> int:
    rows = await line.database.ask(lambda tx: tx.execute(select(Command.kind)).scalars().all())
    return rows.count("duty.ring")


@pytest.mark.req("T3")
async def test_a_phone_lost_during_a_talk_is_called_at_once_and_then_every_two_seconds(line: Line) -> None:
    await talking(line)
    await line.legs.apply(Gone(line.leg_id, 16, reached=True))
    assert (await line.told())[2] is CallState.PARTED
    assert await commands_to_ring(line) == 2

    second = (await line.duty()).leg_id
    await line.legs.apply(Gone(second, 17, reached=False))
    assert await commands_to_ring(line) == 2
    await line.clock.passes(2.0)
    await soon(line.tasks.made[-1])
    assert await commands_to_ring(line) == 3

    await line.legs.apply(Entered((await line.duty()).leg_id, line.seat))
    assert (await line.told())[2] is CallState.TALKING
    assert 45.0 not in line.clock.asleep()


@pytest.mark.req("T3")
async def test_patience_ends_with_a_goodbye_and_the_result_is_owed(line: Line) -> None:
    await talking(line)
    await line.legs.apply(Gone(line.leg_id, 16, reached=True))
    await line.clock.passes(45.0)
    await soon(line.given_up.wait())
    assert dict(line.link.sent[-1].fields)["Context"] == "saikoku-goodbye"
    await line.hears(Gone(line.id, 16, reached=True))
    assert (await line.told())[3] is EndedBy.PHONE
    assert (await line.duty()).state is DutyState.WRAP_UP


@pytest.mark.req("T3")
async def test_a_person_who_answers_while_the_phone_is_away_waits_for_it(line: Line) -> None:
    await line.dialing.place(line.id)
    await line.legs.apply(Gone(line.leg_id, 16, reached=True))
    assert (await line.duty()).reason == ""
    await line.hears(Answered(line.id), Entered(line.id, line.seat))
    assert (await line.told())[2] is CallState.PARTED
    await line.clock.passes(45.0)
    await soon(line.given_up.wait())
    assert dict(line.link.sent[-1].fields)["Context"] == "saikoku-goodbye"


@pytest.mark.req("T3")
async def test_a_leg_of_nobody_is_hung_up(line: Line) -> None:
    await line.legs.apply(Entered(uuid.uuid4(), "1001"))
    assert line.link.names() == ["Hangup"]
    assert await line.legs.ring(uuid.uuid4()) == "no_such_leg"


@pytest.mark.req("T3")
async def test_legs_found_and_not_found(line: Line) -> None:
    known = await line.duty()
    await line.legs.found(known, None, frozenset({line.leg_id}))
    assert await line.duty() == known
    await line.legs.found(known, Standing(ringing=False, up=True, context="saikoku-seat", seat="1001"), NOBODY)
    assert (await line.duty()).leg_up
    await line.legs.found(known, None, NOBODY)
    again = await line.duty()
    assert (again.leg_up, again.leg_id == line.leg_id) == (False, False)
    assert await commands_to_ring(line) == 2


@pytest.mark.req("T3")
async def test_a_phone_lost_between_calls_waits_for_its_operator(line: Line) -> None:
    await line.dialing.not_placed(line.id, NO_PBX)
    await line.legs.apply(Gone(line.leg_id, 16, reached=True))
    lost = await line.duty()
    assert (lost.state, lost.reason, await commands_to_ring(line)) == (DutyState.PHONE_LOST, CUT, 1)
    await line.database.run(duty.ring_again, line.viewer, NOW)
    await line.legs.apply(Gone((await line.duty()).leg_id, 19, reached=True))
    assert (await line.duty()).reason == NO_ANSWER
    await line.legs.found(await line.duty(), None, NOBODY)
    assert await commands_to_ring(line) == 2


@pytest.mark.req("T3")
async def test_a_phone_that_cannot_be_called_is_not_believed_to_ring(line: Line) -> None:
    await line.dialing.not_placed(line.id, NO_PBX)
    await line.database.run(lambda tx: tx.execute(update(Duty).values(state=DutyState.CALLING_PHONE)).rowcount)
    line.link.answers["Originate"] = NotConnected("down")
    assert await line.legs.ring(line.leg_id) == NotConnected.code
    assert (await line.duty()).state is DutyState.PHONE_LOST
