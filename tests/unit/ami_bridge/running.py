"""An AmiLink that runs beside a test, and short waits for what it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ami_bridge.link import AmiLink, Reconcile, nothing_to_reconcile
from ami_bridge.subscription import Subscription
from ami_bridge.values import Event
from tests.unit.ami_bridge.scripted_ami import HeldTime, Peer, ScriptedAmi, soon


@asynccontextmanager
async def running(
    ami: ScriptedAmi,
    clock: HeldTime,
    *,
    reconcile: Reconcile = nothing_to_reconcile,
    reports: type[Exception] | None = None,
    **changes: object,
) -> AsyncIterator[AmiLink]:
    """`reports` is the error that `run` must end with; otherwise it is cancelled at the end."""
    link = AmiLink(ami.settings(**changes), reconcile=reconcile, time=clock, chance=lambda: 1.0)
    life = asyncio.create_task(link.run())
    try:
        yield link
        if reports is not None:
            with pytest.raises(reports):
                await soon(life)
    finally:
        life.cancel()
        await asyncio.wait([life])


async def take(events: Subscription, count: int) -> list[Event]:
    """The next events."""
    taken: list[Event] = []

    async def read() -> None:
        async for event in events:
            taken.append(event)
            if len(taken) == count:
                return

    await soon(read())
    return taken


async def rest(events: Subscription) -> list[Event]:
    """All events up to the end of a closed subscription."""

    async def read() -> list[Event]:
        return [event async for event in events]

    return await soon(read())


async def up(ami: ScriptedAmi, link: AmiLink, generation: int = 1) -> Peer:
    """Play the next login and wait until the link is up."""
    peer = await ami.accept()
    await peer.login()
    await soon(link.until(lambda state: state.up and state.generation == generation))
    return peer
