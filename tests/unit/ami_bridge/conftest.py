"""Fixtures of the link: a scripted manager port and a held clock."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.ami_bridge.scripted_ami import HeldTime, ScriptedAmi, scripted_ami


@pytest.fixture
async def ami() -> AsyncIterator[ScriptedAmi]:
    async with scripted_ami() as server:
        yield server


@pytest.fixture
def clock() -> HeldTime:
    return HeldTime()
