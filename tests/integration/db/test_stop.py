"""The emergency stop, and lines kept free for ordinary phones (P4), on both databases."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text

from db.outbox import changes_after, latest
from db.rules.callers import CallerKind
from db.rules.opening import Opening
from db.rules.telephony import (
    AttemptResult,
    AttemptState,
    CallState,
    DialMode,
    Direction,
    DutyState,
    IncomingState,
)
from db.rules.terms import Area
from db.rules.viewer import NotAllowedError, Viewer, system_viewer
from db.schema.base import new_id
from db.schema.calls import Attempt, Call, Incoming, Seat
from db.schema.people import Phone
from db.schema.staff import AccessLog
from db.store import lines, office
from db.usecases import calls, commands, stop
from db.usecases.calls import ContactRefusedError
from db.usecases.commands import CommandKind
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.integration.db.test_calls import SOON, Line


@pytest.fixture
def line(small: SmallOffice) -> Line:
    return Line(small)


@pytest.fixture
def boss(line: Line, small: SmallOffice) -> Viewer:
    return small.user("boss", "supervisor")


def stopped_by(line: Line, viewer: Viewer, reason: str = "機器の異常") -> int:
    with line.database.write() as tx:
        return stop.stop(tx, viewer, reason, NOW + SOON)


def wanted(line: Line) -> list[tuple[CommandKind, uuid.UUID]]:
    with line.database.write() as tx:
        return [(one.kind, one.subject) for one in commands.claim(tx, "main", NOW + SOON)]


def waits_for_a_lock(line: Line) -> bool:
    """Whether somebody waits for a lock in this PostgreSQL database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with line.database.engine.connect() as other:
        return bool(other.execute(text(waiting)).scalar_one())


@pytest.mark.req("P4")
def test_who_stopped_when_and_why_is_kept_and_logged(line: Line, boss: Viewer) -> None:
    with line.database.read() as tx:
        assert office.stopped(tx) is None
        since = latest(tx)
    stopped_by(line, boss, " 誤った名簿で\r\n発信  ")
    with line.database.read() as tx:
        found = office.stopped(tx)
        assert found is not None
        assert (found.since, found.by, found.reason) == (NOW + SOON, "bossさん", "誤った名簿で 発信")
        assert office.emergency_stop(tx)
        assert [(c.topic, c.user_id) for c in changes_after(tx, since)] == [("office", None)]
        newest = select(AccessLog.action, AccessLog.user_id).order_by(AccessLog.seq.desc()).limit(1)
        assert tx.execute(newest).one() == ("office.stop", boss.user_id)


@pytest.mark.req("P4")
def test_a_click_is_refused_until_it_is_let_go_again(line: Line, boss: Viewer) -> None:
    stopped_by(line, boss)
    with pytest.raises(ContactRefusedError) as refused:
        line.place()
    assert [reason.code for reason in refused.value.reasons] == ["emergency_stop"]
    with line.database.write() as tx:
        assert stop.resume(tx, boss, NOW + SOON)
        assert not stop.resume(tx, boss, NOW + SOON)
    assert line.authorize(line.place()) is not None


@pytest.mark.req("P4")
def test_what_no_bridge_has_taken_up_is_taken_back_at_once(line: Line, boss: Viewer) -> None:
    call_id = line.place()
    assert stopped_by(line, boss) == 1
    assert line.attempt(call_id)[0] is AttemptState.REFUSED
    assert line.state() is DutyState.READY
    assert (CommandKind.PLACE, call_id) not in wanted(line)


@pytest.mark.req("P4")
def test_what_a_bridge_has_in_hand_is_refused_before_it_is_sent(line: Line, boss: Viewer) -> None:
    call_id = line.place()
    assert (CommandKind.PLACE, call_id) in wanted(line)
    assert stopped_by(line, boss) == 0
    assert line.authorize(call_id) is None
    with line.database.read() as tx:
        assert "緊急停止" in tx.execute(select(Attempt.refusal)).scalar_one()


@pytest.mark.req("P4")
def test_what_is_being_sent_at_that_very_moment_is_hung_up_too(line: Line, boss: Viewer) -> None:
    """The stop meets an `authorize` that is not committed yet: it waits for it and sees what became of it."""
    call_id = line.place()
    wanted(line)
    other = threading.Thread(target=stopped_by, args=(line, boss))
    with line.database.write() as tx:
        assert calls.authorize(tx, call_id, NOW + SOON, OFFICE)
        other.start()
        while not line.database.is_sqlite and other.is_alive() and not waits_for_a_lock(line):
            other.join(0.01)
    other.join()
    assert wanted(line) == [(CommandKind.HANG_UP, call_id)]


@pytest.mark.req("P4")
@pytest.mark.parametrize("rings", [False, True])
def test_what_is_dialled_or_rings_is_hung_up(line: Line, boss: Viewer, rings: bool) -> None:
    call_id = line.place()
    assert line.authorize(call_id)
    if rings:
        with line.database.write() as tx:
            calls.ringing(tx, call_id, NOW + SOON)
    wanted(line)
    assert stopped_by(line, boss) == 1
    assert wanted(line) == [(CommandKind.HANG_UP, call_id)]


@pytest.mark.req("P4")
def test_a_talk_goes_on(line: Line, boss: Viewer) -> None:
    call_id = line.talk()
    wanted(line)
    assert stopped_by(line, boss) == 0
    assert wanted(line) == []
    line.hang_up(call_id)
    assert line.attempt(call_id) == (AttemptState.ENDED, AttemptResult.ANSWERED)


@pytest.mark.req("P4")
def test_a_second_stop_keeps_the_first_word_on_it(line: Line, boss: Viewer) -> None:
    stopped_by(line, boss, "一度目")
    stopped_by(line, boss, "二度目")
    with line.database.read() as tx:
        found = office.stopped(tx)
    assert found is not None
    assert found.reason == "一度目"


@pytest.mark.req("P4")
@pytest.mark.parametrize(("given", "kept"), [("  ", stop.NO_REASON), ("あ" * 500, "あ" * stop.LONGEST_REASON)])
def test_stopping_is_never_refused_for_its_reason(line: Line, boss: Viewer, given: str, kept: str) -> None:
    stopped_by(line, boss, given)
    with line.database.read() as tx:
        found = office.stopped(tx)
    assert found is not None
    assert found.reason == kept


@pytest.mark.req("P4", "C1")
def test_only_whoever_runs_campaigns_stops_and_resumes(line: Line) -> None:
    with line.database.write() as tx:
        with pytest.raises(NotAllowedError):
            stop.stop(tx, line.viewer, "", NOW)
        with pytest.raises(NotAllowedError):
            stop.resume(tx, line.viewer, NOW)
        assert office.stopped(tx) is None
        stop.stop(tx, system_viewer("command line"), "x", NOW)
        assert office.stopped(tx) is not None


# -- lines kept free --------------------------------------------------------------------------------------------------


def may_dial(line: Line, attempt_id: uuid.UUID, most: int) -> bool:
    with line.database.write() as tx:
        return calls.authorize(tx, attempt_id, NOW + SOON, OFFICE, max_lines=most) is not None


def other_call(line: Line, small: SmallOffice, state: AttemptState, pbx: str = "main") -> None:
    """A call of somebody else's."""
    debtor_id = small.debtor(phone=f"+8190555566{small.made:02d}")
    with line.database.write() as tx:
        phone = tx.execute(select(Phone.id, Phone.number).where(Phone.debtor_id == debtor_id)).one()
        tx.execute(
            insert(Attempt).values(
                id=new_id(), debtor_id=debtor_id, area=Area.TAX, phone_id=phone.id, number=phone.number,
                mode=DialMode.CLICK, pbx=pbx, state=state, prepared_at=NOW - timedelta(hours=1),
            )
        )  # fmt: skip


@pytest.mark.req("P4")
@pytest.mark.parametrize("state", [AttemptState.SENT, AttemptState.RINGING, AttemptState.ANSWERED])
def test_a_call_that_would_take_the_last_free_line_is_refused(
    line: Line, small: SmallOffice, state: AttemptState
) -> None:
    call_id = line.place()
    other_call(line, small, state)
    assert not may_dial(line, call_id, 1)
    assert line.attempt(call_id)[0] is AttemptState.REFUSED
    assert line.state() is DutyState.READY
    with line.database.read() as tx:
        said = tx.execute(select(Attempt.refusal).where(Attempt.id == call_id)).scalar_one()
    assert "使用中1回線、上限1回線" in said


@pytest.mark.req("P4")
@pytest.mark.parametrize("most", [0, 2])
def test_a_call_is_sent_while_there_are_lines(line: Line, small: SmallOffice, most: int) -> None:
    call_id = line.place()
    other_call(line, small, AttemptState.ANSWERED)
    assert may_dial(line, call_id, most)


@pytest.mark.req("P4")
def test_calls_that_are_over_or_elsewhere_take_no_line(line: Line, small: SmallOffice) -> None:
    call_id = line.place()
    for state in (AttemptState.PREPARED, AttemptState.ENDED, AttemptState.REFUSED, AttemptState.UNKNOWN):
        other_call(line, small, state)
    other_call(line, small, AttemptState.ANSWERED, pbx="branch")
    with line.database.read() as tx:
        assert (lines.in_use(tx, "main"), lines.in_use(tx, "branch")) == (0, 1)
    assert may_dial(line, call_id, 1)


@pytest.mark.req("P4")
def test_a_return_call_takes_a_line_too(line: Line, small: SmallOffice) -> None:
    call_id = line.place()
    small.seat("1002")
    with line.database.write() as tx:
        for state in (CallState.TALKING, CallState.ENDED):
            tx.execute(
                insert(Call).values(
                    id=new_id(), direction=Direction.IN, area=Area.TAX, user_id=line.viewer.user_id, seat="1002",
                    state=state, started_at=NOW,
                )
            )  # fmt: skip
        assert tx.execute(select(Seat.pbx).where(Seat.extension == "1002")).scalar_one() == "main"
    assert not may_dial(line, call_id, 1)


@pytest.mark.req("P4")
@pytest.mark.parametrize(
    ("state", "taken"), [(IncomingState.WAITING, 1), (IncomingState.CLOSED, 1), (IncomingState.MISSED, 0)]
)
def test_a_caller_who_waits_takes_a_line_until_they_are_gone(line: Line, state: IncomingState, taken: int) -> None:
    with line.database.write() as tx:
        tx.execute(
            insert(Incoming).values(
                id=new_id(), pbx="main", channel="1.1", kind=CallerKind.HIDDEN, area=Area.TAX, candidates=[],
                answers_since=NOW, state=state, opening=Opening.OPEN, arrived_at=NOW,
            )
        )  # fmt: skip
    with line.database.read() as tx:
        assert (lines.in_use(tx, "main"), lines.in_use(tx, "branch")) == (taken, 0)
