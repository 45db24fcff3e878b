"""Looking at a recording's file."""

import hashlib
import os
import wave
from pathlib import Path

import pytest

from ami_bridge.recordings import Measured, is_whole, measure


def record(path: Path, samples: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x01\x00" * samples)
    return path


@pytest.mark.req("T13")
def test_a_whole_file_has_size_length_and_checksum(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wav", 12_000)
    assert is_whole(path)
    assert measure(path) == Measured(24_044, 1500, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.req("T13")
def test_a_file_still_being_written_is_not_whole(tmp_path: Path) -> None:
    """Asterisk writes the head first, as of no samples, and mends it when it closes the file."""
    path = record(tmp_path / "a.wav", 0)
    assert not is_whole(path)
    with path.open("ab") as file:
        file.write(b"\x01\x00" * 8000)
    assert not is_whole(path)
    assert measure(path).milliseconds == 1000


@pytest.mark.req("T13")
@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a recording at all, but longer than a head would be"])
def test_what_is_no_recording_is_not_whole_and_has_no_length_below_zero(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert not is_whole(path)
    assert measure(path).milliseconds >= 0


@pytest.mark.req("T13")
def test_a_missing_file_is_an_error_to_be_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        is_whole(tmp_path / "a.wav")
    with pytest.raises(OSError, match=os.strerror(2)):
        measure(tmp_path / "a.wav")
