"""Citizens call back: through carrier, look-up, bridge and register to an operator's phone, on a real Asterisk (T5)."""

import asyncio
import shutil
from collections.abc import Container
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ami_bridge.settling import Settler
from db.rules.callers import CallerKind
from db.rules.telephony import CallState, Direction, DutyState, EndedBy, IncomingState, RecordingState
from db.rules.terms import Channel
from db.schema.calls import Call, Incoming
from db.schema.contacts import Contact
from db.settings import Address
from db.store import calls as stored
from db.usecases import incoming, missed, results
from db.usecases.commands import CommandKind
from db.usecases.results import Entry
from saikoku.lab.carrier import DESK_HZ, TALK_HZ
from saikoku.lab.pbx import Lab
from tests.integration.db.people import OFFICE
from tests.live.ami import Ami
from tests.live.returning import Office, agi_address, laid, office, return_ami, return_lab
from tests.live.shift import PATIENCE
from tests.live.test_dialplan import a_second_passes, say_what_is_in
from tests.live.tones import whole_recording

__all__ = ["agi_address", "laid", "office", "return_ami", "return_lab"]


@pytest.mark.req("T5", "T13")
async def test_a_return_call_reaches_the_operator_is_recorded_and_answers_the_letter(
    office: Office, return_ami: Ami
) -> None:
    await office.ready()
    person, number = await office.person(0)
    letter = await office.letter(person)

    call_id = await office.rings(number)
    await office.call_is(call_id, CallState.TALKING)
    call = await office.database.ask(lambda tx: stored.current(tx, office.operator))
    assert call is not None
    assert (call.direction, call.debtor_id, call.number) == (Direction.IN, person, f"+81{number[1:]}")
    await a_second_passes(return_ami)
    await office.want(call_id, CommandKind.HOLD)
    await office.call_is(call_id, CallState.HELD)
    await office.want(call_id, CommandKind.RESUME)
    await office.call_is(call_id, CallState.TALKING)
    await a_second_passes(return_ami)
    await office.lab.hang_up_at_carrier(number)

    await office.duty_becomes(DutyState.WRAP_UP)
    contact_id = await office.database.run(
        results.record_result, office.operator, call_id, Entry("talked_self"), office.clock.now(), OFFICE
    )
    await office.duty_becomes(DutyState.READY)
    contact = await office.database.ask(lambda tx: tx.execute(select(Contact).where(Contact.id == contact_id)).one())
    assert (contact.channel, contact.answers_id) == (Channel.CALL_IN, letter)
    state, file, *_ = await office.recording(call_id)
    assert state is RecordingState.KEPT
    heard = say_what_is_in(await whole_recording(file))
    assert (heard[DESK_HZ], heard[TALK_HZ]) == (True, True)
    assert office.lab.office.complaints() == []


@pytest.mark.req("T5")
async def test_two_calls_at_once_reach_two_operators_and_a_third_waits_until_one_is_free(office: Office) -> None:
    await office.ready()
    colleague = await office.colleague()
    people = [await office.person(0) for _ in range(3)]

    first, second, third = [await office.rings(number) for _, number in people]

    await office.call_is(first, CallState.TALKING)
    await office.call_is(second, CallState.TALKING)
    row = await office.database.ask(lambda tx: stored.current(tx, colleague))
    assert row is not None
    assert row.id in {first, second}
    await office.becomes(third, IncomingState.WAITING)
    mine = first if row.id == second else second
    await office.want(mine, CommandKind.HANG_UP)
    await office.duty_becomes(DutyState.WRAP_UP)
    await office.database.run(
        results.record_result, office.operator, mine, Entry("talked_self"), office.clock.now(), OFFICE
    )
    await office.call_is(third, CallState.TALKING)
    waited = await office.database.ask(lambda tx: stored.current(tx, office.operator))
    assert waited is not None
    assert waited.id == third
    by = select(Call.ended_by).where(Call.id == mine)
    assert await office.database.ask(lambda tx: tx.execute(by).scalar_one()) == EndedBy.SCREEN


@pytest.mark.req("T5")
async def test_nobody_takes_the_call_and_a_call_back_is_promised(office: Office) -> None:
    person, number = await office.person(0)

    call_id = await office.rings(number)

    await office.becomes(call_id, IncomingState.ASKED_BACK)  # the dialplan's patience is over
    assert await office.open_tasks() == [(missed.CALL_BACK_TASK, person)]


@pytest.mark.req("T5")
async def test_a_caller_who_hangs_up_while_it_rings_is_missed(office: Office) -> None:
    call_id = await office.rings("05012349999")
    kind = select(Incoming.kind).where(Incoming.id == call_id)
    assert await office.database.ask(lambda tx: tx.execute(kind).scalar_one()) is CallerKind.UNKNOWN

    async with asyncio.timeout(PATIENCE):
        while not await office.lab.hang_up_at_carrier("05012349999"):
            pass

    await office.becomes(call_id, IncomingState.MISSED)
    assert await office.open_tasks() == [(missed.MISSED_TASK, None)]


@pytest.mark.req("T5", "T3")
async def test_a_bridge_that_was_away_takes_up_who_rings_and_who_talks(
    return_lab: Lab, return_ami: Ami, tmp_path: Path, laid: Path, agi_address: Address
) -> None:
    shutil.copy(laid, tmp_path / "register.db")
    office = Office(return_lab, tmp_path, tmp_path / "register.db")
    _, number = await office.person(0)
    async with office.look_up(agi_address):
        async with office.bridge():
            await office.ready()
            talking = await office.rings(number)
            await office.call_is(talking, CallState.TALKING)
        _, other = await office.person(0)
        await return_lab.call_office(other)
        await return_ami.event("UserEvent", UserEvent="SaikokuIncoming", Caller=other)
        async with office.bridge():
            await office.until("both are known", lambda tx: len(tx.execute(select(Incoming.id)).all()) == 2)
            await office.want(talking, CommandKind.HANG_UP)
            await office.call_is(talking, CallState.ENDED)
    await office.database.aclose()


@pytest.mark.req("T5", "T3")
async def test_a_caller_who_rings_while_a_new_link_is_reconciled_is_not_taken_for_gone(
    return_lab: Lab,
    return_ami: Ami,
    tmp_path: Path,
    laid: Path,
    agi_address: Address,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list of channels is older than the call, and the register already knows it when the two are compared."""
    shutil.copy(laid, tmp_path / "register.db")
    office = Office(return_lab, tmp_path, tmp_path / "register.db")
    _, number = await office.person(0)
    compare = Settler.callers

    async def rings_in_between(self: Settler, channels: Container[str], listed_at: datetime) -> None:
        await office.rings(number)
        await compare(self, channels, listed_at)

    monkeypatch.setattr(Settler, "callers", rings_in_between)
    async with office.look_up(agi_address), office.bridge():
        await return_ami.event("UserEvent", UserEvent="SaikokuWaitsOn", CallerIDNum=number, Place="1")
    await office.database.aclose()


@pytest.mark.req("T5")
@pytest.mark.parametrize(
    ("caller", "kind", "number"),
    [
        ("anonymous", CallerKind.HIDDEN, None),
        ("05012340000", CallerKind.UNKNOWN, "+815012340000"),
        ("+12025550123", CallerKind.FOREIGN, "+12025550123"),
        ("12345678901234567", CallerKind.MALFORMED, None),
        ("0120000000", CallerKind.SERVICE, "+81120000000"),
        ("unavailable", CallerKind.NO_NUMBER, None),
    ],
    ids=str,
)
async def test_a_number_that_names_nobody_reaches_a_desk_and_says_what_it_is(
    office: Office, caller: str, kind: CallerKind, number: str | None
) -> None:
    await office.ready()

    call_id = await office.rings(caller)

    await office.call_is(call_id, CallState.TALKING)
    row = await office.database.ask(lambda tx: tx.execute(select(Incoming).where(Incoming.id == call_id)).one())
    assert (row.kind, row.number, row.candidates) == (kind, number, [])
    pop = await office.pop(call_id)
    assert (pop.kind, pop.candidates, bool(pop.advice)) == (kind, [], True)
    assert office.lab.office.complaints() == []


@pytest.mark.req("T5")
async def test_a_shared_number_lists_everyone_who_has_it_and_the_choice_decides(office: Office) -> None:
    await office.ready()
    one, number = await office.person(0)
    other = await asyncio.to_thread(office.small.debtor, "山田 花子", "ヤマダ ハナコ", phone=f"+81{number[1:]}")
    letter = await office.letter(other)

    call_id = await office.rings(number)

    await office.call_is(call_id, CallState.TALKING)
    pop = await office.pop(call_id)
    assert pop.kind is CallerKind.SEVERAL
    assert [found.hit.id for found in pop.candidates] == [other, one]  # to whom something was sent comes first
    await office.database.run(incoming.choose, office.operator, call_id, other, office.clock.now())
    await office.lab.hang_up_at_carrier(number)
    await office.duty_becomes(DutyState.WRAP_UP)
    contact_id = await office.database.run(
        results.record_result, office.operator, call_id, Entry("talked_self"), office.clock.now(), OFFICE
    )
    contact = select(Contact.debtor_id, Contact.answers_id).where(Contact.id == contact_id)
    assert tuple(await office.database.ask(lambda tx: tx.execute(contact).one())) == (other, letter)


@pytest.mark.req("T5", "T3")
async def test_a_caller_who_rang_in_vain_while_no_bridge_was_there_is_missed(
    return_lab: Lab, return_ami: Ami, tmp_path: Path, laid: Path, agi_address: Address
) -> None:
    shutil.copy(laid, tmp_path / "register.db")
    office = Office(return_lab, tmp_path, tmp_path / "register.db")
    debtor_id, number = await office.person(0)
    async with office.look_up(agi_address):
        async with office.bridge():
            await office.ready()
        await return_lab.call_office(number)
        rang = await return_ami.event("UserEvent", UserEvent="SaikokuIncoming", Caller=number)
        await return_lab.hang_up_at_carrier(number)
        await return_ami.event("Hangup", Uniqueid=rang["Uniqueid"])
        async with office.bridge():
            await office.until("it is known", lambda tx: len(tx.execute(select(Incoming.id)).all()) == 1)
            assert await office.open_tasks() == [(missed.MISSED_TASK, debtor_id)]
    await office.database.aclose()
