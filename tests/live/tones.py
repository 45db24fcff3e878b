"""How much of a tone is in a recording (Goertzel's algorithm), and reading a recording once it is whole."""

import array
import asyncio
import contextlib
import math
import wave
from collections.abc import Sequence
from pathlib import Path


async def whole_recording(path: Path) -> Sequence[int]:
    """The samples, once Asterisk has closed the file: it writes the length into the header last, after the hang-up.

    No event tells of that moment, so this looks again every 20 ms, for at most 5 s.
    """
    for _ in range(250):
        if samples := _closed(path):
            return samples
        await asyncio.sleep(0.02)
    raise AssertionError(f"{path} was not finished")


def _closed(path: Path) -> Sequence[int] | None:
    with contextlib.suppress(FileNotFoundError, EOFError, wave.Error), wave.open(str(path), "rb") as file:
        frames = file.getnframes()
        if frames * 2 + 44 == path.stat().st_size:
            return array.array("h", file.readframes(frames))
    return None


def loudness(samples: Sequence[int], hz: float, rate: int = 8000) -> float:
    """Mean amplitude of this tone (0 to 32767), in blocks of 100 ms, so that a tone of any phase counts."""
    block = rate // 10
    blocks = [samples[start : start + block] for start in range(0, len(samples) - block + 1, block)]
    return sum(_goertzel(part, hz, rate) for part in blocks) / max(len(blocks), 1)


def _goertzel(samples: Sequence[int], hz: float, rate: int) -> float:
    turn = 2 * math.cos(2 * math.pi * hz / rate)
    older = old = 0.0
    for sample in samples:
        older, old = old, sample + turn * old - older
    power = old * old + older * older - turn * old * older
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)
