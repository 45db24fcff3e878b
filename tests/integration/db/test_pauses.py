"""Pauses of a recording as the register keeps them (T13): only what Asterisk has confirmed, and closed with the call."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from db.rules.viewer import Viewer
from db.schema.staff import AccessLog
from db.store import calls as stored
from db.usecases import calls, pauses, recordings
from db.usecases.calls import CallError
from db.usecases.commands import CommandKind, claim
from tests.integration.db.people import NOW, SmallOffice
from tests.integration.webpanel.on_the_line import SOON, OnTheLine


class Talk:
    """An operator who talks and is recorded."""

    def __init__(self, small: SmallOffice) -> None:
        self.database, self.small = small.database, small
        self.viewer = small.user("op")
        self.line = OnTheLine(self, self.viewer, small.debtor())
        self.call_id = self.line.talk()
        with self.database.write() as tx:
            claim(tx, "main", NOW)

    def ask(self, *, pause: bool, by: Viewer | None = None) -> None:
        with self.database.write() as tx:
            pauses.request(tx, by or self.viewer, self.call_id, NOW + 3 * SOON, pause=pause)

    def told(self, *, pause: bool, after: int) -> None:
        with self.database.write() as tx:
            (pauses.began if pause else pauses.ended)(tx, self.call_id, NOW + after * SOON)

    def pauses(self) -> list[tuple[timedelta, timedelta | None]]:
        with self.database.read() as tx:
            found = pauses.of_call(tx, self.call_id)
        return [(one.began_at - NOW, one.ended_at - NOW if one.ended_at else None) for one in found]


@pytest.fixture
def talk(small: SmallOffice) -> Talk:
    return Talk(small)


def refusal(talk: Talk, *, pause: bool, by: Viewer | None = None) -> str:
    with pytest.raises(CallError) as refused:
        talk.ask(pause=pause, by=by)
    return refused.value.code


@pytest.mark.req("T13", "C2")
def test_a_pause_is_asked_for_logged_and_written_when_it_is_so(talk: Talk) -> None:
    assert refusal(talk, pause=False) == "recording_state"
    talk.ask(pause=True)
    assert talk.pauses() == []
    talk.told(pause=True, after=4)
    talk.told(pause=True, after=5)  # told twice
    assert refusal(talk, pause=True) == "recording_state"
    talk.ask(pause=False)
    talk.told(pause=False, after=6)
    assert talk.pauses() == [(4 * SOON, 6 * SOON)]
    with talk.database.write() as tx:
        kinds = [command.kind for command in claim(tx, "main", NOW + 3 * SOON)]
        log = list(tx.execute(select(AccessLog.action).where(AccessLog.action.like("recording.%"))).scalars())
    assert kinds == [CommandKind.PAUSE_RECORDING, CommandKind.RECORD_AGAIN]
    assert log == ["recording.pause", "recording.again"]


@pytest.mark.req("T13", "C1")
def test_only_who_talks_may_and_only_while_they_talk(talk: Talk) -> None:
    assert refusal(talk, pause=True, by=talk.small.user("other")) == "no_such_call"
    with talk.database.write() as tx:
        calls.held(tx, talk.call_id, NOW)
    assert refusal(talk, pause=True) == "call_state"


@pytest.mark.req("T13")
def test_a_pause_that_nobody_ended_ends_with_the_call(talk: Talk) -> None:
    talk.told(pause=True, after=4)
    talk.line.hang_up(talk.call_id)
    with talk.database.write() as tx:
        recordings.recording_missing(tx, talk.call_id, NOW + timedelta(hours=1))
        call = stored.own(tx, talk.viewer, talk.call_id)
    assert call is not None
    assert call.ended_at is not None
    assert talk.pauses() == [(4 * SOON, call.ended_at - NOW)]
