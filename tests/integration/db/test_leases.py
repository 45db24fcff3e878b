"""Leases and commands, on both databases."""

from datetime import timedelta

import pytest

from db.engine import Database
from db.rules.telephony import DutyState
from db.usecases import commands, duty, leases
from db.usecases.leases import LeaseLostError
from tests.integration.db.people import NOW, SmallOffice

LASTS = timedelta(seconds=20)


def nobody(_holder: str) -> bool:
    return False


@pytest.mark.req("P3")
def test_a_lease_has_one_holder_until_it_runs_out_or_is_given_back(database: Database) -> None:
    with database.write() as tx:
        assert leases.take(tx, "bridge:main", "a", NOW, LASTS, nobody) is None
        assert leases.take(tx, "bridge:main", "b", NOW, LASTS, nobody) == "a"
        assert leases.take(tx, "bridge:branch", "b", NOW, LASTS, nobody) is None
        leases.renew(tx, "bridge:main", "a", NOW + LASTS, LASTS)
        assert leases.take(tx, "bridge:main", "b", NOW + LASTS, LASTS, nobody) == "a"
        leases.release(tx, "bridge:main", "a")
        assert leases.take(tx, "bridge:main", "b", NOW, LASTS, nobody) is None


@pytest.mark.req("P3")
def test_who_lost_the_lease_is_told_before_doing_anything(database: Database) -> None:
    with database.write() as tx:
        leases.take(tx, "bridge:main", "a", NOW, LASTS, nobody)
        leases.require(tx, "bridge:main", "a")
        assert leases.take(tx, "bridge:main", "b", NOW + LASTS, LASTS, nobody) is None
        with pytest.raises(LeaseLostError):
            leases.require(tx, "bridge:main", "a")
        with pytest.raises(LeaseLostError):
            leases.renew(tx, "bridge:main", "a", NOW, LASTS)
        leases.release(tx, "bridge:main", "a")
        leases.require(tx, "bridge:main", "b")


@pytest.mark.req("P3")
def test_the_lease_of_a_dead_process_is_taken_at_once(database: Database) -> None:
    with database.write() as tx:
        leases.take(tx, "bridge:main", "a", NOW, LASTS, nobody)
        assert leases.take(tx, "bridge:main", "b", NOW, LASTS, lambda holder: holder == "a") is None


@pytest.mark.req("T3")
def test_a_commands_way_claimed_answered_out_of_time_or_abandoned(small: SmallOffice) -> None:
    viewer = small.user("op")
    seat = small.seat()
    late = NOW + commands.WORTH
    with small.database.write() as tx:
        leg = duty.take_seat(tx, viewer, seat, NOW).leg_id
        assert commands.pending(tx, "main") == {leg}
        assert commands.pending(tx, "branch") == frozenset()
        assert commands.abandon(tx, "main", NOW) == []
        (wanted,) = commands.claim(tx, "main", NOW)
        assert commands.expire(tx, "main", late) == []
        assert commands.pending(tx, "main") == {leg}
        assert [command.id for command in commands.abandon(tx, "main", NOW)] == [wanted.id]
        assert commands.pending(tx, "main") == frozenset()

        duty.leg_lost(tx, leg, NOW, "応答なし")
        duty.ring_again(tx, viewer, NOW)
        (expired,) = commands.expire(tx, "main", late)
        assert expired.subject != leg
        assert commands.claim(tx, "main", NOW) == []


@pytest.mark.req("T3")
def test_a_lost_phone_is_called_back_once(small: SmallOffice) -> None:
    viewer = small.user("op")
    seat = small.seat()
    with small.database.write() as tx:
        leg = duty.take_seat(tx, viewer, seat, NOW).leg_id
        duty.leg_answered(tx, leg, NOW)
        duty.call_back(tx, leg, NOW)
        assert duty.required(tx, viewer).leg_id == leg

        duty.leg_lost(tx, leg, NOW, "切断")
        for _ in range(2):
            duty.call_back(tx, leg, NOW)
        now_called = duty.required(tx, viewer)
        assert (now_called.leg_id != leg, now_called.state) == (True, DutyState.CALLING_PHONE)
        assert [w.subject for w in commands.claim(tx, "main", NOW)] == [leg, now_called.leg_id]
        assert duty.leg_lost(tx, leg, NOW, "切断") is None


@pytest.mark.req("T3")
def test_calling_the_phone_again_does_not_end_a_pause(small: SmallOffice) -> None:
    viewer = small.user("op")
    seat = small.seat()
    with small.database.write() as tx:
        leg = duty.take_seat(tx, viewer, seat, NOW).leg_id
        duty.leg_answered(tx, leg, NOW)
        duty.pause(tx, viewer, "昼休み", NOW)
        duty.leg_lost(tx, leg, NOW, "切断")
        duty.ring_again(tx, viewer, NOW)
        duty.leg_answered(tx, duty.required(tx, viewer).leg_id, NOW)
        paused = duty.required(tx, viewer)
        assert (paused.state, paused.reason, paused.leg_up) == (DutyState.PAUSED, "昼休み", True)
