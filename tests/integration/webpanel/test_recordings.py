"""Recordings in the browser: heard by those with the right, once in the log, and only what was recorded."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from db.rules.telephony import RecordingState
from db.rules.terms import Area
from db.schema.base import new_id
from db.schema.calls import Recording
from db.schema.staff import AccessLog
from db.settings import Settings
from db.usecases import calls, pauses, recordings
from tests.integration.db.people import NOW, OFFICE
from tests.integration.webpanel.conftest import Browser, Panel
from tests.integration.webpanel.on_the_line import OnTheLine, logged
from webpanel.recordings.plays import LASTS

SOUND = b"RIFF" + bytes(range(256)) * 40


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The panel's settings, with a folder of recordings."""
    return replace(settings, dial=replace(settings.dial, recordings_dir=tmp_path / "recordings"))


class Tape:
    """A recording on the disk and in the register, of a call of `op` with a person."""

    def __init__(self, panel: Panel, folder: Path) -> None:
        self.panel = panel
        self.debtor_id = panel.small.debtor()
        line = OnTheLine(panel, panel.user("op"), self.debtor_id)
        self.call_id = line.talk()
        line.hang_up(self.call_id)
        line.save(self.call_id)
        with panel.database.write() as tx:
            digest = hashlib.sha256(SOUND).hexdigest()
            recordings.recording_kept(tx, self.call_id, panel.clock.now(), size=len(SOUND), milliseconds=83_000,
                                      sha256=digest)  # fmt: skip
            row = tx.execute(select(Recording.id, Recording.path)).one()
        self.id: UUID = row.id
        self.file = folder / row.path
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(SOUND)

    def set(self, **values: object) -> None:
        with self.panel.database.write() as tx:
            tx.execute(update(Recording).values(**values))

    async def play(self, browser: Browser) -> str:
        """Open the player."""
        status, text, _ = await browser.post(f"/recordings/{self.id}/play")
        assert status == 200, text
        return text

    async def sound(self, browser: Browser) -> str:
        """The address of the sound that the player was given."""
        found = re.search(r'<audio controls [^>]*src="([^"]+)"', await self.play(browser))
        assert found
        return found[1]

    def plays(self) -> int:
        return logged(self.panel, "recording.play", self.debtor_id)


@pytest.fixture
def tape(panel: Panel, settings: Settings) -> Tape:
    """A recording that is whole."""
    return Tape(panel, settings.dial.recordings_dir)


@pytest.fixture
async def officer(panel: Panel) -> Browser:
    """An officer's browser."""
    panel.user("officer", "officer")
    return await panel.browser("officer")


@pytest.mark.req("T13", "C2")
async def test_an_officer_hears_it_and_seeks_in_it_and_it_is_logged_once(tape: Tape, officer: Browser) -> None:
    address = await tape.sound(officer)

    async with officer.client.get(address) as answer:
        assert (answer.status, await answer.read()) == (200, SOUND)
        assert answer.headers["Content-Type"] == "audio/wav"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Cache-Control"] == "no-store"
    for given, there in (("bytes=100-199", SOUND[100:200]), ("bytes=9000-", SOUND[9000:]), ("bytes=-5", SOUND[-5:])):
        async with officer.client.get(address, headers={"Range": given}) as answer:
            assert (answer.status, await answer.read()) == (206, there)
            assert answer.headers["Content-Range"].endswith(f"/{len(SOUND)}")
    async with officer.client.get(address, headers={"Range": f"bytes={len(SOUND)}-"}) as answer:
        assert answer.status == 416
    assert tape.plays() == 1
    await tape.play(officer)
    assert tape.plays() == 2


@pytest.mark.req("T13")
async def test_the_player_says_what_it_plays(tape: Tape, officer: Browser) -> None:
    text = await tape.play(officer)
    for shown in (
        "1分23秒", f"{len(SOUND):,}バイト", hashlib.sha256(SOUND).hexdigest(), "090-1111-2222", "みなと野市", "内線1001",
        "opさん", f"{tape.call_id}.wav", "2026/11/24 10:30:10", "保全していません",
    ):  # fmt: skip
        assert shown in text, shown


@pytest.mark.req("T13")
async def test_a_recording_shorter_than_the_talk_is_shown_as_that(tape: Tape, officer: Browser) -> None:
    assert "録音が通話より短く" not in await tape.play(officer)
    tape.set(milliseconds=30_000)  # of 40 seconds
    assert "録音が通話より短く" in await tape.play(officer)


@pytest.mark.req("T13", "C1")
async def test_the_line_offers_the_player_to_those_who_may_hear_it(tape: Tape, panel: Panel, officer: Browser) -> None:
    offer = f'data-play="/recordings/{tape.id}/play"'
    _, text, _ = await officer.get(f"/debtors/{tape.debtor_id}")
    assert offer in text
    assert 'aria-label="本人と通話の録音を聞く"' in text
    _, text, _ = await (await panel.browser("op")).get(f"/debtors/{tape.debtor_id}")
    assert "録音があります" in text
    assert "data-play" not in text
    tape.set(state=RecordingState.MISSING)
    _, text, _ = await officer.get(f"/debtors/{tape.debtor_id}")
    assert "録音：ファイルなし" in text
    assert "data-play" not in text


@pytest.mark.req("T13", "C1")
async def test_who_has_no_right_or_another_area_gets_nothing(tape: Tape, panel: Panel, officer: Browser) -> None:
    address = await tape.sound(officer)
    panel.small.user("water", "officer", (Area.PRIVATE,))
    operator = await panel.browser("op")
    for path, status in ((f"/recordings/{tape.id}", 403), (address, 403)):
        assert (await operator.get(path))[0] == status
    assert (await operator.post(f"/recordings/{tape.id}/play"))[0] == 403
    assert (await operator.post(f"/recordings/{tape.id}/hold", {"held": "1", "reason": "苦情"}))[0] == 403
    for path in (f"/recordings/{new_id()}", "/recordings/1", "/recordings/..%2f..%2fetc%2fpasswd"):
        assert (await officer.post(f"{path}/play"))[0] == 404
        assert (await officer.get(path))[0] == 404
    assert tape.plays() == 1


@pytest.mark.req("T13", "C1")
async def test_in_another_area_there_is_no_such_recording(tape: Tape, panel: Panel, officer: Browser) -> None:
    address = await tape.sound(officer)
    tape.set(area=Area.PRIVATE)
    assert (await officer.post(f"/recordings/{tape.id}/play"))[0] == 404
    assert (await officer.post(f"/recordings/{tape.id}/hold", {"held": "1", "reason": "苦情"}))[0] == 404
    assert (await officer.get(address))[0] == 404


@pytest.mark.req("T13", "C2")
async def test_an_address_is_of_one_user_and_ends(tape: Tape, panel: Panel, officer: Browser) -> None:
    address = await tape.sound(officer)
    panel.user("second", "officer")
    second = await panel.browser("second")
    assert (await second.get(address))[0] == 404
    assert (await officer.get(f"/recordings/{tape.id}"))[0] == 404
    assert (await officer.get(f"/recordings/{tape.id}?play=x"))[0] == 404
    own = await tape.sound(second)
    own_token, token = own.split("=")[1], address.split("=")[1]
    assert own_token != token
    panel.clock.set(NOW + LASTS)
    status, _, _ = await (await panel.browser("officer")).get(address)
    assert status == 404


@pytest.mark.req("T13", "C5")
async def test_while_on_an_unconfirmed_call_with_the_person_nothing_is_played(
    tape: Tape, panel: Panel, officer: Browser
) -> None:
    address = await tape.sound(officer)
    line = OnTheLine(panel, panel.user("third", "officer"), tape.debtor_id)
    browser = await panel.browser("third")
    own, line_phone = await tape.sound(browser), line.phone_id
    line.take_seat("1003")
    with panel.database.write() as tx:
        call_id = calls.place_call(
            tx, line.viewer, tape.debtor_id, line_phone, Area.TAX, NOW + timedelta(days=1), OFFICE, deliberate=True
        )
    _, text, _ = await browser.get(f"/debtors/{tape.debtor_id}")
    assert "data-play" not in text

    status, text, _ = await browser.post(f"/recordings/{tape.id}/play")

    assert (status, "本人確認が済むまで" in text) == (409, True)
    assert (await browser.get(own))[0] == 409
    async with officer.client.get(address) as answer:
        assert answer.status == 200
    line.confirm(call_id)
    async with browser.client.get(own) as answer:
        assert answer.status == 200


@pytest.mark.req("T13")
@pytest.mark.parametrize("change", ["cut", "other", "gone", "folder"])
async def test_a_file_that_is_not_what_was_recorded_is_shown_as_that(
    tape: Tape, panel: Panel, officer: Browser, change: str
) -> None:
    match change:
        case "cut":
            tape.file.write_bytes(SOUND[:-1])
        case "other":
            tape.file.write_bytes(SOUND[:-1] + b"!")
        case "gone":
            tape.file.unlink()
        case "folder":
            tape.file.unlink()
            tape.file.mkdir()

    text = await tape.play(officer)

    assert "<audio" not in text
    gone = change in ("gone", "folder")
    assert ("録音ファイルが見つかりません" if gone else "一致しません") in text
    assert tape.plays() == 0
    with panel.database.read() as tx:
        said = tx.execute(select(AccessLog.detail).where(AccessLog.action == "recording.unplayable")).scalars().all()
    assert said == [f"録音 {tape.id} {'ファイルなし' if gone else 'ファイル不一致'}"]


@pytest.mark.req("T13")
async def test_a_file_changed_after_it_was_compared_is_not_sent(tape: Tape, officer: Browser) -> None:
    address = await tape.sound(officer)
    tape.file.write_bytes(SOUND[:-1] + b"!")
    assert (await officer.get(address))[0] == 404


@pytest.mark.req("T13")
@pytest.mark.parametrize("way", ["up", "absolute", "link"])
async def test_a_path_that_leads_out_of_the_folder_is_never_read(
    tape: Tape, officer: Browser, tmp_path: Path, way: str
) -> None:
    other = tmp_path / "secret.wav"
    other.write_bytes(SOUND)
    link = tape.file.parent / "link.wav"
    link.symlink_to(other)
    tape.set(path={"up": "../secret.wav", "absolute": str(other), "link": str(link)}[way])

    text = await tape.play(officer)

    assert "<audio" not in text
    assert "録音ファイルが見つかりません" in text
    assert tape.plays() == 0


@pytest.mark.req("T13")
@pytest.mark.parametrize(
    ("state", "sentence"),
    [(RecordingState.RUNNING, "まだ保存中"), (RecordingState.MISSING, "見つかりません"), (RecordingState.ERASED, "消去されました")],
)  # fmt: skip
async def test_what_was_not_kept_says_why(tape: Tape, officer: Browser, state: RecordingState, sentence: str) -> None:
    tape.set(state=state)
    text = await tape.play(officer)
    assert sentence in text
    assert "<audio" not in text
    assert ("hold-form" in text) is (state is not RecordingState.ERASED)
    assert tape.plays() == 0


@pytest.mark.req("T13", "C2")
async def test_an_officer_holds_it_with_a_reason(tape: Tape, panel: Panel, officer: Browser) -> None:
    assert "hold-form" in await tape.play(officer)

    status, text, _ = await officer.post(f"/recordings/{tape.id}/hold", {"held": "1", "reason": " "})
    assert (status, '"reason": "理由を入力してください。"' in text) == (422, True)
    status, text, _ = await officer.post(f"/recordings/{tape.id}/hold", {"held": "1", "reason": "苦情申出"})
    assert (status, "保全中です" in text) == (200, True)

    assert "保全中です" in await tape.play(officer)
    status, text, _ = await officer.post(f"/recordings/{tape.id}/hold", {"held": "0", "reason": "取下げ"})
    assert (status, "保全していません" in text) == (200, True)
    assert (logged(panel, "recording.hold"), logged(panel, "recording.unhold")) == (1, 1)
    tape.set(state=RecordingState.ERASED)
    status, text, _ = await officer.post(f"/recordings/{tape.id}/hold", {"held": "1", "reason": "苦情"})
    assert (status, "消去されています" in text) == (409, True)


@pytest.mark.req("T13")
async def test_the_player_says_where_the_recording_pauses(tape: Tape, panel: Panel, officer: Browser) -> None:
    with panel.database.write() as tx:
        began = tx.execute(select(Recording.started_at)).scalar_one()
        pauses.began(tx, tape.call_id, began + timedelta(seconds=5))
        pauses.ended(tx, tape.call_id, began + timedelta(seconds=72))
    assert "0分05秒～1分12秒（opさん）" in await tape.play(officer)
