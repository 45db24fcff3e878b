"""How many outside lines of a PBX are in use by saikoku, so that some stay free for ordinary phones (P4)."""

from typing import Final

from sqlalchemy import Connection, func, select

from db.rules.telephony import LIVE_CALLS, UNSERVED_INCOMING, AttemptState, Direction
from db.schema.calls import Attempt, Call, Incoming, Seat

_ON_A_LINE: Final = (AttemptState.SENT, AttemptState.RINGING, AttemptState.ANSWERED)


def in_use(tx: Connection, pbx: str) -> int:
    """Calls out that were sent and have not ended, return calls that an operator has taken, and callers who wait."""
    out = select(func.count()).where(Attempt.pbx == pbx, Attempt.state.in_(_ON_A_LINE))
    back = (
        select(func.count())
        .select_from(Call)
        .join(Seat, Seat.extension == Call.seat)
        .where(Seat.pbx == pbx, Call.direction == Direction.IN, Call.state.in_(LIVE_CALLS))
    )
    waiting = select(func.count()).where(Incoming.pbx == pbx, Incoming.state.in_(UNSERVED_INCOMING))
    return sum(int(tx.execute(query).scalar_one()) for query in (out, back, waiting))
