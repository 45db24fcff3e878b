"""名寄せ: pairs are found and offered, merged and parted by those with the right; what is one counts as one (T9, T10, C4)."""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select, update

from db.engine import Database
from db.rules.promises import PromiseLine
from db.rules.terms import AddressKind, Area, Channel, FlagKind, PairAct, PairState, PhoneStatus, Right
from db.rules.viewer import NotAllowedError, Viewer
from db.schema.merges import MergedPerson, MergePair
from db.schema.people import Address, CaseFile, Debtor, Flag, Household, Phone
from db.schema.staff import AccessLog
from db.store import debtors
from db.store import merges as stored
from db.store.kin import person_ids
from db.usecases import calls, duty, merges, records, results
from db.usecases.eligibility import Target, check_contact
from db.usecases.merges import MergeError
from db.usecases.records import NotFoundError, Record
from db.usecases.results import Entry, EntryError
from tests.integration.db.people import NOW, OFFICE, SmallOffice

OTHER = "+819033334444"
TODAY = OFFICE.today(NOW)


class Pair:
    """One person under two numbers, and an officer. The second has another telephone."""

    def __init__(self, small: SmallOffice) -> None:
        self.small, self.database = small, small.database
        self.officer = small.user("officer", "officer")
        self.one, self.two = small.debtor(), small.debtor("山田　太郎", phone=OTHER, owes=7_000)

    def decide(
        self, act: PairAct, note: str = "", who: Viewer | None = None, pair: tuple[int, int] | None = None
    ) -> None:
        with self.database.write() as tx:
            one, two = pair or (self.one, self.two)
            merges.decide(tx, who or self.officer, one, two, act, note, NOW, OFFICE)

    def candidates(self, of: int, who: Viewer | None = None) -> list[int]:
        with self.database.read() as tx:
            return [one.hit.id for one in merges.candidates(tx, who or self.officer, of, TODAY)]

    def listed(self, state: PairState = PairState.OFFERED, who: Viewer | None = None) -> list[tuple[int, int]]:
        with self.database.write() as tx:
            page, _ = merges.pairs(tx, who or self.officer, state, NOW, OFFICE)
        return [(offer.row.first_id, offer.row.second_id) for offer in page]

    def sweep(self) -> int:
        new = 0
        while True:
            with self.database.write() as tx:
                found = merges.look(tx)
                new += merges.keep(tx, found, NOW)
            if not found.after:
                return new

    def record(self, of: int, who: Viewer | None = None) -> Record:
        with self.database.write() as tx:
            return records.open_record(tx, who or self.officer, of, NOW, OFFICE)

    def phone(self, of: int) -> int:
        with self.database.read() as tx:
            return tx.execute(select(Phone.id).where(Phone.debtor_id == of).order_by(Phone.id).limit(1)).scalar_one()

    def reasons(self, of: int, phone_id: int | None = None, who: Viewer | None = None) -> set[str]:
        target = Target(of, Area.TAX, Channel.CALL_OUT, phone_id or self.phone(of))
        with self.database.read() as tx:
            return {r.code for r in check_contact(tx, who or self.officer, target, NOW, OFFICE).reasons}

    def flag(self, of: int, kind: FlagKind, area: Area | None = None) -> None:
        with self.database.write() as tx:
            tx.execute(insert(Flag).values(debtor_id=of, kind=kind, area=area))

    def ready(self, who: Viewer, extension: str = "1001") -> None:
        self.small.seat(extension)
        with self.database.write() as tx:
            duty.leg_answered(tx, duty.take_seat(tx, who, extension, NOW).leg_id, NOW)

    def place(self, of: int, phone_id: int | None = None, who: Viewer | None = None) -> uuid.UUID:
        with self.database.write() as tx:
            return calls.place_call(tx, who or self.officer, of, phone_id or self.phone(of), Area.TAX, NOW, OFFICE)

    def logged(self, action: str) -> int:
        with self.database.read() as tx:
            return tx.execute(select(func.count()).where(AccessLog.action == action)).scalar_one()


@pytest.fixture
def pair(small: SmallOffice) -> Pair:
    return Pair(small)


@pytest.mark.req("T10")
def test_the_sweep_offers_each_pair_once_and_the_record_at_once(pair: Pair) -> None:
    stranger = pair.small.debtor("山田 太郎", born=date(2001, 1, 9), phone="+819011112222")
    assert pair.candidates(pair.one) == [pair.two], "before any sweep"
    assert pair.candidates(stranger) == []
    assert pair.listed() == []
    assert pair.sweep() == 1
    assert pair.sweep() == 0, "found again, and known"
    assert pair.listed() == [(pair.one, pair.two)]
    third = pair.small.debtor()
    assert pair.sweep() == 2
    assert set(pair.candidates(third)) == {pair.one, pair.two}
    assert pair.listed()[0] == (pair.one, third), "a shared telephone makes a pair likelier"
    assert pair.logged("merge.list") == 3


@pytest.mark.req("T10")
def test_pairs_are_found_by_home_telephone_and_company_name_too(pair: Pair) -> None:
    slip = pair.small.debtor(born=date(1980, 5, 8), phone=None)
    nobody_knows = pair.small.debtor(born=None, phone=None)
    assert set(pair.candidates(slip)) == {pair.one, pair.two, nobody_knows}
    assert set(pair.candidates(nobody_knows)) == {pair.one, pair.two, slip}
    with pair.database.write() as tx:
        for debtor_id in (slip, nobody_knows):
            tx.execute(update(Address).where(Address.debtor_id == debtor_id).values(block="9番地"))
        tx.execute(insert(Address).values(
            debtor_id=nobody_knows, kind=AddressKind.FORMER, postal_code="0000000", town="見本町", block="1-2-3",
            district="中央",
        ))  # fmt: skip
    assert pair.candidates(slip) == [nobody_knows]
    assert pair.candidates(nobody_knows) == [slip], "1-2-3 is not found by the index, and nothing else agrees"
    with pair.database.write() as tx:
        pair.small.phone(tx, nobody_knows, OTHER)
    assert pair.two in pair.candidates(nobody_knows), "the telephone finds it, the former home speaks for it"


@pytest.mark.req("T10", "C1")
def test_only_those_with_the_right_in_the_areas_of_both_are_told(pair: Pair) -> None:
    pair.sweep()
    operator, health = pair.small.user("op"), pair.small.user("health", "officer", (Area.HEALTH,))
    assert pair.candidates(pair.one, operator) == []
    for act in (lambda: pair.listed(who=operator), lambda: pair.decide(PairAct.MERGE, who=operator)):
        with pytest.raises(NotAllowedError):
            act()
    assert pair.listed(who=health) == []
    with pytest.raises(NotFoundError):
        pair.decide(PairAct.MERGE, who=health)
    with pair.database.write() as tx:
        tx.execute(update(CaseFile).where(CaseFile.debtor_id == pair.two).values(area=Area.HEALTH))
    assert pair.listed() == [], "one of the two belongs to another area"
    assert pair.candidates(pair.one) == []
    both = pair.small.user("both", "officer", (Area.TAX, Area.HEALTH))
    assert pair.listed(who=both) == [(pair.one, pair.two)]


@pytest.mark.req("T10", "C1")
@pytest.mark.parametrize("area", [None, Area.PRIVATE])
def test_a_protected_person_is_offered_to_nobody_without_the_right(pair: Pair, area: Area | None) -> None:
    pair.sweep()
    blind = replace(pair.officer, rights={a: held - {Right.PROTECTED_VIEW} for a, held in pair.officer.rights.items()})
    assert pair.listed(who=blind) == [(pair.one, pair.two)]
    pair.flag(pair.two, FlagKind.PROTECTED, area)
    for who, seen in ((blind, False), (pair.officer, True)):
        assert bool(pair.listed(who=who)) is seen
        assert bool(pair.candidates(pair.one, who)) is seen
        assert bool(pair.candidates(pair.two, who)) is seen
    with pytest.raises(NotFoundError), pair.database.write() as tx:
        merges.comparison(tx, blind, pair.one, pair.two, NOW, OFFICE)
    with pytest.raises(NotFoundError):
        pair.decide(PairAct.MERGE, who=blind)
    pair.decide(PairAct.MERGE)
    assert [hit.id for hit in pair.record(pair.one).joined] == [pair.two]
    hidden = pair.record(pair.one, blind)
    assert (hidden.joined, [row.number for row in hidden.phones]) == ([], ["+819011112222"])
    assert hidden.open is not None
    assert hidden.open.others == []
    assert pair.listed(PairState.MERGED, blind) == []


@pytest.mark.req("T9")
def test_a_merged_person_stands_on_the_record_of_either_and_parting_restores_it(pair: Pair) -> None:
    with pair.database.write() as tx:
        results.note_contact(
            tx, pair.officer, pair.two, Area.TAX, Channel.COUNTER, Entry("counter_talk", note="窓口にて"), NOW, OFFICE
        )
    before = [pair.record(one) for one in (pair.one, pair.two)]
    pair.decide(PairAct.MERGE)
    for debtor_id, other, alone in ((pair.one, pair.two, before[0]), (pair.two, pair.one, before[1])):
        joint = pair.record(debtor_id)
        assert [hit.id for hit in joint.joined] == [other]
        assert {row.number for row in joint.phones} == {"+819011112222", OTHER}
        assert [(row.debtor_id, row.note) for row in joint.contacts] == [(pair.two, "窓口にて")]
        assert joint.open is not None
        assert alone.open is not None
        assert joint.open.arrears == alone.open.arrears, "what is owed stays with its number"
        assert joint.open.joint_total == sum(b.open.outstanding + b.open.charges for b in before if b.open)
    pair.decide(PairAct.PART, "別人と判明")
    assert [pair.record(one) for one in (pair.one, pair.two)] == before
    with pair.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(MergedPerson)).scalar_one() == 0
    assert (pair.logged("merge.merge"), pair.logged("merge.part")) == (2, 2)
    assert pair.candidates(pair.one) == [], "what was parted is not offered again"


@pytest.mark.req("T10")
def test_a_rejected_pair_is_not_offered_again_until_it_is_reopened(pair: Pair) -> None:
    pair.sweep()
    pair.decide(PairAct.REJECT)
    assert (pair.sweep(), pair.listed(), pair.candidates(pair.one)) == (0, [], [])
    assert pair.listed(PairState.REJECTED) == [(pair.one, pair.two)]
    with pytest.raises(MergeError, match="すでに「別人」"):
        pair.decide(PairAct.MERGE)
    pair.decide(PairAct.REOPEN)
    assert pair.listed() == [(pair.one, pair.two)]
    pair.decide(PairAct.MERGE, "本人に確認")
    with pytest.raises(MergeError, match="理由"):
        pair.decide(PairAct.PART, " ")
    with pair.database.write() as tx:
        seen = merges.comparison(tx, pair.officer, pair.two, pair.one, NOW, OFFICE)
    assert [(row.act, row.note, row.by) for row in seen.decisions] == [
        (PairAct.MERGE, "本人に確認", "officerさん"),
        (PairAct.REOPEN, "", "officerさん"),
        (PairAct.REJECT, "", "officerさん"),
    ]
    assert seen.sides[0].owed[Area.TAX] > 48_000
    assert pair.logged("debtor.view") == 2


@pytest.mark.req("T10")
def test_three_numbers_are_one_person_and_fall_apart_where_a_link_is_taken(pair: Pair) -> None:
    three = pair.small.debtor(phone="+819055556666")
    pair.decide(PairAct.MERGE)
    pair.decide(PairAct.MERGE, pair=(pair.two, three))
    with pair.database.read() as tx:
        assert person_ids(tx, three) == (three, pair.one, pair.two)
    assert pair.candidates(pair.one) == [], "they are one already"
    pair.decide(PairAct.PART, "誤り")
    with pair.database.read() as tx:
        assert person_ids(tx, pair.one) == (pair.one,)
        assert person_ids(tx, pair.two) == (pair.two, three)


@pytest.mark.req("C4", "S3")
def test_what_holds_one_number_holds_the_person(pair: Pair) -> None:
    assert pair.reasons(pair.one) == set()
    pair.decide(PairAct.MERGE)
    assert pair.reasons(pair.one) == set()
    assert pair.reasons(pair.one, pair.phone(pair.two)) == set(), "either number, of either telephone"
    pair.flag(pair.two, FlagKind.LAWYER, Area.TAX)
    assert pair.reasons(pair.one) == {"flag_lawyer"}
    assert FlagKind.LAWYER in pair.record(pair.one).flags
    with pair.database.write() as tx:
        tx.execute(update(Flag).values(valid_to=TODAY - timedelta(days=1)))
        tx.execute(update(Debtor).where(Debtor.id == pair.two).values(data_as_of=NOW - timedelta(days=9)))
    assert pair.reasons(pair.one) == {"stale_data"}
    with pair.database.write() as tx:
        tx.execute(update(Debtor).values(data_as_of=NOW))
        results.note_contact(
            tx, pair.officer, pair.two, Area.TAX, Channel.COUNTER,
            Entry("counter_talk", promise=(PromiseLine(TODAY + timedelta(days=3), 1_000),)), NOW, OFFICE,
        )  # fmt: skip
    assert pair.reasons(pair.one) == {"promised"}
    pair.decide(PairAct.PART, "別人")
    assert pair.reasons(pair.one) == set()


@pytest.mark.req("C4", "S3")
def test_calls_to_either_count_for_both_and_one_in_progress_stops_both(pair: Pair) -> None:
    pair.decide(PairAct.MERGE)
    second = pair.small.user("second", "officer")
    pair.ready(pair.officer)
    for made, phone in enumerate([pair.phone(pair.one), pair.phone(pair.two)], start=1):
        call_id = pair.place(pair.one, phone)
        assert pair.reasons(pair.two, who=second) == {"in_call"} | ({"person_day_cap"} if made == 2 else set())
        with pair.database.write() as tx:
            assert calls.authorize(tx, call_id, NOW, OFFICE)
            calls.ringing(tx, call_id, NOW)
            calls.ended(tx, call_id, NOW, 16)
            results.record_result(tx, pair.officer, call_id, Entry("no_answer"), NOW + timedelta(minutes=1), OFFICE)
    assert pair.reasons(pair.two) == {"person_day_cap"}
    pair.decide(PairAct.PART, "別人")
    assert pair.reasons(pair.two) == set()


@pytest.mark.req("C4")
def test_a_number_that_is_a_strangers_under_one_is_so_under_both(pair: Pair) -> None:
    with pair.database.write() as tx:
        wrong = pair.small.phone(tx, pair.two, "+819011112222", PhoneStatus.WRONG_PERSON)
    pair.decide(PairAct.MERGE)
    assert pair.reasons(pair.one) == {"number_wrong_person"}
    assert pair.reasons(pair.two, wrong) == {"number_wrong_person"}


@pytest.mark.req("C5")
def test_a_call_masks_the_record_of_every_number_until_identity_is_proved(pair: Pair) -> None:
    pair.decide(PairAct.MERGE)
    pair.ready(pair.officer)
    pair.place(pair.one)
    assert pair.record(pair.two).masked
    with pair.database.write() as tx:
        found = records.find(tx, pair.officer, "ヤマダ", NOW)
    assert [hit.birth_date for hit in found.hits] == [None, None]
    with pytest.raises(MergeError, match="本人確認"), pair.database.write() as tx:
        merges.comparison(tx, pair.officer, pair.one, pair.two, NOW, OFFICE)
    with pytest.raises(EntryError, match="閲覧できない"), pair.database.write() as tx:
        line = (PromiseLine(TODAY, 1_000),)
        results.note_contact(
            tx, pair.officer, pair.two, Area.TAX, Channel.COUNTER, Entry("counter_talk", promise=line), NOW, OFFICE
        )


@pytest.mark.req("T9")
def test_a_protected_number_takes_the_person_off_the_household_list(pair: Pair, database: Database) -> None:
    with database.write() as tx:
        home = tx.execute(insert(Household).values(number="S1").returning(Household.id)).scalar_one()
        tx.execute(update(Debtor).where(Debtor.id == pair.one).values(household_id=home))
    child = pair.small.debtor("山田 一", household=home, phone=None)

    def listed() -> list[int]:
        with database.read() as tx:
            person = debtors.person(tx, pair.officer, child)
            assert person is not None
            return [member.id for member in debtors.household(tx, pair.officer, person, TODAY)]

    assert listed() == [pair.one]
    pair.decide(PairAct.MERGE)
    pair.flag(pair.two, FlagKind.PROTECTED)
    assert listed() == []


def test_a_pair_of_strangers_cannot_be_merged(pair: Pair) -> None:
    stranger = pair.small.debtor("鈴木 一", "スズキ ハジメ")
    for other in (stranger, pair.one, 9_999):
        with pytest.raises(NotFoundError):
            pair.decide(PairAct.MERGE, pair=(pair.one, other))
    with pair.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(MergePair)).scalar_one() == 0


def scans(tx: Connection, sql: str, parameters: Any) -> list[str]:
    """The steps of a plan that go through a whole table, or through a whole index."""
    if tx.dialect.name == "sqlite":
        plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
        steps = (row[3] for row in plan)
        own = ("json_each", "anon_")  # the list asked about, and what was found
        return [step for step in steps if step.startswith("SCAN") and not any(name in step for name in own)]
    nodes, found = [tx.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", parameters).scalar_one()[0]["Plan"]], []
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        kind = node["Node Type"]
        if kind == "Seq Scan" or ("Index" in kind and "Index Cond" not in node):
            found.append(f"{kind} {node.get('Relation Name', '')} {node.get('Index Name', '')}")
    return found


@pytest.mark.req("T10")
def test_pairs_are_found_by_indexes_alone(pair: Pair) -> None:
    """A scan of a million people for each of them would never end. An empty PostgreSQL register is scanned whatever
    indexes there are, so it is asked to do so only where there is none."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        asked.append((statement, parameters))

    with pair.database.read() as tx:
        if not pair.database.is_sqlite:
            tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        event.listen(tx, "before_cursor_execute", note)
        stored.near(tx, [pair.one])
        person_ids(tx, pair.one)
        event.remove(tx, "before_cursor_execute", note)
        assert len(asked) >= 2
        for sql, parameters in asked:
            assert not scans(tx, sql, parameters), sql
