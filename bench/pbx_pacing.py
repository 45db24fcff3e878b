"""Pacing on the real PBX against the simulator: do a campaign's utilisation and abandonment fall where the simulator says (T4)?

`python -m bench pbx_pacing` runs 10 operators for 30 minutes; `python -m bench.pbx_pacing [--minutes 3] [--operators 10] [--target
0.026] [--runs 200] [--seed 1]` something else. The clock is faster for people: talk and wrap-up take a quarter of the usual
times, ringing half of them (15 s is the shortest that a campaign may ring). The PBX, the bridge and the pacer have no faster clock.

The simulator has the same pacer, the same distributions, the lags that this run measured and what the register says of a number
that was never dialled; it differs in the draws. The interval is that in which 95 % of its runs end.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from ami_bridge.pacing import PredictivePacer
from bench.campaign_floor import CampaignFloor, Plan, open_floor, silent, talks
from bench.pacing_sim import Scenario, constant, simulate
from bench.rows import Row, percentile
from db.reference.phones import dial_digits
from db.rules.campaigns import CampaignSettings, TargetOrder
from db.rules.telephony import DialMode, DutyState
from db.rules.terms import Area
from db.schema.calls import Attempt, Duty, DutyLog
from db.schema.people import Phone
from db.store import debtors
from db.usecases import reach
from db.usecases.policies import policy_of
from saikoku.lab.pbx import CarrierCall
from tests.integration.db.people import ADMIN, OFFICE

ANSWERS: Final = 0.25
RING_LEAST: Final = 1.0
RING_MEAN: Final = 5.5
RING_SECONDS: Final = 15
TALK: Final = 30.0
WRAP_UP: Final = 11.25
LINES: Final = 60
CALLS_PER_SECOND: Final = 10.0
CAP: Final = 0.03
_BUSY: Final = (DutyState.BUSY, DutyState.WRAP_UP, DutyState.CONSULTING)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is run, and how often the simulator runs it after."""

    minutes: float = 30.0
    operators: int = 10
    target: float = 0.026
    runs: int = 200
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What the PBX came to. Delays in seconds: from the claim to ringing at the carrier, from the answer there to the register."""

    utilisation: float
    answered: int
    abandoned: int
    placed: int
    told: float | None
    dial_delay: float
    lag: float
    complaints: Sequence[str]

    @property
    def abandonment(self) -> float:
        """Percent of all answered."""
        return 100.0 * self.abandoned / max(1, self.answered)


def run() -> Sequence[Row]:
    """Ten operators, thirty minutes, and two hundred simulated runs."""
    return compare(Wish())


def compare(wish: Wish) -> Sequence[Row]:
    """Measure, simulate, and hold one against the other."""
    with tempfile.TemporaryDirectory(prefix="saikoku-bench-") as folder:
        measured = asyncio.run(_measure(wish, Path(folder)))
    print(measured, file=sys.stderr)
    return rows(wish, measured, simulated(wish, measured))


def rows(wish: Wish, measured: Measured, runs: Sequence[tuple[float, float, int]]) -> Sequence[Row]:
    """The figures beside the intervals of simulated (utilisation, abandonment, answered)."""
    name = f"pacing on the PBX, {wish.operators} operators, {wish.minutes:g} minutes, target {100 * wish.target:g} %"
    found = [
        Row(f"{name}: answered", measured.answered, "people"),
        Row(f"{name}: claim to ringing at the carrier, mean", 1000 * measured.dial_delay, "ms"),
        Row(f"{name}: answer at the carrier to the register, mean", 1000 * measured.lag, "ms"),
    ]
    for what, value, column in (("utilisation", measured.utilisation, 0), ("abandoned", measured.abandonment, 1)):
        drawn = [run[column] for run in runs]
        low, high = percentile(drawn, 0.025), percentile(drawn, 0.975)
        found += [
            Row(f"{name}: {what}, simulated, mean of {len(drawn)}", statistics.fmean(drawn), "%"),
            Row(f"{name}: {what}, at least the low end", value, "%", low, below=False),
            Row(f"{name}: {what}, at most the high end", value, "%", high),
        ]
    answered = [run[2] for run in runs]
    said = f"{name}: answered, simulated, 95 % from"
    found.append(Row(said, percentile(answered, 0.025), "people"))
    found.append(Row(said.replace("from", "to"), percentile(answered, 0.975), "people"))
    return found


# -- the PBX ----------------------------------------------------------------------------------------------------------


def plan(wish: Wish) -> Plan:
    """Citizens and operators, drawn from the seed; more people than can be called."""
    draws = random.Random(wish.seed)
    numbers: list[str] = []
    seen: set[str] = set()
    for serial in range(int(wish.minutes * wish.operators * 14) + 200):
        if draws.random() >= ANSWERS:
            numbers.append(silent(serial))
            continue
        ring = min(RING_LEAST + draws.gammavariate(4.0, RING_MEAN / 4.0), RING_SECONDS - 0.1)
        talk = TALK * draws.gammavariate(1.5, 1 / 1.5)
        drawn = (talks(ring, talk, number) for number in range(10))
        number = next(one for one in drawn if one not in seen)
        seen.add(number)
        numbers.append(number)
    settings = CampaignSettings(
        name="歩調の試験", mode=DialMode.PREDICTIVE, order=TargetOrder.AMOUNT, lines=LINES,
        calls_per_second=CALLS_PER_SECOND, target_abandonment=wish.target, cap=CAP, ring_seconds=RING_SECONDS,
    )  # fmt: skip
    wraps = random.Random(wish.seed + 1_000_003)
    return Plan(wish.operators, numbers, settings, lambda: wraps.gammavariate(3.0, WRAP_UP / 3.0))


async def _measure(wish: Wish, folder: Path) -> Measured:
    async with open_floor(plan(wish), folder) as floor:
        operators = asyncio.create_task(floor.operators_work(0.02))
        told = await floor.database.ask(_told, floor)
        await floor.start()
        began = floor.clock.now()
        await asyncio.sleep(60.0 * wish.minutes)
        ended = floor.clock.now()
        await floor.pause()
        await floor.rest()
        operators.cancel()
        carrier = await floor.lab.carrier_calls()
        return await floor.database.ask(_read, floor, began, ended, carrier, told)


def _told(tx: Connection, floor: CampaignFloor) -> float | None:
    """What the register says of the chance of a number that was never dialled."""
    debtor_id = tx.execute(select(Phone.debtor_id).order_by(Phone.id).limit(1)).scalar_one()
    phones = debtors.phones(tx, ADMIN, debtor_id)
    policy = policy_of(tx, Area.TAX, OFFICE)
    found = reach.of_phones(tx, phones, [], floor.clock.now(), OFFICE, policy)
    return next(iter(found.values())).now


def _read(
    tx: Connection, floor: CampaignFloor, began: datetime, ended: datetime, carrier: Sequence[CarrierCall], told: float | None
) -> Measured:  # fmt: skip
    attempts = tx.execute(select(Attempt).where(Attempt.campaign_id == floor.campaign_id)).all()
    answered = [one for one in attempts if one.answered_at is not None and one.answered_at <= ended]
    at_carrier = {call.number: call for call in carrier if call.answered}
    lags, delays = [], []
    for one in answered:
        number = dial_digits(one.number)
        call = at_carrier[number]
        assert call.answered is not None
        picked_up = call.answered + floor.clock.offset
        lags.append((one.answered_at - picked_up).total_seconds())
        delays.append((picked_up - one.prepared_at).total_seconds() - int(number[4:7]) / 10)
    staffed = (ended - began).total_seconds() * floor.plan.operators
    return Measured(
        utilisation=100.0 * _busy_seconds(tx, began, ended) / staffed,
        answered=len(answered),
        abandoned=sum(one.abandoned_at is not None for one in answered),
        placed=sum(one.sent_at is not None for one in attempts),
        told=told,
        dial_delay=statistics.fmean(delays) if delays else 0.0,
        lag=statistics.fmean(lags) if lags else 0.0,
        complaints=floor.complaints(),
    )


def _busy_seconds(tx: Connection, began: datetime, ended: datetime) -> float:
    """Seconds in which operators talked or wrapped up."""
    spans = [(row.began_at, row.ended_at) for row in tx.execute(select(DutyLog).where(DutyLog.state.in_(_BUSY)))]
    spans += [(row.since, ended) for row in tx.execute(select(Duty).where(Duty.state.in_(_BUSY)))]
    nothing = timedelta()
    return sum((max(nothing, min(b, ended) - max(a, began)) for a, b in spans), nothing).total_seconds()


# -- the simulator ----------------------------------------------------------------------------------------------------


class Informed(PredictivePacer):
    """Ours, told of every number what the register said of it."""

    told: float | None = None

    def call_placed(self, call: str, now: float, answer_probability: float | None = None) -> None:
        super().call_placed(call, now, answer_probability if answer_probability is not None else self.told)


def simulated(wish: Wish, measured: Measured) -> Sequence[tuple[float, float, int]]:
    """(utilisation, abandonment, answered) of each simulated run, percent."""
    scenario = Scenario(
        wish.operators,
        hours=wish.minutes / 60.0,
        answer=constant(ANSWERS),
        ring_mean=RING_MEAN,
        ring_least=RING_LEAST + measured.dial_delay,
        no_answer=RING_SECONDS + measured.dial_delay,
        talk=constant(TALK),
        wrap=WRAP_UP,
        lag=max(0.0, measured.lag),
        lines=LINES,
    )
    found = []
    for seed in range(wish.runs):
        pacer = Informed(
            target_abandonment=wish.target, max_lines=LINES, calls_per_second=CALLS_PER_SECOND, cap=CAP
        )  # fmt: skip
        pacer.told = measured.told
        day = simulate(scenario, pacer, 1_000 + seed)
        found.append((100.0 * day.utilisation, 100.0 * day.abandonment, day.answered))
    return found


def main(words: Sequence[str]) -> int:
    """See the module docstring."""
    usual = Wish()
    parser = argparse.ArgumentParser(prog="python -m bench.pbx_pacing")
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--operators", type=int, default=usual.operators)
    parser.add_argument("--target", type=float, default=usual.target)
    parser.add_argument("--runs", type=int, default=usual.runs)
    parser.add_argument("--seed", type=int, default=usual.seed)
    found = compare(replace(usual, **vars(parser.parse_args(words))))
    for row in found:
        print(row, flush=True)
    return 0 if all(row.reached for row in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
