"""A part of a call is left out of its recording, on a real Asterisk (T13)."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from db.rules.telephony import CallState, RecordingState
from db.usecases import pauses
from db.usecases.commands import CommandKind
from saikoku.lab.carrier import TALK_HZ
from tests.live.ami import Ami
from tests.live.returning import Office, agi_address, laid, office, return_ami, return_lab
from tests.live.test_dialplan import a_second_passes
from tests.live.tones import loudness, whole_recording

__all__ = ["agi_address", "laid", "office", "return_ami", "return_lab"]

_BLOCK = 800  # samples, a tenth of a second


def silent_parts(samples: Sequence[int]) -> int:
    """How many tenths of a second lack the citizen's tone between the first and the last that have it."""
    loud = [
        loudness(samples[at : at + _BLOCK], TALK_HZ) > 100 for at in range(0, len(samples) - _BLOCK, _BLOCK)
    ]  # fmt: skip
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    return loud[first:last].count(False)


@pytest.mark.req("T13")
@pytest.mark.parametrize("direction", ["in", "out"])
async def test_what_is_said_in_a_pause_is_not_in_the_file_and_the_pause_is_noted(
    office: Office, return_ami: Ami, direction: str
) -> None:
    await office.ready()
    person, number = await office.person(0)
    call_id = await office.rings(number) if direction == "in" else await office.click(person)
    await office.call_is(call_id, CallState.TALKING)
    await a_second_passes(return_ami)

    async def paused(*, pause: bool) -> None:
        await office.database.run(pauses.request, office.operator, call_id, office.clock.now(), pause=pause)

        def so(tx: Connection) -> bool:
            return pauses.under_way(tx, call_id) is pause

        await office.until(f"paused {pause}", so)

    await paused(pause=True)
    await a_second_passes(return_ami)
    await office.want(call_id, CommandKind.HOLD)  # a pause outlasts being held
    await office.call_is(call_id, CallState.HELD)
    await office.want(call_id, CommandKind.RESUME)
    await office.call_is(call_id, CallState.TALKING)
    await a_second_passes(return_ami)
    await paused(pause=False)
    await a_second_passes(return_ami)
    await office.want(call_id, CommandKind.HANG_UP)

    state, file, milliseconds, *_ = await office.recording(call_id)
    assert state is RecordingState.KEPT
    (pause,) = await office.database.ask(pauses.of_call, call_id)
    assert pause.ended_at is not None
    left_out = (pause.ended_at - pause.began_at).total_seconds()
    samples = await whole_recording(file)
    assert milliseconds is not None
    assert left_out > 2
    assert silent_parts(samples) >= 15  # of some twenty: the file keeps its time
    assert office.lab.office.complaints() == []
