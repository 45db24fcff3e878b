"""A sample of 20,000: the rates of the field, sums that agree, and the same city from the same plan.

Bounds are five standard deviations of a binomial sample and what the assumptions behind a rate leave open.
"""

import hashlib
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice
from math import sqrt
from statistics import median

import pytest

from db.reference.calendar import Calendar
from db.rules.payments import Payment
from db.rules.promises import Promise, PromiseLine, PromiseOutcome, PromiseStatus, judge
from saikoku.city import showcase
from saikoku.city.build import build, chunks
from saikoku.city.draft import World
from saikoku.city.plan import CHUNK, COLUMNS, CityPlan, Row, Rows

TODAY = date(2026, 11, 24)
PLAN = CityPlan(debtors=20_000, seed=7, today=TODAY, staff_ids=(3, 5, 8))


@dataclass
class Sample:
    """What the tests count."""

    rows: Counter[str] = field(default_factory=Counter)
    with_phone: set[int] = field(default_factory=set)
    dials: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    called: set[int] = field(default_factory=set)
    reached: set[int] = field(default_factory=set)
    promised: set[int] = field(default_factory=set)
    companies: int = 0
    owed: Counter[int] = field(default_factory=Counter)
    carried_over: list[int] = field(default_factory=lambda: [0, 0])
    items: Counter[str] = field(default_factory=Counter)
    areas: Counter[str] = field(default_factory=Counter)
    recalls: Counter[str] = field(default_factory=Counter)
    returned: int = 0
    languages: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def sample() -> Sample:
    """The sample, counted chunk by chunk; the sums of each chunk are checked on the way."""
    counted = Sample()
    for rows in chunks(PLAN):
        _count(counted, rows)
        _check_sums(rows, PLAN.today)
    return counted


def _count(counted: Sample, rows: Rows) -> None:
    tables = rows.tables
    counted.rows.update({table: len(made) for table, made in tables.items()})
    counted.with_phone.update(row[1] for row in tables["phone"])
    counted.companies += sum(row[2] == "company" for row in tables["debtor"])
    counted.languages.update(row[8] for row in tables["debtor"])
    counted.items.update(row[3] for row in tables["assessment"])
    counted.areas.update(row[2] for row in tables["case_file"])
    counted.promised.update(row[1] for row in tables["promise"])
    counted.recalls.update(row[3][:10] for row in tables["recall"] if row[9] is None)
    counted.returned += sum(row[7] is not None for row in tables["dispatch"])
    for row in tables["contact"]:
        if row[3] == "call_out":
            counted.called.add(row[1])
            counted.dials[f"{row[1]} {row[6]}"].append((row[4], row[8]))
            if row[8] == "talked_self":
                counted.reached.add(row[1])
    for row in tables["installment"]:
        counted.owed[row[2]] += row[7]
    _count_carried_over(counted, tables)


def _count_carried_over(counted: Sample, tables: dict[str, list[Row]]) -> None:
    due = {row[0]: row[6] for row in tables["installment"] if row[5] < "2026-04-01"}
    paid_on = {row[0]: row[4] for row in tables["payment"]}
    before = after = 0
    for payment, installment, principal, _ in tables["allocation"]:
        if installment in due:
            before, after = (
                (before, after + principal) if paid_on[payment] >= "2026-04-01" else (before + principal, after)
            )
    counted.carried_over[0] += sum(due.values()) - before
    counted.carried_over[1] += after


def _check_sums(rows: Rows, today: date) -> None:
    """Payments are the sum of their allocations, and what they brought is what is no longer open."""
    brought: Counter[int] = Counter()
    allotted: Counter[int] = Counter()
    for payment, installment, principal, late_charge in rows.tables["allocation"]:
        assert principal > 0
        assert late_charge >= 0
        brought[installment] += principal
        allotted[payment] += principal + late_charge
    for row in rows.tables["installment"]:
        assert row[7] == row[6] - brought[row[0]]
        assert 0 <= row[7] <= row[6]
        assert row[8] is None or row[5] < row[8] <= today.isoformat()
    assert {row[0]: row[6] for row in rows.tables["payment"]} == allotted
    for row in rows.tables["payment"]:
        assert row[4] < row[5] <= today.isoformat()
        assert (date.fromisoformat(row[5]) - date.fromisoformat(row[4])).days <= 14


def _near(part: int, whole: int, rate: float, slack: float = 0.0) -> None:
    """Fail unless `part` of `whole` is `rate`, give or take five standard deviations and `slack`."""
    assert whole > 0
    assert part / whole == pytest.approx(rate, abs=5 * sqrt(rate * (1 - rate) / whole) + slack)


def test_there_are_as_many_as_asked_for(sample: Sample) -> None:
    assert sample.rows["debtor"] == PLAN.debtors
    assert sample.rows["installment"] == pytest.approx(5 * PLAN.debtors, rel=0.1)
    assert sample.rows["contact"] == pytest.approx(PLAN.contacts * PLAN.debtors, rel=0.08)


def test_known_phones(sample: Sample) -> None:
    _near(len(sample.with_phone), PLAN.debtors, 0.66)


def test_numbers_reached(sample: Sample) -> None:
    reached = sum(any(result == "talked_self" for _, result in dials) for dials in sample.dials.values())
    _near(reached, len(sample.dials), 0.265)


def test_dials_a_person(sample: Sample) -> None:
    assert sum(map(len, sample.dials.values())) / len(sample.called) == pytest.approx(2.8, abs=0.15)


def test_promises_among_those_reached(sample: Sample) -> None:
    assert sample.promised - {showcase.BROKEN.id, showcase.PROMISED.id} <= sample.reached
    _near(len(sample.promised), len(sample.reached), 0.25)


@pytest.mark.parametrize(("misses", "published"), [(2, (0.230, 0.340, 0.412)), (3, (0.147, 0.264, 0.286))])
def test_answers_after_misses_by_kind_of_day(sample: Sample, misses: int, published: tuple[float, ...]) -> None:
    calendar = Calendar()
    dialled: Counter[int] = Counter()
    answered: Counter[int] = Counter()
    for dials in sample.dials.values():
        if len(dials) > misses:
            at, result = sorted(dials)[misses]
            day = datetime.fromisoformat(at).date()
            kind = 1 if day.weekday() == 5 else 2 if calendar.is_closed(day) else 0
            dialled[kind] += 1
            answered[kind] += result.startswith(("talked", "wrong", "refused"))
    for kind in range(3):
        _near(answered[kind], dialled[kind], published[kind])


def test_arrears_have_a_usual_middle_and_a_long_tail(sample: Sample) -> None:
    owed = sorted(yen for yen in sample.owed.values() if yen)
    assert median(owed) == pytest.approx(40_000, rel=0.15)
    assert owed[len(owed) * 99 // 100] > 8 * median(owed)


def test_carried_over_arrears_come_in_at_a_fifth_a_year(sample: Sample) -> None:
    open_in_april, paid_since = sample.carried_over
    # eight of twelve months have passed
    assert 0.10 < paid_since / open_in_april < 0.22


def test_mix_of_items_and_areas(sample: Sample) -> None:
    assert sample.items.most_common(1)[0][0] == "resident_ordinary"
    assert len(sample.items) == 15
    _near(sample.items["light_vehicle"], sample.items.total(), 0.18, slack=0.03)
    _near(sample.companies, PLAN.debtors, 0.06)
    assert sample.areas["tax"] > 0.9 * PLAN.debtors
    assert min(sample.areas[area] for area in ("public", "private", "health", "survey")) > 200
    assert {"en", "vi", "zh", "pt", "ja"} == set(sample.languages)


def test_recalls_are_overdue_due_today_and_to_come(sample: Sample) -> None:
    today = TODAY.isoformat()
    assert sample.recalls[today] > 20
    assert any(day < today for day in sample.recalls)
    assert any(day > today for day in sample.recalls)


def test_some_letters_come_back(sample: Sample) -> None:
    _near(sample.returned, sample.rows["dispatch"], 0.04)


def test_messages_bring_calls_and_payments() -> None:
    sent = reacted = 0
    for rows in islice(chunks(replace(PLAN, contacts=5.0)), 8):
        answered = {row[12] for row in rows.tables["contact"]}
        paid: dict[int, list[str]] = defaultdict(list)
        for row in rows.tables["payment"]:
            paid[row[1]].append(row[4])
        for row in rows.tables["contact"]:
            if row[3] == "sms" and row[2] == "tax" and row[4] < "2026-10-25":  # its two weeks are over
                end = (datetime.fromisoformat(row[4]) + timedelta(days=10)).date().isoformat()
                sent += 1
                reacted += row[0] in answered or any(row[4][:10] < day <= end for day in paid[row[1]])
    # payments that would have come anyway are among them, and people who owe nothing any more do not pay
    _near(reacted, sent, 0.34, slack=0.04)


# -- the same plan, the same city


def _digest(rows: Iterator[Rows] | list[Rows]) -> str:
    made = hashlib.sha256()
    for chunk in rows:
        for table in COLUMNS:
            made.update(repr(chunk.tables[table]).encode())
    return made.hexdigest()


SMALL = replace(PLAN, debtors=2_300)


def test_equal_plans_give_equal_cities() -> None:
    assert _digest(chunks(SMALL)) == _digest(chunks(replace(SMALL)))


@pytest.mark.parametrize("change", [{"seed": 8}, {"today": date(2026, 11, 25)}, {"contacts": 3.0}])
def test_another_plan_gives_another_city(change: dict[str, object]) -> None:
    assert _digest(chunks(SMALL)) != _digest(chunks(replace(SMALL, **change)))  # type: ignore[arg-type]


def test_a_chunk_depends_on_nothing_before_it() -> None:
    in_order = list(chunks(SMALL))[2]
    assert _digest([build(World(SMALL), 2)]) == _digest([in_order])


@pytest.mark.parametrize("today", [date(2026, 4, 1), date(2026, 5, 7), date(2027, 1, 4), date(2028, 2, 29)])
def test_a_city_can_stand_on_any_day(today: date) -> None:
    plan = replace(SMALL, today=today)
    for rows in chunks(plan):
        assert all(row[4][:10] < today.isoformat() for row in rows.tables["contact"])
        assert all((row[7] or "") < today.isoformat() for row in rows.tables["dispatch"])
        _check_sums(rows, today)


def test_a_large_city_is_built_a_chunk_at_a_time() -> None:
    city = chunks(replace(PLAN, debtors=1_000_000))
    assert next(city).debtors == CHUNK


def test_memory_does_not_grow_with_the_city() -> None:
    def peak(count: int) -> int:
        city = chunks(replace(PLAN, debtors=1_000_000))
        next(city)
        tracemalloc.start()
        for _ in islice(city, count):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(5) < 1.5 * peak(2)


def test_ids_are_never_given_twice() -> None:
    seen: dict[str, set[object]] = defaultdict(set)
    for rows in chunks(replace(SMALL, contacts=6.0)):
        for table, made in rows.tables.items():
            if COLUMNS[table].startswith("id "):
                ids = [row[0] for row in made]
                assert len(set(ids)) == len(ids)
                assert not seen[table] & set(ids)
                assert ids == sorted(ids)
                seen[table].update(ids)


def test_contacts_happen_in_office_hours_and_answers_after_their_causes() -> None:
    at: dict[str, str] = {}
    for rows in chunks(SMALL):
        for row in rows.tables["contact"]:
            at[row[0]] = row[4]
            assert "00:00:00" <= row[4][11:19] < "11:00:00"  # 9:00 to 20:00 in Japan
            assert row[4] < row[14]
            assert (row[12] is not None) == (row[3] == "call_in")
            if row[12] is not None:
                assert at[row[12]] < row[4]


@pytest.mark.req("T15")
def test_nothing_about_money_stands_in_health_contacts() -> None:
    seen: Counter[str] = Counter()
    for rows in islice(chunks(PLAN), 4):
        seen.update(row[2] for row in rows.tables["contact"])
        noted = "".join(row[9] + row[10] for row in rows.tables["contact"] if row[2] == "health")
        assert not any(word in noted for word in ("納", "滞", "払", "税", "減免"))
        with_claims = {row[1] for row in rows.tables["assessment"]}
        health = {row[1] for row in rows.tables["contact"] if row[2] == "health"}
        assert not health & with_claims
    assert min(seen[area] for area in ("tax", "public", "private", "health")) > 10


# -- people in every city


@pytest.fixture(scope="module")
def first() -> Rows:
    """The first chunk."""
    return next(chunks(PLAN))


def test_showcase_people_come_first(first: Rows) -> None:
    for shown, row in zip(showcase.PEOPLE, first.tables["debtor"], strict=False):
        assert (row[0], row[1], row[3]) == (shown.id, shown.number, shown.name)
        assert row[7] == shown.birth_date.isoformat()
        owed = sum(made[7] for made in first.tables["installment"] if made[2] == shown.id)
        assert owed > 0


def test_showcase_numbers_are_on_the_record(first: Rows) -> None:
    numbers = {row[2]: row[1] for row in first.tables["phone"]}
    for shown in showcase.PEOPLE:
        for number in (shown.mobile, shown.landline):
            assert number is None or numbers[number] == shown.id


def test_showcase_flags(first: Rows) -> None:
    flags = {(row[1], row[3]) for row in first.tables["flag"]}
    assert {(showcase.PROTECTED.id, "protected"), (showcase.LAWYER.id, "lawyer")} <= flags


def _standing(first: Rows, debtor: int) -> PromiseStatus:
    (promise,) = (row for row in first.tables["promise"] if row[1] == debtor)
    lines = tuple(
        PromiseLine(date.fromisoformat(row[2]), row[3]) for row in first.tables["promise_line"] if row[0] == promise[0]
    )
    paid = [Payment(date.fromisoformat(row[4]), row[6]) for row in first.tables["payment"] if row[1] == debtor]
    made = Promise(date.fromisoformat(promise[3][:10]), lines)
    return judge(made, paid, TODAY, 3, Calendar().is_closed)


def test_showcase_promises(first: Rows) -> None:
    assert _standing(first, showcase.BROKEN.id).outcome is PromiseOutcome.BROKEN
    assert _standing(first, showcase.PROMISED.id).outcome is PromiseOutcome.PENDING


def test_promises_stand_in_every_way() -> None:
    outcomes: Counter[PromiseOutcome] = Counter()
    for rows in islice(chunks(PLAN), 6):
        for row in rows.tables["promise"]:
            outcomes[_standing(rows, row[1]).outcome] += 1
    assert all(outcomes[outcome] > 3 for outcome in PromiseOutcome)
    assert outcomes[PromiseOutcome.KEPT] + outcomes[PromiseOutcome.PARTLY] > outcomes[PromiseOutcome.BROKEN]
