"""Fixtures of the link: a scripted SMSC, a held clock, and what was handed over to be stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.ami_bridge.scripted_ami import HeldTime
from tests.unit.sms_smpp.scripted_smsc import Kept, ScriptedSmsc, scripted_smsc


@pytest.fixture
async def smsc() -> AsyncIterator[ScriptedSmsc]:
    async with scripted_smsc() as server:
        yield server


@pytest.fixture
def clock() -> HeldTime:
    return HeldTime()


@pytest.fixture
async def kept() -> Kept:
    return Kept()
