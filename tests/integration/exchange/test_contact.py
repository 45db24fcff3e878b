"""What an import changes for who may be called, at once: also between a list and the dial, and how old data stop it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from db.rules.terms import Area, Channel, PhoneStatus
from db.schema.people import Debtor, Phone
from db.usecases.eligibility import Target, check_contact
from tests.integration.db.people import ADMIN, NOW, OFFICE, SmallOffice
from tests.integration.exchange.conftest import Exchange
from tests.integration.exchange.core import City, Receipt, Zeimu

pytestmark = [pytest.mark.req("T20"), pytest.mark.req("C4")]

CITY, ZEIMU = City(3), Zeimu()
BILLS = CITY.bills[:3]


@pytest.fixture
def office(exchange: Exchange) -> Exchange:
    """One person with three installments past due, a phone, and everything imported last night."""
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    exchange.take("zeimu-phones", ZEIMU.phones(CITY.people))
    exchange.take("zeimu-assessments", ZEIMU.assessments(BILLS), as_of=NOW - timedelta(hours=12))
    return exchange


def reasons(exchange: Exchange, person: int = 0) -> set[str]:
    """Why the person may not be called now."""
    with exchange.database.read() as tx:
        debtor_id = tx.execute(select(Debtor.id).where(Debtor.number == CITY.people[person].number)).scalar_one()
        phone_id = tx.execute(select(Phone.id).where(Phone.debtor_id == debtor_id)).scalar_one()
        target = Target(debtor_id, Area.TAX, Channel.CALL_OUT, phone_id)
        return {reason.code for reason in check_contact(tx, ADMIN, target, exchange.clock.now(), OFFICE).reasons}


def test_a_payment_imported_between_list_and_dial_stops_the_call(office: Exchange) -> None:
    assert reasons(office) == set()
    paid = [Receipt(f"R{bill.number}", bill, date(2026, 11, 21), bill.amount) for bill in BILLS]
    row = office.take("zeimu-payments", ZEIMU.payments(paid))
    assert row.added == 3
    assert reasons(office) == {"paid", "paid_recently"}


def test_a_payment_in_part_holds_contact_for_the_reporting_lag(office: Exchange) -> None:
    office.take("zeimu-payments", ZEIMU.payments([Receipt("R1", BILLS[0], date(2026, 11, 21), 100)]))
    assert reasons(office) == {"paid_recently"}


def test_data_that_grew_old_stop_contact_until_the_next_import(office: Exchange) -> None:
    office.at(NOW + timedelta(days=7))
    assert reasons(office) == {"stale_data"}
    office.take(
        "zeimu-payments",
        ZEIMU.payments([Receipt("R1", BILLS[0], date(2026, 10, 1), 100)]),
        as_of=NOW + timedelta(days=6),
    )
    assert "stale_data" not in reasons(office)


def test_a_file_that_is_mostly_refused_does_not_make_the_data_fresh(office: Exchange) -> None:
    office.at(NOW + timedelta(days=7))
    bad = [Receipt(f"R{at}", BILLS[0], date(2026, 10, 1), 100) for at in range(60)]
    data = ZEIMU.payments(bad).replace(b",3\r\n", b",9\r\n", 40)
    row = office.take("zeimu-payments", data, as_of=NOW + timedelta(days=6))
    row = office.confirm(row)
    assert any("進めていません" in note for note in row.notes)
    assert "stale_data" in reasons(office)


def test_somebody_whom_the_core_system_lists_no_more_is_not_called(office: Exchange) -> None:
    office.take("zeimu-people", ZEIMU.people(CITY.people[1:]))
    assert reasons(office) == {"unknown_data_age_hours"}


def test_a_flag_and_a_withdrawn_number_stop_contact(office: Exchange) -> None:
    office.take("zeimu-flags", ZEIMU.flags([(CITY.people[0], "B1")]))
    assert reasons(office) == {"flag_lawyer"}
    office.take("zeimu-phones", ZEIMU.phones(CITY.people[1:]))
    assert reasons(office) == {"flag_lawyer", "number_withdrawn"}
    with office.database.write() as tx:
        tx.execute(update(Phone).values(status=PhoneStatus.REFUSED))
    assert "number_refused" in reasons(office)


def test_where_nothing_was_imported_the_persons_own_date_counts(small: SmallOffice, exchange: Exchange) -> None:
    debtor_id = small.debtor(data_as_of=NOW - timedelta(days=9))
    with exchange.database.read() as tx:
        phone_id = tx.execute(select(Phone.id)).scalar_one()
        found = check_contact(tx, ADMIN, Target(debtor_id, Area.TAX, Channel.CALL_OUT, phone_id), NOW, OFFICE)
    assert [reason.code for reason in found.reasons] == ["stale_data"]
