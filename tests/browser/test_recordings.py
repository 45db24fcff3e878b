"""A recording in a real browser: opened by keyboard, heard, sought in, held, and closed again."""

import hashlib
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from db.schema.calls import Recording
from db.usecases import recordings
from tests.browser.conftest import City
from tests.integration.db.people import NOW
from tests.integration.webpanel.on_the_line import OnTheLine, logged

Opener = Callable[..., Page]
SECONDS = 40


def a_recorded_call(city: City, folder: Path) -> int:
    """Somebody with whom the operator spoke for some seconds; their id."""
    line = OnTheLine(city, city.users["operator"], city.small.debtor())
    call_id = line.talk()
    line.confirm(call_id)
    line.hang_up(call_id)
    line.save(call_id)
    with city.database.read() as tx:
        file = folder / tx.execute(select(Recording.path)).scalar_one()
    file.parent.mkdir(parents=True)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\x01\x00" * 8000 * SECONDS)
    content = file.read_bytes()
    with city.database.write() as tx:
        recordings.recording_kept(
            tx, call_id, NOW, size=len(content), milliseconds=SECONDS * 1000, sha256=hashlib.sha256(content).hexdigest()
        )
    return line.debtor_id


@pytest.mark.req("T13")
def test_a_recording_is_opened_heard_sought_in_held_and_closed_by_keyboard(
    open_page: Opener, city: City, recordings_dir: Path
) -> None:
    debtor_id = a_recorded_call(city, recordings_dir)
    page = open_page("officer")
    page.goto(f"/debtors/{debtor_id}")
    opener = page.get_by_role("button", name="本人と通話の録音を聞く")
    opener.focus()
    page.keyboard.press("Enter")

    audio = page.locator("audio")
    expect(audio).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "true")
    duration = """audio => new Promise(done => {
        if (audio.readyState >= 1) done(audio.duration);
        audio.addEventListener('loadedmetadata', () => done(audio.duration));
    })"""
    assert audio.evaluate(duration) == SECONDS
    audio.evaluate(
        "audio => new Promise(done => { audio.addEventListener('seeked', done, { once: true }); audio.currentTime = 15; })"
    )
    assert audio.evaluate("audio => audio.currentTime") >= 15
    assert audio.evaluate("audio => audio.error") is None
    assert logged(city, "recording.play", debtor_id) == 1
    assert page.get_by_text("録音が通話より短く").count() == 0

    page.get_by_label("保全の理由").fill("苦情申出")
    page.get_by_role("button", name="保全する").press("Enter")
    expect(page.locator(".hold-form [data-form-note]")).to_contain_text("保全中です")
    expect(audio).to_be_attached()  # the change of the record does not take the player away

    page.get_by_role("button", name="録音を閉じる").press("Enter")
    expect(page.locator("audio")).to_have_count(0)
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")
    assert logged(city, "recording.play", debtor_id) == 1
