"""Opening the player, sending the sound in the ranges that it asks for, and holding a recording beyond its term.

The player is opened by a POST, which compares the file with what was noted of it, logs the playback and gives the
address of the sound. The sound's own requests (a player seeks by asking for ranges) carry that playback's token and are
not logged again; right, area and mask are asked again for each, for they may have changed while the player was open.
"""

import asyncio
import logging
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from aiohttp import web

from db import recording_files
from db.recording_files import OutsideError, Soundness, Stamp
from db.rules.telephony import Direction, RecordingState
from db.rules.terms import Right
from db.usecases import recordings
from db.usecases.pauses import Pause
from db.usecases.recordings import Recorded
from db.usecases.records import NotFoundError
from webpanel.answers import told
from webpanel.forms import fields
from webpanel.keys import CLOCK, DATABASE, SETTINGS
from webpanel.recordings.plays import LASTS, PLAYS, Play
from webpanel.render import fragment
from webpanel.sessions import request_viewer

ADMIN: Final = "システム管理者に連絡してください。"
NOT_KEPT: Final = {
    RecordingState.RUNNING: "この録音はまだ保存中です。通話が終わってしばらくしてから、もう一度開いてください。",
    RecordingState.MISSING: f"録音ファイルが見つかりません。{ADMIN}",
    RecordingState.ERASED: "この録音は保存期間が過ぎたため消去されました。",
}
UNSOUND: Final = {
    Soundness.MISSING: NOT_KEPT[RecordingState.MISSING],
    Soundness.CHANGED: (
        f"録音ファイルが保存時のもの（大きさ・SHA-256）と一致しません。欠けているか、書き換えられています。{ADMIN}"
    ),
}
LOGGED: Final = {Soundness.MISSING: "ファイルなし", Soundness.CHANGED: "ファイル不一致"}
HELD: Final = "保全中です。保存期間が過ぎても消去されません。"
NOT_HELD: Final = "保全していません。保存期間が過ぎると消去されます。"

log = logging.getLogger(__name__)


async def open_player(request: web.Request) -> web.StreamResponse:
    """The player of a recording, or in its place a sentence why there is nothing to hear."""
    viewer, recording_id = request_viewer(request), _recording_of(request)
    database, now = request.app[DATABASE], request.app[CLOCK].now()
    found = await database.ask(recordings.recording, viewer, recording_id)
    if found.state is not RecordingState.KEPT:
        return _player(request, found, problem=NOT_KEPT[found.state])
    soundness, file, stamp = await asyncio.to_thread(_look, request.app[SETTINGS].dial.recordings_dir, found)
    if stamp is None:
        await database.run(recordings.note_unplayable, viewer, recording_id, now, LOGGED[soundness])
        return _player(request, found, problem=UNSOUND[soundness])
    await database.run(recordings.open_recording, viewer, recording_id, now)
    token = request.app[PLAYS].begin(Play(viewer.user_id, recording_id, file, stamp, now + LASTS), now)
    return _player(request, found, sound=f"/recordings/{recording_id}?play={token}")


async def send_sound(request: web.Request) -> web.StreamResponse:
    """The sound of a playback that was opened, or the range of it that is asked for (RFC 9110 section 14)."""
    viewer, recording_id = request_viewer(request), _recording_of(request)
    play = request.app[PLAYS].of(request.query.get("play", ""), viewer.user_id, recording_id, request.app[CLOCK].now())
    if play is None:
        raise NotFoundError
    await request.app[DATABASE].ask(recordings.recording, viewer, recording_id)
    if await asyncio.to_thread(recording_files.stamp, play.file) != play.stamp:
        raise NotFoundError  # not the file that was compared any more
    return web.FileResponse(play.file, headers={"Content-Type": "audio/wav"})


async def hold(request: web.Request) -> web.StreamResponse:
    """Hold a recording, or hold it no longer, for a reason."""
    typed = await fields(request)
    found = await request.app[DATABASE].run(
        recordings.hold, request_viewer(request), _recording_of(request), request.app[CLOCK].now(),
        held=typed.get("held") == "1", reason=typed.get("reason", ""),
    )  # fmt: skip
    return told(HELD if found.legal_hold else NOT_HELD)


def _look(folder: Path, found: Recorded) -> tuple[Soundness, Path, Stamp | None]:
    """Compare a recording's file with its row; reads it through, so not for the event loop."""
    try:
        file = recording_files.inside(folder, found.path)
    except OutsideError as error:
        log.error("recording %s: %s", found.id, error)
        return Soundness.MISSING, folder, None
    soundness, stamp = recording_files.compare(file, found.bytes or 0, found.sha256 or "")
    if soundness is not Soundness.WHOLE:
        log.error("the file of recording %s is %s", found.id, soundness.value)
    return soundness, file, stamp


def _player(request: web.Request, found: Recorded, *, sound: str = "", problem: str = "") -> web.Response:
    ours = f"{request.app[SETTINGS].office.name}（内線{found.seat}・{found.staff_name}）"
    ends = (ours, None) if found.direction is Direction.OUT else (None, ours)
    may_hold = request_viewer(request).may(Right.RECORDING_HOLD, found.area)
    return fragment(
        request, "recordings/player.html",
        rec=found, pauses=[_pause(one, found) for one in found.pauses], sound=sound, problem=problem, ends=ends, length=_length(found.milliseconds),
        may_hold=may_hold and found.state is not RecordingState.ERASED, held=HELD if found.legal_hold else NOT_HELD,
    )  # fmt: skip


def _pause(pause: Pause, found: Recorded) -> str:
    """Where in the recording nothing is heard, and who wanted it so."""
    until = _at(pause.ended_at, found) if pause.ended_at else "終わり"
    return f"{_at(pause.began_at, found)}～{until}（{pause.staff_name}）"


def _at(moment: datetime, found: Recorded) -> str:
    return _length(max(0, round((moment - found.started_at).total_seconds() * 1000)))


def _length(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "不明"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes}分{seconds:02}秒"


def _recording_of(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError as error:
        raise NotFoundError from error
