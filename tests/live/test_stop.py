"""The emergency stop and kept lines on a real PBX (P4): what rings ends, what talks goes on, what is full is not dialled."""

import pytest

from db.rules.telephony import AttemptResult, AttemptState, CallState, DutyState
from db.usecases import calls, stop
from db.usecases.commands import CommandKind
from saikoku.lab.pbx import Lab
from tests.integration.db.people import ADMIN
from tests.live.ami import Ami
from tests.live.shift import Shift
from tests.live.test_calls import AT_ONCE, TALKS, NewShift, founded, new_shift, owes_a_result, shift, talking

__all__ = ["founded", "new_shift", "shift"]

RINGS = 30


async def stop_all(at: Shift) -> int:
    return await at.database.run(stop.stop, ADMIN, "試験", at.clock.now())


@pytest.mark.req("P4")
async def test_a_phone_that_rings_is_let_go_at_once(shift: Shift, ami: Ami) -> None:
    await shift.ready()
    debtor_id, number = await shift.person(RINGS)
    call_id = await shift.click(debtor_id)
    await shift.call_becomes(call_id, CallState.RINGING)

    assert await stop_all(shift) == 1

    told = await owes_a_result(shift, call_id)
    assert (told.attempt, told.result) == (AttemptState.ENDED, AttemptResult.CANCELLED)
    (reached,) = await shift.calls_at_carrier(number)
    assert reached.answered is None
    with pytest.raises(calls.ContactRefusedError):
        await shift.click(debtor_id)


@pytest.mark.req("P4")
async def test_a_talk_goes_on_through_a_stop(shift: Shift, ami: Ami) -> None:
    call_id, _ = await talking(shift, AT_ONCE)

    assert await stop_all(shift) == 0

    await shift.want(call_id, CommandKind.HOLD)
    await shift.call_becomes(call_id, CallState.HELD)  # the bridge still serves it
    await shift.want(call_id, CommandKind.HANG_UP)
    assert (await owes_a_result(shift, call_id)).result is AttemptResult.ANSWERED


@pytest.mark.req("P4")
async def test_no_call_is_dialled_on_a_line_that_is_kept_free(
    lab: Lab, ami: Ami, new_shift: NewShift
) -> None:  # fmt: skip
    one = new_shift(lab, max_lines=1)
    async with one.bridge():
        await talking(one, TALKS)
        other = one.small.user("second")
        one.small.seat("1002")
        first, one.operator, one.seat = one.operator, other, "1002"
        await one.ready()
        debtor_id, number = await one.person(AT_ONCE)
        call_id = await one.click(debtor_id)
        await one.duty_becomes(DutyState.READY)
        told = await one.told(call_id)
        one.operator, one.seat = first, "1001"
    assert told.attempt is AttemptState.REFUSED
    assert "上限1回線" in told.refusal
    assert await one.calls_at_carrier(number) == []
