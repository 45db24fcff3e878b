"""The prompts: every one that the dialplan plays is there, plays on any Asterisk, and the office's own are kept."""

import re
import wave
from pathlib import Path

import pytest

from db.rules.opening import NO_CALLS
from saikoku import dialplan, prompts
from saikoku.dialplan import DialplanSettings


@pytest.mark.req("T5", "P1")
def test_every_prompt_that_the_dialplan_plays_is_there_and_described() -> None:
    sounds = dialplan.templates_folder() / "sounds"
    text = dialplan.render(DialplanSettings(sounds="/s"))["saikoku.conf"]
    played = set(re.findall(r"/s/([a-z-]+)(?=[,)&}\n])", text)) | {why.value for why in NO_CALLS}
    places = {f"place-{place}" for place in (*range(1, 10), "many")}
    assert set(prompts.names()) == played | places
    words = (sounds / "README.md").read_text(encoding="utf-8")
    for name in prompts.names():
        assert f"| `{name}` |" in words
        with wave.open(str(sounds / f"{name}.wav"), "rb") as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
            assert file.getnframes() > 8000


@pytest.mark.req("P1")
def test_a_prompt_of_the_offices_own_stays_and_a_missing_one_is_found(tmp_path: Path) -> None:
    etc, sounds = tmp_path / "etc", tmp_path / "sounds"
    etc.mkdir()
    dialplan.install(etc, DialplanSettings(sounds=str(sounds)))
    (finding,) = prompts.lint(etc)
    assert finding.code == "prompt-missing"
    sounds.mkdir()
    (sounds / "busy.gsm").write_bytes(b"own")
    assert set(prompts.install(sounds)) == set(prompts.names()) - {"busy"}
    assert not (sounds / "busy.wav").exists()
    assert list(prompts.lint(etc)) == []
    assert prompts.install(sounds) == ()


@pytest.mark.req("T13")
def test_the_notice_is_a_prompt_of_the_folder_or_none() -> None:
    assert "Set(SAIKOKU_NOTICE=/s/recorded)" in dialplan.render(DialplanSettings(sounds="/s"))["saikoku.conf"]
    assert "Set(SAIKOKU_NOTICE=)" in dialplan.render(DialplanSettings(notice=""))["saikoku.conf"]
