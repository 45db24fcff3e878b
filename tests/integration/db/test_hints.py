"""Hints make readers look at once; losing one costs no change."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.engine import Database
from db.hints import Bell, follow, hints
from db.outbox import latest, publish

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("apart", [0.0, 0.02])
async def test_a_follower_gets_every_change_once_in_order(url: str, tmp_path: Path, apart: float) -> None:
    database = Database(url, ring=Bell(tmp_path))
    start = await database.ask(latest)
    seen: list[str] = []

    async def read() -> None:
        async with hints(database, tmp_path) as listening:
            async for changes in follow(database, listening, start, apart=apart):
                seen.extend(change.key for change in changes)
                if len(seen) >= 30:
                    return

    reader = asyncio.create_task(read())
    for number in range(30):
        await database.run(publish, NOW, "count", number)
    await asyncio.wait_for(reader, 20)
    assert seen == [str(number) for number in range(30)]
    await database.aclose()


async def test_a_bell_is_heard(url: str, tmp_path: Path) -> None:
    """With polling out of the way (an hour), only the hint can wake the reader."""
    database = Database(url, ring=Bell(tmp_path))
    async with hints(database, tmp_path) as listening:
        for _ in range(200):  # PostgreSQL's listener may still be connecting when the first is sent
            await database.run(lambda tx: publish(tx, NOW, "call", 1))
            waiting = asyncio.create_task(listening.wait(3600))
            done, _ = await asyncio.wait({waiting}, timeout=0.1)
            if done:
                break
            waiting.cancel()
        assert done
    await database.aclose()


def test_a_bell_sweeps_away_readers_that_are_gone(tmp_path: Path) -> None:
    stale = tmp_path / "hint-1-dead.sock"
    stale.touch()
    Bell(tmp_path)()
    assert not stale.exists()
