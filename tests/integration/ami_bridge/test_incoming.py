"""Return calls in the bridge, against a link that hears only the end of them."""

import asyncio
import uuid
from pathlib import Path

import pytest

from ami_bridge.incoming import Reception
from ami_bridge.patience import Patience
from ami_bridge.recordings import Recordings
from ami_bridge.tracking import Arrived, Gone
from db.clock import FixedClock
from db.register import Register
from db.rules.callers import Caller, CallerKind
from db.rules.telephony import IncomingState
from db.store import incoming as stored
from db.usecases import duty, incoming
from tests.integration.ami_bridge.test_dialing import Link, Tasks
from tests.integration.db.people import NOW, OFFICE, SmallOffice
from tests.unit.ami_bridge.scripted_ami import HeldTime


@pytest.mark.req("T5")
@pytest.mark.parametrize(("talked", "became"), [(True, IncomingState.ENDED), (False, IncomingState.MISSED)])
async def test_a_talk_of_which_only_the_end_is_heard_was_no_missed_call(
    small: SmallOffice, talked: bool, became: IncomingState
) -> None:
    """A bridge that comes back as the caller puts the receiver down hears the Hangup before it has looked around."""
    viewer, seat, tasks, clock = small.user("op"), small.seat(), Tasks(), HeldTime()
    register = Register(small.database, FixedClock(NOW), clock)
    patience = Patience(tasks, clock, 45.0, _nobody)  # type: ignore[arg-type]
    recordings = Recordings(register, Path("/nowhere"), tasks, clock)  # type: ignore[arg-type]
    reception = Reception(register, Link(), patience, recordings, None, OFFICE, "main")  # type: ignore[arg-type]
    taken = await small.database.run(duty.take_seat, viewer, seat, NOW)
    await small.database.run(duty.leg_answered, taken.leg_id, NOW)
    call_id = incoming.call_id_of("main", "1700000000.1")
    rang = Arrived(call_id, "1700000000.1", Caller(CallerKind.UNKNOWN, "+819011112222"))
    await small.database.run(incoming.receive, call_id, "main", rang.channel, rang.caller, NOW, OFFICE)

    await reception.apply(Gone(call_id, 16, reached=True, answered=True, talked=talked))

    row = await small.database.ask(stored.find, call_id)
    assert row is not None
    assert row.state is became
    await tasks.end()
    await small.database.aclose()


async def _nobody(_: uuid.UUID) -> None:
    await asyncio.sleep(0)
