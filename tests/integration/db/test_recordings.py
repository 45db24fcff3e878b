"""Who may hear a recording, what is held, and what is erased when its time is over."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from db.engine import Database
from db.rules.telephony import RecordingState
from db.rules.terms import Area, Right
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.base import new_id
from db.schema.calls import Recording
from db.schema.ops import Outbox
from db.schema.staff import AccessLog, Session
from db.store import access_log
from db.usecases import calls, recordings, retention
from db.usecases.recordings import RecordingError
from db.usecases.records import NotFoundError
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.integration.webpanel.on_the_line import OnTheLine

LATER = NOW + calls.KEEP_RECORDING + timedelta(minutes=1)


class Desk:
    """An operator who spoke with a person, and the recording of it."""

    def __init__(self, database: Database, small: SmallOffice) -> None:
        self.database, self.small = database, small
        self.debtor_id = small.debtor()
        self.line = OnTheLine(self, small.user("op"), self.debtor_id)
        self.call_id = self.line.talk()
        self.line.hang_up(self.call_id)
        self.line.save(self.call_id)
        with database.write() as tx:
            digest = hashlib.sha256(b"sound").hexdigest()
            recordings.recording_kept(tx, self.call_id, NOW, size=5, milliseconds=1, sha256=digest)

    @property
    def id(self) -> uuid.UUID:
        with self.database.read() as tx:
            return tx.execute(select(Recording.id).where(Recording.call_id == self.call_id)).scalar_one()

    @property
    def state(self) -> RecordingState:
        with self.database.read() as tx:
            return tx.execute(select(Recording.state).where(Recording.id == self.id)).scalar_one()

    def log(self) -> list[tuple[str, str, int | None, str | None]]:
        with self.database.read() as tx:
            columns = (AccessLog.login, AccessLog.action, AccessLog.debtor_id, AccessLog.detail)
            query = select(*columns).where(AccessLog.action.like("recording.%")).order_by(AccessLog.seq)
            return [(row.login, row.action, row.debtor_id, row.detail) for row in tx.execute(query)]

    def open(self, viewer: Viewer) -> recordings.Recorded:
        recording_id = self.id
        with self.database.write() as tx:
            return recordings.open_recording(tx, viewer, recording_id, NOW)

    def hold(self, viewer: Viewer, *, held: bool = True, reason: str = "苦情申出") -> None:
        recording_id = self.id
        with self.database.write() as tx:
            recordings.hold(tx, viewer, recording_id, NOW, held=held, reason=reason)

    def erase(self, now: datetime, remove: Callable[[str], None]) -> bool:
        recording_id = self.id
        with self.database.write() as tx:
            return retention.erase_recording(tx, recording_id, now, remove)

    def due(self) -> list[uuid.UUID]:
        with self.database.read() as tx:
            return retention.recordings_due(tx, LATER)


@pytest.fixture
def desk(database: Database, small: SmallOffice) -> Desk:
    """A recording that was kept."""
    return Desk(database, small)


@pytest.mark.req("T13", "C2")
def test_who_has_the_right_opens_it_and_that_is_logged(desk: Desk) -> None:
    found = desk.open(desk.small.user("officer", "officer"))

    assert (found.call_id, found.debtor_id, found.area) == (desk.call_id, desk.debtor_id, Area.TAX)
    assert (found.bytes, found.milliseconds, found.sha256) == (5, 1, hashlib.sha256(b"sound").hexdigest())
    assert (found.number, found.seat, found.staff_name) == ("+819011112222", "1001", "opさん")
    assert found.path.endswith(f"{desk.call_id}.wav")
    assert desk.log() == [("officer", "recording.play", desk.debtor_id, f"録音 {desk.id}")]
    with desk.database.read() as tx:
        assert list(access_log.verify(tx)) == []


@pytest.mark.req("T13", "C1")
def test_without_the_right_it_is_refused_and_in_another_area_it_does_not_exist(desk: Desk) -> None:
    with pytest.raises(NotAllowedError):
        desk.open(desk.line.viewer)
    with pytest.raises(NotFoundError):
        desk.open(desk.small.user("water", "officer", (Area.PRIVATE,)))
    officer = desk.small.user("officer", "officer")
    with pytest.raises(NotFoundError), desk.database.write() as tx:
        recordings.open_recording(tx, officer, new_id(), NOW)
    assert desk.log() == []


@pytest.mark.req("T13", "C5")
def test_on_a_call_with_that_person_it_says_nothing_before_identity_is_confirmed(desk: Desk) -> None:
    officer = desk.small.user("officer", "officer")
    line = OnTheLine(desk, officer, desk.debtor_id)
    line.take_seat("1002")
    with desk.database.write() as tx:
        call_id = calls.place_call(
            tx, officer, desk.debtor_id, line.phone_id, Area.TAX, NOW + timedelta(days=1),
            OFFICE, deliberate=True,
        )  # fmt: skip
    with pytest.raises(RecordingError) as refused:
        desk.open(officer)
    assert refused.value.code == "identity"

    line.confirm(call_id)
    assert desk.open(officer).id == desk.id


@pytest.mark.req("T13")
def test_a_call_with_somebody_else_is_no_hindrance(desk: Desk) -> None:
    officer = desk.small.user("officer", "officer")
    other = OnTheLine(desk, officer, desk.small.debtor("川本 花", "カワモト ハナ", phone="+819033334444"))
    other.take_seat("1002")
    other.place()

    assert desk.open(officer).id == desk.id


@pytest.mark.req("T13", "C2")
def test_a_recording_is_held_for_a_reason_and_then_outlives_its_term(desk: Desk) -> None:
    officer = desk.small.user("officer", "officer")
    assert desk.due() == [desk.id]

    desk.hold(officer, reason=" 苦情申出\n令和8年第3号 ")

    assert desk.due() == []
    assert not desk.erase(LATER, pytest.fail)
    desk.hold(officer, held=False, reason="取下げ")
    assert desk.due() == [desk.id]
    said = [(action, detail) for _, action, _, detail in desk.log()]
    assert said == [
        ("recording.hold", f"録音 {desk.id} 理由: 苦情申出 令和8年第3号"),
        ("recording.unhold", f"録音 {desk.id} 理由: 取下げ"),
    ]


@pytest.mark.req("T13", "C1")
@pytest.mark.parametrize("reason", ["", " \n", "長" * 201])
def test_holding_needs_a_reason_of_some_length(desk: Desk, reason: str) -> None:
    with pytest.raises(RecordingError) as refused:
        desk.hold(desk.small.user("officer", "officer"), reason=reason)
    assert refused.value.code == "reason"
    assert desk.log() == []


@pytest.mark.req("T13", "C1")
def test_operators_and_contracted_staff_hold_nothing(desk: Desk) -> None:
    contracted = desk.small.user("contracted", "officer", contracted=True)
    assert not contracted.may_anywhere(Right.RECORDING_HOLD)
    for viewer in (desk.line.viewer, contracted):
        with pytest.raises(NotAllowedError):
            desk.hold(viewer)
    with pytest.raises(NotFoundError):
        desk.hold(desk.small.user("water", "officer", (Area.PRIVATE,)))


@pytest.mark.req("T13", "C2")
def test_what_is_over_is_erased_with_its_file_and_that_is_logged(desk: Desk) -> None:
    removed: list[str] = []
    assert desk.erase(LATER, removed.append)

    assert removed == [f"{NOW:%Y/%m/%d}/{desk.call_id}.wav"]
    assert desk.state is RecordingState.ERASED
    assert desk.due() == []
    assert desk.log() == [("jobs", "recording.erase", desk.debtor_id, f"録音 {desk.id}")]
    with pytest.raises(RecordingError) as refused:
        desk.hold(desk.small.user("officer", "officer"))
    assert refused.value.code == "erased"


@pytest.mark.req("T13")
def test_a_file_that_cannot_be_removed_is_tried_again(desk: Desk) -> None:
    def stuck(path: str) -> None:
        raise PermissionError(path)

    with pytest.raises(PermissionError):
        desk.erase(LATER, stuck)

    assert desk.state is RecordingState.KEPT
    assert desk.due() == [desk.id]
    assert desk.log() == []


@pytest.mark.req("T13")
def test_nothing_is_erased_before_its_time(desk: Desk) -> None:
    assert not desk.erase(LATER - timedelta(minutes=5), pytest.fail)
    with desk.database.write() as tx:
        assert retention.recordings_due(tx, LATER - timedelta(minutes=5)) == []
        tx.execute(update(Recording).values(keep_until=None))
        assert retention.recordings_due(tx, LATER) == []


@pytest.mark.req("T13")
def test_old_rows_of_the_outbox_and_old_sessions_go(desk: Desk) -> None:
    values = {
        "user_id": desk.line.viewer.user_id,
        "csrf_token": "-",
        "created_at": NOW,
        "seen_at": NOW,
        "remote": "",
        "agent": "",
    }
    with desk.database.write() as tx:
        tx.execute(insert(Session).values(**values, token_digest=b"1" * 32, expires_at=NOW - timedelta(days=40)))
        tx.execute(insert(Session).values(**values, token_digest=b"2" * 32, expires_at=NOW))
    with desk.database.write() as tx:
        retention.tidy(tx, NOW + timedelta(hours=1))
        assert tx.execute(select(Outbox.seq)).first()
        assert tx.execute(select(Session.token_digest)).scalars().all() == [b"2" * 32]
        retention.tidy(tx, NOW + timedelta(days=4))
        assert not tx.execute(select(Outbox.seq)).first()
