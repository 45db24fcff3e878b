"""Best time and best number out of the register: what is learnt, kept and shown."""

from collections.abc import Collection
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import Connection, insert

from db.engine import Database
from db.rules.reach import Slot, assumed_city, learn
from db.rules.terms import AnsweredBy, Area, Channel
from db.rules.viewer import Viewer
from db.schema.base import new_id
from db.schema.contacts import Contact
from db.usecases import reach, records
from saikoku.jobs import learn_reach
from tests.integration.db.people import NOW, OFFICE, SmallOffice

NUMBER = "+819011112222"
EVENING = NOW.replace(hour=9) - timedelta(days=1)  # a holiday (勤労感謝の日), 18:00 in the office
MORNING = NOW - timedelta(days=7)


def dialled(tx: Connection, debtor_id: int, at: datetime, answered_by: AnsweredBy, **values: object) -> None:
    code = "talked_self" if answered_by is AnsweredBy.SELF else "no_answer"
    row = {
        "id": new_id(), "debtor_id": debtor_id, "area": Area.TAX, "channel": Channel.CALL_OUT, "at": at,
        "number": NUMBER, "answered_by": answered_by, "disposition": code, "recorded_at": at,
    }  # fmt: skip
    tx.execute(insert(Contact).values(row | values))


def of_record(tx: Connection, viewer: Viewer, debtor_id: int, now: datetime) -> Collection[reach.Reach]:
    record = records.open_record(tx, viewer, debtor_id, now, OFFICE)
    return reach.of_phones(tx, record.phones, record.contacts, now, OFFICE, OFFICE.policy).values()


@pytest.mark.req("T2")
def test_the_record_says_when_to_call_and_why(small: SmallOffice) -> None:
    viewer, debtor = small.user("officer", "officer"), small.debtor()
    with small.database.write() as tx:
        for _ in range(4):
            dialled(tx, debtor, MORNING, AnsweredBy.NOBODY)
        dialled(tx, debtor, EVENING, AnsweredBy.SELF)
        dialled(tx, debtor, EVENING, AnsweredBy.SPOUSE, number="+815099998888")
        dialled(tx, debtor, EVENING, AnsweredBy.SELF, channel=Channel.CALL_IN)
        (found,) = of_record(tx, viewer, debtor, NOW)
    assert found.tried == 5
    assert found.now is not None
    assert found.now < found.best_chance
    assert found.why.startswith("この番号は5回中1回つながりました")


@pytest.mark.req("T2")
def test_only_hours_in_which_the_office_calls_are_proposed() -> None:
    slots = reach.coming_slots(NOW, OFFICE, OFFICE.policy)
    assert slots[0] == Slot(1, 1)
    assert {slot.weekday for slot in slots} == {0, 1, 2, 3, 4}
    assert {slot.band for slot in slots} == {1, 2, 3, 4, 5}
    every_day = replace(OFFICE.policy, closed_days=True, opens=time(8))
    assert {slot.weekday for slot in reach.coming_slots(NOW, OFFICE, every_day)} == set(range(7))
    assert Slot(0, 0) in reach.coming_slots(NOW, OFFICE, every_day)


@pytest.mark.req("T2")
def test_outside_the_hours_there_is_no_now(small: SmallOffice) -> None:
    viewer, debtor = small.user("officer", "officer"), small.debtor()
    with small.database.write() as tx:
        (found,) = of_record(tx, viewer, debtor, NOW + timedelta(hours=10))
    assert found.now is None


@pytest.mark.req("T2")
def test_a_corrected_contact_counts_as_corrected(small: SmallOffice) -> None:
    debtor, wrong = small.debtor(), new_id()
    with small.database.write() as tx:
        dialled(tx, debtor, MORNING, AnsweredBy.SELF, id=wrong)
        dialled(tx, debtor, MORNING, AnsweredBy.NOBODY, corrects_id=wrong)
        dialled(tx, debtor, MORNING, AnsweredBy.SELF, channel=Channel.CALL_IN)
        dialled(tx, debtor, NOW - reach.SINCE - timedelta(days=1), AnsweredBy.SELF)
        ((dial,),) = reach.histories(tx, NOW, OFFICE)
    assert (dial.slot, dial.reached) == (Slot(1, 1), False)


@pytest.mark.req("T2")
async def test_the_city_is_learnt_once_a_day(small: SmallOffice, database: Database) -> None:
    debtor = small.debtor()
    async with aclosing(database):
        with database.write() as tx:
            assert reach.newest(tx) == assumed_city()
            dialled(tx, debtor, MORNING, AnsweredBy.SELF)
        assert await learn_reach(database, NOW, OFFICE)
        assert not await learn_reach(database, NOW + timedelta(hours=23), OFFICE)
        with database.read() as tx:
            kept, again = reach.newest(tx), learn(reach.histories(tx, NOW, OFFICE))
        assert kept == again
        assert (kept.dials, kept.numbers) == (1, 1)
        assert await learn_reach(database, NOW + timedelta(days=1), OFFICE)
