"""The summaries of cases are what a slow walk over all rows finds, whatever happened to them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from db.engine import Database
from db.rules import bits
from db.rules.terms import Area, Channel, FlagKind, PhoneStatus
from db.schema.claims import Installment
from db.schema.contacts import Dispatch, Promise
from db.schema.people import Address, Debtor, Flag, Household, Phone
from db.schema.summaries import CaseSummary
from db.store import summaries, summary_codes
from db.usecases import results
from db.usecases import summaries as keeping
from saikoku.city import seed_city
from tests.integration.db import facts
from tests.integration.db.people import NOW, OFFICE, SmallOffice

TODAY = date(2026, 11, 24)


@pytest.fixture
def town(database: Database, small: SmallOffice) -> Database:
    """A town of 260 people with all that is in a city."""
    user = small.user("history")
    seed_city(database, debtors=260, seed=3, today=TODAY, staff_ids=(user.user_id,), contacts_per_debtor=4)
    return database


def kept(tx: Connection) -> dict[int, dict[str, object]]:
    return {row.case_id: dict(row._mapping) for row in tx.execute(select(CaseSummary))}


def truth(tx: Connection, today: date) -> dict[int, dict[str, object]]:
    """The summaries as plain Python makes them; numbers of texts and lots as the register gave them out."""
    codes = {family: summary_codes.numbers(tx, family) for family in ("language", "district", "disposition", "letter")}
    lots = summary_codes.lots(tx)
    found = {}
    for one in facts.read(tx, today, OFFICE).values():
        last, letter = one.last, one.last_letter
        lot_bits = 0
        for item, year, *_ in one.open:
            lot_bits |= 1 << lots[one.area, item, year]
        found[one.case_id] = {
            "case_id": one.case_id, "debtor_id": one.debtor_id, "area": one.area, "area_bit": bits.AREAS[one.area],
            "principal": one.principal, "oldest_due": one.oldest.toordinal() if one.oldest else 0,
            "open_count": len(one.open), "lots_0": lot_bits & (1 << 62) - 1, "lots_1": lot_bits >> 62 & (1 << 62) - 1,
            "lots_2": lot_bits >> 124, "numbers": sum(1 << n for n in {line[2] for line in one.open}),
            "district": codes["district"][one.district] if one.district else 0,
            "flags": bits.mask(bits.FLAGS, one.flags), "phones": bits.mask(bits.PHONE_KINDS, one.phones),
            "last_at": facts.epoch(last.at) if last else 0,
            "last_channel": bits.CHANNELS[last.channel] if last else 0,
            "last_answered_by": bits.ANSWERED_BY[last.answered_by] if last else 0,
            "last_disposition": codes["disposition"][last.disposition] if last else 0,
            "reached": int(one.reached), "reached_hours": sum(1 << h + 24 * w for w, h in one.hours),
            "promise_total": one.promised[0], "promise_paid": one.promised[1],
            "letters": len(one.letters), "letter_kinds": sum(1 << codes["letter"][k] for k in {r.kind for r in one.letters}),
            "last_letter": letter.sent_on.toordinal() if letter else 0,
            "last_returned": int(bool(letter and letter.returned_on)),
            "birth": one.birth.toordinal() if one.birth else 0, "language": codes["language"][one.language],
            "kind": bits.PERSON_KINDS[one.kind], "assigned_user": one.assigned_user or 0,
            "assigned_group": one.assigned_group or 0, "household_cases": one.household_cases,
            "household_principal": one.household_principal,
            "household_id": 0 if FlagKind.PROTECTED in one.flags else one.household_id or 0,
        }  # fmt: skip
    return found


def assert_true(database: Database, today: date = TODAY) -> None:
    with database.read() as tx:
        now, should = kept(tx), truth(tx, today)
    assert now.keys() == should.keys()
    for case_id, values in should.items():
        there = {name: now[case_id][name] for name in values}
        assert there == values


@pytest.mark.req("T8", "T10")
def test_a_town_is_summed_up_as_a_slow_walk_finds_it(town: Database) -> None:
    assert_true(town)
    with town.read() as tx:
        rows = list(kept(tx).values())
    for column in (
        "principal",
        "district",
        "flags",
        "phones",
        "reached_hours",
        "promise_total",
        "letters",
        "last_returned",
    ):
        assert len({row[column] for row in rows}) > 1, column


@pytest.mark.req("T8", "T10")
def test_whatever_changes_is_followed(town: Database) -> None:
    """A few people after each kind of change; the others stay as they are."""
    with town.write() as tx:
        ids = list(tx.execute(select(Debtor.id).where(Debtor.household_id.is_not(None)).limit(60)).scalars())
        homes = list(tx.execute(select(Debtor.household_id).where(Debtor.id.in_(ids))).scalars())
        tx.execute(update(Installment).where(Installment.debtor_id.in_(ids[:9])).values(outstanding=0))
        tx.execute(update(Installment).where(Installment.debtor_id.in_(ids[9:15])).values(due_on=TODAY))
        tx.execute(update(Phone).where(Phone.debtor_id.in_(ids[15:30])).values(status=PhoneStatus.REFUSED))
        tx.execute(delete(Dispatch).where(Dispatch.debtor_id.in_(ids[20:40])))
        tx.execute(update(Address).where(Address.debtor_id.in_(ids[30:40])).values(valid_to=TODAY - timedelta(days=1)))
        tx.execute(update(Debtor).where(Debtor.id.in_(ids[40:44])).values(household_id=homes[50], language="xx"))
        tx.execute(insert(Flag), [{"debtor_id": i, "kind": FlagKind.PROTECTED} for i in ids[44:52]])
        promises = tx.execute(select(Promise.debtor_id).order_by(Promise.id)).scalars().all()
        tx.execute(update(Promise).where(Promise.debtor_id.in_(promises[::3])).values(cancelled_at=NOW))
        tx.execute(update(Promise).where(Promise.debtor_id.in_(promises[1::3])).values(approved_by=None))
        ids += promises
        summaries.refresh(tx, ids, TODAY)
    assert_true(town)
    with town.write() as tx:
        gone = ids[55:58]
        tx.execute(delete(CaseSummary).where(CaseSummary.debtor_id.in_(gone)))
        summaries.refresh(tx, gone, TODAY)
    assert_true(town)


@pytest.mark.req("T8")
def test_who_stays_in_a_household_no_longer_counts_who_left(database: Database, small: SmallOffice) -> None:
    with database.write() as tx:
        tx.execute(insert(Household), [{"id": 1, "number": "1"}, {"id": 2, "number": "2"}])
    stays, leaves = (small.debtor(owes=yen, household=1) for yen in (10_000, 20_000))
    with database.write() as tx:
        summaries.refresh(tx, [stays, leaves], TODAY)
        assert {row["household_principal"] for row in kept(tx).values()} == {30_000}
        tx.execute(update(Debtor).where(Debtor.id == leaves).values(household_id=2))
        summaries.refresh(tx, [leaves], TODAY)
    assert_true(database)


@pytest.mark.req("T8", "T10")
async def test_summaries_follow_the_calendar(town: Database) -> None:
    later = TODAY + timedelta(days=50)
    with town.write() as tx:
        one, other = tx.execute(select(Debtor.id).order_by(Debtor.id.desc()).limit(2)).scalars()
        tx.execute(insert(Flag).values(debtor_id=one, kind=FlagKind.LAWYER, valid_from=later))
        tx.execute(insert(Flag).values(debtor_id=other, kind=FlagKind.CAUTION, valid_to=later - timedelta(days=1)))
        summaries.refresh(tx, [one, other], TODAY)
    assert_true(town)
    assert await keeping.follow_calendar(town, later) > 2
    assert_true(town, later)
    assert await keeping.follow_calendar(town, later) == 0
    await town.aclose()


@pytest.mark.req("T8", "T20")
async def test_a_register_from_before_gets_its_summaries(town: Database) -> None:
    with town.write() as tx:
        tx.execute(delete(CaseSummary))
        tx.exec_driver_sql("DELETE FROM summary_day")
    await keeping.follow_calendar(town, TODAY)
    assert_true(town)
    keeping.complete(town, TODAY)
    await town.aclose()


@pytest.mark.req("T7", "T8")
def test_a_result_and_its_correction_are_in_the_summary(database: Database, small: SmallOffice) -> None:
    viewer, debtor_id = small.user("op", "officer"), small.debtor()
    with database.write() as tx:
        made = results.note_contact(
            tx, viewer, debtor_id, Area.TAX, Channel.COUNTER, results.Entry("counter_talk"), NOW, OFFICE
        )
    assert_true(database)
    with database.write() as tx:
        results.correct(tx, viewer, made, results.Entry("counter_talk", note="訂正"), NOW, OFFICE)
        (summary,) = kept(tx).values()
    assert (summary["last_channel"], summary["reached"]) == (bits.CHANNELS[Channel.COUNTER], 1)
    assert_true(database)
