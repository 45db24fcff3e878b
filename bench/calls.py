"""Calls a second on a real Asterisk: what the bridge costs, whether it hears everything, how soon who answered is joined.

`python -m bench calls` runs 30 calls a second for two minutes over the bridge's link alone, then asks a campaign for as many, then for fewer;
`python -m bench.calls [--rates 5,10,20] [--seconds 60] [--bare]` runs other rates. A predictive campaign dials, so that every call goes through everything that a
call of an office goes through: the rules, the claim, the last question, the register (SQLite), one Originate, and its events. Of the
people a quarter answer and are joined to an operator and recorded, half let it ring for 15 s, a quarter are on the telephone. There are half
as many operators again as are busy, so that the pace is set by the calls per second of the campaign.

Office, carrier (which plays all citizens and operators' phones), bridge, and the operators' results are on the same machine. What was lost is told from
Asterisk's own record and the carrier's, not from the bridge.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import math
import os
import random
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import Connection, select

from ami_bridge import actions, variables
from ami_bridge.errors import AmiError
from ami_bridge.link import AmiLink
from ami_bridge.subscription import Subscription
from ami_bridge.tracking import EVENTS
from ami_bridge.values import LinkSettings
from bench.campaign_floor import CampaignFloor, FloorLab, Plan, Used, busy, open_floor, silent, talks, use_of
from bench.rows import Row, percentile
from db.reference.phones import dial_digits
from db.rules.campaigns import CampaignSettings, TargetOrder
from db.rules.telephony import OPEN_ATTEMPTS, AttemptState, DialMode
from db.schema.calls import Attempt, Call
from saikoku.lab.pbx import CarrierCall

RATE: Final = 30.0
SECONDS: Final = 120.0
WARM_UP: Final = 25.0
"""Seconds until as many calls end as begin: the longest are those that ring for 15 s and those that talk."""
MORE: Final = (5.0, 10.0, 15.0)
MORE_SECONDS: Final = 30.0
UP: Final = 300.0

ANSWERS: Final = 0.25
BUSY: Final = 0.25
TALK: Final = (10.0, 14.0)
RING: Final = (1.0, 5.0)
WRAP_UP: Final = (0.2, 0.8)
RING_SECONDS: Final = 15
MANY_LINES: Final = 500
HIGHEST_SETTING: Final = 20.0
"""A campaign may not be set to more calls a second."""


@dataclass(frozen=True, slots=True)
class Run:
    """One rate: what was asked for and reached. `used`: shares of a core by process; `idle`: of both cores, what was left."""

    asked: float
    reached: float
    at_once: float
    talking: float
    used: dict[str, float]
    idle: float
    joins: Sequence[float]
    answered: int
    abandoned: int
    wrong: dict[str, int]

    @property
    def share(self) -> float:
        """The bridge's processor time in percent of the office's Asterisk."""
        return 100.0 * self.used["bridge"] / self.used["office"]

    @property
    def lost(self) -> int:
        """How many events, attempts or calls one side knows of and the other does not."""
        return sum(self.wrong.values())


def run() -> Sequence[Row]:
    """What Asterisk bears, the rate that is wanted of a campaign, then others, briefly."""
    bare = measure_bare(RATE, SECONDS)
    wanted = measure(RATE, SECONDS)
    others = [measure(rate, MORE_SECONDS) for rate in MORE]
    return [*bare_rows(bare), *rows(wanted), *highest([wanted, *others])]


def rows(found: Run) -> Iterator[Row]:
    """The figures of the rate that is wanted, with their bars."""
    name = f"{found.asked:g} calls/s asked of a campaign"
    yield Row(f"{name}: placed", found.reached, "calls/s", 0.97 * found.asked, below=False)
    yield Row(f"{name}: calls at once, mean", found.at_once, "calls", UP, below=False)
    yield Row(f"{name}: of these in conversation", found.talking, "calls")
    yield Row(f"{name}: known to one side only", found.lost, "events", 0)
    yield Row(f"{name}: bridge, of the office's Asterisk", found.share, "%", 30.0)
    yield from _processors(name, found)
    if found.joins:
        yield Row(f"{name}: answer to joined, {len(found.joins)} calls: p50", percentile(found.joins, 0.5), "ms")
        yield Row(f"{name}: answer to joined: p99", percentile(found.joins, 0.99), "ms", 100.0)
    yield Row(f"{name}: answered and found nobody", found.abandoned, "people")


def highest(runs: Sequence[Run]) -> Iterator[Row]:
    """Every rate in a row or two, and the highest that was reached."""
    for one in sorted(runs, key=lambda run: run.asked):
        name = f"{one.asked:g} calls/s asked"
        yield Row(f"{name}: placed", one.reached, "calls/s")
        yield from _processors(name, one)
        if one.joins:
            yield Row(f"{name}: answer to joined: p99", percentile(one.joins, 0.99), "ms")
    yield Row("the highest rate reached", max(one.reached for one in runs), "calls/s")


def _processors(name: str, found: Run | Bare) -> Iterator[Row]:
    for process, share in found.used.items():
        yield Row(f"{name}: {process}", 100.0 * share, "% core")
    yield Row(f"{name}: idle of {psutil.cpu_count()} cores", 100.0 * found.idle, "% core")


# -- one rate ---------------------------------------------------------------------------------------------------------


def measure(rate: float, seconds: float, bridge: Sequence[str] = ()) -> Run:
    """An office of its own, at this rate for so long after a warm-up."""
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder:
        found = asyncio.run(_measure(rate, seconds, Path(folder), bridge))
    for what, count in found.wrong.items():
        if count:
            print(f"{rate:g} calls/s: {what}: {count}", file=sys.stderr)
    return found


def plan(rate: float, seconds: float) -> Plan:
    """People for a third longer than is measured."""
    draws = random.Random(7)
    numbers: list[str] = []
    seen: set[str] = set()
    for serial in range(int(rate * (seconds + WARM_UP) * 1.2) + 50):
        kind = draws.random()
        if kind < ANSWERS:
            number = talks(draws.uniform(*RING), draws.uniform(*TALK), serial)
            while number in seen:
                number = talks(draws.uniform(*RING), draws.uniform(*TALK), draws.randrange(10))
            seen.add(number)
            numbers.append(number)
        else:
            numbers.append(busy(serial) if kind < ANSWERS + BUSY else silent(serial))
    settings = CampaignSettings(
        name="高負荷の試験", mode=DialMode.PREDICTIVE, order=TargetOrder.AMOUNT, lines=MANY_LINES,
        calls_per_second=min(rate, HIGHEST_SETTING), target_abandonment=0.026, ring_seconds=RING_SECONDS,
    )  # fmt: skip
    operators = math.ceil(rate * ANSWERS * (sum(TALK) / 2 + sum(WRAP_UP) / 2 + 1.0) * 1.5) + 5
    return Plan(operators, numbers, settings, lambda: draws.uniform(*WRAP_UP))


async def _measure(rate: float, seconds: float, folder: Path, bridge: Sequence[str]) -> Run:
    async with open_floor(plan(rate, seconds), folder, bridge=bridge) as floor:
        operators = asyncio.create_task(floor.operators_work(0.1))
        await floor.start()
        await asyncio.sleep(WARM_UP)
        idle, before, began = psutil.cpu_times().idle, floor.used(), floor.clock.now()
        await asyncio.sleep(seconds)
        after, ended = floor.used(), floor.clock.now()
        idle = (psutil.cpu_times().idle - idle) / (after.at - before.at)
        await floor.pause()
        await floor.rest()
        operators.cancel()
        carrier = await floor.lab.carrier_calls()
        return await floor.database.ask(_read, floor, rate, (began, ended), (before, after), idle, carrier)


def _read(
    tx: Connection, floor: CampaignFloor, rate: float, span: tuple[datetime, datetime], used: tuple[Used, Used],
    idle: float, carrier: Sequence[CarrierCall],
) -> Run:  # fmt: skip
    began, ended = span
    attempts = tx.execute(select(Attempt)).all()
    placed = [one for one in attempts if one.sent_at is not None]
    citizens = [call for call in carrier if call.number.startswith("0")]
    wrote = _record(floor.lab.cel_csv)
    joins = [
        1000.0 * (wrote.joined[str(one.id)] - wrote.answered[str(one.id)])
        for one in placed
        if began <= one.sent_at <= ended and str(one.id) in wrote.joined and str(one.id) in wrote.answered
    ]
    seconds = (ended - began).total_seconds()
    offset = floor.clock.offset
    spans = [(call.started + offset, call.ended + offset if call.ended else ended) for call in citizens]
    talked = [
        (row.joined_at, row.ended_at or ended) for row in tx.execute(select(Call).where(Call.joined_at.is_not(None)))
    ]
    return Run(
        asked=rate,
        reached=sum(began <= one.sent_at <= ended for one in placed) / seconds,
        at_once=_overlap(spans, began, ended) / seconds,
        talking=_overlap(talked, began, ended) / seconds,
        used={name: used[1].since(used[0], name) for name in used[1].seconds},
        idle=idle,
        joins=joins,
        answered=sum(one.answered_at is not None for one in placed),
        abandoned=sum(one.abandoned_at is not None for one in placed),
        wrong=_wrong(placed, citizens, wrote, floor),
    )


def _overlap(spans: Sequence[tuple[datetime, datetime]], began: datetime, ended: datetime) -> float:
    return sum(max(0.0, (min(b, ended) - max(a, began)).total_seconds()) for a, b in spans)


@dataclass(frozen=True, slots=True)
class Written:
    """What the office's Asterisk wrote of each channel, by its Uniqueid: when it was answered, entered a room, ended."""

    answered: dict[str, float]
    joined: dict[str, float]
    ended: dict[str, float]


def _record(file: Path) -> Written:
    found = Written({}, {}, {})
    for row in csv.reader(file.read_text(encoding="utf-8", errors="replace").splitlines()):
        if len(row) != 11:
            continue
        at, channel = float(row[1]), row[6]
        if row[0] == "ANSWER":
            found.answered.setdefault(channel, at)
        elif row[0] == "HANGUP":
            found.ended[channel] = at
        elif row[0] == "APP_START" and row[9] == "ConfBridge":
            found.joined.setdefault(channel, at)
    return found


def _wrong(
    placed: Sequence[object], citizens: Sequence[CarrierCall], wrote: Written, floor: CampaignFloor
) -> dict[str, int]:
    """What the bridge did not hear, by comparing the register with what both Asterisk wrote down."""
    rows: Sequence[Attempt] = placed  # type: ignore[assignment]
    ours = {str(one.id): one for one in rows}
    dialled, seen = {dial_digits(one.number) for one in rows}, {call.number for call in citizens}
    heard = {name for name, one in ours.items() if one.answered_at is not None}
    over = {name for name, one in ours.items() if one.state is AttemptState.ENDED}
    return {
        "numbers that only the register or only the carrier knows": len(dialled ^ seen),
        "numbers that were called twice": len(citizens) - len(seen),
        "answers that only one side knows": len(heard ^ (wrote.answered.keys() & ours.keys())),
        "ends that only one side knows": len(over ^ (wrote.ended.keys() & ours.keys())),
        "attempts whose end is unknown": sum(one.state is AttemptState.UNKNOWN for one in rows),
        "attempts that never ended": sum(one.state in OPEN_ATTEMPTS for one in rows),
        "times that the link was made anew": sum("is up" in line for line in floor.complaints()) - 1,
    }


# -- without a register -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bare:
    """The same calls over the bridge's link alone: what Asterisk itself bears here, and what the link costs."""

    asked: float
    reached: float
    at_once: float
    used: dict[str, float]
    idle: float
    joins: Sequence[float]
    unheard: int


def bare_rows(found: Bare) -> Iterator[Row]:
    """The figures."""
    name = f"{found.asked:g} calls/s over the bare link"
    yield Row(f"{name}: placed", found.reached, "calls/s")
    yield Row(f"{name}: calls at once, mean", found.at_once, "calls")
    yield Row(f"{name}: ends and answers that the link did not hear", found.unheard, "events", 0)
    yield Row(f"{name}: the link, of the office's Asterisk", 100.0 * found.used["link"] / found.used["office"], "%")
    yield from _processors(name, found)
    if found.joins:
        yield Row(f"{name}: answer to joined, {len(found.joins)} calls: p50", percentile(found.joins, 0.5), "ms")
        yield Row(f"{name}: answer to joined: p99", percentile(found.joins, 0.99), "ms")


def measure_bare(rate: float, seconds: float) -> Bare:
    """The same citizens and desks, no register, no rules, no bridge: Originate at an even pace, Redirect to a free desk."""
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder:
        return asyncio.run(_Placing(rate, seconds, Path(folder)).run())


class _Placing:
    def __init__(self, rate: float, seconds: float, folder: Path) -> None:
        self.rate, self.seconds = rate, seconds
        self.plan = plan(rate, seconds)
        self.lab = FloorLab(folder / "lab", self.plan.operators)
        self.free: deque[str] = deque()
        self.seat_of: dict[str, str] = {}
        self.answered: set[str] = set()
        self.ended: set[str] = set()
        self.sent: dict[str, float] = {}

    async def run(self) -> Bare:
        async with self.lab as lab:
            link = AmiLink(
                LinkSettings(lab.ami_host, lab.ami_port, lab.ami_user, lab.ami_secret, events="system,call,user")
            )
            events = link.subscribe("bench", only=EVENTS)
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(link.run()), tasks.create_task(self._read(link, events))]
                await link.until(lambda state: state.up)
                for seat in lab.seats:
                    leg = actions.originate(
                        f"PJSIP/{seat}", channel_id=str(uuid.uuid4()), context=variables.CONTEXT_SEAT, exten=seat,
                        timeout_ms=10_000,
                    )  # fmt: skip
                    await link.send(leg)
                while len(self.free) < len(lab.seats):  # noqa: ASYNC110 - the bench stands outside
                    await asyncio.sleep(0.1)
                placing = tasks.create_task(self._place(link, tasks))
                await asyncio.sleep(WARM_UP)
                idle, before = psutil.cpu_times().idle, self._used()
                await asyncio.sleep(self.seconds)
                after = self._used()
                idle = (psutil.cpu_times().idle - idle) / (after.at - before.at)
                placing.cancel()
                await asyncio.sleep(TALK[1] + RING_SECONDS)
                for task in running:
                    task.cancel()
            return self._found(before, after, idle, await lab.carrier_calls())

    async def _place(self, link: AmiLink, tasks: asyncio.TaskGroup) -> None:
        began = time.monotonic()
        for count, number in enumerate(self.plan.numbers):
            await asyncio.sleep(max(0.0, began + count / self.rate - time.monotonic()))
            attempt = str(uuid.uuid4())
            self.sent[attempt] = time.monotonic()
            going = actions.originate(
                self.lab.trunk.format(number=number), channel_id=attempt, context=variables.CONTEXT_ANSWERED,
                exten=variables.START, timeout_ms=1000 * RING_SECONDS,
                variables={variables.RECORDING: f"{self.lab.recordings}/{attempt}.wav", variables.PATIENCE: "2"},
            )  # fmt: skip
            tasks.create_task(_quietly(link.send(going)))

    async def _read(self, link: AmiLink, events: Subscription) -> None:
        async for event in events:
            channel = event.get("Uniqueid")
            if event.name == "ConfbridgeJoin" and channel not in self.sent:
                self.free.append(event["Conference"].removeprefix("saikoku-"))
            elif event.name == "Newstate" and event.get("ChannelStateDesc") == "Up" and channel in self.sent:
                self.answered.add(channel)
            elif event.name == "UserEvent" and event.get("UserEvent") == variables.EVENT_WAITING and self.free:
                seat = self.seat_of[channel] = self.free.popleft()
                await _quietly(link.send(actions.redirect(channel, variables.CONTEXT_JOIN, seat)))
            elif event.name == "Hangup" and channel in self.sent:
                self.ended.add(channel)
                if seat := self.seat_of.pop(channel, ""):
                    self.free.append(seat)

    def _used(self) -> Used:
        return use_of({"link": os.getpid(), "office": self.lab.office.pid, "carrier": self.lab.carrier.pid})

    def _found(self, before: Used, after: Used, idle: float, carrier: Sequence[CarrierCall]) -> Bare:
        wrote, seconds = _record(self.lab.cel_csv), after.at - before.at
        since = datetime.now(UTC) - timedelta(seconds=time.monotonic() - before.at)
        until = since + timedelta(seconds=seconds)
        spans = [(call.started, call.ended or until) for call in carrier if call.number.startswith("0")]
        mine = self.sent.keys()
        return Bare(
            asked=self.rate,
            reached=sum(before.at <= at <= after.at for at in self.sent.values()) / seconds,
            at_once=_overlap(spans, since, until) / seconds,
            used={name: after.since(before, name) for name in after.seconds},
            idle=idle,
            joins=[
                1000.0 * (wrote.joined[one] - wrote.answered[one])
                for one, at in self.sent.items()
                if before.at <= at <= after.at and one in wrote.joined and one in wrote.answered
            ],
            unheard=len((wrote.answered.keys() & mine) ^ self.answered) + len((wrote.ended.keys() & mine) ^ self.ended),
        )


async def _quietly(sending: Awaitable[object]) -> None:
    with suppress(AmiError):
        await sending


def main(words: Sequence[str]) -> None:
    """See the module docstring."""
    parser = argparse.ArgumentParser(prog="python -m bench.calls")
    parser.add_argument("--rates", default=f"{RATE:g}")
    parser.add_argument("--seconds", type=float, default=MORE_SECONDS)
    parser.add_argument("--bare", action="store_true", help="over the link alone")
    given = parser.parse_args(words)
    for rate in map(float, given.rates.split(",")):
        found = bare_rows(measure_bare(rate, given.seconds)) if given.bare else rows(measure(rate, given.seconds))
        for row in found:
            print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
