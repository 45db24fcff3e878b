"""Campaigns on a real Asterisk: dialled ahead, joined to whoever is free, let go politely if nobody is (T4)."""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from db.rules.campaigns import CampaignSettings, MachineRule, TargetOrder, TargetState
from db.rules.conditions import Amount
from db.rules.telephony import (
    OPEN_ATTEMPTS,
    AttemptResult,
    AttemptState,
    CallState,
    DialMode,
    DutyState,
    RecordingState,
)
from db.rules.terms import Area
from db.schema.calls import Attempt, Call, Recording
from db.schema.campaigns import CampaignTarget
from db.schema.contacts import Contact
from db.store import summaries
from db.usecases import campaign_desk as desk
from db.usecases import campaigns, duty, results, targets
from db.usecases.results import Entry
from saikoku.lab.pbx import CarrierCall, Lab, write_music
from tests.integration.db.people import OFFICE
from tests.live.ami import Ami
from tests.live.returning import Office, agi_address, laid, office, return_ami, return_lab
from tests.live.tones import loudness, whole_recording

__all__ = ["agi_address", "laid", "office", "return_ami", "return_lab"]

SETTINGS = CampaignSettings(
    name="秋の催告", mode=DialMode.PREDICTIVE, order=TargetOrder.AMOUNT, lines=4, calls_per_second=2.0, ring_seconds=15
)


async def campaign(
    office: Office, endings: Sequence[int], settings: CampaignSettings = SETTINGS, does: Sequence[str] = ()
) -> tuple[uuid.UUID, list[tuple[int, str]]]:
    """A running campaign over new people, whose numbers end so, or who do so; the office's operator has joined it."""
    people = [await office.person(ending) for ending in endings]
    for (_, number), behaviour in zip(people, does, strict=False):
        await office.lab.citizen(number, behaviour)

    def make(tx: Connection) -> uuid.UUID:
        now = office.clock.now()
        summaries.refresh(tx, [one for one, _ in people], OFFICE.today(now))
        fixed = targets.freeze(tx, boss, Amount(low=1), "名簿", None, now, OFFICE)
        made = desk.make(tx, boss, Area.TAX, settings, {fixed: 1}, now, OFFICE)
        desk.join(tx, office.operator, made, now)
        desk.start(tx, boss, made, now)
        return made

    boss = office.small.user("boss", "supervisor")
    return await office.database.run(make), people


async def attempt_of(office: Office, debtor_id: int, state: AttemptState) -> uuid.UUID:
    """Somebody's dial, once it has come so far."""
    query = select(Attempt.id).where(Attempt.debtor_id == debtor_id, Attempt.state == state)
    await office.until(f"attempt {state}", lambda tx: tx.execute(query).first() is not None)
    found = await office.database.ask(lambda tx: tx.execute(query).scalars().one())
    assert isinstance(found, uuid.UUID)
    return found


async def talks(office: Office, debtor_id: int) -> uuid.UUID:
    """Somebody's call, once they are with an operator."""
    query = select(Call.id).where(Call.debtor_id == debtor_id, Call.state == CallState.TALKING)
    await office.until("they talk", lambda tx: tx.execute(query).first() is not None)
    found = await office.database.ask(lambda tx: tx.execute(query).scalars().one())
    assert isinstance(found, uuid.UUID)
    return found


async def one(office: Office, query: Any) -> Any:
    return await office.database.ask(lambda tx: tx.execute(query).one())


async def dialled(office: Office, people: Sequence[tuple[int, str]]) -> list[list[CarrierCall]]:
    """The calls that the carrier counted, of each."""
    counted = await office.lab.carrier_calls()
    return [[call for call in counted if call.number == number] for _, number in people]


@pytest.mark.req("T4", "T13")
async def test_who_answers_is_joined_to_the_operator_and_the_next_is_dialled_when_they_are_done(
    office: Office, return_ami: Ami
) -> None:
    await office.ready()
    campaign_id, people = await campaign(office, [0, 2, 65, 90])
    for debtor_id, number in people[:2]:
        call_id = await talks(office, debtor_id)
        await office.lab.hang_up_at_carrier(number)
        await office.duty_becomes(DutyState.WRAP_UP)
        await office.database.run(
            results.record_result, office.operator, call_id, Entry("talked_self"), office.clock.now(), OFFICE
        )
        assert (await office.recording(call_id))[0] is RecordingState.KEPT
    for debtor_id, _ in people[2:]:
        await attempt_of(office, debtor_id, AttemptState.ENDED)

    assert [len(calls) for calls in await dialled(office, people)] == [1, 1, 1, 1]
    rows = await office.database.ask(
        lambda tx: tx.execute(select(Attempt.debtor_id, Attempt.result, Attempt.abandoned_at)).all()
    )
    told = {row.debtor_id: (row.result, row.abandoned_at) for row in rows}
    assert [told[debtor_id] for debtor_id, _ in people] == [
        (AttemptResult.ANSWERED, None), (AttemptResult.ANSWERED, None), (AttemptResult.BUSY, None),
        (AttemptResult.CHANGED, None),
    ]  # fmt: skip
    query = select(CampaignTarget.state).where(CampaignTarget.campaign_id == campaign_id)
    becomes = query.where(CampaignTarget.debtor_id == people[2][0])
    await office.until("the busy one is to be tried again", lambda tx: tx.execute(becomes).scalar() is TargetState.OPEN)


@pytest.mark.req("T4")
async def test_somebody_for_whom_nobody_is_free_hears_the_apology_and_is_counted(
    office: Office, return_ami: Ami
) -> None:
    """Their operator left while the line rang: nobody is joined to an empty chair."""
    await office.ready()
    _, people = await campaign(office, [1])
    attempt_id = await attempt_of(office, people[0][0], AttemptState.RINGING)
    await office.database.run(duty.pause, office.operator, "休憩", office.clock.now())

    over = select(Attempt.state).where(Attempt.id == attempt_id)
    await office.until("the dial is over", lambda tx: tx.execute(over).scalar_one() not in OPEN_ATTEMPTS)
    row = await one(office, select(Attempt).where(Attempt.id == attempt_id))
    assert (row.state, row.result) == (AttemptState.ENDED, AttemptResult.ANSWERED)
    assert row.abandoned_at is not None
    noted = select(Contact.disposition).where(Contact.id == attempt_id)
    await office.until("it is noted", lambda tx: tx.execute(noted).scalar_one_or_none() == "abandoned")
    for table in (Call, Recording):
        assert (await one(office, select(func.count()).select_from(table)))[0] == 0
    assert not list(office.lab.recordings.rglob(f"{attempt_id}*"))
    assert [len(calls) for calls in await dialled(office, people)] == [1]


@pytest.mark.req("T4", "P4")
async def test_a_campaign_that_is_stopped_lets_go_of_what_rings(office: Office, return_ami: Ami) -> None:
    await office.ready()
    campaign_id, people = await campaign(office, [30])
    attempt_id = await attempt_of(office, people[0][0], AttemptState.RINGING)
    boss = office.small.user("boss2", "supervisor")
    await office.database.run(desk.stop, boss, campaign_id, office.clock.now())

    over = select(Attempt.state).where(Attempt.id == attempt_id)
    await office.until("the dial is over", lambda tx: tx.execute(over).scalar_one() is AttemptState.ENDED)
    query = select(Attempt.result).where(Attempt.id == attempt_id)
    assert await one(office, query) == (AttemptResult.CANCELLED,)


@pytest.mark.req("T4")
async def test_who_answers_while_the_bridge_is_dead_is_let_go_by_the_dialplan_and_counted_afterwards(
    return_lab: Lab, return_ami: Ami, tmp_path: Path, laid: Path
) -> None:
    shutil.copy(laid, tmp_path / "register.db")
    office = Office(return_lab, tmp_path, tmp_path / "register.db")
    async with office.bridge_process() as process:
        await office.ready()
        _, people = await campaign(office, [99])
        attempt_id = await attempt_of(office, people[0][0], AttemptState.RINGING)
        process.kill()
        await process.wait()
    await return_ami.event("UserEvent", UserEvent="SaikokuAbandoned", Uniqueid=str(attempt_id))
    await return_ami.event("Hangup", Uniqueid=str(attempt_id))
    async with office.bridge_process():
        lost = select(Attempt.id).where(Attempt.abandoned_at.is_not(None))
        await office.until("it is counted", lambda tx: tx.execute(lost).scalar_one_or_none() == attempt_id)
    row = await one(office, select(Attempt).where(Attempt.id == attempt_id))
    assert (row.state, row.result) == (AttemptState.ENDED, AttemptResult.ANSWERED)
    assert [len(calls) for calls in await dialled(office, people)] == [1]
    await office.database.aclose()


MESSAGE_HZ = 1400


@pytest.mark.req("T4")
async def test_an_answering_machine_hears_the_message_and_a_person_is_joined(
    office: Office, return_ami: Ami, tmp_path: Path
) -> None:
    """By the real AMD: the machine is left to nobody, counts as no person who answered, and is tried again another time."""
    write_music(office.lab.office.folder / "sounds/message.wav", seconds=1, hz=MESSAGE_HZ, peak=8000)
    settings = replace(SETTINGS, machines=MachineRule.MESSAGE, voicemail_prompt="message")
    await office.ready()
    campaign_id, people = await campaign(office, [0, 0], settings, ["machine", "greets"])
    (machine, number), (person, _) = people
    attempt_id = await attempt_of(office, machine, AttemptState.ANSWERED)
    await office.lab.hear(number, tmp_path / "heard.wav")
    assert await attempt_of(office, machine, AttemptState.ENDED) == attempt_id
    samples = await whole_recording(tmp_path / "heard.wav")
    assert loudness(samples, MESSAGE_HZ) > 20 * loudness(samples, 1000)

    await talks(office, person)
    row = await one(office, select(Attempt).where(Attempt.id == attempt_id))
    assert row.machine_at is not None
    assert (row.result, row.abandoned_at) == (AttemptResult.ANSWERED, None)
    again = select(CampaignTarget.state, CampaignTarget.last_result).where(CampaignTarget.debtor_id == machine)
    assert tuple(await one(office, again)) == (TargetState.OPEN, "voicemail")
    today = OFFICE.today(office.clock.now())
    assert await office.database.ask(campaigns.ledger, campaign_id, today) == (1, 0)
    assert (await one(office, select(func.count()).select_from(Call)))[0] == 1
    assert office.lab.office.complaints() == []
