"""From the person's answer to the moment they and the waiting operator hear each other, on a real Asterisk."""

import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from ami_bridge import actions, variables
from ami_bridge.link import AmiLink
from ami_bridge.values import Event, LinkSettings, Phase
from bench.rows import Row, percentile
from saikoku.lab.carrier import number_for
from saikoku.lab.pbx import Lab

CALLS = 200
SEAT = "1001"


def run() -> Sequence[Row]:
    """Times between two AMI events of one connection: the person's channel is Up, and it has joined the operator's room.

    The call is recorded, as calls are. Both events wait in the same reader, so its own delay cancels out.
    """
    return asyncio.run(_run())


async def _run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder:
        async with Lab(Path(folder)) as lab:
            settings = LinkSettings(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret)
            link = AmiLink(settings)
            running = asyncio.create_task(link.run())
            await link.until(lambda state: state.phase is Phase.UP)
            times = await _measure(link, lab)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return [
        Row(f"answer to joined with the waiting operator, {CALLS} calls: p50", percentile(times, 0.5), "ms"),
        Row(f"answer to joined with the waiting operator, {CALLS} calls: p99", percentile(times, 0.99), "ms", 50.0),
    ]


async def _measure(link: AmiLink, lab: Lab) -> list[float]:
    events = aiter(link.subscribe("bench"))
    leg = str(uuid.uuid4())
    await link.send(
        actions.originate(
            f"PJSIP/{SEAT}", channel_id=leg, context=variables.CONTEXT_SEAT, exten=SEAT, timeout_ms=10_000
        )
    )
    await _next(events, "ConfbridgeJoin", leg)
    return [await _one_call(link, events, lab) for _ in range(CALLS)]


async def _one_call(link: AmiLink, events: AsyncIterator[Event], lab: Lab) -> float:
    attempt = str(uuid.uuid4())
    await link.send(
        actions.originate(
            lab.trunk.format(number=number_for("at-once")),
            channel_id=attempt,
            context=variables.CONTEXT_ANSWERED,
            exten=variables.START,
            timeout_ms=10_000,
            variables={
                variables.SEAT: SEAT,
                variables.ATTEMPT: attempt,
                variables.RECORDING: str(lab.recordings / f"{attempt}.wav"),
            },
        )
    )
    up, joined, channel = await _up_and_joined(events, attempt)
    await link.send(actions.hangup(channel))
    await _next(events, "Hangup", attempt)
    return max(0.0, joined - up) * 1000


async def _up_and_joined(events: AsyncIterator[Event], attempt: str) -> tuple[float, float, str]:
    """When the two events came, and the channel. Asterisk may report them in either order."""
    times: dict[str, float] = {}
    while len(times) < 2:
        event = await asyncio.wait_for(anext(events), 20)
        is_up = event.get("Uniqueid") == attempt and event.get("ChannelStateDesc") == "Up"
        if is_up and event.name in {"Newstate", "ConfbridgeJoin"}:
            times[event.name] = time.perf_counter()
    return times["Newstate"], times["ConfbridgeJoin"], event["Channel"]


async def _next(events: AsyncIterator[Event], name: str, channel_id: str) -> Event:
    while True:
        event = await asyncio.wait_for(anext(events), 20)
        if event.name == name and event.get("Uniqueid") == channel_id:
            return event
