"""Lost calls and Asterisk's own record: what it tells is written as if heard, what it does not tell stays unknown."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ami_bridge.cel import History
from ami_bridge.recordings import Recordings
from ami_bridge.settling import AGAIN, WRITING, Settler
from ami_bridge.tracking import Answered, Began, Entered, Failed, Gone, Rang, Tracker
from db.clock import FixedClock
from db.register import Register
from db.rules.callers import CallerKind
from db.rules.telephony import AttemptResult, AttemptState, CallState, EndedBy, IncomingState
from db.schema.calls import Attempt, Call, Incoming, Recording
from db.schema.work import Task
from db.usecases import calls, incoming, listening, settling
from db.usecases.commands import CommandKind, claim
from db.usecases.missed import MISSED_TASK
from db.usecases.results import Entry, record_result
from db.usecases.settling import Account
from tests.integration.ami_bridge.test_dialing import DIAL, Line
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.unit.ami_bridge.scripted_ami import HeldTime, soon

LATER = NOW + timedelta(minutes=5)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


TALKED = Account(answered=after(3), joined=after(4), ended=after(90), cause=16, by=EndedBy.PERSON)


@pytest.fixture
def clock() -> HeldTime:
    return HeldTime()


@pytest.fixture
async def line(small: SmallOffice, clock: HeldTime) -> AsyncIterator[Line]:
    """An attempt that was sent, and of which nothing was heard."""
    made = Line(small, clock, DIAL)
    await made.begin()
    await made.dialing.place(made.id)
    yield made
    await made.tasks.end()
    await small.database.aclose()


async def settle(line: Line, told: Account) -> None:
    await line.database.run(settling.settle, line.id, told, LATER)


async def times(line: Line) -> tuple[Any, ...]:
    query = select(Attempt.answered_at, Call.joined_at, Attempt.ended_at, Call.ended_at, Attempt.cause)
    found = query.join(Call, Call.attempt_id == Attempt.id)
    return tuple(await line.database.ask(lambda tx: tx.execute(found).one()))


async def tasks(line: Line) -> list[bool]:
    """Whether each task of an unknown outcome is open."""
    query = select(Task.done_at).where(Task.kind == calls.UNKNOWN_TASK)
    return [done is None for done in await line.database.ask(lambda tx: tx.execute(query).scalars().all())]


@pytest.mark.req("T3", "T13")
async def test_a_talk_that_nobody_heard_of_is_written_with_its_times_and_its_recording(line: Line) -> None:
    await settle(line, TALKED)
    assert await line.told() == (AttemptState.ENDED, AttemptResult.ANSWERED, CallState.ENDED, EndedBy.PERSON, False)
    assert await times(line) == (after(3), after(4), after(90), after(90), 16)
    expected = select(Recording.path, Recording.started_at)
    path, started = await line.database.ask(lambda tx: tx.execute(expected).one())
    assert (path, started) == (f"2026/11/24/{line.id}.wav", after(3))


@pytest.mark.req("T3", "T4")
@pytest.mark.parametrize(
    ("cause", "result"),
    [(17, AttemptResult.BUSY), (1, AttemptResult.UNALLOCATED), (19, AttemptResult.NO_ANSWER), (34, AttemptResult.TRUNK_FAULT)],
)  # fmt: skip
async def test_a_dial_that_was_not_answered_has_its_cause(line: Line, cause: int, result: AttemptResult) -> None:
    await settle(line, Account(ended=after(9), cause=cause))
    assert (await line.told())[:2] == (AttemptState.ENDED, result)
    assert await tasks(line) == []


@pytest.mark.req("T3")
async def test_a_dial_that_we_ended_was_cancelled_on_the_operators_word(line: Line) -> None:
    await line.database.run(claim, "main", NOW)
    await line.database.run(calls.request, line.viewer, line.id, CommandKind.HANG_UP, NOW)
    await line.database.run(claim, "main", NOW)
    await settle(line, Account(ended=after(9), cause=0))
    assert await line.told() == (AttemptState.ENDED, AttemptResult.CANCELLED, CallState.ENDED, EndedBy.SCREEN, False)


@pytest.mark.req("T3")
async def test_asterisk_16_gives_no_cause_to_a_call_that_rang_out(line: Line) -> None:
    await line.hears(Began(line.id), Rang(line.id))
    await settle(line, Account(ended=after(30), cause=0))
    assert (await line.told())[1] is AttemptResult.NO_ANSWER


@pytest.mark.req("T3", "T4")
@pytest.mark.parametrize("told", [settling.NOTHING, Account(alive=after(20))])
async def test_what_the_record_does_not_tell_is_unknown_and_a_task(line: Line, told: Account) -> None:
    await settle(line, told)
    await settle(line, told)
    assert (await line.told())[0] is AttemptState.UNKNOWN
    assert await tasks(line) == [True]


@pytest.mark.req("T3")
async def test_a_talk_whose_end_the_pbx_did_not_live_to_write_ends_with_its_last_sign_of_life(line: Line) -> None:
    await settle(line, Account(answered=after(3), joined=after(4), alive=after(50)))
    assert (await line.told())[:2] == (AttemptState.ENDED, AttemptResult.ANSWERED)
    assert (await times(line))[2:] == (after(50), after(50), None)


@pytest.mark.req("T3")
async def test_a_talk_that_was_heard_is_not_answered_twice(line: Line) -> None:
    await line.hears(Began(line.id), Answered(line.id), Entered(line.id, "1001"))
    await settle(line, TALKED)
    assert (await line.told())[:2] == (AttemptState.ENDED, AttemptResult.ANSWERED)
    answered, joined, ended, *_ = await times(line)
    assert (answered, joined, ended) == (NOW, NOW, after(90))


@pytest.mark.req("T3", "T4")
async def test_what_was_unknown_is_settled_when_the_record_can_be_read(line: Line) -> None:
    await settle(line, settling.NOTHING)
    await settle(line, TALKED)
    assert (await line.told())[:3] == (AttemptState.ENDED, AttemptResult.ANSWERED, CallState.ENDED)
    assert await tasks(line) == [False]


@pytest.mark.req("T3", "T4")
async def test_a_result_that_a_person_gave_stays(line: Line) -> None:
    await settle(line, settling.NOTHING)
    await line.database.run(record_result, line.viewer, line.id, Entry("no_answer"), NOW, OFFICE)
    await settle(line, TALKED)
    told = await line.told()
    assert (told[0], told[1], told[4]) == (AttemptState.ENDED, AttemptResult.ANSWERED, True)
    assert (await line.duty()).call_id is None


@pytest.mark.req("T3")
async def test_a_clock_that_is_wrong_makes_no_call_end_before_it_began_or_in_the_future(line: Line) -> None:
    await settle(line, Account(answered=after(-400), ended=after(4000), cause=16))
    answered, _, ended, *_ = await times(line)
    assert (answered, ended) == (NOW, LATER)


@pytest.mark.req("T3")
async def test_what_was_heard_to_its_end_is_left_as_it_is(line: Line) -> None:
    await settle(line, Account(ended=after(9), cause=17))
    told = await line.told()
    await settle(line, TALKED)
    assert await line.told() == told


@pytest.mark.req("T5")
async def test_a_caller_whom_no_bridge_heard_is_missed_once(line: Line) -> None:
    caller = incoming.Caller(CallerKind.UNKNOWN, "+81312345678")
    call_id = incoming.call_id_of("main", "1.5")
    for _ in range(2):
        await line.database.run(
            settling.missed, call_id, "main", "1.5", caller, after(1), after(20), LATER, OFFICE
        )  # fmt: skip
    query = select(Incoming.state, Incoming.arrived_at, Incoming.ended_at)
    rows = await line.database.ask(lambda tx: tx.execute(query).all())
    assert [tuple(row) for row in rows] == [(IncomingState.MISSED, after(1), after(20))]
    left = select(Task.subject_id).where(Task.kind == MISSED_TASK)
    assert await line.database.ask(lambda tx: tx.execute(left).scalars().all()) == [call_id]


# -- the settler ------------------------------------------------------------------------------------------------------


@dataclass
class Paper:
    """A record of a test's own making."""

    told: dict[str, History] | OSError = field(default_factory=dict)
    asked: list[float] = field(default_factory=list)

    def read(self, since: float) -> Mapping[str, History]:
        self.asked.append(since)
        if isinstance(self.told, OSError):
            raise self.told
        return dict(self.told)


class NoLanes:
    """Jobs are run at once."""

    async def put(self, _key: uuid.UUID, job: Callable[[], Awaitable[None]]) -> None:
        await job()

    run = put


@dataclass
class Scene:
    """The settler at work."""

    line: Line
    paper: Paper
    tracker: Tracker
    settler: Settler
    clock: HeldTime
    register: Register

    def seconds(self, offset: float) -> float:
        """So many seconds after the attempt was sent, as Asterisk would write it."""
        return self.register.seconds(NOW) + offset


@pytest.fixture
def scene(line: Line, clock: HeldTime) -> Scene:
    tracker, paper = Tracker(), Paper()
    register = Register(line.database, FixedClock(NOW), clock)
    recordings = Recordings(register, Path("/nowhere"), line.tasks, clock)  # type: ignore[arg-type]
    settler = Settler(
        register, paper, NoLanes(), tracker, recordings, line.link.send, line.tasks, clock, OFFICE, "main"  # type: ignore[arg-type]
    )  # fmt: skip
    return Scene(line, paper, tracker, settler, clock, register)


@pytest.mark.req("T3", "T4")
async def test_lines_that_come_late_are_waited_for(scene: Scene) -> None:
    await scene.settler.lost(scene.line.id)
    await scene.clock.passes(0.1)
    await scene.clock.waited_for(0.2)
    assert await scene.line.attempt() is AttemptState.SENT
    history = History(str(scene.line.id), ended=scene.seconds(0), cause=17)
    scene.paper.told = {str(scene.line.id): history}
    await scene.clock.passes(0.2)
    await soon(scene.line.tasks.made[-1])
    assert (await scene.line.told())[:2] == (AttemptState.ENDED, AttemptResult.BUSY)


@pytest.mark.req("T4")
@pytest.mark.parametrize(
    ("own", "readable", "became"),
    [
        (True, True, AttemptResult.TRUNK_FAULT),
        (True, False, AttemptResult.TRUNK_FAULT),
        (False, True, AttemptResult.TRUNK_FAULT),
        (False, False, None),
    ],
)
async def test_a_failure_after_which_nothing_is_heard_or_written_had_no_channel(
    scene: Scene, own: bool, readable: bool, became: AttemptResult | None
) -> None:
    """Another link than the one that asked may have come too late to hear, so it needs the record to say so."""
    scene.paper.told = {} if readable else FileNotFoundError(2, "gone")
    await scene.settler.lost(scene.line.id, Failed(scene.line.id, own=own))
    await scene.clock.waited_for(0.1)
    assert await scene.line.attempt() is AttemptState.SENT
    scene.clock.advance(WRITING)
    await scene.clock.passes(0.1)
    await soon(scene.line.tasks.made[-1])
    state, result, *_ = await scene.line.told()
    assert (state, result) == (AttemptState.UNKNOWN if became is None else AttemptState.ENDED, became)


@pytest.mark.req("T4")
async def test_a_failure_that_comes_before_its_channels_events_leaves_the_cause_to_them(scene: Scene) -> None:
    """On a busy machine Asterisk says that an Originate failed before it tells of the channel that was refused."""
    await scene.settler.lost(scene.line.id, Failed(scene.line.id, own=True))
    await scene.clock.waited_for(0.1)
    await scene.line.hears(Began(scene.line.id), Gone(scene.line.id, 22, reached=False))
    scene.clock.advance(WRITING)
    await scene.clock.passes(0.1)
    await soon(scene.line.tasks.made[-1])
    assert (await scene.line.told())[:2] == (AttemptState.ENDED, AttemptResult.CHANGED)


@pytest.mark.req("T3", "T4")
async def test_lines_that_never_come_leave_it_unknown_but_a_channel_that_lives_goes_on(scene: Scene) -> None:
    await scene.settler.lost(scene.line.id)
    await scene.clock.passes(0.1)
    scene.tracker.saw([scene.line.id])
    scene.clock.advance(WRITING)
    await soon(scene.line.tasks.made[-1])
    assert await scene.line.attempt() is AttemptState.SENT

    await scene.tracker._reached(2)  # another link: nothing was seen on it
    scene.paper.told = FileNotFoundError(2, "gone")
    await scene.settler.lost(scene.line.id)
    await soon(scene.line.tasks.made[-1])
    assert await scene.line.attempt() is AttemptState.UNKNOWN


@pytest.mark.req("T3")
async def test_a_record_that_cannot_be_read_is_said_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.paper.told = PermissionError(13, "no")
    await scene.line.database.run(listening.heard, "main", NOW)
    for _ in range(2):
        await scene.settler.callers((), NOW)
    assert [r.getMessage() for r in caplog.records] == [
        "Asterisk's own record cannot be read: Permission denied (ami.cel_file)"
    ]


@pytest.mark.req("T5")
async def test_callers_of_the_record_who_are_up_or_known_are_not_missed(scene: Scene) -> None:
    def rang(channel: str, at: float = -60, ended: float | None = None) -> History:
        headers = {"Kind": "unknown", "Number": f"+8131234{channel}"}
        end = None if ended is None else scene.seconds(ended)
        return History(channel, caller=headers, rang=scene.seconds(at), ended=end)

    up, known, over, died, just_now = (
        rang("1001"), rang("1002", ended=-30), rang("1003", ended=-30), rang("1004"), rang("1005", at=-1),
    )  # fmt: skip
    scene.paper.told = {one.uniqueid: one for one in (up, known, over, died, just_now)}
    caller = incoming.Caller(CallerKind.UNKNOWN, "+81312341002")
    call_id = incoming.call_id_of("main", "1002")
    await scene.line.database.run(incoming.arrived, call_id, "main", "1002", caller, NOW, OFFICE)

    await scene.settler.callers({"1001"}, NOW)
    assert await missed(scene) == set()  # never listened to: what was before is not ours

    await scene.line.database.run(listening.heard, "main", NOW - timedelta(seconds=90))
    await scene.line.database.run(listening.heard, "main", NOW - timedelta(seconds=10))
    await scene.settler.callers({"1001"}, NOW)
    assert await missed(scene) == {"1003", "1004"}

    scene.paper.told["1001"] = rang("1001", ended=1)  # hung up before anybody could serve them
    await scene.clock.passes(AGAIN)
    await soon(scene.line.tasks.made[-1])
    assert await missed(scene) == {"1001", "1003", "1004"}


async def missed(scene: Scene) -> set[str]:
    query = select(Incoming.channel).where(Incoming.state == IncomingState.MISSED)
    return set(await scene.line.database.ask(lambda tx: tx.execute(query).scalars().all()))
