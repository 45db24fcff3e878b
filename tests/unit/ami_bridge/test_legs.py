"""Which phones come back by themselves after the PBX was restarted (T3)."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ami_bridge.legs import CUT, NOT_REGISTERED, went_with_the_pbx
from db.rules.telephony import DutyState
from db.store.calls import DutyRow

BOOTED = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    ("state", "reason", "seconds", "comes"),
    [
        (DutyState.PHONE_LOST, CUT, -20, True),
        (DutyState.WRAP_UP, "", -20, True),
        (DutyState.PHONE_LOST, "", 1, True),  # the result was saved while the phone was down
        (DutyState.PHONE_LOST, CUT, 30, False),  # its operator, since
        (DutyState.PHONE_LOST, CUT, -3600, False),  # its operator, an hour before
        (DutyState.PHONE_LOST, NOT_REGISTERED, -20, False),
        (DutyState.PAUSED, "休憩", -20, False),  # they may have put the receiver down
    ],
)
def test_only_what_the_pbx_hung_up_itself_is_rung_again(
    state: DutyState, reason: str, seconds: int, comes: bool
) -> None:
    since = BOOTED + timedelta(seconds=seconds)
    down = DutyRow(1, "1001", "PJSIP/1001", "main", state, reason, since, uuid.uuid4(), leg_up=False, call_id=None)
    assert went_with_the_pbx(down, BOOTED) is comes
    assert not went_with_the_pbx(down, None)
