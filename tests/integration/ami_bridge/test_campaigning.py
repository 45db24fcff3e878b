"""Campaigns in the bridge, against a link that only writes down what it is asked: who is joined, who is let go (T4)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ami_bridge import campaigning
from ami_bridge.campaigning import Campaigns
from ami_bridge.dialing import Dialing
from ami_bridge.errors import OutcomeUnknown
from ami_bridge.lanes import Lanes
from ami_bridge.pace import Pace
from ami_bridge.patience import Patience
from ami_bridge.recordings import Recordings
from ami_bridge.tracking import Answered, Fact, Failed, Gone, Rang, Standing, Unserved, Waiting
from db.clock import FixedClock
from db.register import Register
from db.rules.telephony import AttemptState, DialMode, DutyState
from db.schema.calls import Attempt, Duty
from db.settings import DialSettings
from db.store.calls import DutyRow
from db.tenure import Lease
from db.usecases import duty, settling
from db.usecases.campaigns import Running
from tests.integration.ami_bridge.test_dialing import Link, Tasks
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.integration.db.test_campaigns import SETTINGS, Floor
from tests.unit.ami_bridge.scripted_ami import HeldTime, soon

pytestmark = pytest.mark.req("T4")

OPERATORS = 2


class Dialer:
    """A running campaign with operators who are ready, and the bridge's campaigns without a bridge."""

    def __init__(self, small: SmallOffice) -> None:
        self.floor = Floor(small)
        self.floor.people(6)
        self.campaign_id = self.floor.run(replace(SETTINGS, lines=10, calls_per_second=20.0))
        self.operators = [self.floor.operator(f"op{n}", f"100{n}", self.campaign_id) for n in range(1, OPERATORS + 1)]
        self.database, self.link, self.tasks, clock = small.database, Link(), Tasks(), HeldTime()
        self.clock = clock
        register = Register(self.database, FixedClock(NOW), clock)
        self.lease = Lease(register, "bridge:main", clock)
        patience = Patience(self.tasks, clock, 45.0, self.lose)  # type: ignore[arg-type]
        recordings = Recordings(register, Path("/nowhere"), self.tasks, clock)  # type: ignore[arg-type]
        dial = DialSettings(recordings_dir=Path("/nowhere"))
        self.dialing = Dialing(register, self.link, self.lease, patience, recordings, dial, OFFICE, self.lose)  # type: ignore[arg-type]
        self.lanes = Lanes(self.tasks)  # type: ignore[arg-type]
        self.campaigns = Campaigns(
            register, self.link, self.lease, self.lanes, self.dialing, self.tasks, clock, dial, OFFICE, "main",  # type: ignore[arg-type]
        )  # fmt: skip

    async def lose(self, attempt_id: uuid.UUID, failed: Failed | None = None) -> None:
        await self.database.run(settling.settle, attempt_id, settling.NOTHING, NOW)

    async def dials(self) -> list[uuid.UUID]:
        """What one round of the pacers dials, in the order in which it was sent."""
        before = len(self.link.sent)
        await self.campaigns._round()
        await self.quiet()
        fields = [dict(action.fields) for action in self.link.sent[before:] if action.name == "Originate"]
        return [uuid.UUID(one["ChannelId"]) for one in fields]

    async def hears(self, *facts: Fact) -> None:
        for fact in facts:
            await self.dialing.apply(fact)
            await self.campaigns.heard(fact)

    async def quiet(self) -> None:
        """Wait until the lanes are empty."""
        while self.lanes._lanes:
            await soon(
                asyncio.wait([task for task in self.tasks.made if not task.done()], return_when="FIRST_COMPLETED")
            )

    async def attempt(self, attempt_id: uuid.UUID) -> Any:
        return await self.database.ask(lambda tx: tx.execute(select(Attempt).where(Attempt.id == attempt_id)).one())

    def joined(self) -> list[tuple[str, str]]:
        """Whom the link was asked to bring to which seat."""
        moves = [dict(action.fields) for action in self.link.sent if action.name == "Redirect"]
        return [(one["Channel"], one["Exten"]) for one in moves]


@pytest.fixture
async def dialer(small: SmallOffice) -> AsyncIterator[Dialer]:
    made = Dialer(small)
    await made.lease.acquire()
    yield made
    await made.tasks.end()
    await small.database.aclose()


async def test_it_dials_for_operators_who_are_ready_and_joins_whoever_answers(dialer: Dialer) -> None:
    first, second = (await dialer.dials())[:2]
    await dialer.hears(Rang(first), Answered(first), Waiting(first))
    await dialer.hears(Rang(second), Answered(second), Waiting(second))
    assert sorted(dialer.joined()) == sorted([(str(first), "1001"), (str(second), "1002")])
    originate = next(action for action in dialer.link.sent if action.name == "Originate")
    variables = [value for name, value in originate.fields if name == "Variable"]
    assert "SAIKOKU_PATIENCE=2" in variables
    assert not any(value.startswith("SAIKOKU_SEAT=") for value in variables)


async def test_nobody_else_is_claimed_while_the_register_is_behind(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register that is too slow slows the campaign down: whoever answers must not wait behind those who are to be dialled."""
    slow, query = asyncio.Event(), select(func.count()).select_from(Attempt)
    monkeypatch.setattr(campaigning, "AHEAD", 1)
    monkeypatch.setattr(dialer.campaigns, "_send", lambda _: slow.wait())
    for claimed in (1, 1):
        await dialer.campaigns._round()
        assert await dialer.database.ask(lambda tx: tx.execute(query).scalar_one()) == claimed
    slow.set()
    await dialer.quiet()
    await dialer.campaigns._round()
    assert await dialer.database.ask(lambda tx: tx.execute(query).scalar_one()) == 2


async def test_who_waits_is_joined_as_soon_as_somebody_is_free(dialer: Dialer) -> None:
    first, *_ = await dialer.dials()
    for operator in dialer.operators:
        await dialer.database.run(duty.pause, operator, "休憩", NOW)
    await dialer.hears(Rang(first), Answered(first), Waiting(first))
    assert dialer.joined() == []
    await dialer.database.run(duty.resume, dialer.operators[1], NOW)
    await dialer.campaigns.offer()
    await dialer.quiet()
    assert dialer.joined() == [(str(first), "1002")]


@pytest.mark.parametrize("leaves", ["hears the apology", "hangs up"])
async def test_who_finds_nobody_is_counted_once(dialer: Dialer, leaves: str) -> None:
    first, *_ = await dialer.dials()
    for operator in dialer.operators:
        await dialer.database.run(duty.pause, operator, "休憩", NOW)
    await dialer.hears(Rang(first), Answered(first), Waiting(first))
    await dialer.hears(*([Unserved(first)] if leaves == "hears the apology" else []))
    await dialer.hears(Gone(first, 16, reached=True, answered=True))
    row = await dialer.attempt(first)
    assert (row.state, row.abandoned_at) == (AttemptState.ENDED, NOW)
    await dialer.database.run(duty.resume, dialer.operators[0], NOW)
    await dialer.campaigns.offer()
    await dialer.quiet()
    assert dialer.joined() == []


async def test_nobody_without_a_phone_is_dialled_for(dialer: Dialer) -> None:
    for operator in dialer.operators:
        leg = await dialer.database.ask(
            lambda tx, who=operator: tx.execute(select(Duty.leg_id).where(Duty.user_id == who.user_id)).scalar_one()  # type: ignore[misc]
        )
        await dialer.database.run(duty.leg_lost, leg, NOW, "電話機切断")
    assert await dialer.dials() == []


async def test_a_dial_whose_outcome_is_unknown_is_not_dialled_again(dialer: Dialer) -> None:
    dialer.link.answers["Originate"] = OutcomeUnknown("Originate", "cut")
    sent = await dialer.dials()
    assert {(await dialer.attempt(one)).state for one in sent} == {AttemptState.UNKNOWN}
    del dialer.link.answers["Originate"]
    people = {(await dialer.attempt(one)).debtor_id for one in sent}
    again = await dialer.dials()
    assert again
    assert people.isdisjoint({(await dialer.attempt(one)).debtor_id for one in again})


async def test_whoever_still_waits_on_a_new_link_is_offered_and_what_has_no_channel_is_over(dialer: Dialer) -> None:
    first, second = (await dialer.dials())[:2]
    waits = Standing(ringing=False, up=True, context="saikoku-answered", seat=None)
    await dialer.campaigns.found({first: waits})
    await dialer.campaigns.offer()
    await dialer.quiet()
    assert [channel for channel, _ in dialer.joined()] == [str(first)]
    assert second not in dialer.campaigns._pace_of


def test_other_limits_keep_the_calls_under_way() -> None:
    campaign = Running(uuid.uuid4(), DialMode.PREDICTIVE, True, 3, 10.0, 0.01, 0.03, 20)
    ready = [
        DutyRow(n, f"100{n}", "PJSIP/100", "main", DutyState.READY, "", NOW, uuid.uuid4(), True, None) for n in range(5)
    ]
    pace = Pace(campaign)
    wanted = pace.wanted(ready, (0, 0), 0.0)
    assert 0 < wanted <= 3
    calls = [uuid.uuid4() for _ in range(wanted)]
    for call in calls:
        pace.placed(call, 0.0, None)
    fewer = Running(campaign.id, DialMode.PREDICTIVE, True, wanted, 10.0, 0.02, 0.03, 20)
    assert pace.fits(campaign)
    assert not pace.fits(fewer)
    other = pace.within(fewer, 1.0)
    assert (other.calls, other.wanted(ready, (0, 0), 1.0)) == (frozenset(calls), 0)
