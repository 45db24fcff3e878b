"""Files of three core systems come into the register: each value where it belongs, each refused line with its reason."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from db.rules.terms import (
    AddressKind,
    Area,
    FlagKind,
    ImportKind,
    ImportState,
    PersonKind,
    PhoneKind,
    PhoneStatus,
)
from db.schema.claims import Allocation, Assessment, Installment, Payment
from db.schema.exchange import Freshness
from db.schema.people import Address, CaseFile, Debtor, Flag, Household, Phone
from db.schema.staff import AccessLog
from db.usecases.imports import steps as import_steps
from tests.integration.db.people import NOW
from tests.integration.exchange.conftest import Exchange, document
from tests.integration.exchange.core import City, Kaigo, Receipt, Suido, Zeimu

pytestmark = pytest.mark.req("T20")

CITY = City(24)
ZEIMU, KAIGO, SUIDO = Zeimu(), Kaigo(), Suido()
TODAY = date(2026, 11, 24)


def open_amounts(exchange: Exchange) -> list[int]:
    return [row[0] for row in exchange.all(Installment.outstanding)]


def test_three_core_systems_of_different_layouts(exchange: Exchange) -> None:
    people = exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    assert (people.state, people.encoding, people.added, people.rejected) == (ImportState.DONE, "CP932", 24, 0)
    receipts = CITY.receipts()
    for mapping, data, encoding, lines in (
        ("zeimu-assessments", ZEIMU.assessments(CITY.bills), "CP932", 96),
        ("zeimu-payments", ZEIMU.payments(receipts), "CP932", 32),
        ("kaigo-assessments", KAIGO.assessments(CITY.bills), "UTF-8（BOM付き）", 96),
        ("kaigo-payments", KAIGO.payments(receipts), "UTF-8（BOM付き）", 32),
        ("suido-assessments", SUIDO.assessments(CITY.bills[::4]), "CP932", 24),
        ("suido-payments", SUIDO.payments(receipts[::4]), "CP932", 8),
    ):
        row = exchange.take(mapping, data)
        assert (row.state, row.encoding, row.accepted, row.rejected, row.added) == (
            ImportState.DONE, encoding, lines, 0, lines,
        ), (mapping, exchange.refusals(row))  # fmt: skip

    bills = {(bill.person.number, bill.number): bill for bill in CITY.bills}
    query = select(Debtor.number, Installment).join(Debtor, Debtor.id == Installment.debtor_id)
    paid = {(one.bill.person.number, one.bill.number) for one in receipts}
    with exchange.database.read() as tx:
        found = tx.execute(query.where(Installment.area != Area.PRIVATE)).all()
        assert len(found) == 192
        for row in found:
            bill = bills[row[0], row.Installment.number if hasattr(row, "Installment") else row.number_1]
            assert (row.due_on, row.principal) == (bill.due, bill.amount)
        cases = set(tx.execute(select(CaseFile.area)).scalars())
        # care counts payments off the principal; taxes state what is unpaid as of a later day than they were paid
        care = tx.execute(select(func.sum(Installment.outstanding)).where(Installment.area == Area.PUBLIC)).scalar_one()
        water = tx.execute(select(Payment.amount).where(Payment.area == Area.PRIVATE)).scalars().all()
    assert cases == {Area.TAX, Area.PUBLIC, Area.PRIVATE}
    assert care == sum(bill.amount for key, bill in bills.items() if key not in paid)
    assert sorted(water) == sorted(one.amount for one in receipts[::4])


def test_people_their_addresses_households_phones_and_flags(exchange: Exchange) -> None:
    people = CITY.people[:4]
    row = exchange.take("zeimu-people", ZEIMU.people(people))
    assert row.private == 1
    text = exchange.files(row).private.read_text("utf-8-sig")
    assert "U+E000,\ue000,1,6,氏名漢字,\ue000田 実" in text  # line 6: the second person's address breaks its line
    assert exchange.take("zeimu-households", ZEIMU.households(people)).added == 4
    assert exchange.take("zeimu-phones", ZEIMU.phones(people)).added == 4
    assert exchange.take("zeimu-flags", ZEIMU.flags([(people[0], "A1"), (people[1], "B1")])).added == 2

    with exchange.database.read() as tx:
        debtors = tx.execute(select(Debtor).order_by(Debtor.id)).all()
        address = tx.execute(select(Address).where(Address.debtor_id == debtors[1].id)).one()
        phone = tx.execute(select(Phone).where(Phone.debtor_id == debtors[1].id)).one()
    assert [one.name for one in debtors] == [one.name for one in people]
    assert [one.birth_date for one in debtors] == [one.born for one in people]
    assert debtors[0].kana_folded == "たかはしいちろう"
    assert debtors[0].kind is PersonKind.PERSON
    assert (address.kind, address.town, address.block, address.building) == (
        AddressKind.REGISTERED, "見本町2丁目", "２番３号", "見本ハイツ １０１号",
    )  # fmt: skip
    assert (phone.kind, phone.status, phone.source) == (PhoneKind.MOBILE, PhoneStatus.UNVERIFIED, "zeimu")
    assert len(exchange.all(Household.number)) == 2
    assert {row[0] for row in exchange.all(Flag.kind)} == {FlagKind.PROTECTED, FlagKind.LAWYER}


def test_every_refused_line_is_told_with_its_place_value_and_reason(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people[:5]))
    lines = ZEIMU.assessments(CITY.bills[:20]).decode("cp932").split("\r\n")

    def changed(at: int, column: int, text: str) -> None:
        fields = lines[at].split(",")
        fields[column] = text
        lines[at] = ",".join(fields)

    changed(1, 5, "5081332")
    changed(2, 1, "77")
    changed(3, 6, "-500")
    changed(4, 0, "9999999999")
    lines[5] += ",余り"
    changed(6, 3, '"閉じない')
    changed(7, 4, "")
    lines[9] = lines[8]
    row = exchange.take(document("zeimu-assessments", largest_rejection=1.0), "\r\n".join(lines).encode("cp932"))
    assert (row.state, row.accepted, row.rejected, row.added) == (ImportState.DONE, 12, 8, 12)
    told = {int(line): (column, value, reason) for line, column, value, reason in exchange.refusals(row)}
    assert told[2] == ("納期限", "5081332", "2026年13月32日は存在しない日付です")
    assert told[3] == ("税目", "77", "マッピングの codes にないコードです")
    assert told[4] == ("調定額", "'-500", "マイナスの金額は入れられません")
    assert (told[5][:2], "先に宛名" in told[5][2]) == (("宛名番号", "9999999999"), True)
    assert (told[6][0], "見出しは9列、この行は10列" in told[6][2]) == ("", True)
    assert "引用符" in told[7][2]
    assert told[8] == ("期別", "", "値がありません（必須の項目です）")
    assert told[10] == ("", "", "9行目と同じものを指す行です")
    assert row.lines == row.accepted + row.rejected + row.skipped == 20


def test_the_same_file_is_recognised_and_again_changes_nothing(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    for mapping, data in (
        ("zeimu-assessments", ZEIMU.assessments(CITY.bills)),
        ("zeimu-payments", ZEIMU.payments(CITY.receipts())),
        ("kaigo-assessments", KAIGO.assessments(CITY.bills)),
        ("kaigo-payments", KAIGO.payments(CITY.receipts())),
        ("zeimu-phones", ZEIMU.phones(CITY.people)),
        ("zeimu-households", ZEIMU.households(CITY.people)),
        ("zeimu-flags", ZEIMU.flags([(CITY.people[0], "A1")])),
        ("zeimu-people", ZEIMU.people(CITY.people)),
    ):
        exchange.take(mapping, data)
        before = snapshot(exchange)
        same = exchange.take(mapping, data)
        assert (same.state, "取り込み済み" in same.notes[0]) == (ImportState.SAME, True)
        again = exchange.take(mapping, data, again=True)
        assert (again.state, again.added, again.changed, again.ended) == (ImportState.DONE, 0, 0, 0), mapping
        assert again.unchanged == again.accepted
        assert snapshot(exchange) == before, mapping


def snapshot(exchange: Exchange) -> list[list[tuple[object, ...]]]:
    """Everything that imports write, but for the moments."""
    return [
        exchange.all(Debtor.number, Debtor.name, Debtor.household_id),
        exchange.all(Address.debtor_id, Address.town, Address.kind),
        exchange.all(Phone.debtor_id, Phone.number, Phone.status),
        exchange.all(Flag.debtor_id, Flag.kind),
        exchange.all(CaseFile.debtor_id, CaseFile.area),
        exchange.all(Assessment.notice_number, Assessment.debtor_id, Assessment.area),
        exchange.all(Installment.assessment_id, Installment.number, Installment.outstanding),
        exchange.all(Payment.reference, Payment.amount),
        exchange.all(Allocation.payment_id, Allocation.installment_id, Allocation.principal, Allocation.late_charge),
    ]


def test_what_a_full_file_does_not_list_ends_and_comes_back(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills))
    exchange.take("kaigo-assessments", KAIGO.assessments(CITY.bills))
    fewer = exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills[4:]))
    assert (fewer.state, fewer.ended, fewer.unchanged) == (ImportState.DONE, 4, 92)
    closed = exchange.all(Installment.outstanding, Installment.closed_on, Installment.area, closed_on=TODAY)
    assert closed == [(0, TODAY, Area.TAX)] * 4
    back = exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills), again=True)
    assert (back.changed, back.unchanged) == (4, 92)
    assert exchange.all(Installment.id, closed_on=TODAY) == []


def test_a_refused_line_does_not_end_what_it_is_about(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills))
    lines = ZEIMU.assessments(CITY.bills).decode("cp932").split("\r\n")
    lines[1] = lines[1].replace(",5080630,", ",5083030,")
    row = exchange.take("zeimu-assessments", "\r\n".join(lines).encode("cp932"))
    assert (row.rejected, row.ended, row.unchanged) == (1, 0, 95)
    lines[2] = "?"
    del lines[10:20]
    row = exchange.take("zeimu-assessments", "\r\n".join(lines).encode("cp932"))
    assert (row.state, row.rejected, row.ended) == (ImportState.DONE, 2, 0)
    assert any("終了は行いません" in note for note in row.notes)


def test_a_suspiciously_small_full_file_waits_for_a_word(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills))
    before = snapshot(exchange)
    held = exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills[:40]))
    assert held.state is ImportState.HELD
    assert "56件が終了" in held.notes[0]
    assert snapshot(exchange) == before
    done = exchange.confirm(held)
    assert (done.state, done.ended, done.unchanged) == (ImportState.DONE, 56, 40)


def test_a_file_with_many_refused_lines_waits_for_a_word(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    held = exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills).replace(b",5080630,", b",9990630,"))
    assert (held.state, held.rejected) == (ImportState.HELD, 24)
    assert open_amounts(exchange) == []


def test_people_phones_flags_and_households_end_too(exchange: Exchange) -> None:
    some = CITY.people[:6]
    exchange.take("zeimu-people", ZEIMU.people(some))
    exchange.take("zeimu-households", ZEIMU.households(some))
    exchange.take("zeimu-phones", ZEIMU.phones(some))
    exchange.take("zeimu-flags", ZEIMU.flags([(one, "B1") for one in some]))
    with exchange.database.write() as tx:
        own = tx.execute(select(Debtor.id).order_by(Debtor.id)).scalars().first()
        tx.execute(Flag.__table__.insert().values(debtor_id=own, kind=FlagKind.CAUTION, note="窓口で", source=""))
    less = some[1:]
    for mapping, data in (
        ("zeimu-people", ZEIMU.people(less)),
        ("zeimu-households", ZEIMU.households(less)),
        ("zeimu-phones", ZEIMU.phones(less)),
        ("zeimu-flags", ZEIMU.flags([(one, "B1") for one in less])),
    ):
        assert exchange.take(mapping, data).ended == 1, mapping
    first = exchange.all(Debtor.id, Debtor.closed_on, Debtor.household_id)[0]
    assert first[1:] == (TODAY, None)
    assert exchange.all(Phone.status, debtor_id=first[0]) == [(PhoneStatus.WITHDRAWN,)]
    flags = {row[0]: row[1] for row in exchange.all(Flag.kind, Flag.valid_to, debtor_id=first[0])}
    assert flags == {FlagKind.LAWYER: TODAY - timedelta(days=1), FlagKind.CAUTION: None}
    assert exchange.take("zeimu-phones", ZEIMU.phones(some), again=True).changed == 1
    assert exchange.all(Phone.status, debtor_id=first[0]) == [(PhoneStatus.UNVERIFIED,)]


def test_what_the_office_learned_of_a_number_outlives_its_import(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people[:1]))
    exchange.take("zeimu-phones", ZEIMU.phones(CITY.people[:1]))
    with exchange.database.write() as tx:
        tx.execute(Phone.__table__.update().values(status=PhoneStatus.WRONG_PERSON))
    exchange.take("zeimu-phones", ZEIMU.phones(CITY.people[:1]), again=True)
    assert exchange.all(Phone.status) == [(PhoneStatus.WRONG_PERSON,)]


def test_a_person_who_moved_keeps_the_former_address(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people[:2]))
    moved = ZEIMU.people(CITY.people[:2]).replace("見本町1丁目".encode("cp932"), "新町9丁目".encode("cp932"))
    row = exchange.take("zeimu-people", moved)
    assert (row.changed, row.unchanged) == (1, 1)
    kept = exchange.all(Address.kind, Address.town, Address.valid_to, debtor_id=exchange.all(Debtor.id)[0][0])
    assert kept == [
        (AddressKind.FORMER, "見本町1丁目", TODAY - timedelta(days=1)),
        (AddressKind.REGISTERED, "新町9丁目", None),
    ]


def test_payments_are_allocated_principal_before_late_charge(exchange: Exchange) -> None:
    bill = CITY.bills[0]
    exchange.take("zeimu-people", ZEIMU.people(CITY.people[:1]))
    exchange.take(document("kaigo-assessments", areas=["public"]), KAIGO.assessments([bill]))
    part = Receipt("", bill, date(2026, 11, 1), bill.amount - 100)
    rest = Receipt("", bill, date(2026, 11, 20), 5_000)
    exchange.take("kaigo-payments", KAIGO.payments([part]))
    assert open_amounts(exchange) == [100]
    row = exchange.take("kaigo-payments", KAIGO.payments([part, rest]))
    assert (row.added, row.unchanged) == (1, 1)
    assert open_amounts(exchange) == [0]
    shares = exchange.all(Allocation.principal, Allocation.late_charge)
    assert sum(share[0] for share in shares) == bill.amount
    assert any("過誤納" in note for note in row.notes)


def test_the_core_systems_own_late_charge_is_followed_and_a_payment_can_be_taken_back(exchange: Exchange) -> None:
    bill = CITY.bills[0]
    exchange.take("zeimu-people", ZEIMU.people(CITY.people[:1]))
    exchange.take("zeimu-assessments", ZEIMU.assessments([bill]), as_of=NOW - timedelta(days=30))
    exchange.take("zeimu-payments", ZEIMU.payments([Receipt("R1", bill, date(2026, 11, 20), bill.amount + 300, 300)]))
    assert exchange.all(Allocation.principal, Allocation.late_charge) == [(bill.amount, 300)]
    assert open_amounts(exchange) == [0]
    back = Receipt("R2", bill, date(2026, 11, 22), -(bill.amount + 300), -300)
    exchange.take("zeimu-payments", ZEIMU.payments([back]))
    assert open_amounts(exchange) == [bill.amount]
    corrected = Receipt("R2", bill, date(2026, 11, 22), -1000, 0)
    assert exchange.take("zeimu-payments", ZEIMU.payments([corrected])).changed == 1
    assert open_amounts(exchange) == [1000]


@pytest.mark.parametrize("first", ["payments", "assessments"])
def test_it_does_not_matter_which_file_comes_first(exchange: Exchange, first: str) -> None:
    """Payments reported after the moment of the arrears come off what was unpaid then; earlier ones are in it already."""
    bills = CITY.bills[:8]
    receipts = [Receipt("A", bills[0], date(2026, 10, 1), 2_000), Receipt("B", bills[1], date(2026, 11, 20), 1_000)]
    stated = [bills[0].__class__(**{**bills[0].__dict__, "unpaid": bills[0].amount - 2_000}), *bills[1:]]
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    steps = [
        lambda: exchange.take("zeimu-assessments", ZEIMU.assessments(stated), as_of=NOW - timedelta(days=30)),
        lambda: exchange.take("zeimu-payments", ZEIMU.payments(receipts)),
    ]
    for step in steps if first == "assessments" else reversed(steps):
        step()
    expected = sorted([bills[0].amount - 2_000, bills[1].amount - 1_000, *(bill.amount for bill in bills[2:])])
    assert open_amounts(exchange) == expected
    assert exchange.all(Payment.target) == [(None,), (None,)]


def test_an_assessment_that_goes_to_another_person_takes_its_money_along(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people[:2]))
    exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills[:4]), as_of=NOW - timedelta(days=30))
    exchange.take("zeimu-payments", ZEIMU.payments([Receipt("R", CITY.bills[0], date(2026, 11, 20), 500)]))
    data = ZEIMU.assessments(CITY.bills[:4]).replace(CITY.people[0].number.encode(), CITY.people[1].number.encode())
    row = exchange.take("zeimu-assessments", data, as_of=NOW - timedelta(days=20))
    assert row.notes == ["賦課の対象者が変わったもの: 1件"]
    second = exchange.all(Debtor.id)[1][0]
    assert {one[0] for one in exchange.all(Installment.debtor_id)} == {second}
    assert exchange.all(Payment.debtor_id) == [(second,)]


def test_how_fresh_the_data_are_is_kept_by_kind_and_never_goes_back(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills), as_of=NOW - timedelta(days=2))
    exchange.take("zeimu-payments", ZEIMU.payments(CITY.receipts()), as_of=NOW - timedelta(days=1))
    exchange.take("zeimu-payments", ZEIMU.payments(CITY.receipts(2)), as_of=NOW - timedelta(days=9))
    kept = {row[0]: row[1] for row in exchange.all(Freshness.kind, Freshness.as_of, area=Area.TAX)}
    assert kept == {
        ImportKind.PEOPLE: NOW,
        ImportKind.ASSESSMENTS: NOW - timedelta(days=2),
        ImportKind.PAYMENTS: NOW - timedelta(days=1),
    }
    assert exchange.all(Freshness.kind, area=Area.PRIVATE) == [(ImportKind.PEOPLE,)]


def test_a_dry_run_tells_everything_and_changes_nothing(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    before = snapshot(exchange)
    row = exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills), dry_run=True)
    assert (row.state, row.accepted, row.added, row.rejected) == (ImportState.CHECKED, 96, 96, 0)
    assert snapshot(exchange) == before
    assert exchange.all(Freshness.kind, kind=ImportKind.ASSESSMENTS) == []
    done = exchange.confirm(row)
    assert (done.state, done.added) == (ImportState.DONE, 96)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff\xfe\x00\x01", "UTF-8でもCP932でも"),
        ("宛名番号,税目\r\n1,2\r\n".encode("cp932"), "見出しに「相当年度」「通知書番号」"),
        (b"", "1行もありません"),
        ('"宛名番号,税目\r\n1,2\r\n'.encode("cp932"), "見出し"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_in_words(exchange: Exchange, data: bytes, told: str) -> None:
    row = exchange.take("zeimu-assessments", data)
    assert row.state is ImportState.FAILED
    assert told.replace("でも", "") in (row.error or "").replace("でも", "")


def test_every_import_stands_in_the_access_log(exchange: Exchange) -> None:
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    assert [row[1] for row in exchange.all(AccessLog.seq, AccessLog.action)] == ["import.ask", "import.done"]


def test_after_a_large_file_the_database_knows_how_much_there_is(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without, its plans for millions of rows are those for an empty table."""
    exchange.take("zeimu-people", ZEIMU.people(CITY.people))
    monkeypatch.setattr(import_steps, "TOLD_ONE_BY_ONE", 20)
    assert exchange.take("zeimu-assessments", ZEIMU.assessments(CITY.bills)).state is ImportState.DONE
    known = {
        "sqlite": "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'installment'",
        "postgresql": "SELECT count(*) FROM pg_stats WHERE tablename = 'installment'",
    }
    with exchange.database.read() as tx:
        assert tx.exec_driver_sql(known[tx.dialect.name]).scalar_one() > 0
