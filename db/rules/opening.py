"""Whether the office takes calls at a moment: the one rule behind the announcement that a caller hears instead."""

from datetime import datetime, time
from typing import Final

from db.rules.terms import Term


class Opening(Term):
    """Whether calls are taken. The value of each that is not OPEN is also the name of its announcement."""

    OPEN = "open", "受付中"
    CLOSED = "closed", "受付時間外"
    HOLIDAY = "holiday", "閉庁日"
    STOPPED = "stopped", "緊急停止中"


NO_CALLS: Final = frozenset(Opening) - {Opening.OPEN}


def opening(at: datetime, opens: time, closes: time, *, closed_day: bool, stopped: bool) -> Opening:
    """Judge a moment on the office's wall clock: open from `opens` until before `closes`, not on closed days.

    The emergency stop goes first: it says that something is wrong now, at whatever hour.
    """
    if stopped:
        return Opening.STOPPED
    if closed_day:
        return Opening.HOLIDAY
    return Opening.OPEN if opens <= at.time() < closes else Opening.CLOSED
