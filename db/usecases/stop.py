"""The emergency stop (P4): one switch that holds everything that dials or sends, and lets it go again.

That it is on reaches everybody through the rule (`db.rules.eligibility`), which is asked at the click and again before
an Originate. What is dialled or rings at that moment is taken back; talks go on, because somebody is speaking there.
Only the register is needed: the command line stops with the panel down, and the panel with the PBX away.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from db.outbox import publish
from db.rules.telephony import AttemptState, DialMode
from db.rules.terms import Right
from db.rules.viewer import Viewer
from db.schema.calls import Attempt
from db.store import access_log, office
from db.usecases import calls
from db.usecases.commands import CommandKind, want, withdraw

TOPIC: Final = "office"
LONGEST_REASON: Final = 200
NO_REASON: Final = "理由の記入なし"
TAKEN_BACK: Final = "緊急停止のため、発信前に取り消しました。"

_NOT_ANSWERED: Final = (AttemptState.PREPARED, AttemptState.SENT, AttemptState.RINGING)


def stop(tx: Connection, viewer: Viewer, reason: str, now: datetime) -> int:
    """Stop everything that dials or sends; returns how many calls were taken back. Raises NotAllowedError.

    Stopping is never refused for its form: an empty reason is noted as such, a long one is cut at LONGEST_REASON
    characters. Stopping what is stopped keeps the first word on it, and takes back again what still rings.
    """
    viewer.require(Right.CAMPAIGN_RUN)
    words = " ".join(reason.split())[:LONGEST_REASON] or NO_REASON
    if office.stopped(tx) is None:
        office.put(tx, viewer, office.EMERGENCY_STOP, {"by": viewer.name, "reason": words}, now)
    taken = _take_back(tx, viewer, now)
    access_log.append(tx, viewer, now, "office.stop", detail=f"{words}（取り消した発信{taken}件）")
    publish(tx, now, TOPIC, office.EMERGENCY_STOP)
    return taken


def resume(tx: Connection, viewer: Viewer, now: datetime) -> bool:
    """Let go again; False if nothing was stopped. Nothing that was taken back is dialled by itself."""
    viewer.require(Right.CAMPAIGN_RUN)
    if office.stopped(tx) is None:
        return False
    office.put(tx, viewer, office.EMERGENCY_STOP, new=False, now=now)
    access_log.append(tx, viewer, now, "office.resume")
    publish(tx, now, TOPIC, office.EMERGENCY_STOP)
    return True


def _take_back(tx: Connection, viewer: Viewer, now: datetime) -> int:
    """End what nobody has answered. The rows are locked: one that `authorize` holds is seen as it leaves it, and one
    that it comes to later finds the stop in force."""
    rows = tx.execute(
        select(Attempt.id, Attempt.pbx, Attempt.state, Attempt.mode)
        .where(Attempt.state.in_(_NOT_ANSWERED))
        .order_by(Attempt.id)
        .with_for_update()
    ).all()
    taken = 0
    for row in rows:
        if row.state is not AttemptState.PREPARED:
            want(tx, row.pbx, CommandKind.HANG_UP, row.id, viewer.user_id, now)
        elif row.mode is DialMode.PREDICTIVE or withdraw(tx, row.pbx, CommandKind.PLACE, row.id, now):
            calls.refuse(tx, row.id, now, TAKEN_BACK)
        else:
            continue  # the bridge has it in hand, and is about to be refused
        taken += 1
    return taken
